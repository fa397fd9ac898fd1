package bus

import (
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// question is one that costs something. It is asked once at a time, whoever
// wants to know, and its answer is good for a while. Its zero value has not
// been asked.
type question[A any] struct {
	flight singleflight.Group

	mu     sync.Mutex
	answer A
	since  time.Time
}

// answer is what a stream, or one of its consumers, has answered; nil is well.
type answer struct {
	stream string
	err    error
}

// ask is put unless there is an answer that is not older than goodFor.
func (q *question[A]) ask(goodFor time.Duration, put func() A) A {
	if answer, known := q.known(goodFor); known {
		return answer
	}
	answer, _, _ := q.flight.Do("", func() (any, error) {
		if answer, known := q.known(goodFor); known { // it came while this one was on its way here
			return answer, nil
		}
		answer := put()
		q.answered(answer)
		return answer, nil
	})
	return answer.(A)
}

// answered says what the answer is now.
func (q *question[A]) answered(answer A) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.answer, q.since = answer, time.Now()
}

func (q *question[A]) known(goodFor time.Duration) (A, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.answer, !q.since.IsZero() && time.Since(q.since) < goodFor
}
