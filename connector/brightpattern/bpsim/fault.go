package bpsim

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is something that goes wrong on purpose.
//
// Kinds that strike when a call arrives, before it takes effect (it then takes
// none): "status", "page" (a 200 with a maintenance page in HTML), "delay" (takes
// its effect after the delay, even if the client has left by then), "hang" (until
// the fault is cleared or has passed, then goes on as usual; or until the client
// leaves), "cut_before".
//
// Kinds that strike when the answer is ready, also the answer to a poll held
// since before the fault was injected: "cut_after" (no answer), "truncate"
// (half of it), "garbage" (an unreadable 200), "lose" (as cut_after, but only
// an answer that gives server events away is struck, and counted), and
// "slow" (its body takes Delay to come), "endless" (its body never ends), and
// "status", "page" and "delay" with AfterEffect. Server events in an answer so
// destroyed are lost; one that is only late or slow is not destroyed.
//
// Some faults are not the contact center's but of what stands before it. For a
// maintenance page in place of every read: Kind "page", Reads. For a firewall that
// refuses what somebody wrote: Kind "status", Status 403, HTML, and in Body what it
// does not like. For a redirect: Kind "status", Status 301 or 302, Location. For a
// proxy that has lost its way to a chat: Kind "status", Status 404, Chat. A fail-over
// in the contact center, which for a moment knows no session: Kind "status", Status
// 404, Code "5005", Method "pollEvents", Times 1. For surveys that come late, see
// Options.Linger.
//
// On a connection that was used before, some HTTP clients (net/http among
// them) repeat a GET that was cut off without telling.
//
// If several faults fit, the first injected strikes, once on each side.
type Fault struct {
	ID     string // given by Inject
	Method string // one of the method names, or "*" or "" for any
	Chat   string // a chat id; "" any call, also those that name no chat
	Reads  bool   // only calls that are a GET
	Body   string // only calls that have this in their body
	Kind   string

	Status     int    // of "status": 300 to 599; default 500
	Code       string // its error_code
	Message    string // its error_message
	HTML       bool   // its body is HTML, as of a proxy; else, without code and message, empty
	Location   string // where a "status" from 300 to 399 redirects to
	RetryAfter time.Duration
	Delay      time.Duration // of "delay" and "slow"

	Times       int           // how many calls it strikes; 0: until cleared or For has passed
	For         time.Duration // how long it is there; 0: until cleared or struck Times times
	AfterEffect bool          // of "status", "page" and "delay"
	Then        *Fault        // takes its place and its id once it has struck Times times, on the chat that it struck last
}

// faultKinds tells which kinds can strike before and after the effect.
var faultKinds = map[string]struct{ before, after bool }{
	"status":     {true, true},
	"page":       {true, true},
	"delay":      {true, true},
	"hang":       {true, false},
	"cut_before": {true, false},
	"cut_after":  {false, true},
	"truncate":   {false, true},
	"garbage":    {false, true},
	"lose":       {false, true},
	"slow":       {false, true},
	"endless":    {false, true},
}

func (f Fault) isAfter() bool {
	return f.AfterEffect || !faultKinds[f.Kind].before
}

func (f Fault) hasDelay() bool { return f.Kind == "delay" || f.Kind == "slow" }

// validate names the field that is wrong.
func (f Fault) validate() error {
	kind, known := faultKinds[f.Kind]
	switch {
	case !known:
		return errors.New("kind: must be one of status, page, delay, hang, cut_before, cut_after, truncate, garbage, lose, slow, endless")
	case f.Method != "*" && f.Method != "" && !knownMethod(f.Method):
		return errors.New("method: the API has none of this name")
	case f.AfterEffect && !kind.after:
		return fmt.Errorf("afterEffect: %s has no such form", f.Kind)
	case f.Kind == "status" && f.Status != 0 && (f.Status < 300 || f.Status > 599):
		return errors.New("status: must be from 300 to 599")
	case f.Location != "" && (f.Kind != "status" || f.Status/100 != 3):
		return errors.New("location: only faults of kind status with a status from 300 to 399 have one")
	case f.hasDelay() && f.Delay <= 0:
		return errors.New("delay: must be positive")
	}
	return errors.Join(f.validateNumbers(), f.validateThen())
}

func (f Fault) validateThen() error {
	switch {
	case f.Then == nil:
		return nil
	case f.Times == 0 || f.Kind == "hang":
		return errors.New("then: only a fault with times has one, and none of kind hang")
	}
	if err := f.Then.validate(); err != nil {
		return fmt.Errorf("then: %w", err)
	}
	return nil
}

