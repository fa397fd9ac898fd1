package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// # How much garbage may lie about
//
// Unless told otherwise, Go collects when there is as much garbage as there is in
// use. Where little is in use, as in a connector with few chats and many commands,
// it would collect many times a second: there may always be some garbage. And
// thousands of held polls make little garbage and have much in use; there it is kept
// to a part of that. GOGC says otherwise.

const (
	garbageAlways = 48 << 20 // bytes that there may be
	mostGarbage   = 400      // percent of what is in use
	leastGarbage  = 25
	garbageStep   = 5
	garbageEvery  = 100 * time.Millisecond // what is in use is looked at
)

// boundGarbage keeps garbage within bounds until ctx ends.
func boundGarbage(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	ticker := time.NewTicker(garbageEvery)
	defer ticker.Stop()
	for percent := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if next := garbagePercent(inUse()); next != percent {
			percent = next
			debug.SetGCPercent(percent)
		}
	}
}

// garbagePercent is of so many bytes that are in use.
func garbagePercent(inUse uint64) int {
	percent := int(100 * garbageAlways / max(inUse, 1))
	return min(max(percent-percent%garbageStep, leastGarbage), mostGarbage)
}

// inUse is what the last collection has left, and the stacks: what Go reckons by.
func inUse() uint64 {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}
