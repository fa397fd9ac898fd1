package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// dropWaiting erases the durable commands that are not done.
func (p *purge) dropWaiting(ctx context.Context) error {
	n, err := p.streams.Commands.EraseAll(ctx, p.cfg.Prefix.DurableOf(p.key.Token))
	p.count(p.cfg.Prefix.StreamName("COMMANDS"), "commands", n)
	return err
}

func (p *purge) dropLetters(ctx context.Context) error {
	n, err := p.streams.Dead.EraseAll(ctx, p.cfg.Prefix.DeadLetter("*.*", p.key.Token))
	p.count(p.deadName(), "dead letters", n)
	return err
}

// record is one of the journal, by its key in the bucket.
type record struct {
	key string
	journal.Record
}

// records are those of the chat's commands. The journal knows them by hashes alone,
// so that all of it is read.
func (p *purge) records(ctx context.Context, show func(record)) error {
	watching, end := context.WithCancel(ctx)
	defer end()
	watcher, err := p.streams.Journal.WatchBehind(watching, "command.*", 0)
	if err != nil {
		return fmt.Errorf("the journal cannot be read: %w", err)
	}
	defer bus.Unwatch(watcher)
	silence := time.NewTimer(stalledAfter)
	defer silence.Stop()
	for ; ; silence.Reset(stalledAfter) {
		select {
		case value, open := <-watcher.Updates():
			switch {
			case !open:
				return nats.ErrConnectionClosed
			case value == nil: // that is all
				return nil
			}
			if r, is := p.recordIn(value); is {
				show(r)
			}
		case <-silence.C:
			return errors.New("the journal cannot be read: NATS has fallen silent")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

const stalledAfter = 3 * bus.AnswerPatience

// recordIn tells whether it is one of the chat's.
func (p *purge) recordIn(value jetstream.KeyValueEntry) (r record, is bool) {
	id, _ := schema.JSON(string(p.key.ID)) // as the journal has written it
	if value.Operation() != jetstream.KeyValuePut || !bytes.Contains(value.Value(), id) {
		return r, false
	}
	r.key = value.Key()
	if json.Unmarshal(value.Value(), &r.Record) != nil {
		return r, false
	}
	return r, r.ChatID == p.key.ID || r.Done != nil && r.Done.ChatID == p.key.ID
}

// dropRecords removes what the journal has of the chat's commands.
func (p *purge) dropRecords(ctx context.Context) error {
	var found []record
	if err := p.records(ctx, func(r record) { found = append(found, record{key: r.key}) }); err != nil {
		return err
	}
	for _, r := range found {
		p.commands[strings.TrimPrefix(r.key, "command.")] = true
		n, err := p.streams.Journal.Drop(ctx, r.key)
		p.count(p.streams.Journal.Name(), "records of commands", n)
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitCommands waits for the commands that a replica is at work on: each would write
// its record again. What waits for its next try is over, as it stands nowhere any more.
func (p *purge) awaitCommands(ctx context.Context) {
	waiting, cancel := context.WithTimeout(ctx, p.cfg.UnderWay)
	defer cancel()
	for pause := passPause / 8; ; pause = min(2*pause, 4*passPause) {
		n, err := p.underWay(waiting)
		switch {
		case err == nil && n == 0, ctx.Err() != nil:
			return
		case waiting.Err() != nil:
			p.fail(fmt.Errorf("%d commands on the chat are still under way, and may write of it again: purge once more later", max(n, 1)))
			return
		case err != nil:
			p.fail(err)
			return
		}
		retry.Sleep(waiting, pause)
	}
}

// underWay counts the chat's commands that some replica works on. What a dead one has
// begun on the live lane another settles.
func (p *purge) underWay(ctx context.Context) (n int, err error) {
	alive, err := p.registry.Alive(ctx)
	if err != nil {
		return 0, err
	}
	return n, p.records(ctx, func(r record) {
		if r.isUnderWay(alive) {
			n++
		}
	})
}

func (r record) isUnderWay(alive map[replicas.ID]replicas.Replica) bool {
	isLive := r.Message == 0
	_, lives := alive[r.Replica]
	return r.Done == nil && (isLive || r.Calling && lives)
}
