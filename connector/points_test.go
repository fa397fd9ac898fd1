package connector_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
)

// deaths are the points at which a process dies, and for each the how manieth
// time it gets there. The first six commands alternate between the lanes:
// durable, live, ….
var deaths = map[string][]int{
	"Taken":      {1, 2},
	"Announced":  {1},
	"Polled":     {1, 3},
	"Published":  {1, 4},
	"Read":       {1},
	"Closed":     {1, 2},
	"Begun":      {1, 2, 3, 4},
	"Numbered":   {1, 2},
	"Called":     {1, 2, 3, 4, 5, 6},
	"Entered":    {1, 2},
	"Tokened":    {1, 2},
	"HandedOver": {1, 2},
	"Recorded":   {1, 2, 3, 4},
	"Result":     {1, 2, 3, 4},
	"DeadLetter": {1},
	"Checkpoint": {1},
}

const dyingAtOnce = 8

// A process may die between any two effects. Another one goes on, and in the
// end nobody can tell: but for a live command of which nobody knows what has
// become, and is told so.
func TestEveryPoint(t *testing.T) {
	t.Parallel()
	points := slices.Sorted(maps.Values(connector.Points()))
	if tried := slices.Sorted(maps.Keys(deaths)); !slices.Equal(points, tried) {
		t.Errorf("the points are %q, and tried are %q", points, tried)
	}
	var running sync.WaitGroup
	places := make(chan struct{}, dyingAtOnce)
	for point, times := range deaths {
		for _, nth := range times {
			running.Go(func() {
				places <- struct{}{}
				defer func() { <-places }()
				t.Run(fmt.Sprint(point, " ", nth), func(t *testing.T) { rehearse(t, point, nth) })
			})
		}
	}
	running.Wait()
}

func rehearse(t *testing.T, point string, nth int) {
	r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond, StalePoll: 200 * time.Millisecond, AnswerSends: true})
	r.config.CallTimeout, r.client.Timeout = 2*time.Second, 2*time.Second
	r.start().stop() // makes the streams
	r.shortenMemory()
	p := newPlay(r)
	r.Cleanup(func() { <-p.followed })
	died, err := r.startVictim(point, nth)
	p.died = died
	if err == nil {
		go p.follow()
	}
	defer p.over.Store(true)
	r.check(err)
	p.perform()
	select {
	case <-p.died:
	default:
		t.Fatalf("the process never got there; log:\n%s", r.log)
	}
	p.audit()
}
