package console

import (
	"context"
	"sync"
	"time"
)

// run is one time that somebody looks.
type run struct {
	cfg    Config
	pace   pace
	ctx    context.Context
	stop   context.CancelFunc
	ring   *ring
	past   chan struct{} // closed when the ring has what the stream had
	caught sync.Once

	doubted uint64 // the message in front of which one was missing

	mu   sync.Mutex
	news news
}

// news is what stands in no ring: of each only the latest counts. Pages know by the
// numbers which they were told.
type news struct {
	stream        string // when it was made; empty: not known yet
	status        []byte
	statusNumber  int
	trouble       string        // why the stream cannot be read; empty: it can
	troubleNumber int           // 0: there was none
	changed       chan struct{} // closed when there is other news
}

func newRun(cfg Config, pace pace, ring *ring) *run {
	r := &run{cfg: cfg, pace: pace, ring: ring, past: make(chan struct{})}
	r.news.changed = make(chan struct{})
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

func (r *run) haveCaughtUp() { r.caught.Do(func() { close(r.past) }) }

// watch keeps the status, which is the same for all pages.
func (r *run) watch() {
	tick := time.NewTicker(r.pace.ready)
	defer tick.Stop()
	var ready bool
	var told time.Time
	for {
		if now := r.cfg.Ready(); now != ready || time.Since(told) >= r.pace.status {
			ready, told = now, time.Now()
			text := eventText("status", 0, r.cfg.status(r.ctx))
			r.tell(func(n *news) { n.status, n.statusNumber = text, n.statusNumber+1 })
		}
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *run) tellStream(made string) { r.tell(func(n *news) { n.stream = made }) }

func (r *run) tellTrouble(words string) {
	r.tell(func(n *news) {
		if words != n.trouble {
			n.trouble, n.troubleNumber = words, n.troubleNumber+1
		}
	})
}

func (r *run) tell(change func(*news)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.news)
	close(r.news.changed)
	r.news.changed = make(chan struct{})
}

func (r *run) latest() news {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.news
}
