package main

import (
	"context"
	"testing"
	"time"

	"cc-connector/subjects"
)

// The stream forgets what open chats have said: their numbers go on all the
// same, and nothing is taken for missing that was published and forgotten.
func TestEvictingStream(t *testing.T) {
	for name, c := range map[string]struct {
		setting, value string
		text           int
	}{
		"by age":  {"CC_EVENTS_MAX_AGE", "5s", 20},
		"by size": {"CC_EVENTS_MAX_BYTES", "1MiB", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{replicas: 2, env: map[string]string{c.setting: c.value}})
			w.traffic.begin(load{chats: 12, agents: 8 * time.Millisecond, text: c.text, customers: 1, durable: 1})
			for _, strike := range []mishap{killOne, startOne, endOne} {
				w.untilForgotten()
				strike(w)
			}
			w.check()
		})
	}
}

// untilForgotten waits until the stream has forgotten all that is recorded now.
func (w *world) untilForgotten() {
	w.Helper()
	stored, _ := w.recorder.all()
	last := stored[len(stored)-1].position
	await(w.T, "the stream has forgotten what is there", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), requestPatience)
		defer cancel()
		stream, err := w.js.Stream(ctx, subjects.DefaultPrefix.StreamName("EVENTS"))
		return err == nil && stream.CachedInfo().State.FirstSeq > last
	})
}
