package main

import (
	"syscall"
	"time"
)

// sleep is exact to some 50 µs, where time.Sleep may be late by a millisecond.
func sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	span := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&span, nil) // woken early by a signal: who sleeps looks at the clock
}
