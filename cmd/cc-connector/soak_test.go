//go:build soak

package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// go test -tags soak -run 'TestSoak$' -timeout 30m ./cmd/cc-connector -soak.for=10m

var soakFor = flag.Duration("soak.for", time.Minute, "how long the soak storms")

// Everything that can go wrong, mixed, for long. What it measures is in the log.
func TestSoak(t *testing.T) {
	w := newWorld(t, worldOptions{replicas: 3})
	w.traffic.begin(load{chats: 60, agents: 4 * time.Millisecond, text: 100, customers: 6, durable: 4, lifetime: 30 * time.Second})
	began := time.Now()
	for time.Since(began) < *soakFor {
		w.storm(12,
			killOne, startOne, killOne, startOne, endOne, startOne, endOne, startOne,
			freezeBriefly, freezeLong, restartNATS, breakAnswers)
		w.Logf("%v: %d messages stored", time.Since(began).Round(time.Second), w.recorder.count())
	}
	stormed := time.Since(began)
	w.check()
	w.Logf("stormed for %v", stormed.Round(time.Second))
	w.logTakeovers()
}

// Connectors leave and join, and nothing else happens: so fast are hand-overs.
func TestSoakOfOrderlyStops(t *testing.T) {
	w := newWorld(t, worldOptions{replicas: 3})
	w.traffic.begin(load{chats: 60, agents: 4 * time.Millisecond, text: 100, customers: 6, durable: 4, lifetime: 30 * time.Second})
	for began := time.Now(); time.Since(began) < *soakFor; {
		w.storm(12, endOne, startOne)
	}
	w.check()
	w.logTakeovers()
}

// logTakeovers tells how long chats were polled by nobody.
func (w *world) logTakeovers() {
	for signal, samples := range w.witness.allTakeovers() {
		slices.Sort(samples)
		w.Logf("polled again after %s: %s", signal, spread(samples))
	}
}

// spread of sorted samples.
func spread(sorted []time.Duration) string {
	at := func(part float64) string {
		return sorted[int(part*float64(len(sorted)-1))].Round(time.Millisecond).String()
	}
	return fmt.Sprintf("p50 %s, p99 %s, max %s (%d chats)", at(.5), at(.99), at(1), len(sorted))
}

// count is how many messages there are so far.
func (r *recorder) count() int {
	stored, _ := r.all()
	return len(stored)
}

func (w *witness) allTakeovers() map[string][]time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.takeovers)
}
