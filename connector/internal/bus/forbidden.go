package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/health"
	"cc-connector/subjects"
)

// # What NATS does not allow
//
// A request that its user may not publish is not answered, and a subscription
// that it may not make gets nothing: both look like a slow NATS. The server says
// what it has forbidden beside all that, on the connection. Forbidden listens
// there, and remembers what is needed: every subscription, and the subjects under
// which the connector itself chooses to publish. Where a reply goes to is chosen
// by others, and what becomes of it is no matter of readiness.

// Forbidden remembers what NATS does not let the connector's user do.
type Forbidden struct {
	// Memory is how long a forbidden publication says something about now, and
	// after how long a forbidden subscription is tried again; 30s.
	Memory time.Duration

	nc    *nats.Conn
	needs []string // beginnings of the subjects that are published to

	mu     sync.Mutex
	all    map[forbidden]noted
	report func(error) // nil: nobody waits for the first
}

// forbidden is one thing that is not allowed.
type forbidden struct {
	doing   string // "publish" or "subscribe"
	subject string
}

// noted is when: a publication is tried again on the same connection, a
// subscription is not.
type noted struct {
	at      time.Time
	connect uint64 // how often the connection had been made anew
}

// ErrForbidden tells the errors of what NATS does not let the connector do.
var ErrForbidden = errors.New("NATS does not allow it")

// WatchForbidden hears what the connection is told, beside its own handler.
func WatchForbidden(nc *nats.Conn, prefix subjects.Prefix) *Forbidden {
	f := &Forbidden{
		Memory: forbiddenMemory, nc: nc, needs: []string{"$JS.", "$KV.", "$O.", string(prefix) + "."}, all: make(map[forbidden]noted),
	}
	earlier := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		f.Hear(err)
		if earlier != nil {
			earlier(nc, sub, err)
		}
	})
	return f
}

// Report has the next thing that is forbidden told, until it is called with nil.
func (f *Forbidden) Report(to func(error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report = to
}

// Hear remembers an error of the connection, if it says that something needed
// is forbidden.
func (f *Forbidden) Hear(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	what, understood := readForbidden(err.Error())
	if !understood || !f.isNeeded(what) {
		return
	}
	what.subject = f.withoutToken(what.subject)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget()
	if len(f.all) < forbiddenMost {
		f.all[what] = noted{time.Now(), f.connects()}
	}
	if f.report != nil {
		f.report(f.tell(what))
	}
}

const forbiddenMemory = 30 * time.Second

// forbiddenMost bounds what is remembered: the subjects of chats are many.
const forbiddenMost = 100

var forbiddenText = regexp.MustCompile(`(Publish|Subscription) to "([^"]*)"`)

func readForbidden(text string) (what forbidden, ok bool) {
	found := forbiddenText.FindStringSubmatch(text)
	if found == nil {
		return what, false
	}
	doing := map[string]string{"Publish": "publish", "Subscription": "subscribe"}[found[1]]
	return forbidden{doing, found[2]}, true
}

func (f *Forbidden) isNeeded(what forbidden) bool {
	return what.doing == "subscribe" || slices.ContainsFunc(f.needs, func(begin string) bool { return strings.HasPrefix(what.subject, begin) })
}

func (f *Forbidden) inboxPrefix() string {
	if f.nc.Opts.InboxPrefix == "" {
		return "_INBOX"
	}
	return f.nc.Opts.InboxPrefix
}

// withoutToken is an inbox without what makes it one of a kind.
func (f *Forbidden) withoutToken(subject string) string {
	if strings.HasPrefix(subject, f.inboxPrefix()+".") {
		return f.inboxPrefix() + ".>"
	}
	return subject
}

func (f *Forbidden) connects() uint64 { return f.nc.Stats().Reconnects }

// forget drops what says nothing of now. The lock is held.
func (f *Forbidden) forget() {
	connects := f.connects()
	maps.DeleteFunc(f.all, func(what forbidden, n noted) bool {
		return n.connect != connects || what.doing == "publish" && time.Since(n.at) > f.Memory
	})
}

// Check names what stands forbidden, the first by name.
func (f *Forbidden) Check() error {
	if faults := f.Faults(); len(faults) > 0 {
		return faults[0].Err
	}
	return nil
}

// Faults are what stands forbidden, told as the first by name. Nothing but an
// administrator mends it.
func (f *Forbidden) Faults() []health.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget()
	fault := health.Fault{Part: health.NATS, Name: "permissions", Stays: true}
	for what, n := range f.all {
		if err := f.tell(what); fault.Err == nil || err.Error() < fault.Err.Error() {
			fault.Err, fault.Since = err, n.at
		}
	}
	if fault.Err == nil {
		return nil
	}
	return []health.Fault{fault}
}

// Tend has forbidden subscriptions tried again now and then: whoever allows
// them later does not tell. Only a new connection makes them anew.
func (f *Forbidden) Tend(ctx context.Context) {
	tick := time.NewTicker(f.Memory)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if f.lacksSubscription() {
				_ = f.nc.ForceReconnect() // else it is closed, or at it already
			}
		}
	}
}

func (f *Forbidden) lacksSubscription() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget()
	for what := range f.all {
		if what.doing == "subscribe" {
			return true
		}
	}
	return false
}

func (f *Forbidden) tell(what forbidden) error {
	look := `give it the permissions that "cc-connector permissions" prints`
	if what.subject == f.inboxPrefix()+".>" {
		look = "replies come there: set CC_NATS_INBOX_PREFIX to the prefix that it may subscribe to, or allow it this one"
	}
	return fmt.Errorf("%w: the user may not %s to %q: %s", ErrForbidden, what.doing, what.subject, look)
}
