package poller

import (
	"testing"
	"time"

	"cc-connector/connector/internal/chatlog"
)

// What the stream of events keeps is what stands in its definition, whoever has
// changed it.
func TestUpkeepFollowsTheStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if got := r.poller.retention(); got.MaxAge != 7*24*time.Hour || got.ForgetsFast() || r.poller.upkeepEvery() != upkeepEvery {
		t.Errorf("as made: %+v, every %v", got, r.poller.upkeepEvery())
	}
	config := r.poller.Streams.Events.CachedInfo().Config
	config.MaxAge, config.Duplicates, config.MaxBytes, config.MaxMsgs = 5*time.Second, time.Second, 1<<20, 1000
	_, err := r.JS.UpdateStream(r.Ctx, config)
	r.Check(err)
	r.poller.tendAll(r.Ctx)
	want := chatlog.Retention{MaxAge: 5 * time.Second, MaxBytes: 1 << 20, MaxMsgs: 1000, MaxMsgsPerSubject: -1, Failover: 10 * time.Second}
	if got := r.poller.retention(); got != want || r.poller.upkeepEvery() != upkeepEveryByBytes {
		t.Errorf("it is %+v, every %v", got, r.poller.upkeepEvery())
	}
	if keeps := r.poller.Streams.Keeps(); keeps != 5*time.Second {
		t.Errorf("what is known of closed chats is kept %v", keeps)
	}
}
