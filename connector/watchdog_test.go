package connector_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/internal/poller"
)

// A poll loop that comes to a stop is a fault of ours: it is shown, counted, and
// logged once with the chat's name; the others go on, and so does it when it can.
func TestPollLoopThatHangs(t *testing.T) {
	t.Parallel()
	const pollTimeout = time.Second // of which a busy machine takes a part
	var armed atomic.Bool
	goOn := make(chan struct{})
	r := newRig(t, bpsim.Options{Hold: pollTimeout / 5}, aDayToFailOver, func(r *rig) {
		r.client.PollTimeout, r.config.CallTimeout = pollTimeout, pollTimeout
		r.config.At(func(point string) {
			if point == "Polled" && armed.CompareAndSwap(true, false) {
				<-goOn
			}
		})
	})
	replica := r.start()
	w, other := watchNew(r), watchNew(r)
	r.eventually("both are in sync", func() bool {
		return replica.state(t, w.chat).Reconcile == "in_sync" && !replica.state(t, other.chat).LastAnswered.IsZero()
	})
	if s := replica.state(t, w.chat); s.App != "main" || s.Sequence != 1 {
		t.Errorf("its state is %+v", s)
	}
	said := []string{"a chat is due and is not polled", "a chat that was due is polled again"}
	before := []int{r.linesOf(w.chat, said[0]), r.linesOf(w.chat, said[1])}
	armed.Store(true)
	w.says("hello")
	r.shows(replica, "polls", "", "due and are not polled", ": 1;", "the log names them")
	if n, oldest := value(r, replica.metrics, "cc_polls_stalled"), value(r, replica.metrics, "cc_poll_oldest_due_seconds"); n != 1 || oldest < 3*pollTimeout.Seconds() {
		t.Errorf("%v chats stand still, the oldest for %v seconds", n, oldest)
	}
	if s := replica.state(t, w.chat); s.Polling || s.DueSince.IsZero() || time.Since(s.DueSince) < 3*pollTimeout {
		t.Errorf("the one that hangs is %+v", s)
	}
	if s := replica.state(t, other.chat); !s.DueSince.IsZero() && time.Since(s.DueSince) > 3*pollTimeout {
		t.Errorf("the other one is %+v", s)
	}
	other.says("hello")
	r.awaitStored(other.chat, ".event.message", 1)
	close(goOn)
	r.heals(replica)
	r.awaitStored(w.chat, ".event.message", 1)
	if n := value(r, replica.metrics, "cc_polls_stalled"); n != 0 {
		t.Errorf("%v chats stand still when it goes on", n)
	}
	for i, words := range said {
		if n := r.linesOf(w.chat, words) - before[i]; n != 1 {
			t.Errorf("%q is logged %d times; log:\n%s", words, n, r.log)
		}
	}
	w.checkAccount()
}

func (p *replica) state(t *testing.T, chat string) poller.ChatState {
	t.Helper()
	for _, s := range p.States() {
		if string(s.Chat) == chat {
			return s
		}
	}
	t.Fatalf("%s is not held", chat)
	return poller.ChatState{}
}

// linesOf are how many lines of the log say that of a chat.
func (r *rig) linesOf(chat, words string) (lines int) {
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, words) && strings.Contains(line, chat) {
			lines++
		}
	}
	return lines
}
