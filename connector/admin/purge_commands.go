package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

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

// work is what the journal tells of one of the chat's commands.
type work struct {
	isDone, isLive, isCalling bool
	replica                   replicas.ID
}

// readJournal learns of the chat's commands. The journal knows them by hashes alone,
// so that all of it is read, and later what has been written since.
func (p *purge) readJournal(ctx context.Context) error {
	watching, end := context.WithCancel(ctx)
	defer end()
	watcher, err := p.streams.Journal.WatchBehind(watching, "command.*", p.scanned)
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
			p.scanned = value.Revision()
			p.learnRecord(value.Key(), value.Value())
			if err := p.keepMarked(ctx); err != nil {
				return err
			}
		case <-silence.C:
			return errors.New("the journal cannot be read: NATS has fallen silent")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

const stalledAfter = 3 * bus.AnswerPatience

// learnRecord takes a key's value as it is now; nil: it has none.
func (p *purge) learnRecord(key string, data []byte) {
	delete(p.works, key)
	id, _ := schema.JSON(string(p.key.ID)) // as the journal has written it
	var r journal.Record
	if !bytes.Contains(data, id) || json.Unmarshal(data, &r) != nil {
		return
	}
	if r.ChatID == p.key.ID || r.Done != nil && r.Done.ChatID == p.key.ID {
		p.works[key] = work{isDone: r.Done != nil, isLive: r.Message == 0, isCalling: r.Calling, replica: r.Replica}
	}
}

// dropRecords removes what the journal has of the chat's commands.
func (p *purge) dropRecords(ctx context.Context) error {
	if err := p.readJournal(ctx); err != nil {
		return err
	}
	for key := range p.works {
		p.commands[strings.TrimPrefix(key, "command.")] = true
		n, err := p.streams.Journal.Drop(ctx, key)
		p.count(p.streams.Journal.Name(), "records of commands", n)
		if err != nil {
			return err
		}
		delete(p.works, key)
	}
	return nil
}

// awaitCommands waits for the commands that a replica is at work on: each would write
// its record again. What waits for its next try is over, as it stands nowhere any more.
func (p *purge) awaitCommands(ctx context.Context) {
	n, err := 0, p.readJournal(ctx) // takes as long as it takes; what comes later is soon read
	waiting, cancel := context.WithTimeout(ctx, p.cfg.UnderWay)
	defer cancel()
	for pause := passPause / 8; err == nil; pause = min(2*pause, 4*passPause) {
		if n, err = p.underWay(ctx); err == nil && n == 0 {
			return
		}
		if waiting.Err() != nil {
			break
		}
		retry.Sleep(waiting, pause)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.fail(fmt.Errorf("whether commands on the chat are under way is not known (%w): purge once more, as they may write of it again", err))
	default:
		p.fail(fmt.Errorf("%d commands on the chat are still under way, and may write of it again: purge once more later", n))
	}
}

// underWay counts the chat's commands that some replica works on. What a dead one has
// begun on the live lane another settles.
func (p *purge) underWay(ctx context.Context) (n int, err error) {
	alive, err := p.registry.Alive(ctx)
	if err == nil {
		err = p.readJournal(ctx)
	}
	if err != nil {
		return 0, err
	}
	for _, key := range slices.Collect(maps.Keys(p.works)) {
		if !p.works[key].isUnderWay(alive) {
			continue
		}
		value, err := p.streams.Journal.Get(ctx, key) // it may have expired, which no watcher tells
		if err != nil {
			return 0, fmt.Errorf("the journal cannot be read: %w", err)
		}
		p.learnRecord(key, value.Data)
		if p.works[key].isUnderWay(alive) {
			n++
		}
	}
	return n, nil
}

func (w work) isUnderWay(alive map[replicas.ID]replicas.Replica) bool {
	_, lives := alive[w.replica]
	return !w.isDone && (w.isLive || w.isCalling && lives)
}
