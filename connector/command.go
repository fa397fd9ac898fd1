package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// command is a message on a command subject, as far as it could be read.
type command struct {
	name        subjects.Command
	spec        *schema.Command
	source, id  string // its identity
	correlation string
	traceParent string
	traceState  string
	expires     time.Time // zero: never
	data        json.RawMessage
	chat        chatKey // the chat that it names; zero if none
	result      string  // the id of its result, if it is not the one of its identity
	journalKey  string  // if it is not the id of its result
	record      *record // what the journal knows of it; nil if it is not recorded
}

// arrival is a message on a command subject, of either lane.
type arrival struct {
	header nats.Header
	data   []byte
	id     string               // in place of one that the sender did not give
	chat   brightpattern.ChatID // that a durable subject names
}

// readCommand reads any of the three forms. The subject alone decides what is
// run. Even when it refuses, what it returns is good enough to answer with.
func readCommand(spec *schema.Command, a arrival) (*command, *schema.Error) {
	cmd := &command{name: subjects.Command(spec.Name), spec: spec}
	e, form, err := schema.Decode(a.header, a.data)
	cmd.identify(e, form, a)
	unfit := cmd.checkAttributes(form, a.id)
	if err == nil {
		err = unfit
	}
	if err == nil {
		err = cmd.take(e, a.chat)
	}
	if err != nil {
		cmd.result = cmd.refusalID()
		return cmd, invalidCommand(err)
	}
	return cmd, nil
}

// take reads what the command wants.
func (c *command) take(e event.Event, named brightpattern.ChatID) (err error) {
	c.data = e.Data()
	c.chat = chatNamedIn(c.data)
	if named != "" && (len(named) > schema.MaxID || !utf8.ValidString(string(named))) {
		return &schema.FieldError{Field: "subject", Problem: fmt.Sprintf("must name a chat by UTF-8 of at most %d bytes", schema.MaxID)}
	}
	if named != "" {
		c.chat, _ = keyOf(named) // the subject had it as a token
		var unfit *schema.FieldError
		if c.data, unfit = c.spec.WithChat(c.data, string(named)); unfit != nil {
			return unfit
		}
	}
	if c.expires, err = schema.ExpiryTime(e); err != nil {
		return err
	}
	if unfit := c.spec.Validate(c.data); unfit != nil {
		return unfit
	}
	return nil
}

// unread is a command that nobody looked into, good enough to answer with.
func unread(spec *schema.Command, a arrival) *command {
	cmd := &command{name: subjects.Command(spec.Name), spec: spec}
	cmd.identify(plainEvent, schema.FormPlain, a)
	_ = cmd.checkAttributes(schema.FormPlain, a.id) // the answer is the same, but can be written
	cmd.result = cmd.refusalID()
	return cmd
}

// identify gives the command the identity that its sender gave it, or the one in its place.
func (c *command) identify(e event.Event, form schema.Form, a arrival) {
	c.id = a.header.Get(nats.MsgIdHdr)
	if form != schema.FormPlain && e.Context != nil {
		c.source, c.id = e.Source(), e.ID()
	}
	if c.id == "" {
		c.id = a.id
	}
	c.correlation = c.id
	if e.Context == nil {
		return
	}
	if given := schema.Extension(e, schema.AttrCorrelationID); given != "" {
		c.correlation = given
	}
	c.traceParent = schema.Extension(e, schema.AttrTraceParent)
	c.traceState = schema.Extension(e, schema.AttrTraceState)
}

// checkAttributes refuses what the result could not carry on, and puts
// something in its place that it can.
func (c *command) checkAttributes(form schema.Form, id string) error {
	idName := "id"
	if form == schema.FormPlain {
		idName = nats.MsgIdHdr
	}
	var problems []error
	check := func(name string, value *string, most int, instead string) {
		if !utf8.ValidString(*value) || len(*value) > most || strings.ContainsFunc(*value, unicode.IsControl) {
			*value = instead
			problems = append(problems, &schema.FieldError{Field: name, Problem: fmt.Sprintf("must be UTF-8 of at most %d bytes, without control characters", most)})
		}
	}
	if c.correlation == c.id {
		c.correlation = ""
	}
	check(idName, &c.id, schema.MaxID, id)
	check(schema.AttrCorrelationID, &c.correlation, schema.MaxString, "")
	check(schema.AttrTraceParent, &c.traceParent, schema.MaxString, "")
	check(schema.AttrTraceState, &c.traceState, schema.MaxString, "")
	if c.correlation == "" {
		c.correlation = c.id
	}
	return errors.Join(problems...)
}

// chatNamedIn finds the chat in data that may be refused for something else.
func chatNamedIn(data []byte) chatKey {
	var named struct {
		ChatID   json.RawMessage `json:"chatId"`
		FromPush json.RawMessage `json:"chatID"`
	}
	if json.Unmarshal(data, &named) != nil {
		return chatKey{}
	}
	for _, raw := range []json.RawMessage{named.FromPush, named.ChatID} {
		var id brightpattern.ChatID
		if json.Unmarshal(raw, &id) == nil && id != "" && len(id) <= schema.MaxID {
			key, _ := keyOf(id)
			return key
		}
	}
	return chatKey{}
}

// resultID is the id of the command's result, the same for every repeat.
func (c *command) resultID() string {
	if c.result != "" {
		return c.result
	}
	return idOf("result", c.source, c.id)
}

// refusalID is the id of the result of a command that was refused before it
// began: a good one with the same identity must still have its own.
func (c *command) refusalID(more ...string) string {
	return idOf(append([]string{"refusal", c.source, c.id, c.spec.Name, string(c.chat.id)}, more...)...)
}

// refuse turns down a command that has not begun.
func (c *command) refuse(failure *schema.Error) outcome {
	if c.result == "" {
		c.result = c.refusalID()
	}
	return outcome{cmd: c, failure: failure, at: time.Now().UTC()}
}

// key is what the journal knows the command by.
func (c *command) key() string {
	if c.journalKey != "" {
		return c.journalKey
	}
	return c.resultID()
}

// fingerprint tells one command from another of the same identity: by what it
// is and by its data, however they are written. A secret form's values are
// left out: who sees the journal could try them all.
func (c *command) fingerprint() string {
	data := c.spec.NewData()
	if schema.ReadData(c.data, data) != nil { // refused data
		return idOf("raw", string(c.name), c.resultID())
	}
	if form, secret := data.(*schema.ChatSecureForm); secret {
		form.Data = nil
	}
	written, err := json.Marshal(data)
	if err != nil {
		written = c.data
	}
	return idOf("fingerprint", string(c.name), canonical(written)) // objects that are passed on keep their own order
}

// derivedClient makes a repeat of a chat.request reach the same chat.
func (c *command) derivedClient() brightpattern.ClientID {
	return brightpattern.ClientID(idOf("client", c.source, c.id))
}

// mayBeDone tells whether an earlier try may have been carried out.
func (c *command) mayBeDone() bool { return c.record != nil && c.record.MayBeDone }

func (c *command) isDurable() bool { return c.record != nil && c.record.Message != 0 }

func (c *command) isExpired(now time.Time) bool {
	return !c.expires.IsZero() && !now.Before(c.expires)
}
