package lease

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// A heartbeat that was not heard, or could not be sent, is made up for well before
// the next one would be due.
func TestFailedHeartbeatIsMadeUpForSoon(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*rig, *Lease){
		"unheard": func(r *rig, l *Lease) {
			r.keeper.hear(&nats.Msg{Subject: r.keeper.answerTo(beat{l, l.message, time.Now()}), Header: nats.Header{"Status": {"503"}}})
		},
		"not sent": func(r *rig, l *Lease) {
			r.nc.Close()
			r.send(l, time.Now())
		},
	} {
		r := newRig(t, longWait)
		heard := r.heartbeats()
		l := r.hold()
		r.hear(heard)
		usual := l.nextBeat()
		fail(r, l)
		if soon := l.nextBeat(); soon.After(time.Now().Add(Heartbeat(r.wait)/4)) || !soon.Before(usual) {
			t.Errorf("%s: the next heartbeat is due in %v", name, time.Until(soon))
		}
		if due := r.keeper.began.Add(l.dueAt()); due.After(l.nextBeat()) {
			t.Errorf("%s: it is looked at %v too late", name, due.Sub(l.nextBeat()))
		}
		fail(r, l) // once more puts off nothing
		if soon := l.nextBeat(); soon.After(time.Now().Add(Heartbeat(r.wait) / 4)) {
			t.Errorf("%s twice: the next heartbeat is due in %v", name, time.Until(soon))
		}
		l.Stop()
		fail(r, l)
		if l.place != 0 {
			t.Errorf("%s: a lease that has ended is looked at again", name)
		}
	}
}

// send has a heartbeat sent as one that was asked for then.
func (r *rig) send(l *Lease, asked time.Time) {
	r.keeper.mu.Lock()
	defer r.keeper.mu.Unlock()
	r.keeper.outgoing = append(r.keeper.outgoing, beat{l, l.message, asked})
	r.keeper.send()
}

func (l *Lease) nextBeat() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.beats
}

func (l *Lease) dueAt() time.Duration {
	l.keeper.mu.Lock()
	defer l.keeper.mu.Unlock()
	return l.due
}

// A heartbeat that went out late would take the message from whoever has it since.
func TestStaleHeartbeatsAreNotSent(t *testing.T) {
	t.Parallel()
	r := newRig(t, longWait)
	heard := r.heartbeats()
	l := r.hold()
	first := r.hear(heard)
	r.send(l, time.Now().Add(-r.wait/2)) // as after a freeze
	r.send(l, time.Now())
	if next := r.hear(heard); beatOf(next) <= beatOf(first) {
		t.Errorf("a heartbeat goes out that was asked for %v before the first", beatOf(first)-beatOf(next))
	}
	_, err := r.JS.Publish(r.Ctx, "token.other", []byte("{}"))
	r.Check(err)
	l.Drop(errors.New("the chat is another's"))
	r.send(l, time.Now())
	other := r.hold()
	if next := r.hear(heard); next.Subject != other.message.Reply() {
		t.Error("a lease that has ended has a heartbeat sent")
	}
}

// beatOf is when a heartbeat was asked for, as it says.
func beatOf(msg *nats.Msg) time.Duration {
	asked, _ := strconv.ParseInt(msg.Reply[strings.LastIndex(msg.Reply, ".")+1:], 36, 64)
	return time.Duration(asked)
}
