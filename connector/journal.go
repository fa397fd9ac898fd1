package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// # Idempotency
//
// A command may come again: its sender got no reply and repeats it, or the
// replica that ran it died and JetStream delivers it to another one. Each
// command therefore has a record in a bucket, the journal, under a hash of its
// identity. The record is made before the first call, so that one run of the
// command wins, and is written at the revision that was read, so that a
// process which was frozen and overtaken can write no more.
//
// A record goes one way. It is begun; before each try of a durable command it
// says that a call is under way, and after it what the call came to; when the
// command is done it holds the outcome, for good. A repeat that finds the
// outcome gets it; one that finds a run under way waits for its end. Whoever
// finds a run that nobody works on any more does not know whether the call was
// carried out: a message is looked up in the chat's history, what is harmless
// to repeat is repeated, and of anything else the outcome is said to be unknown.
//
// The outcome is recorded before it is published. It also says how far the
// stream of events had come by then: whoever must make sure that the result
// was published looks for it from there on, because the stream's own memory
// of ids is short.

// record is what the journal knows of a command.
type record struct {
	Command     subjects.Command     `json:"command"`
	Source      string               `json:"source,omitempty"`
	ID          string               `json:"id"`
	Result      string               `json:"result"` // the id of its result
	Correlation string               `json:"correlationId"`
	TraceParent string               `json:"traceParent,omitempty"`
	TraceState  string               `json:"traceState,omitempty"`
	ChatID      brightpattern.ChatID `json:"chatId,omitempty"` // that it names
	Fingerprint string               `json:"fingerprint"`      // of what it wants

	Run       string        `json:"run"`               // tells this record from another run's
	Replica   replicaID     `json:"replica,omitempty"` // that began it, or called last
	Message   uint64        `json:"message,omitempty"` // in the stream of commands; 0 on the live lane
	FirstSeen time.Time     `json:"firstSeen"`
	Attempts  int           `json:"attempts,omitempty"`
	LastCall  time.Time     `json:"lastCall,omitzero"`
	Calling   bool          `json:"calling,omitempty"`   // a call may be under way
	MayBeDone bool          `json:"mayBeDone,omitempty"` // the outcome of some call is not known
	LookUps   int           `json:"lookUps,omitempty"`   // that failed for the moment
	Number    *uint64       `json:"number,omitempty"`    // the message number that is bound to it
	LastError *schema.Error `json:"lastError,omitempty"`
	GivenUp   *uint64       `json:"givenUp,omitempty"` // end of the stream of dead letters before its own

	Done *ending `json:"done,omitempty"`

	revision uint64
}

// ending is the outcome of a command.
type ending struct {
	At     time.Time            `json:"at"`
	ChatID brightpattern.ChatID `json:"chatId,omitempty"` // on whose subjects the result is published
	App    brightpattern.AppID  `json:"app,omitempty"`
	Result json.RawMessage      `json:"result,omitempty"`
	Error  *schema.Error        `json:"error,omitempty"`
	From   uint64               `json:"from"` // the stream of events before the result was published
}

func newRecord(cmd *command, message uint64) *record {
	return &record{
		Command: cmd.name, Source: cmd.source, ID: cmd.id, Result: cmd.resultID(),
		Correlation: cmd.correlation, TraceParent: cmd.traceParent, TraceState: cmd.traceState,
		ChatID: cmd.chat.id, Fingerprint: cmd.fingerprint(), Run: uuid.NewString(), Message: message, FirstSeen: time.Now().UTC(),
	}
}

// outcome is that of a record which is done.
func (r *record) outcome() (outcome, error) {
	spec, known := schema.LookupCommand(string(r.Command))
	if !known {
		return outcome{}, fmt.Errorf("the journal has a command %q that this version does not know", r.Command)
	}
	o := outcome{at: r.Done.At, failure: r.Done.Error, cmd: &command{
		name: r.Command, spec: spec, source: r.Source, id: r.ID, result: r.Result,
		correlation: r.Correlation, traceParent: r.TraceParent, traceState: r.TraceState, record: r,
	}}
	o.app = r.Done.App
	if r.Done.Result != nil {
		o.reply = r.Done.Result
	}
	var err error
	if r.ChatID != "" {
		o.cmd.chat, err = keyOf(r.ChatID)
	}
	if err == nil && r.Done.ChatID != "" {
		o.chat, err = keyOf(r.Done.ChatID)
	}
	return o, err
}

// finish puts the outcome into the record.
func (r *record) finish(o outcome, from uint64) error {
	done := &ending{At: o.at, ChatID: o.chat.id, App: o.app, Error: o.failure, From: from}
	if o.reply != nil && o.failure == nil {
		var err error
		if done.Result, err = json.Marshal(o.reply); err != nil {
			return err
		}
	}
	r.Calling, r.Done = false, done
	return nil
}

var errOvertaken = errors.New("somebody else has gone on with the command")

// journal keeps the records of commands.
type journal struct {
	js     jetstream.JetStream
	bucket jetstream.KeyValue
	log    *slog.Logger
}

func recordKey(key string) string { return "command." + key }

// find returns nil for a command that has no record.
func (j *journal) find(ctx context.Context, key string) (*record, error) {
	return persist(ctx, j.log, "reading the journal of commands", func(ctx context.Context) (*record, error) {
		value, err := j.bucket.Get(ctx, recordKey(key))
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return readRecord(value)
	})
}

func readRecord(value jetstream.KeyValueEntry) (*record, error) {
	r := &record{revision: value.Revision()}
	if err := json.Unmarshal(value.Value(), r); err != nil {
		return nil, fmt.Errorf("a record of the journal cannot be read: %w", err)
	}
	return r, nil
}

// write puts the record into the journal; errOvertaken if somebody else has
// written since it was read.
func (j *journal) write(ctx context.Context, key string, r *record) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = persist(ctx, j.log, "writing the journal of commands", func(ctx context.Context) (struct{}, error) {
		revision, err := update(ctx, j.js, j.bucket, recordKey(key), value, r.revision, 0)
		if isWrongSequence(err) {
			return struct{}{}, j.recognize(ctx, key, r, value)
		}
		if err == nil {
			r.revision = revision
		}
		return struct{}{}, err
	})
	return err
}

// recognize finds out whether a write that was refused had been stored by an
// earlier try, whose answer was lost.
func (j *journal) recognize(ctx context.Context, key string, r *record, value []byte) error {
	stored, err := j.bucket.Get(ctx, recordKey(key))
	if errors.Is(err, jetstream.ErrKeyNotFound) || err == nil && !bytes.Equal(stored.Value(), value) {
		return errOvertaken
	}
	if err == nil {
		r.revision = stored.Revision()
	}
	return err
}

// await returns the record when its command is done.
func (j *journal) await(ctx context.Context, key string) (*record, error) {
	watcher, err := j.bucket.Watch(ctx, recordKey(key))
	if err != nil {
		return nil, err
	}
	defer func() { _ = watcher.Stop() }()
	for {
		select {
		case value, open := <-watcher.Updates():
			if !open {
				return nil, nats.ErrConnectionClosed
			}
			if value == nil { // what was there has been told
				continue
			}
			if r, err := readRecord(value); err != nil || r.Done != nil {
				return r, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
