package microservice

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"cc-connector/connector/internal/translate"
)

// Endpoint is a subject that takes requests, with its statistics. It may be
// used from any goroutine.
type Endpoint struct {
	subscription *nats.Subscription

	mu    sync.Mutex
	stats micro.EndpointStats
}

func newEndpoint(name, subject string) *Endpoint {
	return &Endpoint{stats: micro.EndpointStats{Name: name, Subject: subject, QueueGroup: Name}}
}

// longestFailure is what is kept of one, in bytes: the statistics of all
// endpoints are one message.
const longestFailure = 80

// Note counts a request, from its arrival to its reply. The failure is its code
// and message, as "code:message"; "" if there is none.
func (e *Endpoint) Note(failure string, took time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.NumRequests++
	e.stats.ProcessingTime += took
	e.stats.AverageProcessingTime = e.stats.ProcessingTime / time.Duration(e.stats.NumRequests)
	if failure != "" {
		e.stats.NumErrors++
		e.stats.LastError = translate.Cut(failure, longestFailure)
	}
}

func (e *Endpoint) snapshot() *micro.EndpointStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	copied := e.stats
	return &copied
}
