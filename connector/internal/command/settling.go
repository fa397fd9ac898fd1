package command

import (
	"cmp"
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/replicas"
)

// settling goes through commands of which the stream of events is to tell what became
// of them. What is published of one is looked for among what the stream had at a
// moment: what came later the stream knows by its id. So nobody reads what he
// publishes himself, and the time that it takes grows with the number of the commands.
type settling struct {
	*teller
	then bus.Reach // of the stream of events; of one goroutine alone

	mu   sync.Mutex
	left map[uint64]bool // where in the journal the records stand that are settled
}

func (c *teller) newSettling() *settling { return &settling{teller: c, left: make(map[uint64]bool)} }

// reach is what the stream of events had lately.
func (s *settling) reach(ctx context.Context) (bus.Reach, error) {
	var err error
	if time.Since(s.then.At) > s.repeatsKnown()/2 {
		s.then, err = s.streams.Events.Reach(ctx, s.log)
	}
	return s.then, err
}

// settlingMost of a dead replica's commands are settled at once. While they are,
// no more are read.
const settlingMost = 16

// behind settles what stands behind a sequence in the journal, and returns how far
// that goes. To settle is to return where the record stands then.
func (s *settling) behind(ctx context.Context, of replicas.ID, behind uint64, settle func(*journal.Record, bus.Reach) (left uint64, err error)) (reached uint64, err error) {
	var running errgroup.Group // one that cannot be settled keeps no other from it
	running.SetLimit(settlingMost)
	reached, err = s.journal.Scan(ctx, of, behind, func(r *journal.Record) {
		if s.hasLeft(r) {
			return
		}
		then, err := s.reach(ctx)
		running.Go(func() error {
			if err != nil {
				return err
			}
			left, err := settle(r, then)
			s.note(left, err)
			return err
		})
	})
	failed := running.Wait()
	return reached, cmp.Or(err, failed)
}

func (s *settling) note(left uint64, err error) {
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.left[left] = true
	}
}

// hasLeft tells whether nobody has written the record since it was settled here.
func (s *settling) hasLeft(r *journal.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left[r.Sequence()]
}
