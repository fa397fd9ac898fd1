package attachments

import (
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/throttle"
	"cc-connector/subjects"
)

// Needs are what a Fetcher works with.
type Needs struct {
	Client     *brightpattern.Client
	Publisher  *bus.Publisher
	Budget     *throttle.Budget
	Metrics    *metrics.Files
	Failpoints failpoint.Plan
	Log        *slog.Logger
}

// Config is what a Fetcher depends on.
type Config struct {
	MaxBytes int64         // the largest file
	Timeout  time.Duration // how long an event waits for its file
}

const (
	fetchesMost   = 64 // at a time, of a replica: each has a piece of a file in memory
	perAnswerMost = 4  // of one answer: one that is slow holds up no other of a few
)

// Fetcher is that of one replica. It may be used from any goroutine.
type Fetcher struct {
	Needs
	cfg    Config
	places *semaphore.Weighted
}

// New fetches nothing yet.
func New(n Needs, cfg Config) *Fetcher {
	return &Fetcher{Needs: n, cfg: cfg, places: semaphore.NewWeighted(fetchesMost)}
}

// Chat is the one whose files are fetched.
type Chat struct {
	ID          brightpattern.ChatID
	Token       subjects.ChatToken
	Credentials brightpattern.Credentials
}
