package retry

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// criedEvery is between two lines aloud for one reason.
const criedEvery = time.Minute

// Outcry is what many cry at once, and again at each try, when JetStream is away:
// the first one is logged as a warning, the others only for who debugs. It may be
// used from any goroutine.
type Outcry struct {
	mu   sync.Mutex
	last string
	at   time.Time
}

// Note logs why something does not succeed.
func (o *Outcry) Note(log *slog.Logger, what string, why error) {
	level := slog.LevelDebug
	if o.isNews(why.Error(), time.Now()) {
		level = slog.LevelWarn
	}
	log.Log(context.Background(), level, what, "error", why)
}

func (o *Outcry) isNews(why string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if why == o.last && now.Sub(o.at) < criedEvery {
		return false
	}
	o.last, o.at = why, now
	return true
}
