// Package chatlog is one chat's part of the stream of events, as its holder
// writes it: in order, numbered, each event once.
//
// # The fence
//
// One replica at a time writes a chat's events and session messages: the
// holder of its session token. Acknowledgements fence nothing, so a replica
// that was frozen may wake up believing that it still is the holder. What
// stops it is the stream itself. A new holder first publishes a fence on a
// subject of the chat's own and remembers its sequence, the fencing token.
// Everything that it publishes for the chat carries the expectation that this
// is still the last fence. When another holder has put up a fence since, the
// server refuses, and the old holder lets go.
//
// The fence stands on a subject beside the events because the server looks
// at an expectation before it looks for a duplicate id: a repeat of a stored
// event must answer "duplicate", which is success, and not "wrong sequence".
//
// Only after its fence stands does a holder read what is published, so
// nothing can be added behind its back; from it, the sequence and the memory of
// what is published (memory.go) go on.
//
// # A stream that was lost
//
// A stream that is deleted and made again, or purged, knows no fence, and
// refuses the rightful holder like an overtaken one. If there is no other
// fence, and nobody else can have the token, the holder puts its own up again
// (Restore) and publishes what it has in hand: there may be events in it that
// no history gives back. A new stream also counts anew, so that a checkpoint
// made in the old one would hide what stands in it; this shows by a fence that
// stands before what was counted already (IsAnotherStream).
package chatlog

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/translate"
)

// FenceID tells a holder's fence from those of all others, also when the
// stream has been made anew and counts from 1.
type FenceID string

// Counts are what a holder has counted, and the next one goes on from.
type Counts struct {
	Position uint64 // sequence in the stream of the last message that is counted
	Sequence uint64 // of the chat's last message
}

// Needs are what every chat's log works with.
type Needs struct {
	Publisher  *bus.Publisher
	Events     *bus.Stream
	Naming     translate.Naming
	Failpoints failpoint.Plan
}

// Log is one chat's, in the hands of its holder: whoever calls it holds the
// holder's lock.
type Log struct {
	Needs
	log       *slog.Logger // the chat's
	chat      chats.Key
	source    string
	counts    Counts
	memory    *Memory // of the events that are counted
	fence     mark
	self      FenceID // this holder's
	replaced  FenceID // the one that stood before
	uncounted int     // messages that no checkpoint has yet
	oldest    mark    // the first of them
	burst     int64   // bytes that were published since a checkpoint was thought of
}

// New is the log of a chat before its fence stands.
func New(n Needs, chat chats.Key, app brightpattern.AppID, log *slog.Logger) *Log {
	return &Log{
		Needs: n, log: log, chat: chat, source: n.Naming.EventSource(app, chat.Token), self: FenceID(uuid.NewString()),
		memory: NewMemory(),
	}
}

// IsFenced tells whether the fence has been put up.
func (l *Log) IsFenced() bool { return l.fence.position != 0 }

// Self is this holder's fence, Replaced the one that stood before it.
func (l *Log) Self() FenceID     { return l.self }
func (l *Log) Replaced() FenceID { return l.replaced }

// Counts are the present ones.
func (l *Log) Counts() Counts { return l.counts }

// Memory is what is known of the chat's events; it changes with the next one.
func (l *Log) Memory() *Memory { return l.memory }

// Resume goes on from what an earlier holder has counted, and has known.
// Sequence is at least what another source says.
func (l *Log) Resume(c Counts, m *Memory, sequence uint64) {
	l.counts = Counts{Position: c.Position, Sequence: max(c.Sequence, sequence)}
	l.memory = m
}

// IsAnotherStream tells whether the stream is another one than that in which
// the chat's messages were counted.
func (l *Log) IsAnotherStream() bool { return l.counts.Position >= l.fence.position }

// CountFromStart has the whole stream read back; CountFromFence says that all
// that stands before the fence is counted.
func (l *Log) CountFromStart() { l.counts.Position = 0 }
func (l *Log) CountFromFence() { l.counts.Position = l.fence.position }

// Uncounted are the messages that no checkpoint has yet; Checkpointed says
// that one has them all.
func (l *Log) Uncounted() int { return l.uncounted }
func (l *Log) Checkpointed()  { l.uncounted, l.burst = 0, 0 }

// Missing are the events of a history that are not published, in the order in
// which they are to be.
func (l *Log) Missing(history []brightpattern.Event) []brightpattern.Event {
	return translate.Missing(l.chat.ID, l.memory.likenesses(), history)
}

func (l *Log) fenceSubject() string {
	return l.Naming.Prefix.Internal("events", "fence", string(l.chat.Token))
}

// Raise shuts out every earlier holder.
func (l *Log) Raise(ctx context.Context) error {
	ack, err := l.Publisher.PublishBehind(ctx, l.newFence(), func(try context.Context) (uint64, error) {
		last, whose, err := l.LastFence(try)
		if err == nil && whose != l.self { // an earlier try of this one may have stood all the same
			l.replaced = whose
		}
		return last, err
	})
	return l.raised(ack, err)
}

// Renew puts the fence up anew, if it still is this holder's; else
// bus.ErrFenced.
func (l *Log) Renew(ctx context.Context) error {
	ack, err := l.Publisher.Store(ctx, l.newFence(), "fence:"+uuid.NewString(), jetstream.WithExpectLastSequencePerSubject(l.fence.position))
	return l.raised(ack, err)
}

// Restore raises a fence where there is none; else bus.ErrFenced.
func (l *Log) Restore(ctx context.Context) error {
	ack, err := l.Publisher.Store(ctx, l.newFence(), "fence:"+uuid.NewString(), jetstream.WithExpectLastSequencePerSubject(0))
	return l.raised(ack, err)
}

// Restand sees to it that this holder's fence stands, in a stream that may have
// been made anew; else bus.ErrFenced. It reports whether it had to be restored.
func (l *Log) Restand(ctx context.Context) (restored bool, err error) {
	last, whose, err := l.LastFence(ctx)
	if err != nil || last != 0 && whose == l.self {
		return false, err
	}
	err = l.Restore(ctx)
	return err == nil, err
}

func (l *Log) raised(ack *jetstream.PubAck, err error) error {
	if err == nil {
		l.fence = mark{ack.Sequence, time.Now()}
	}
	return err
}

func (l *Log) newFence() *nats.Msg {
	return &nats.Msg{Subject: l.fenceSubject(), Data: []byte(l.self)}
}

// LastFence is where the chat's fence stands, 0 if nowhere, and whose it is.
func (l *Log) LastFence(ctx context.Context) (uint64, FenceID, error) {
	last, err := l.Events.Last(ctx, l.fenceSubject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", err
	}
	return last.Sequence, FenceID(last.Data), nil
}
