package command

import (
	"fmt"
	"testing"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
	"cc-connector/schema"
)

// concluding is a replica that has called, with the journal.
func concluding(t *testing.T) (*Commands, *natstest.Rig) {
	t.Helper()
	c, r := newPublishing(t, schema.Structured)
	c.Registry = replicas.NewRegistry(c.Streams.State, "self", time.Hour, &bus.Health{}, natstest.Log())
	_, err := c.Registry.Alive(r.Ctx) // so it knows that nobody is older
	r.Check(err)
	c.Journal, c.Life = journal.New(c.Streams.Journal, natstest.Log()), drain.NewLifetime()
	withTeller(c)
	t.Cleanup(c.asides.Close)
	return c, r
}

// A durable command has an outcome by another replica that went on with it. Whoever
// is not sure that the command is still his own publishes that one, and none of his
// own; if he is sure, there is no other replica, and his event decides.
func TestWhoIsNotSureTellsWhatIsOnRecord(t *testing.T) {
	t.Parallel()
	c, r := concluding(t)
	for _, isSure := range []bool{false, true} {
		of := sentIdentity
		of.Result = fmt.Sprint("sure: ", isSure)
		of.Key = "key-" + fmt.Sprint(isSure)
		record := journal.NewRecord(of, "fingerprint", 17)
		record.From = new(uint64)
		r.Check(c.Journal.Write(r.Ctx, record))
		another, err := c.Journal.Find(r.Ctx, of.Key)
		r.Check(err)
		others := failed(died())
		others.ChatID = of.ChatID
		_, err = c.record(r.Ctx, another, others)
		r.Check(err)

		own := sentOutcome
		own.At = time.Now().UTC()
		chat, err := chats.KeyOf(of.ChatID)
		r.Check(err)
		told, err := c.concludeAndPublish(r.Ctx, &command{Identity: of, chat: chat, record: record, began: time.Now()}, own, isSure)
		r.Check(err)
		if isOwn := told.At.Equal(own.At); isOwn != isSure {
			t.Errorf("sure: %v, and told is %+v", isSure, told)
		}
		c.checkTold(r, of, told)
	}
}

// checkTold expects the journal and the one event to tell an outcome.
func (c *Commands) checkTold(r *natstest.Rig, of journal.Identity, told outcome) {
	r.Helper()
	found, err := c.findDone(r.Ctx, of.Key)
	r.Check(err)
	if !found.Done.At.Equal(told.At) {
		r.Errorf("told is %+v, and on record %+v", told, found.Done)
	}
	event, err := c.lookFor(r.Ctx, of, c.resultSubject(of, told), 0)
	r.Check(err)
	if event.Message == nil {
		r.Fatalf("%s has no event", of.Result)
	}
	if instead, is := c.compare(result{of: of, at: told.At}, event.Message); !is || instead != nil {
		r.Errorf("told is %+v, and by the event %+v", told, instead)
	}
}
