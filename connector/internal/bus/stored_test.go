package bus_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

// hostile publishes each message that is none, with and without data, and
// calls check with what it is until that is content.
func hostile(r *natstest.Rig, subject string, check func(unreadable bool, data string) error) {
	r.Helper()
	hand := r.ByHand()
	statuses, unreadable := natstest.NoMessages()
	for i, headers := range append(statuses, unreadable...) {
		for _, data := range []string{"", "data"} {
			hand.Publish(subject, headers, data)
			var err error
			r.Eventually(fmt.Sprintf("%q with %q is read", headers, data), func() bool {
				err = check(i >= len(statuses), data)
				return !errors.Is(err, jetstream.ErrMsgNotFound)
			})
			if err != nil {
				r.Errorf("%q with %q: %v", headers, data, err)
			}
		}
	}
}

// Whatever the headers of a message say, it is read: where it stands, and what
// is in it. Nothing is taken for the server's word.
func TestStoredMessagesAreData(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	const subject = "cc.result.service.version"
	sequence := uint64(1)
	hostile(r, subject, func(unreadable bool, data string) error {
		at, err := streams.Events.At(r.Ctx, sequence)
		if err != nil {
			return err
		}
		next, err := streams.Events.Next(r.Ctx, sequence, "cc.result.>")
		r.Check(err)
		last, err := streams.Events.Last(r.Ctx, subject)
		r.Check(err)
		for _, m := range []*bus.Stored{at, next, last} {
			if m.Sequence != sequence || m.Subject != subject || string(m.Data) != data || m.Unreadable != unreadable || m.Time.IsZero() {
				return fmt.Errorf("it is read as %+v", m)
			}
		}
		sequence++
		return nil
	})
	if there, err := bus.IsPublished(r.Ctx, natstest.Log(), streams.Events, subject, "no such id", 0); there || err != nil {
		t.Errorf("an id behind them: %v, %v", there, err)
	}
	for _, err := range []error{
		second(streams.Events.At(r.Ctx, sequence)), second(streams.Events.Next(r.Ctx, sequence, subject)), second(streams.Events.Last(r.Ctx, "cc.result.none")),
	} {
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Errorf("what is not there: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A bucket's values are read alike, also where it allows direct gets.
func TestValuesAreData(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	for name, b := range map[string]*bus.Bucket{"JOURNAL": streams.Journal, "STATE": streams.State, "CHATS": streams.Chats} {
		before := uint64(0)
		hostile(r, b.Subject("key"), func(_ bool, data string) error {
			value, err := b.Get(r.Ctx, "key")
			switch {
			case err != nil:
				return err
			case value.Revision == before:
				return jetstream.ErrMsgNotFound // not yet
			case string(value.Data) != data || value.Created.IsZero():
				return fmt.Errorf("it is read as %+v", value)
			}
			before = value.Revision
			return nil
		})
		if name == "JOURNAL" { // removes nothing
			continue
		}
		r.Check(b.Purge(r.Ctx, "key"))
		if value, err := b.Get(r.Ctx, "key"); err != nil || value.Revision != 0 {
			t.Errorf("in %s a key that was removed holds %+v, %v", name, value, err)
		}
	}
}

// JetStream is asked where the client library would ask; of a domain the tests
// of a pull know.
func TestReadUnderAPrefix(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	r.Streams()
	_, err := r.JS.Publish(r.Ctx, "cc.result.service.version", []byte("x"))
	r.Check(err)
	for _, prefix := range []string{"$JS.API", "$JS.API."} {
		r.JS, err = jetstream.NewWithAPIPrefix(r.NC, prefix)
		r.Check(err)
		if m, err := r.Streams().Events.At(r.Ctx, 1); err != nil || string(m.Data) != "x" {
			t.Errorf("with the prefix %s: %v, %v", prefix, m, err)
		}
	}
}

// Headers that are none arrive as no headers, and are told from them.
func TestUnreadableHeadersAreKnown(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	r.NC.SetErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	heard, err := r.NC.SubscribeSync("any")
	r.Check(err)
	r.Check(r.NC.Flush())
	next := func() *nats.Msg {
		msg, err := heard.NextMsg(time.Minute)
		r.Check(err)
		return msg
	}
	hand := r.ByHand()
	_, unreadable := natstest.NoMessages()
	for _, headers := range unreadable {
		hand.Publish("any", headers, "data")
		if msg := next(); !bus.IsUnreadable(msg) || string(msg.Data) != "data" {
			t.Errorf("%q is readable", headers)
		}
	}
	for _, headers := range []string{"NATS/1.0\r\n\r\n", "NATS/1.0\r\n: no name\r\n\r\n", "NATS/1.0\r\nX: y\r\n\r\n"} {
		hand.Publish("any", headers, "data")
		if bus.IsUnreadable(next()) {
			t.Errorf("%q is unreadable", headers)
		}
	}
	r.Check(r.NC.PublishRequest("any", "reply", []byte("data")))
	if bus.IsUnreadable(next()) {
		t.Error("no headers are unreadable")
	}
}
