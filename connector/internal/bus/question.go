package bus

import (
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// question is one that costs something. It is asked once at a time, whoever
// wants to know, and its answer is good for a while. Its zero value has not
// been asked.
type question struct {
	flight singleflight.Group

	mu     sync.Mutex
	answer error
	since  time.Time
}

// ask is put unless there is an answer that is not older than goodFor.
func (q *question) ask(goodFor time.Duration, put func() error) error {
	if answer, known := q.known(goodFor); known {
		return answer
	}
	_, err, _ := q.flight.Do("", func() (any, error) {
		if answer, known := q.known(goodFor); known { // it came while this one was on its way here
			return nil, answer
		}
		answer := put()
		q.mu.Lock()
		defer q.mu.Unlock()
		q.answer, q.since = answer, time.Now()
		return nil, answer
	})
	return err
}

func (q *question) known(goodFor time.Duration) (error, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.answer, !q.since.IsZero() && time.Since(q.since) < goodFor
}
