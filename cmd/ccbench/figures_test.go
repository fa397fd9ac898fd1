package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"cc-connector/schema"
	"cc-connector/subjects"
)

func TestFiguresOfRounds(t *testing.T) {
	if got := spreadOf([]float64{3, 9, 1}); got != (spread{3, 1, 9}) {
		t.Errorf("of three: %+v", got)
	}
	if got := spreadOf([]float64{4, 1, 2, 8}); got != (spread{3, 1, 8}) {
		t.Errorf("of four: %+v", got)
	}
	var latencies []time.Duration
	for ms := range 1000 {
		latencies = append(latencies, time.Duration(ms+1)*time.Millisecond)
	}
	if got := percentilesOf(latencies); got.p50 < 499 || got.p50 > 501 || got.p99 < 989 || got.p99 > 991 {
		t.Errorf("percentiles %+v", got)
	}
}

// A stall counts for all that was due meanwhile, not only for the one command that it met.
func TestAnOpenLoopCountsFromWhenACommandWasDue(t *testing.T) {
	const stall = 100 * time.Millisecond
	first := true
	done, err := openLoop(t.Context(), 1, 1000, stall, func(context.Context, int) error {
		if first {
			first = false
			time.Sleep(stall)
		}
		return nil
	})
	late := 0
	for _, latency := range done.latencies {
		if latency > stall/2 {
			late++
		}
	}
	if err != nil || done.given != 100 || late < 40 {
		t.Errorf("of %d commands %d were late, %v", done.given, late, err)
	}
}

func TestAFailedCommandEndsALoad(t *testing.T) {
	broken := errors.New("broken")
	fails := func(context.Context, int) error { return broken }
	if _, err := closedLoop(t.Context(), 2, time.Hour, fails); !errors.Is(err, broken) {
		t.Errorf("closed: %v", err)
	}
	if _, err := openLoop(t.Context(), 2, 10, time.Minute, fails); !errors.Is(err, broken) {
		t.Errorf("open: %v", err)
	}
}

// Events that were lost, or came twice, are no measurement.
func TestReceivingTooMuchIsTold(t *testing.T) {
	e := new(ears)
	e.stream.hear([]byte(`{"pushed_at":"1"}`))
	e.core.hear([]byte(`{"pushed_at":"1"}`))
	if err := e.await(t.Context(), 1); err != nil {
		t.Error(err)
	}
	e.core.hear([]byte(`{"pushed_at":"1"}`))
	if e.await(t.Context(), 1) == nil {
		t.Error("an event that came twice is not told")
	}
}

// What fills the stream is what the connector publishes: its schema accepts it.
func TestStoredEventsAreOnes(t *testing.T) {
	msg := storedEvent("cc", 7, 3)
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	if err != nil {
		t.Fatal(err)
	}
	received, err := schema.DecodeEvent(ce)
	message, ok := received.(*schema.Message)
	if err != nil || !ok || message.ChatID != ce.Subject() {
		t.Errorf("%+v, %v", received, err)
	}
	parsed, err := subjects.Prefix("cc").Parse(msg.Subject)
	if err != nil || string(parsed.Chat) != ce.Subject() {
		t.Errorf("%+v, %v", parsed, err)
	}
}

func TestATableIsAligned(t *testing.T) {
	if got := line([]string{"ab", "µs"}, []int{3, 4}, " "); got != "| ab  |   µs |" {
		t.Errorf("%q", got)
	}
	for figure, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := whole(figure); got != want {
			t.Errorf("%v is spelled %q", figure, got)
		}
	}
	for figure, want := range map[float64]string{0.123: "0.12", 12.34: "12.3", 1234.5: "1,234"} {
		if got := figures(figure); got != want {
			t.Errorf("%v is spelled %q", figure, got)
		}
	}
	rows := [][]string{{"a", contenderHead}, {"1", "connector"}}
	if got := named(rows, 1); !slices.Equal(got[1], []string{"1"}) {
		t.Errorf("%v", got)
	}
}

// What one lane needs for itself is no burden to another: it is there while that one is loaded.
func TestALaneListensWhileItIsLoaded(t *testing.T) {
	on := &process{name: "this one", cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	var did []string
	hears := func() (func(), error) {
		did = append(did, "listens")
		return func() { did = append(did, "stops") }, nil
	}
	for _, l := range []lane{{name: "quiet", on: on}, {name: "hearing", on: on, hears: hears}} {
		if _, err := new(bench).load(&trial{lane: l}, func() (work, error) { did = append(did, l.name); return work{}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"quiet", "listens", "hearing", "stops"}; !slices.Equal(did, want) {
		t.Errorf("it went as %q", did)
	}
}

func TestNoneOfTwoAlwaysGoesFirst(t *testing.T) {
	for round, want := range [][2]string{{"less", "more"}, {"more", "less"}, {"less", "more"}} {
		if got := turns(round, "less", "more"); got != want {
			t.Errorf("round %d goes as %q", round, got)
		}
	}
}
