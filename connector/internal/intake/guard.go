package intake

import (
	"log/slog"
	"sync"
	"time"

	"cc-connector/connector/internal/metrics"
	"cc-connector/subjects"
)

// Guard judges messages. It may be used from any goroutine.
type Guard struct {
	prefix  subjects.Prefix
	metrics *metrics.Commands
	log     *slog.Logger

	mu   sync.Mutex
	told map[Reason]time.Time
}

// NewGuard judges the messages of a prefix.
func NewGuard(prefix subjects.Prefix, m *metrics.Commands, log *slog.Logger) *Guard {
	return &Guard{prefix: prefix, metrics: m, log: log, told: map[Reason]time.Time{}}
}

const toldEvery = time.Minute // between two log lines for one reason

// Ignore counts a message that is no command, by the name of the one on whose
// subject it came.
func (g *Guard) Ignore(why Reason, name string) {
	g.metrics.Ignored.Inc(string(why))
	if g.isDue(why, time.Now()) {
		g.log.Warn("a message on a command's subject was not taken for a command; more for the same reason are only counted for a while",
			"command", name, "reason", string(why))
	}
}

func (g *Guard) isDue(why Reason, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if told, any := g.told[why]; any && now.Sub(told) < toldEvery {
		return false
	}
	g.told[why] = now
	return true
}
