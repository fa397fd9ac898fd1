package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// # Putting a dead letter back
//
// The command is published again as it came, on its durable subject, under a new id:
// under its old one it would get the failure that is on record. The new id is a
// function of the dead letter, so that who puts it back twice has it run once, as long
// as the connector knows repeats (CC_IDEMPOTENCY_WINDOW). That is how it is mended
// that nobody knows whether the stream has it: an answer may be lost. Only when the
// stream is known to have it is the dead letter deleted.
//
// An expirytime that is over would have the command expire at once. So it is taken
// out; CC_COMMAND_MAX_AGE, from now on, is then its only limit. One that is still to
// come stays.

// PutBack is what became of a dead letter.
type PutBack struct {
	Sequence uint64 `json:"sequence"` // of the dead letter
	Command  string `json:"command"`
	ChatID   string `json:"chatId,omitempty"`
	ID       string `json:"id"`                      // the command's new one, by which its result tells what caused it
	Expired  bool   `json:"expirytimeOut,omitempty"` // its expirytime was over, and is taken out
	Stored   uint64 `json:"stored"`                  // where it stands in CC_COMMANDS
}

// ErrUnfitLetter says that a dead letter is none that the connector could have written.
var ErrUnfitLetter = errors.New("the dead letter cannot be read as a durable command, so it cannot be put back: look at it, and send the command anew")

// PutBack has the command of a dead letter run again; ErrNoLetter, ErrUnfitLetter.
func (d *Dead) PutBack(ctx context.Context, sequence uint64) (PutBack, error) {
	letter, err := d.letterAt(ctx, sequence)
	if err != nil {
		return PutBack{}, err
	}
	msg, done, err := d.again(letter, time.Now())
	if err != nil {
		return done, err
	}
	commands := d.cfg.Prefix.StreamName("COMMANDS")
	publishing, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
	defer cancel()
	ack, err := d.js.PublishMsg(publishing, msg, jetstream.WithExpectStream(commands), jetstream.WithRetryAttempts(0))
	if err != nil {
		return done, fmt.Errorf("%s: %w", whatBecame(err), bus.Explain(commands, err))
	}
	done.Stored = ack.Sequence
	if err := d.Delete(ctx, sequence); err != nil && !errors.Is(err, ErrNoLetter) {
		return done, fmt.Errorf("the command is put back, but its dead letter is not deleted (to put it back once more within CC_IDEMPOTENCY_WINDOW is harmless): %w", err)
	}
	return done, nil
}

// whatBecame says what is known of a command whose publication has failed.
func whatBecame(err error) string {
	var answer *jetstream.APIError
	if errors.As(err, &answer) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return "the command is not put back, and its dead letter stays"
	}
	return "it is not known whether the command is put back, and its dead letter stays: put it back once more within CC_IDEMPOTENCY_WINDOW, and it runs once"
}

// again is the message of a dead letter as it is to be published.
func (d *Dead) again(letter *bus.Stored, now time.Time) (*nats.Msg, PutBack, error) {
	done := PutBack{Sequence: letter.Sequence, ID: d.newID(letter)}
	subject, err := d.cfg.Prefix.Parse(letter.Subject)
	spec, known := schema.LookupCommand(string(subject.Command))
	if err != nil || subject.Kind != subjects.KindDeadLetter || !known || !spec.Durable || spec.NamesChat() != (subject.Chat != "") || letter.Unreadable {
		return nil, done, ErrUnfitLetter
	}
	done.Command, done.ChatID = string(subject.Command), subject.Chat.ID()
	e, form, err := schema.DecodeCommand(letter.Header, letter.Data)
	if err != nil {
		return nil, done, ErrUnfitLetter
	}
	expires, err := schema.ExpiryTime(e)
	done.Expired = err == nil && !expires.IsZero() && !now.Before(expires)
	msg := &nats.Msg{Subject: d.cfg.Prefix.Durable(subject.Command, subject.Chat), Header: ownHeaders(letter.Header), Data: letter.Data}
	if err := rename(msg, form, done.ID, done.Expired); err != nil {
		return nil, done, err
	}
	return msg, done, check(letter, msg, form, done.ID)
}

// newID is the same whenever a dead letter is put back, and a repeat of it.
func (d *Dead) newID(letter *bus.Stored) string {
	if id := letter.Header.Get(nats.MsgIdHdr); id != "" {
		return translate.ID("put back", id)
	}
	return translate.ID("put back", d.deadName(), strconv.FormatUint(letter.Sequence, 10), letter.Time.UTC().Format(time.RFC3339Nano))
}

// ownHeaders are those that the command came with, but for what they told JetStream.
func ownHeaders(all nats.Header) nats.Header {
	own := maps.Clone(all)
	maps.DeleteFunc(own, func(name string, _ []string) bool {
		lower := strings.ToLower(name)
		return ours[lower] || strings.HasPrefix(lower, "nats-")
	})
	if own == nil {
		own = nats.Header{}
	}
	return own
}

// ours are the headers that the connector gave the dead letter.
var ours = map[string]bool{
	"cc-command-id": true, "cc-error-code": true, "cc-error-message": true, "cc-attempts": true, "cc-first-seen": true,
}

// rename gives a command another id, in any form, and takes its expirytime out if
// that is over.
func rename(msg *nats.Msg, form schema.Form, id string, isExpired bool) (err error) {
	switch form {
	case schema.FormPlain:
		msg.Header.Set(nats.MsgIdHdr, id)
	case schema.FormBinary:
		renameHeaders(msg.Header, id, isExpired)
	case schema.FormStructured:
		msg.Data, err = renameMember(msg.Data, id, isExpired)
	}
	return err
}

func renameHeaders(h nats.Header, id string, isExpired bool) {
	for name := range h {
		switch strings.ToLower(name) {
		case "ce-id":
			h[name] = []string{id}
		case "ce-" + schema.AttrExpiryTime:
			if isExpired {
				delete(h, name)
			}
		}
	}
}

// renameMember leaves the members' values as they are written.
func renameMember(data []byte, id string, isExpired bool) ([]byte, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return nil, ErrUnfitLetter
	}
	members["id"], _ = schema.JSON(id) // a string
	if isExpired {
		delete(members, schema.AttrExpiryTime)
	}
	return schema.JSON(members)
}

// check holds what is to be published against the dead letter: nothing but the id,
// and an expirytime, may differ.
func check(letter *bus.Stored, msg *nats.Msg, form schema.Form, id string) error {
	was, _, _ := schema.DecodeCommand(letter.Header, letter.Data)
	is, now, err := schema.DecodeCommand(msg.Header, msg.Data)
	named := msg.Header.Get(nats.MsgIdHdr)
	if form != schema.FormPlain && err == nil {
		named = is.ID()
	}
	if err != nil || now != form || named != id || form != schema.FormPlain && was.Source() != is.Source() || !isSameData(was.Data(), is.Data()) {
		return ErrUnfitLetter
	}
	return nil
}

// isSameData compares how data are written, but for spaces between the members.
func isSameData(was, is []byte) bool {
	if bytes.Equal(was, is) {
		return true
	}
	var a, b bytes.Buffer
	return json.Compact(&a, was) == nil && json.Compact(&b, is) == nil && bytes.Equal(a.Bytes(), b.Bytes())
}
