package console

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	pagesMost     = 32
	closePatience = 5 * time.Second
)

// pace is how long things take.
type pace struct {
	linger time.Duration // after the last page: one that is loaded anew finds all there
	look   time.Duration // how often it is asked whether the stream is still the same
	ready  time.Duration // how often the connector is asked whether it is ready: a change is told at once
	status time.Duration // how often the status is told
	write  time.Duration // the longest that a page may take to read what was written: it may come again
}

var usual = pace{30 * time.Second, 5 * time.Second, 200 * time.Millisecond, time.Second, 10 * time.Second}

var errPages = fmt.Errorf("too many pages are open: close some; at most %d are served", pagesMost)

// feed is what all pages read. It works only while there are some.
type feed struct {
	cfg  Config
	pace pace
	room room

	mu    sync.Mutex
	pages int
	run   *run // nil: nobody looks
	idle  *time.Timer
	ended bool
	work  sync.WaitGroup
}

// join counts a page in; each that is must leave.
func (f *feed) join() (*run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refusal(); err != nil {
		return nil, err
	}
	f.pages++
	if f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
	if f.run == nil {
		f.run = newRun(f.cfg, f.pace, newRing(f.room.messages, f.room.bytes))
		f.work.Go(f.run.read)
		f.work.Go(f.run.watch)
	}
	return f.run, nil
}

func (f *feed) refusal() error {
	switch {
	case f.ended:
		return errors.New("the connector leaves")
	case f.pages == pagesMost:
		return errPages
	}
	return nil
}

// probe tells whether one more page may join, and if not, why.
func (f *feed) probe() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refusal()
}

func (f *feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pages--; f.pages == 0 && f.run != nil {
		f.idle = time.AfterFunc(f.pace.linger, f.rest)
	}
}

func (f *feed) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pages == 0 && f.run != nil {
		f.run.stop()
		f.run, f.idle = nil, nil
	}
}

// tell tells all pages that there are something that stands in no stream.
func (f *feed) tell(event string, data any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.run != nil {
		f.run.ring.add(entry{text: eventText(event, 0, data)})
	}
}

// close ends all pages. Whatever they wait for, the process can end.
func (f *feed) close() {
	f.mu.Lock()
	f.ended = true
	if f.run != nil {
		f.run.stop()
	}
	if f.idle != nil {
		f.idle.Stop()
	}
	f.mu.Unlock()
	done := make(chan struct{})
	go func() { f.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(closePatience):
	}
}
