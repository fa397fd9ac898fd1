package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/console"
)

// outage is of NATS; tests have less time.
var outage = 5 * time.Second

// weather has things go wrong, at a click.
type weather struct {
	*stage

	mu     sync.Mutex
	faults map[string][]string // ids of those that last, by phenomenon
	down   bool                // NATS is
	work   sync.WaitGroup
	quit   chan struct{} // closed in the end
}

func newWeather(s *stage) *weather {
	return &weather{stage: s, faults: make(map[string][]string), quit: make(chan struct{})}
}

// phenomenon is one, with what the contact center does then.
type phenomenon struct {
	console.Phenomenon
	faults []bpsim.Fault
	do     func(*weather) error
}

func phenomena() []phenomenon {
	return []phenomenon{
		{console.Phenomenon{Name: "cut-answer", Title: "Cut the next answer to a poll", Kind: console.Once,
			Promise: "The events that were in it are read from the chat's history and published, in their order, and session.recovered says how many."},
			[]bpsim.Fault{{Method: bpsim.PollEvents, Kind: "lose", Times: 1}}, nil},
		{console.Phenomenon{Name: "lost-history", Title: "Cut it, and refuse the history for 20 s", Kind: console.Once,
			Promise: "Nobody can know what was in it: session.gap says between which times events may be missing, and the chat goes on."},
			[]bpsim.Fault{{Method: bpsim.PollEvents, Kind: "lose", Times: 1}, {Method: bpsim.GetHistory, Kind: "status", Status: http.StatusBadRequest, Code: "5003", For: 20 * time.Second}}, nil},
		{console.Phenomenon{Name: "http-500", Title: "Answer 500 to everything", Kind: console.Switch,
			Promise: "Live commands are refused with what is known of their effect, durable ones wait and are tried again; polls go on when it is over, and no event is lost."},
			[]bpsim.Fault{{Kind: "status", Status: http.StatusInternalServerError}}, nil},
		{console.Phenomenon{Name: "http-429", Title: "Answer 429, Retry-After 3 s", Kind: console.Switch,
			Promise: "The connector keeps away for as long as it is told; what is durable waits, and is done afterwards."},
			[]bpsim.Fault{{Kind: "status", Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second}}, nil},
		{console.Phenomenon{Name: "hang", Title: "Answer nothing", Kind: console.Switch,
			Promise: "Calls end after their time-out; of a live command it is said that its outcome is unknown, and a repeat under its id does not run it twice."},
			[]bpsim.Fault{{Kind: "hang"}}, nil},
		{console.Phenomenon{Name: "nats-down", Title: "NATS down for 5 s", Kind: console.Once,
			Promise: "What was read and not yet stored is kept and published when NATS is back: exactly once, with no hole in sequence."},
			nil, (*weather).takeNATSDown},
		{console.Phenomenon{Name: "connector-kill", Title: "Kill the connector (SIGKILL)", Kind: console.Once,
			Promise: "Nothing that the contact center still knows is lost: the next connector takes the chats over, reads their histories and publishes what is missing, once."},
			nil, func(w *weather) error { w.connector.kill(); return nil }},
		{console.Phenomenon{Name: "connector-start", Title: "Start the connector", Kind: console.Once,
			Promise: "It takes the open chats within some seconds, goes on behind the last sequence, and runs the durable commands that have waited."},
			nil, func(w *weather) error { return w.connector.start() }},
		{console.Phenomenon{Name: "clear", Title: "Fair weather", Kind: console.Once,
			Promise: "All is as it should be again, and the connector is ready by itself."},
			nil, (*weather).clear},
	}
}

func (p phenomenon) needsSimulator() bool { return len(p.faults) > 0 }

// List leaves out what a real contact center does not do at a click.
func (w *weather) List() (all []console.Phenomenon) {
	for _, p := range phenomena() {
		if w.sim != nil || !p.needsSimulator() {
			all = append(all, p.Phenomenon)
		}
	}
	return all
}

func (w *weather) Set(_ context.Context, name string, on bool) error {
	for _, p := range phenomena() {
		if p.Name != name {
			continue
		}
		if w.sim == nil && p.needsSimulator() {
			return errors.Join(console.ErrUnfit, errors.New("the contact center is a real one"))
		}
		if p.do != nil {
			return p.do(w)
		}
		return w.turn(p, on)
	}
	return console.ErrUnknown
}

// turn has the contact center make its faults, or make them no more.
func (w *weather) turn(p phenomenon, on bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.Kind == console.Switch {
		for _, id := range w.faults[p.Name] {
			w.sim.ClearFault(id)
		}
		delete(w.faults, p.Name)
	}
	if !on {
		return nil
	}
	for _, f := range p.faults {
		id, err := w.sim.Inject(f)
		if err != nil {
			return err
		}
		if p.Kind == console.Switch {
			w.faults[p.Name] = append(w.faults[p.Name], id)
		}
	}
	return nil
}

// takeNATSDown brings it back, too.
func (w *weather) takeNATSDown() error {
	w.mu.Lock()
	was := w.down
	w.down = true
	w.mu.Unlock()
	if was {
		return nil
	}
	w.nats.down()
	w.work.Go(func() {
		select {
		case <-time.After(outage):
		case <-w.quit:
		}
		_ = w.nats.up() // else the page shows that it is away
		w.mu.Lock()
		defer w.mu.Unlock()
		w.down = false
	})
	return nil
}

func (w *weather) clear() error {
	w.mu.Lock()
	if w.sim != nil {
		w.sim.ClearFaults()
	}
	clear(w.faults)
	w.mu.Unlock()
	return w.connector.start()
}

// now is what goes wrong at the moment, as pages show it.
func (w *weather) now() map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]any{"connector": "stopped"}
	if w.connector.running() != nil {
		all["connector"] = "running"
	}
	for name := range w.faults {
		all[name] = true
	}
	if w.down {
		all["nats-down"] = true
	}
	return all
}

func (w *weather) status(context.Context) console.Status {
	s := w.connector.status()
	s.Weather = w.now()
	return s
}
