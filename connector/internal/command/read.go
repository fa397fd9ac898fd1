package command

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
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// command is a message on a command subject, as far as it could be read.
type command struct {
	journal.Identity
	spec       *schema.Command
	form       schema.Form // in which it came
	message    string      // which of all messages it came in
	expires    time.Time   // zero: never
	question   bool        // its sender wants to know what is on record: see schema.AttrQuestion
	data       json.RawMessage
	understood bool            // the data are valid
	values     any             // the data as their struct; nil if they are not valid
	chat       chats.Key       // the chat that it names; zero if none
	record     *journal.Record // what the journal knows of it; nil if it is not recorded
	began      time.Time       // when it was about to be recorded as begun, here
	isFirst    bool            // a durable one that is sent by the run that made its record
	number     *uint64         // the message number of a live one, when it has one
}

// arrival is a message on a command subject, of either lane.
type arrival struct {
	header   nats.Header
	data     []byte
	id       string               // this message's alone; in place of one that the sender did not give
	chat     brightpattern.ChatID // that a durable subject names
	tooLarge bool                 // for its command: nothing but its id is kept
	form     schema.Form          // in which it seems to have come, if it is too large
}

// bounded lets go of a message of a size that its command cannot need.
func (a arrival) bounded(spec *schema.Command, size int) arrival {
	if a.tooLarge || size <= spec.MaxSize() {
		return a
	}
	kept := arrival{id: a.id, chat: a.chat, tooLarge: true, form: schema.FormOf(a.header, a.data)}
	if id := a.header.Get(nats.MsgIdHdr); id != "" && len(id) <= schema.MaxID {
		kept.header = nats.Header{nats.MsgIdHdr: {id}}
	}
	return kept
}

func (a arrival) size() int {
	return (&nats.Msg{Header: a.header, Data: a.data}).Size()
}

// read reads any of the three forms. The subject alone decides what is
// run. Even when it refuses, what it returns is good enough to answer with.
func read(spec *schema.Command, a arrival) (*command, *schema.Error) {
	if a = a.bounded(spec, a.size()); a.tooLarge {
		return unread(spec, a), invalidCommand(&schema.FieldError{
			Field: "data", Problem: fmt.Sprintf("is too long: %s needs at most %d bytes, headers included", spec.Name, spec.MaxSize()),
		})
	}
	e, form, err := schema.DecodeCommand(a.header, a.data)
	if form == "" { // nobody can tell
		form = schema.FormOf(a.header, a.data)
	}
	cmd := identified(spec, e, form, a)
	unfit := cmd.checkAttributes(form, a)
	if err == nil {
		err = unfit
	}
	if err == nil {
		err = cmd.take(e, a.chat)
	}
	if err != nil {
		cmd.refuse()
		cmd.locate(e.Data(), a.chat)
		return cmd, invalidCommand(err)
	}
	cmd.ChatID = cmd.chat.ID
	cmd.Result = translate.ID("result", cmd.Source, cmd.ID)
	if spec.Read { // each run of it has a result of its own
		cmd.Result = translate.ID("read result", cmd.Source, cmd.ID, cmd.message)
	}
	cmd.Key = cmd.Result
	return cmd, nil
}

// take reads what the command wants.
func (c *command) take(e event.Event, named brightpattern.ChatID) (err error) {
	c.data = brightpattern.WithoutHalves(e.Data())                       // as whoever reads strings reads them
	c.chat, _ = chats.KeyOf(brightpattern.ChatID(c.spec.ChatIn(c.data))) // none: the zero key
	if named != "" && !isChatID(named) {
		return &schema.FieldError{Field: "subject", Problem: fmt.Sprintf("must name a chat by UTF-8 of at most %d bytes", schema.MaxID)}
	}
	if named != "" {
		c.chat, _ = chats.KeyOf(named) // the subject had it as a token
		var unfit *schema.FieldError
		if c.data, unfit = c.spec.WithChat(c.data, string(named)); unfit != nil {
			return unfit
		}
	}
	if c.expires, err = schema.ExpiryTime(e); err != nil {
		return err
	}
	c.question = schema.Extension(e, schema.AttrQuestion) == "true" && c.isExpired(time.Now())
	if unfit := c.spec.Validate(c.data); unfit != nil {
		return unfit
	}
	values := c.spec.NewData()
	if err := schema.ReadData(c.data, values); err != nil {
		return err
	}
	c.understood, c.values = true, values
	return nil
}

func isChatID(id brightpattern.ChatID) bool {
	return len(id) <= schema.MaxID && utf8.ValidString(string(id))
}

// locate finds the chat of a command that is refused: the one that the subject
// names, or the data. Earlier versions name such a refusal without it, so its id
// must stand by then.
func (c *command) locate(data []byte, named brightpattern.ChatID) {
	if named == "" {
		named = brightpattern.ChatID(c.spec.ChatIn(brightpattern.WithoutHalves(data)))
	}
	if c.chat.Token == "" && isChatID(named) {
		c.chat, _ = chats.KeyOf(named) // none: the zero key
	}
	c.ChatID = c.chat.ID
}

