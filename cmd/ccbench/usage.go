package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/procfs"
)

// usage is what a process has used of the machine since it began.
type usage struct {
	cpuSeconds float64 // user and system
	resident   int     // bytes now
	peak       int     // and at most
}

func (p *process) usage() (usage, error) {
	stat, status, err := readProc(p.pid())
	if err != nil {
		return usage{}, fmt.Errorf("what %s uses is read in /proc, as on Linux: %w", p.name, err)
	}
	return usage{stat.CPUTime(), int(status.VmRSS), int(status.VmHWM)}, nil
}

func readProc(pid int) (stat procfs.ProcStat, status procfs.ProcStatus, err error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return stat, status, err
	}
	if stat, err = proc.Stat(); err != nil {
		return stat, status, err
	}
	status, err = proc.NewStatus()
	return stat, status, err
}

// idle looks on for a while. It returns the share of a core that was used, and
// what is used in the end.
func (p *process) idle(ctx context.Context, span time.Duration) (cores float64, after usage, err error) {
	before, err := p.usage()
	if err != nil {
		return 0, usage{}, err
	}
	select {
	case <-time.After(span):
	case <-ctx.Done():
		return 0, usage{}, context.Cause(ctx)
	}
	after, err = p.usage()
	return (after.cpuSeconds - before.cpuSeconds) / span.Seconds(), after, err
}
