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
	"Taken":             {1, 2},
	"Announced":         {1},
	"Polled":            {1, 3},
	"FileKept":          {1, 3},
	"Published":         {1, 4},
	"Read":              {1},
	"Closed":            {1, 2},
	"Begun":             {1, 2, 3, 4},
	"Numbered":          {1, 2},
	"Uploaded":          {1},
	"Called":            {1, 2, 3, 4, 5, 6},
	"Entered":           {1, 2},
	"Tokened":           {1, 2},
	"HandedOver":        {1, 2},
	"Recorded":          {1, 2, 3, 4},
	"ResultPublished":   {1, 2, 3, 4},
	"DeadLetter":        {1},
	"CheckpointWritten": {1},
}

// Where the process that goes on dies as well, before it is done with what the first one left.
var twice = []string{"Taken", "Read", "Published", "Begun", "Called", "Recorded", "ResultPublished", "DeadLetter"}

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
	run := func(name string, ends ...end) {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(name, func(t *testing.T) { dieAndGoOn(t, ends) })
		})
	}
	for point, times := range deaths {
		for _, nth := range times {
			run(fmt.Sprint(point, " ", nth), end{point, nth})
		}
	}
	for _, point := range twice {
		run(point+" twice", end{point, deaths[point][len(deaths[point])-1]}, end{point, 1})
	}
	running.Wait()
}

func dieAndGoOn(t *testing.T, ends []end) {
	r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond, StalePoll: 200 * time.Millisecond, AnswerSends: true})
	r.config.CallTimeout, r.client.Timeout = 2*time.Second, 2*time.Second
	r.start().stop() // makes the streams
	r.shortenMemory()
	p := newPlay(r)
	p.runProcesses(ends)
	p.perform()
	if n := int(p.deaths.Load()); n != len(ends) {
		t.Fatalf("%d of %d processes got there; log:\n%s", n, len(ends), r.log)
	}
	p.audit()
}
