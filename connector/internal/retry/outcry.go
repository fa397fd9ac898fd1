package retry

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// criedEvery is between two lines aloud for one reason.
const criedEvery = time.Minute

// reasonsMost are known at a time. Of more the oldest is forgotten: what differs each
// time is no cry of many.
const reasonsMost = 8

// Outcry is what many cry at once, and again at each try, when JetStream is away:
// the first one for a reason is logged as a warning, the others only for who debugs. It
// may be used from any goroutine.
type Outcry struct {
	mu   sync.Mutex
	said []reason // from the oldest to the last
}

type reason struct {
	what, why string
	at        time.Time
}

// Note logs why something does not succeed.
func (o *Outcry) Note(log *slog.Logger, what string, why error) {
	level := slog.LevelDebug
	if o.isNews(what, why.Error(), time.Now()) {
		level = slog.LevelWarn
	}
	log.Log(context.Background(), level, what, "error", why)
}

func (o *Outcry) isNews(what, why string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said = slices.DeleteFunc(o.said, func(r reason) bool { return now.Sub(r.at) >= criedEvery })
	if slices.ContainsFunc(o.said, func(r reason) bool { return r.what == what && r.why == why }) {
		return false
	}
	if len(o.said) == reasonsMost {
		o.said = slices.Delete(o.said, 0, 1)
	}
	o.said = append(o.said, reason{what, why, now})
	return true
}
