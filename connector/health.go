package connector

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// awaitStore returns when what a poll would bring can be published, as far as
// is known. Whoever polls without NATS takes what nobody can have. A store that
// fails is not waited for so long: it may be another chat's event that it
// does not take.
func (h *holder) awaitStore(ctx context.Context) {
	began := time.Now()
	for ctx.Err() == nil && (!h.nc.IsConnected() || h.health.isStoreDown() && time.Since(began) < storeMemory) {
		sleep(ctx, storePause/2+rand.N(storePause)) // not all at once
	}
}

const storePause = 500 * time.Millisecond

// health remembers what readiness cannot ask for at the moment of the question.
type health struct {
	mu           sync.Mutex
	serving      bool
	selfFailure  error
	pullFailures map[string]error // by what does not work
	storeFailure error
	storeFailed  time.Time
}

func (h *health) serve(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serving = on
}

// pulled notes whether a loop that takes chats or commands got an answer.
func (h *health) pulled(failing string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pullFailures == nil {
		h.pullFailures = make(map[string]error)
	}
	h.pullFailures[failing] = err
}

func (h *health) checkPulls() error {
	for failing, err := range h.pullFailures {
		if err != nil {
			return fmt.Errorf("%s: %w", failing, err)
		}
	}
	return nil
}

// announced notes whether the other replicas could be told of this one.
func (h *health) announced(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.selfFailure = err
}

// stored notes whether a publication got through.
func (h *health) stored(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.storeFailure, h.storeFailed = err, time.Now()
}

// A publication that failed is tried again; one that failed longer ago than
// this has been given up, and says nothing about now.
const storeMemory = 30 * time.Second

// isStoreDown tells whether the last publication failed, not for what it was.
func (h *health) isStoreDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.storeFailure != nil && time.Since(h.storeFailed) < storeMemory && isOutage(h.storeFailure)
}

func (h *health) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.serving:
		return errors.New("the connector is not serving: it is starting or leaving")
	case h.selfFailure != nil:
		return fmt.Errorf("the other replicas cannot be told of this one: %w", h.selfFailure)
	case h.storeFailure != nil && time.Since(h.storeFailed) < storeMemory:
		return fmt.Errorf("events and results cannot be published: %w", h.storeFailure)
	}
	return h.checkPulls()
}

const readyTimeout = 2 * time.Second

// Ready returns nil only while commands are taken, JetStream answers for the
// streams, and chats are taken to be polled; else it says what does not work.
// It takes at most two seconds.
func (c *Connector) Ready() error {
	if c.nc.Status() != nats.CONNECTED {
		return fmt.Errorf("NATS: %s", c.nc.Status())
	}
	if err := errors.Join(c.health.check(), c.refusals.check()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	for _, store := range c.stores.all() {
		if err := store.ask(ctx); err != nil {
			return fmt.Errorf("%s: %w", store.what, explainStore(store.stream, err))
		}
	}
	return nil
}
