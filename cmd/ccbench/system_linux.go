package main

import (
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// asPart makes a process that Ctrl-C does not reach, as this process ends it,
// and that does not outlive this process.
func asPart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// sleep is exact to some 50 µs, where time.Sleep may be late by a millisecond.
func sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	span := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&span, nil) // woken early by a signal: who sleeps looks at the clock
}

// processor is its name, if it is told.
func processor() string {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return ""
	}
	cpus, err := proc.CPUInfo()
	if err != nil || len(cpus) == 0 {
		return ""
	}
	return cpus[0].ModelName
}
