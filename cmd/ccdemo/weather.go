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

// refusal of the history lasts until the next click, or as long: a poll that was cut
// may be on its way still, so the connector asks once more behind the next.
const refusal = 2 * time.Minute

// weather has things go wrong, at a click.
type weather struct {
	*stage

	clicks sync.Mutex // one takes effect at a time
	once   string     // id of the fault that the last click has left
	ended  bool       // all is taken down, and nothing goes wrong any more

	mu     sync.Mutex
	faults map[string]string // ids of those that last, by phenomenon
	over   func()            // ends the outage of NATS; nil: there is none
	work   sync.WaitGroup
}

func newWeather(s *stage) *weather {
	return &weather{stage: s, faults: make(map[string]string)}
}

// phenomenon is one, with what the contact center does then.
type phenomenon struct {
	console.Phenomenon
	fault *bpsim.Fault
	do    func(*weather) error
}

func phenomena() []phenomenon {
	return []phenomenon{
		{console.Phenomenon{Name: "cut-answer", Title: "Cut the next answer to a poll", Kind: console.Once,
			Promise: "The events that were in it are read from the chat's history and published, in their order, and session.recovered says how many."},
			&bpsim.Fault{Method: bpsim.PollEvents, Kind: "lose", Times: 1}, nil},
		{console.Phenomenon{Name: "lost-history", Title: "Cut it, and refuse the history", Kind: console.Once,
			Promise: "Nobody can know what was in it: session.gap says between which times events may be missing, and the chat goes on."},
			&bpsim.Fault{Method: bpsim.PollEvents, Kind: "lose", Times: 1,
				Then: &bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: http.StatusBadRequest, Code: "5003", For: refusal}}, nil},
		{console.Phenomenon{Name: "http-500", Title: "Answer 500 to everything", Kind: console.Switch,
			Promise: "Live commands are refused with what is known of their effect, durable ones wait and are tried again; polls go on when it is over, and no event is lost."},
			&bpsim.Fault{Kind: "status", Status: http.StatusInternalServerError}, nil},
		{console.Phenomenon{Name: "http-429", Title: "Answer 429, Retry-After 3 s", Kind: console.Switch,
			Promise: "The connector keeps away for as long as it is told; what is durable waits, and is done afterwards."},
			&bpsim.Fault{Kind: "status", Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second}, nil},
		{console.Phenomenon{Name: "hang", Title: "Answer nothing", Kind: console.Switch,
			Promise: "Calls end after their time-out; of a live command it is said that its outcome is unknown, and a repeat under its id does not run it twice."},
			&bpsim.Fault{Kind: "hang"}, nil},
		{console.Phenomenon{Name: "nats-down", Title: "NATS down for 5 s", Kind: console.Once,
			Promise: "What was read and not yet stored is kept and published when NATS is back: exactly once, with no hole in sequence."},
			nil, (*weather).takeNATSDown},
		{console.Phenomenon{Name: "connector-kill", Title: "Kill the connector (SIGKILL)", Kind: console.Once,
			Promise: "Nothing that the contact center still knows is lost: the next connector takes the chats over, reads their histories and publishes what is missing, once."},
			nil, (*weather).kill},
		{console.Phenomenon{Name: "connector-start", Title: "Start the connector", Kind: console.Once,
			Promise: "It takes the open chats within some seconds, goes on behind the last sequence, and runs the durable commands that have waited."},
			nil, (*weather).start},
		{console.Phenomenon{Name: "clear", Title: "Fair weather", Kind: console.Once,
			Promise: "All is as it should be again, and the connector is ready by itself."},
			nil, (*weather).clear},
	}
}

func (p phenomenon) needsSimulator() bool { return p.fault != nil }

// List leaves out what a real contact center does not do at a click.
func (w *weather) List() (all []console.Phenomenon) {
	for _, p := range phenomena() {
		if w.sim != nil || !p.needsSimulator() {
			all = append(all, p.Phenomenon)
		}
	}
	return all
}

func phenomenonCalled(name string) (p phenomenon, known bool) {
	for _, p := range phenomena() {
		if p.Name == name {
			return p, true
		}
	}
	return phenomenon{}, false
}

var errEnded = errors.New("the demonstration ends")

// Set is a click. It takes away what the click before has left: what was promised for
// one thing is not promised for the next.
func (w *weather) Set(_ context.Context, name string, on bool) error {
	p, known := phenomenonCalled(name)
	switch {
	case !known:
		return console.ErrUnknown
	case w.sim == nil && p.needsSimulator():
		return errors.Join(console.ErrUnfit, errors.New("the contact center is a real one"))
	}
	w.clicks.Lock()
	defer w.clicks.Unlock()
	if w.ended {
		return errEnded
	}
	if w.sim != nil {
		w.sim.ClearFault(w.once)
	}
	switch {
	case p.do == nil:
		return w.turn(p, on)
	case on:
		return p.do(w)
	}
	return nil
}

// turn has the contact center make a fault, or make it no more.
func (w *weather) turn(p phenomenon, on bool) (err error) {
	if p.Kind == console.Once {
		w.once, err = w.sim.Inject(*p.fault)
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if id, lasts := w.faults[p.Name]; lasts {
		w.sim.ClearFault(id)
		delete(w.faults, p.Name)
	}
	if !on {
		return nil
	}
	id, err := w.sim.Inject(*p.fault)
	if err == nil {
		w.faults[p.Name] = id
	}
	return err
}

func (w *weather) kill() error {
	w.connector.kill()
	return nil
}

func (w *weather) start() error { return w.connector.start() }

// takeNATSDown brings it back, too.
func (w *weather) takeNATSDown() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over != nil {
		return nil
	}
	over, end := context.WithTimeout(context.Background(), outage)
	w.over = end
	w.nats.down()
	w.work.Go(func() {
		<-over.Done()
		_ = w.nats.up() // else the page shows that it is away, and fair weather tries again
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over = nil
	})
	return nil
}

func (w *weather) endOutage() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over != nil {
		w.over()
	}
}

func (w *weather) clear() error {
	w.clearFaults()
	w.endOutage()
	return errors.Join(w.nats.up(), w.connector.start())
}

func (w *weather) clearFaults() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sim != nil {
		w.sim.ClearFaults()
	}
	clear(w.faults)
}

// end lets the connector leave without waiting for what answers nothing.
func (w *weather) end() {
	w.clicks.Lock()
	w.ended = true
	w.clicks.Unlock()
	w.clearFaults()
	w.endOutage()
	w.work.Wait()
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
	if !w.nats.isUp() {
		all["nats-down"] = true
	}
	return all
}

func (w *weather) status(context.Context) console.Status {
	s := w.connector.status()
	s.Weather = w.now()
	return s
}
