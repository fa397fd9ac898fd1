// Package health tells what does not work from what does not work for a moment.
//
// Each part of the way from the contact center to the bus can say at any time
// what does not work: a Fault. Who asks whether the connector is ready wants to
// know something else. NATS elects a leader, a client finds another server, an
// answer is lost: all of that passes by itself before anybody could act, and a
// replica that is taken out of service for it, and put back, is the greater
// disturbance. So a fault is a Problem only when it has lasted for longer than
// what passes by itself takes (see Usual). What cannot pass by itself, such as a
// permission that is missing, is one at once; and what is over is over at once.
//
// A fault lasts from when it was seen first until it is not seen any more. Some
// are known by what failed last, and not by asking: they have lasted until then,
// and one failure that nobody tried again never lasts.
package health

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Part is one of the way between the contact center and the bus.
type Part string

// The parts.
const (
	Starting      Part = "starting" // or leaving
	NATS          Part = "nats"
	Stream        Part = "stream"         // by its name
	Publishing    Part = "publishing"     // by what is published
	Intake        Part = "intake"         // by the stream that is pulled from
	ContactCenter Part = "contact_center" // by the app's name
	Polls         Part = "polls"
	Room          Part = "room"
	Replicas      Part = "replicas" // the other ones
	Canary        Part = "canary"   // by what it tries
)

// Fault is something that does not work at the moment.
type Fault struct {
	Part Part
	Name string // of one of the part's kind; few, and never a chat's
	Err  error  // in an operator's words

	Stays bool      // it does not pass by itself, or has been given its time
	Since time.Time // zero: since it is seen
	Last  time.Time // when it was found last; zero: it is there now
}

// Problem is a fault that lasts.
type Problem struct {
	Part    Part
	Name    string
	Message string
	Since   time.Time
}

// Patience is for how long a part's fault may pass by itself.
type Patience map[Part]time.Duration

// Usual is the connector's patience. A part that is not in it has none.
var Usual = Patience{
	NATS:          5 * time.Second,  // a client that has lost its server has found another one, or that one again
	Stream:        10 * time.Second, // servers elect a leader within 4 to 9 seconds of losing one
	Publishing:    10 * time.Second, // the same
	Intake:        10 * time.Second, // the same
	Replicas:      10 * time.Second, // the same
	Room:          10 * time.Second, // a replica that is replaced has come back, or its successor
	ContactCenter: 10 * time.Second, // its own fail-over takes no longer
}

// Watch knows since when faults last. It may be used from any goroutine.
type Watch struct {
	patience Patience
	mu       sync.Mutex
	since    map[place]time.Time // of those that were seen last
}

// place is what there is one fault of.
type place struct {
	part Part
	name string
}

// NewWatch has seen nothing.
func NewWatch(patience Patience) *Watch { return &Watch{patience: patience} }

// Lasting are the problems among all faults that there are, by part and name.
func (w *Watch) Lasting(now time.Time, all []Fault) []Problem {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen, problems := make(map[place]time.Time, len(all)), make(map[place]Problem, len(all))
	for _, f := range all {
		at := place{f.Part, f.Name}
		since := w.begin(at, f, now)
		if before, twice := seen[at]; !twice || since.Before(before) {
			seen[at] = since
		}
		if f.Stays || f.lasted(since, now) >= w.patience[f.Part] {
			problems[at] = problems[at].and(f, since)
		}
	}
	w.since = seen
	return inOrder(problems)
}

// begin is since when a fault lasts, as far as it or the watch knows.
func (w *Watch) begin(at place, f Fault, now time.Time) time.Time {
	if !f.Since.IsZero() {
		return f.Since
	}
	if since, known := w.since[at]; known {
		return since
	}
	return now
}

func (f Fault) lasted(since, now time.Time) time.Duration {
	if !f.Last.IsZero() {
		now = f.Last
	}
	return now.Sub(since)
}

// and is the problem that tells of one more fault in its place.
func (p Problem) and(f Fault, since time.Time) Problem {
	if p.Message == "" {
		return Problem{f.Part, f.Name, f.Err.Error(), since}
	}
	p.Message += "; " + f.Err.Error()
	if since.Before(p.Since) {
		p.Since = since
	}
	return p
}

// order is that of the parts from below to above: the cause is named first.
var order = []Part{Starting, NATS, Stream, Publishing, Intake, Replicas, ContactCenter, Polls, Room, Canary}

func inOrder(problems map[place]Problem) []Problem {
	all := make([]Problem, 0, len(problems))
	for _, p := range problems {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Part), slices.Index(order, b.Part)), cmp.Compare(a.Name, b.Name))
	})
	return all
}