// unread is a command that nobody looked into, good enough to answer with.
func unread(spec *schema.Command, a arrival) *command {
	cmd := identified(spec, event.Event{}, schema.FormPlain, a)
	if cmd.form = a.form; cmd.form == "" {
		cmd.form = schema.FormOf(a.header, a.data)
	}
	_ = cmd.checkAttributes(schema.FormPlain, a) // the answer is the same, but can be written
	cmd.refuse()
	cmd.locate(nil, a.chat)
	return cmd
}

// identified is a command with the identity that its sender gave it, or the
// one in its place.
func identified(spec *schema.Command, e event.Event, form schema.Form, a arrival) *command {
	c := &command{spec: spec, form: form, message: a.id}
	c.Command, c.ID = subjects.Command(spec.Name), a.header.Get(nats.MsgIdHdr)
	if form != schema.FormPlain && e.Context != nil {
		c.Source, c.ID = e.Source(), e.ID()
	}
	if c.ID == "" {
		c.ID = a.id
	}
	c.Correlation = c.ID
	c.TraceParent, c.TraceState = traceOf(e, a.header)
	if e.Context == nil {
		return c
	}
	if given := schema.Extension(e, schema.AttrCorrelationID); given != "" {
		c.Correlation = given
	}
	return c
}

// checkAttributes refuses what the result could not carry on, and puts
// something in its place that it can.
func (c *command) checkAttributes(form schema.Form, a arrival) error {
	idName := "id"
	var problems []error
	if form == schema.FormPlain {
		idName = nats.MsgIdHdr
		switch given, ok := a.header[nats.MsgIdHdr]; {
		case ok && strings.TrimSpace(strings.Join(given, "")) == "":
			c.ID = a.id
			problems = append(problems, &schema.FieldError{Field: idName, Problem: "is empty: give an id that no other command has, or leave the header out"})
		case len(given) > 1:
			problems = append(problems, &schema.FieldError{Field: idName, Problem: "is given more than once"})
		}
	}
	check := func(name string, value *string, most int, instead string) {
		if !utf8.ValidString(*value) || len(*value) > most || strings.ContainsFunc(*value, unicode.IsControl) {
			*value = instead
			problems = append(problems, &schema.FieldError{Field: name, Problem: fmt.Sprintf("must be UTF-8 of at most %d bytes, without control characters", most)})
		}
	}
	if c.Correlation == c.ID {
		c.Correlation = ""
	}
	check(idName, &c.ID, schema.MaxID, a.id)
	check(schema.AttrCorrelationID, &c.Correlation, schema.MaxString, "")
	check(schema.AttrTraceParent, &c.TraceParent, schema.MaxString, "")
	check(schema.AttrTraceState, &c.TraceState, schema.MaxString, "")
	if c.Correlation == "" {
		c.Correlation = c.ID
	}
	return errors.Join(problems...)
}

// refuse gives the command the result id of one that was refused before it
// began, which is this message's alone: whoever may send anything at all could
// otherwise take the result of another's command away.
func (c *command) refuse(more ...string) {
	c.Result = translate.ID(append([]string{"refusal", c.Source, c.ID, c.spec.Name, string(c.chat.ID), c.message}, more...)...)
	c.Key = c.Result
}

// fingerprint tells one command from another of the same identity: by what it
// is and by its data, however they are written. A secret form's values are
// left out: who sees the journal could try them all.
func (c *command) fingerprint() string {
	values := c.values
	if values == nil { // refused data
		return translate.ID("raw", string(c.Command), c.Result)
	}
	if form, secret := values.(*schema.ChatSecureForm); secret {
		open := *form
		open.Data, values = nil, &open
	}
	written, err := json.Marshal(values) // never seen, and the same in every version
	if err != nil {
		written = c.data
	}
	return translate.ID("fingerprint", string(c.Command), translate.CanonicalStruct(written)) // objects that are passed on keep their own order
}

// earlierClient is what versions before replicas.FormatReferences derive as the
// client of a chat.request that names none.
func (c *command) earlierClient() brightpattern.ClientID {
	return brightpattern.ClientID(translate.ID("client", c.Source, c.ID))
}

// mayBeDone tells whether an earlier try may have been carried out.
func (c *command) mayBeDone() bool { return c.record != nil && c.record.MayBeDone }

func (c *command) isDurable() bool { return c.record != nil && c.record.Message != 0 }

func (c *command) isExpired(now time.Time) bool {
	return !c.expires.IsZero() && !now.Before(c.expires)
}

// isCalledAtOnce tells of a message that is sent as soon as it has its number. One
// that moves a file is not, and has its number on record before it is sent.
func (c *command) isCalledAtOnce() bool { return c.spec.MessageID && !movesFile[c.spec.Name] }