func (f Fault) validateNumbers() error {
	switch {
	case f.Times < 0:
		return errors.New("times: must not be negative")
	case f.For < 0:
		return errors.New("for: must not be negative")
	case f.RetryAfter < 0:
		return errors.New("retryAfter: must not be negative")
	case !f.hasDelay() && f.Delay != 0:
		return errors.New("delay: only faults of kind delay or slow have one")
	}
	return nil
}

// liveFault is an injected fault with what is left of it.
type liveFault struct {
	Fault
	struck  int
	timer   *time.Timer
	cleared chan struct{}
}

func (f *liveFault) spent() bool { return f.Times > 0 && f.struck >= f.Times }

type faultList struct {
	some atomic.Bool // keeps the lock off the way of a server without faults
	mu   sync.Mutex
	made int
	list []*liveFault // spent ones too while they hold calls back
}

// Inject adds a fault and returns its id. An error names the wrong field.
func (s *Server) Inject(f Fault) (id string, err error) {
	if err := f.validate(); err != nil {
		return "", err
	}
	l := &s.faults
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	f.ID = "fault-" + strconv.Itoa(l.made)
	l.list = append(l.list, s.live(f))
	l.some.Store(true)
	s.changed()
	return f.ID, nil
}

func (s *Server) live(f Fault) *liveFault {
	live := &liveFault{Fault: f, cleared: make(chan struct{})}
	if f.For > 0 {
		live.timer = time.AfterFunc(f.For, func() { s.faults.drop(live); s.changed() })
	}
	return live
}

// Faults lists the faults that can still strike; Times is what is left of it.
func (s *Server) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	out := []Fault{}
	for _, f := range s.faults.list {
		if !f.spent() {
			left := f.Fault
			left.Times = max(0, f.Times-f.struck)
			out = append(out, left)
		}
	}
	return out
}

// ClearFault takes one fault away; it may have gone by itself.
func (s *Server) ClearFault(id string) {
	s.faults.mu.Lock()
	i := slices.IndexFunc(s.faults.list, func(f *liveFault) bool { return f.ID == id })
	var found *liveFault
	if i >= 0 {
		found = s.faults.list[i]
	}
	s.faults.mu.Unlock()
	if found != nil {
		s.faults.drop(found)
		s.changed()
	}
}

// ClearFaults takes all faults away and lets hanging calls go on.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	list := slices.Clone(s.faults.list)
	s.faults.mu.Unlock()
	for _, f := range list {
		s.faults.drop(f)
	}
	s.changed()
}

func (l *faultList) drop(f *liveFault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.list, f)
	if i < 0 {
		return
	}
	l.list = slices.Delete(l.list, i, i+1)
	l.some.Store(len(l.list) > 0)
	if f.timer != nil {
		f.timer.Stop()
	}
	close(f.cleared)
}

// strike finds the fault for a call and counts it. One that follows another is made by live.
func (l *faultList) strike(c *call, after, gives bool, live func(Fault) *liveFault) *liveFault {
	if !l.some.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.list {
		if f.fits(c, after, gives) {
			f.struck++
			l.sweep(f)
			if f.spent() && f.Then != nil {
				l.list = append(l.list, live(f.follower(c)))
				l.some.Store(true)
			}
			return f
		}
	}
	return nil
}

func (f *liveFault) follower(c *call) Fault {
	then := *f.Then
	then.ID, then.Chat = f.ID, c.chatID()
	return then
}

func (f *liveFault) fits(c *call, after, gives bool) bool {
	return !f.spent() && f.isAfter() == after &&
		(f.Method == "*" || f.Method == "" || f.Method == c.route.method) &&
		(f.Chat == "" || f.Chat == c.chatID()) &&
		(!f.Reads || c.route.verb == http.MethodGet) &&
		(f.Body == "" || bytes.Contains(c.body, []byte(f.Body))) &&
		(f.Kind != "lose" || gives)
}

// sweep drops a spent fault, unless calls hang on it that ClearFaults must find.
func (l *faultList) sweep(f *liveFault) {
	if !f.spent() || f.Kind == "hang" {
		return
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	l.list = slices.DeleteFunc(l.list, func(other *liveFault) bool { return other == f })
	l.some.Store(len(l.list) > 0)
}
