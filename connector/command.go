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
	"github.com/google/uuid"
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
}

// readCommand reads any of the three forms. The subject alone decides what is
// run. Even when it refuses, what it returns is good enough to answer with.
func readCommand(spec *schema.Command, header nats.Header, data []byte) (*command, *schema.Error) {
	cmd := &command{name: subjects.Command(spec.Name), spec: spec}
	e, form, err := schema.Decode(header, data)
	cmd.identify(e, form, header)
	unfit := cmd.checkAttributes(form)
	if err != nil {
		return cmd, invalidCommand(err)
	}
	if unfit != nil {
		return cmd, invalidCommand(unfit)
	}
	cmd.data = e.Data()
	cmd.chat = chatNamedIn(cmd.data)
	if cmd.expires, err = schema.ExpiryTime(e); err != nil {
		return cmd, invalidCommand(err)
	}
	if err := spec.Validate(cmd.data); err != nil {
		return cmd, invalidCommand(err)
	}
	return cmd, nil
}

// unread is a command that nobody looked into, good enough to answer with.
func unread(spec *schema.Command, header nats.Header) *command {
	cmd := &command{name: subjects.Command(spec.Name), spec: spec}
	cmd.identify(plainEvent, schema.FormPlain, header)
	_ = cmd.checkAttributes(schema.FormPlain) // the answer is the same, but can be written
	return cmd
}

// identify gives the command the identity that its sender gave it, or a new one.
func (c *command) identify(e event.Event, form schema.Form, header nats.Header) {
	c.id = header.Get(nats.MsgIdHdr)
	if form != schema.FormPlain && e.Context != nil {
		c.source, c.id = e.Source(), e.ID()
	}
	if c.id == "" {
		c.id = uuid.NewString()
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
func (c *command) checkAttributes(form schema.Form) error {
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
	check(idName, &c.id, schema.MaxID, uuid.NewString())
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
func (c *command) resultID() string { return idOf("result", c.source, c.id) }

// derivedClient makes a repeat of a chat.request reach the same chat.
func (c *command) derivedClient() brightpattern.ClientID {
	return brightpattern.ClientID(idOf("client", c.source, c.id))
}

func (c *command) isExpired(now time.Time) bool {
	return !c.expires.IsZero() && !now.Before(c.expires)
}
