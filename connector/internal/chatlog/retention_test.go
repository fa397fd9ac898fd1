package chatlog

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A fence is put up anew, and a checkpoint written, before the stream can have
// forgotten what they are for.
func TestRetention(t *testing.T) {
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	keeps := Retention{MaxAge: time.Hour, Failover: time.Minute}
	fills := Retention{MaxAge: time.Hour, MaxBytes: 1000, Failover: time.Minute}
	slow := Retention{MaxAge: time.Hour, Failover: 20 * time.Minute}
	endless, few := Retention{Failover: time.Minute}, Retention{MaxMsgs: 150, MaxMsgsPerSubject: 8, Failover: time.Minute}
	half := jetstream.StreamState{FirstSeq: 101, LastSeq: 201, Msgs: 101, Bytes: 501, FirstTime: ago(10 * time.Minute)}
	empty := jetstream.StreamState{FirstSeq: 101, LastSeq: 201, Msgs: 70, Bytes: 499, FirstTime: ago(10 * time.Minute)}
	for name, c := range map[string]struct {
		retention  Retention
		mark       mark
		uncounted  int
		state      jetstream.StreamState
		fence      bool
		checkpoint bool
	}{
		"young":                                {keeps, mark{150, ago(29 * time.Minute)}, 1, half, false, false},
		"old":                                  {keeps, mark{150, ago(31 * time.Minute)}, 1, half, true, true},
		"old, and nothing to be counted":       {keeps, mark{150, ago(31 * time.Minute)}, 0, half, true, false},
		"much to be read back":                 {keeps, mark{150, ago(0)}, uncountedMost + 1, half, false, true},
		"in the older half, no limit of bytes": {keeps, mark{120, ago(0)}, 1, half, false, false},
		"in the older half of a full stream":   {fills, mark{150, ago(0)}, 1, half, true, true},
		"in the later half of a full stream":   {fills, mark{151, ago(0)}, 1, half, false, false},
		"in the older half, there is room":     {fills, mark{120, ago(0)}, 1, empty, false, false},
		"gone before a takeover":               {slow, mark{150, ago(21 * time.Minute)}, 1, empty, false, true},
		"there for a takeover":                 {slow, mark{150, ago(19 * time.Minute)}, 1, empty, false, false},
		"a full stream forgets faster":         {fills, mark{190, ago(9 * time.Minute)}, 1, half, false, true},
		"a full stream, and time for it":       {fills, mark{190, ago(7 * time.Minute)}, 1, half, false, false},
		"as old as can be, no limit of age":    {endless, mark{150, ago(1e6 * time.Minute)}, 1, half, false, false},
		"in the older half of a few messages":  {few, mark{150, ago(0)}, 1, half, true, true},
		"few messages, and room for as many":   {few, mark{120, ago(0)}, 1, empty, false, false},
		"few messages of a subject":            {few, mark{190, ago(0)}, 5, half, false, true},
	} {
		l := &Log{fence: c.mark, oldest: c.mark, uncounted: c.uncounted}
		if fence, checkpoint := l.NeedsFence(c.retention, c.state), l.NeedsCheckpoint(c.retention, c.state); fence != c.fence || checkpoint != c.checkpoint {
			t.Errorf("%s: it needs a fence: %v, a checkpoint: %v", name, fence, checkpoint)
		}
	}
}

// The fence of a chat in which something happens does not stay far back.
func TestFencesThatStandFarBack(t *testing.T) {
	state := jetstream.StreamState{FirstSeq: 1001, LastSeq: 1001000, Msgs: 1000000, Bytes: 1000000 << 10}
	for name, c := range map[string]struct {
		fence, last uint64
		want        bool
	}{
		"far back":             {2000, 1000999, true},
		"far back, and silent": {2000, 2001, false},
		"close":                {1000000, 1000999, false},
		"the last message":     {1001000, 1001000, false},
		"behind what is known": {1001001, 1001002, false},
	} {
		l := &Log{fence: mark{position: c.fence}, counts: Counts{Position: c.last}}
		if got := l.StandsFarBack(state); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if l.StandsFarBack(jetstream.StreamState{}) {
			t.Errorf("%s, in an empty stream", name)
		}
	}
}

// A chat that fills the stream by itself needs a checkpoint before anybody
// looks after it.
func TestBursts(t *testing.T) {
	for name, c := range map[string]struct {
		burst, limit int64
		want         bool
	}{"none": {99, 800, false}, "one": {100, 800, true}, "no limit": {1 << 40, 0, false}} {
		l := &Log{burst: c.burst}
		if got := l.IsBurst(Retention{MaxBytes: c.limit}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if l.IsBurst(Retention{MaxBytes: c.limit}) {
			t.Errorf("%s: it is told twice", name)
		}
	}
}
