package command

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/tracing"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// outcome is what a command came to.
type outcome struct {
	journal.Outcome
	open json.RawMessage // what the event tells in place of Result, if that was written before
	err  error           // what Error explains
}

// failed is the outcome of a command without a call.
func failed(failure *schema.Error) outcome {
	return outcome{Outcome: journal.Outcome{Error: failure, At: time.Now().UTC()}}
}

// tellOf has the outcome hold a result.
func (o *outcome) tellOf(reply any) (err error) {
	if p, isPrepared := reply.(prepared); isPrepared {
		o.Result, o.open = p.full, p.open
		return nil
	}
	o.Result, err = schema.JSON(reply)
	return err
}

// teller is how outcomes are told: to the journal, and to the world. It knows
// nothing of how commands come and run.
type teller struct {
	prefix          subjects.Prefix
	apps            []chats.App
	withoutRequests bool // results do not tell what the command asked for
	journal         *journal.Journal
	publisher       *bus.Publisher
	streams         *bus.Streams
	clients         *clients.Clients
	registry        *replicas.Registry
	naming          translate.Naming
	traces          *tracing.Tracer
	life            *drain.Lifetime
	failpoints      failpoint.Plan
	log             *slog.Logger

	asides     drain.Gate // publications that no command waits for any longer
	publishing *semaphore.Weighted
}

func (c *teller) logOf(of journal.Identity) *slog.Logger { return logOf(c.log, of) }

// waitingMost results are being published at once. While the stream takes none
// they become many: what is on record then waits in the outbox.
const waitingMost = 1024

// record writes the outcome down. One that the journal cannot hold must not
// keep the command from being done: it would be called again and again.
func (c *teller) record(ctx context.Context, r *journal.Record, o outcome) (outcome, error) {
	done := o.Outcome
	r.Calling, r.Done, r.LastError = false, &done, nil // the outcome has the error
	err := c.journal.Write(ctx, r)
	if bus.IsRefused(err) && done.Request != nil { // the event can still tell it
		done.Request = nil
		err = c.journal.Write(ctx, r)
	}
	if bus.IsRefused(err) && o.Result != nil {
		o = tooLargeToRecord(o)
		done.Result, done.Error = o.Result, o.Error
		err = c.journal.Write(ctx, r)
	}
	return o, err
}

// tooLargeToRecord is in place of an outcome that the journal cannot hold.
func tooLargeToRecord(o outcome) outcome {
	failure := refuse(schema.CodeUnexpectedResponse, "the contact center's answer is too large for the bus to be put on record")
	failure.Outcome = schema.OutcomeUnknown
	o.Result, o.Error = nil, failure
	return o
}

// findDone is a record of which somebody has written the outcome.
func (c *teller) findDone(ctx context.Context, key string) (*journal.Record, error) {
	found, err := c.journal.Find(ctx, key)
	if err == nil && (found == nil || found.Done == nil) {
		err = journal.ErrOvertaken
	}
	return found, err
}
