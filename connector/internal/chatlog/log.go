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
	"log/slog"

	"github.com/google/uuid"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/tracing"
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
	Traces     *tracing.Tracer
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
	holding   string  // names this holder's fence
	replaced  FenceID // the one that stood before
	uncounted int     // messages that no checkpoint has yet
	oldest    mark    // the first of them
	pastKnown bool    // whether all is counted that earlier holders have published
	doubtful  bool    // whether a message of this one may stand in the stream that is not counted
	burst     int64   // bytes that were published since a checkpoint was thought of
}

// New is the log of a chat before its fence stands.
func New(n Needs, chat chats.Key, app brightpattern.AppID, log *slog.Logger) *Log {
	return &Log{
		Needs: n, log: log, chat: chat, source: n.Naming.EventSource(app, chat.Token), holding: uuid.NewString(),
		memory: NewMemory(),
	}
}

// IsFenced tells whether the fence has been put up.
func (l *Log) IsFenced() bool { return l.fence.position != 0 }

// Replaced is the fence that stood before this holder's.
func (l *Log) Replaced() FenceID { return l.replaced }

// Counts are the present ones.
func (l *Log) Counts() Counts { return l.counts }

// KnowPast says that all is counted that earlier holders have published.
func (l *Log) KnowPast() { l.pastKnown = true }

// IsCertain tells whether all is counted that this holder and earlier ones have
// published.
func (l *Log) IsCertain() bool { return l.pastKnown && !l.doubtful }

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
