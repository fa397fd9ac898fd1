package poller

import (
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/metrics"
)

// watched is a rig's poller with one chat that does not get on, and a contact center
// that nobody calls.
type watched struct {
	*rig
	now time.Time
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	r := newRig(t)
	client, err := brightpattern.New(brightpattern.Config{BaseURL: "http://127.0.0.1:1", PollTimeout: time.Second})
	r.Check(err)
	t.Cleanup(client.Close)
	r.poller.Client, r.poller.Watched = client, metrics.Unregistered().Health
	h := r.holder("opening")
	h.progress.step(time.Now())
	r.poller.held.byChat[h.chat.Token] = h
	return &watched{r, time.Now()}
}

// sweep looks in time until that has passed, and returns how many chats stand still then.
func (w *watched) sweep(after time.Duration) int {
	for end := w.now.Add(after); w.now.Before(end); {
		w.now = w.now.Add(500 * time.Millisecond)
		w.poller.sweep(w.now)
	}
	w.poller.sweep(w.now)
	return w.poller.Stalls().Chats
}

// Nobody is said to stand still who waits for a stream that does not answer. A
// stream on which no open chat rests excuses nobody, nor does a poll's time alone.
func TestStreamThatDoesNotAnswerExcuses(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.Check(w.JS.DeleteStream(w.Ctx, "KV_CC_CHATS"))
	w.sweep(0) // the first one excuses everybody
	limit := stalledAfter*w.poller.Client.PollTimeout() + w.poller.cfg.CallTimeout
	if n := w.sweep(2 * limit); n != 0 {
		t.Errorf("%d chats are said to stand still while a bucket does not answer", n)
	}
	w.poller.Streams = w.Streams() // which makes it again
	w.Check(w.JS.DeleteStream(w.Ctx, "CC_DEADLETTER"))
	if n := w.sweep(limit); n != 0 {
		t.Errorf("%d chats are said to stand still before their time", n)
	}
	if n := w.sweep(time.Second); n != 1 {
		t.Errorf("%d chats are said to stand still when nothing excuses them", n)
	}
}

// Who waits for others to read back owes nothing until it is his turn.
func TestWaitForAPlaceToReadBackIsNotOwed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.holder("opening")
	r.Check(h.chatLog.Raise(r.Ctx))
	h.progress.step(time.Now().Add(-time.Hour))
	places := r.poller.Places.ReadBacks
	for places.TryAcquire(1) {
	}
	read := make(chan error, 1)
	go func() { read <- h.readBack(r.Ctx) }()
	r.Eventually("nothing is owed", func() bool { return h.progress.owed(time.Now(), time.Time{}) == 0 })
	places.Release(1)
	r.Check(<-read)
	if owed := h.progress.owed(time.Now().Add(time.Hour), time.Time{}); owed == 0 || owed > time.Hour+time.Minute {
		t.Errorf("after its turn %v are owed", owed)
	}
}
