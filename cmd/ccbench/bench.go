package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// bench is one run of the benchmark.
type bench struct {
	ctx      context.Context // until a process dies, or the user interrupts
	fail     context.CancelCauseFunc
	plan     plan
	programs programs
	dir      string // for files that nobody needs afterwards
	progress *progress
	report   report
}

var errInterrupted = errors.New("interrupted")

// measureAll prints a table at the end, and nothing if it does not get there.
func measureAll(ctx context.Context, set settings, out, errs io.Writer) error {
	if err := set.prepareOutput(); err != nil {
		return err
	}
	result, err := measure(ctx, set, errs)
	if err != nil {
		return err
	}
	if set.json != "" {
		if err := result.writeJSON(set.json); err != nil {
			return err
		}
	}
	result.print(out)
	if set.plot != "" {
		return result.draw(set.plot)
	}
	return nil
}

// prepareOutput finds out before minutes are spent whether there is a place for the results.
func (set settings) prepareOutput() error {
	if set.json != "" {
		if err := checkReplaceable(set.json); err != nil {
			return fmt.Errorf("-json: %w; %w", err, errUsage)
		}
	}
	if set.plot != "" {
		if err := os.MkdirAll(set.plot, 0o755); err != nil {
			return fmt.Errorf("-plot: %w; %w", err, errUsage)
		}
	}
	return nil
}

// measure leaves no process and no file behind.
func measure(user context.Context, set settings, errs io.Writer) (result report, err error) {
	ctx, fail := context.WithCancelCause(context.Background())
	defer fail(nil)
	defer context.AfterFunc(user, func() { fail(errInterrupted) })()
	dir, err := os.MkdirTemp("", "ccbench-")
	if err != nil {
		return report{}, fmt.Errorf("a folder for its files: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{ctx: ctx, fail: fail, plan: set.plan, dir: dir, progress: newProgress(errs)}
	err = b.runSections(set)
	if cause := context.Cause(ctx); cause != nil {
		return report{}, cause // rather than what it led to
	}
	return b.report, err
}

func (b *bench) runSections(set settings) (err error) {
	if err := requireFiles(b.plan.mostChats()); err != nil {
		return err
	}
	b.progress.say("building what is measured")
	if b.programs, err = gather(b.ctx, set, b.dir); err != nil {
		return err
	}
	chosen := slices.DeleteFunc(slices.Clone(sectionNames), func(name string) bool { return len(set.only) > 0 && !slices.Contains(set.only, name) })
	for _, name := range chosen {
		b.progress.add(b.cost(name))
	}
	b.report = newReport(b.programs, b.plan)
	begin := time.Now()
	for _, name := range chosen {
		b.progress.begin(name, b.cost(name))
		if err := sections[name].run(b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	b.report.Seconds = time.Since(begin).Seconds()
	return nil
}

// section is a part of what is measured.
type section struct {
	cost func(p plan, contenders int) time.Duration // about
	run  func(*bench) error
}

// sections are by their names.
var sections = map[string]section{
	"commands": {commandsCost, (*bench).commands},
	"chats":    {chatsCost, (*bench).chats},
	"recovery": {recoveryCost, (*bench).recovery},
	"growth":   {growthCost, (*bench).growth},
}

func (b *bench) cost(name string) time.Duration {
	return sections[name].cost(b.plan, len(b.programs.contenders))
}

func (r *report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = replace(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("-json: %w", err)
	}
	return nil
}
