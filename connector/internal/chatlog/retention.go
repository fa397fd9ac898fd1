package chatlog

import (
	"math"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// # A stream that forgets
//
// The fence is a message of the stream as well. It is put up anew before it
// grows old; should it be forgotten all the same, the holder is refused like
// an overtaken one, gives its token back, and the next one begins afresh. And
// what is counted is written into a checkpoint before the stream can have
// forgotten it.

// # A fence that stands far back
//
// The server reads the fence for each message that is published under it, and
// with it the part of the stream around it, some MiB, unless it has just done so.
// Fences of chats that were opened at many times would have it read all over the
// stream. So the fence of a chat in which something happens is put up anew when
// the stream has grown by so much since: all of them then stand close together.

// FarBack is how many bytes the stream grows by until a fence stands far back.
const FarBack = 128 << 20

// StandsFarBack tells whether the fence does, of a chat that had messages lately.
func (l *Log) StandsFarBack(state jetstream.StreamState) bool {
	return BytesBehind(l.fence.position, state) > FarBack && BytesBehind(l.counts.Position, state) < FarBack
}

// FencedAt is where the fence stands.
func (l *Log) FencedAt() uint64 { return l.fence.position }

// BytesBehind is about how much stands in the stream behind a position.
func BytesBehind(position uint64, state jetstream.StreamState) uint64 {
	if state.Msgs == 0 || position >= state.LastSeq {
		return 0
	}
	return (state.LastSeq - position) * (state.Bytes / state.Msgs)
}

// NeedsFence tells whether the stream may soon forget the fence.
func (l *Log) NeedsFence(r Retention, state jetstream.StreamState) bool {
	return r.endangers(l.fence, state)
}

// Not many more events than these are read back at a takeover.
const uncountedMost = 256

// NeedsCheckpoint tells whether what is counted is to be written down.
func (l *Log) NeedsCheckpoint(r Retention, state jetstream.StreamState) bool {
	return l.uncounted > r.uncountedMost() || l.uncounted > 0 && (r.endangers(l.oldest, state) || r.outruns(l.oldest, state))
}

// IsBurst tells, once for each, of so many messages in a row that a checkpoint
// may come too late if it is only written now and then: the chat alone has
// filled a good part of the stream since the last one.
func (l *Log) IsBurst(r Retention) bool {
	if r.MaxBytes <= 0 || l.burst < r.MaxBytes/burstPart {
		return false
	}
	l.burst = 0
	return true
}

const burstPart = 8

// Retention is how long the stream of events remembers, by its own word. A
// limit that is not above 0 is none.
type Retention struct {
	MaxAge            time.Duration
	MaxBytes, MaxMsgs int64
	MaxMsgsPerSubject int64
	Failover          time.Duration // how long a takeover takes
}

// RetentionOf is that of a stream.
func RetentionOf(s jetstream.StreamConfig, failover time.Duration) Retention {
	return Retention{s.MaxAge, s.MaxBytes, s.MaxMsgs, s.MaxMsgsPerSubject, failover}
}

// ForgetsFast tells whether the stream can forget faster than time tells.
func (r Retention) ForgetsFast() bool {
	return r.MaxBytes > 0 || r.MaxMsgs > 0 || r.MaxMsgsPerSubject > 0
}

// uncountedMost is less where the stream keeps few messages of a subject: the
// chat's events of one name.
func (r Retention) uncountedMost() int {
	if r.MaxMsgsPerSubject > 0 {
		return int(min(uncountedMost, r.MaxMsgsPerSubject/2))
	}
	return uncountedMost
}

// mark is a message of the stream: where it stands, and since when.
type mark struct {
	position uint64
	since    time.Time
}

// endangers tells whether the stream may soon forget the message: half of its
// time is over, or it stands in the older half of a stream that fills up.
func (r Retention) endangers(m mark, state jetstream.StreamState) bool {
	if r.MaxAge > 0 && time.Since(m.since) > r.MaxAge/2 {
		return true
	}
	return r.isFilling(state) && m.position < state.FirstSeq+(state.LastSeq-state.FirstSeq)/2
}

func (r Retention) isFilling(state jetstream.StreamState) bool {
	return r.MaxBytes > 0 && state.Bytes > uint64(r.MaxBytes)/2 || r.MaxMsgs > 0 && state.Msgs > uint64(r.MaxMsgs)/2
}

// outruns tells whether the stream may forget the message before the next
// holder could read it, should this one die now.
func (r Retention) outruns(m mark, state jetstream.StreamState) bool {
	life := r.MaxAge
	if life <= 0 {
		life = math.MaxInt64
	}
	if r.isFilling(state) {
		life = min(life, time.Since(state.FirstTime))
	}
	return time.Since(m.since) > life-takeoversFor*r.Failover
}

// A takeover takes FailoverAfter, and what comes before and after it as long again at most.
const takeoversFor = 2
