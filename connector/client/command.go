package client

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// Command is one thing to be done, once. To send it again, send the same one:
// its id makes a repeat of it. A program that reacts to events, and may be given
// one twice, derives the id from the event's and its own name: then it does not
// answer twice either.
type Command struct {
	Data        any       // one of package schema's structs of data, or a pointer to it: &schema.ChatSend{…}
	ID          string    // unique over all programs on the bus; NewCommand makes a UUID. See [Command]
	Correlation string    // carried over to the outcome; the id
	Expires     time.Time // past it, no call is made; never
	TraceParent string    // W3C trace context; none
	TraceState  string
}

// NewCommand gives data an id. The data's type says which command it is.
func NewCommand(data any) *Command { return &Command{Data: data, ID: uuid.NewString()} }

// correlation is the command's, as its outcome tells it.
func (c *Command) correlation() string {
	if c.Correlation != "" {
		return c.Correlation
	}
	return c.ID
}

// checkTexts refuses what no result could carry on.
func (c *Command) checkTexts() error {
	for _, t := range []struct {
		field, value string
		most         int
	}{
		{"Command.ID", c.ID, schema.MaxID}, {"Command.Correlation", c.Correlation, schema.MaxString},
		{"Command.TraceParent", c.TraceParent, schema.MaxString}, {"Command.TraceState", c.TraceState, schema.MaxString},
	} {
		if err := checkText(t.field, t.value, t.most); err != nil {
			return err
		}
	}
	return nil
}

func checkText(field, value string, most int) error {
	if utf8.ValidString(value) && len(value) <= most && !strings.ContainsFunc(value, unicode.IsControl) {
		return nil
	}
	return &schema.FieldError{Field: field, Problem: fmt.Sprintf("must be UTF-8 of at most %d bytes, without control characters", most)}
}

// byData are the commands by the types of their data.
var byData = func() map[reflect.Type]*schema.Command {
	found := make(map[reflect.Type]*schema.Command, len(schema.Commands))
	for i := range schema.Commands {
		found[reflect.TypeOf(schema.Commands[i].NewData()).Elem()] = &schema.Commands[i]
	}
	return found
}()

func specOf(data any) (*schema.Command, error) {
	t := reflect.TypeOf(data)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	spec, known := byData[t]
	if !known || reflect.ValueOf(data).Kind() == reflect.Pointer && reflect.ValueOf(data).IsNil() {
		return nil, &schema.FieldError{Field: "Command.Data", Problem: "must be the data of a command, such as &schema.ChatSend{…}"}
	}
	return spec, nil
}

// request is a command as it can be sent.
type request struct {
	*Command
	spec *schema.Command
	data json.RawMessage
	chat subjects.ChatToken // that the data name; "" if none
	call event.Event
}

// prepare refuses what the connector would refuse, before anything is sent. The
// error is a [*schema.FieldError].
func (c *Client) prepare(cmd *Command) (*request, error) {
	if cmd == nil || cmd.ID == "" {
		return nil, &schema.FieldError{Field: "Command.ID", Problem: "is missing: let NewCommand make one"}
	}
	if err := cmd.checkTexts(); err != nil {
		return nil, err
	}
	spec, err := specOf(cmd.Data)
	if err != nil {
		return nil, err
	}
	data, err := schema.JSON(cmd.Data)
	if err != nil {
		return nil, &schema.FieldError{Field: "Command.Data", Problem: "cannot be written as JSON"}
	}
	if unfit := spec.Validate(data); unfit != nil {
		return nil, fmt.Errorf("%s: %w", spec.Name, unfit)
	}
	r := &request{Command: cmd, spec: spec, data: data}
	r.chat, _ = subjects.EscapeChat(spec.ChatIn(data)) // none: ""
	r.call = c.event(r)
	_, err = schema.Encode(r.call, c.cfg.Mode)
	return r, err
}

func (c *Client) event(r *request) event.Event {
	e := event.New()
	e.SetID(r.ID)
	e.SetSource(c.cfg.Source)
	e.SetType(schema.CommandType(r.spec.Noun(), r.spec.Verb()))
	if r.chat != "" {
		e.SetSubject(string(r.chat))
	}
	e.SetDataContentType(event.ApplicationJSON)
	e.DataEncoded = r.data
	setText(&e, schema.AttrCorrelationID, r.Correlation)
	setText(&e, schema.AttrTraceParent, r.TraceParent)
	setText(&e, schema.AttrTraceState, r.TraceState)
	if !r.Expires.IsZero() {
		e.SetExtension(schema.AttrExpiryTime, r.Expires.UTC().Format(time.RFC3339Nano))
	}
	return e
}

func setText(e *event.Event, name, value string) {
	if value != "" {
		e.SetExtension(name, value)
	}
}

func (r *request) name() subjects.Command { return subjects.Command(r.spec.Name) }

// Message is the command as it is published: on the live lane, or on the
// durable one, where JetStream tells repeats by the header Nats-Msg-Id.
func (c *Client) Message(cmd *Command, durable bool) (*nats.Msg, error) {
	r, err := c.prepare(cmd)
	if err != nil {
		return nil, err
	}
	if durable {
		return c.durable(r)
	}
	return c.live(r, r.call)
}

func (c *Client) live(r *request, e event.Event) (*nats.Msg, error) {
	msg, err := schema.Encode(e, c.cfg.Mode)
	if err != nil {
		return nil, err
	}
	msg.Subject = c.cfg.Prefix.Live(r.name())
	return msg, nil
}

func (c *Client) durable(r *request) (*nats.Msg, error) {
	if !r.spec.Durable {
		return nil, &schema.FieldError{Field: "Command.Data", Problem: r.spec.Name + " is a live command alone: use Do"}
	}
	msg, err := schema.Encode(r.call, c.cfg.Mode)
	if err != nil {
		return nil, err
	}
	msg.Subject = c.cfg.Prefix.Durable(r.name(), r.chat)
	msg.Header[jetstream.MsgIDHeader] = []string{r.ID}
	return msg, nil
}
