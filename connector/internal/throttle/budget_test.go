package throttle

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/metrics"
)

func testBudget() *Budget {
	return NewBudget(metrics.Unregistered().ContactCenter.Throttled)
}

// gaugeOf is the value of the gauge that has a label of that value.
func gaugeOf(t *testing.T, c prometheus.Collector, label string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families[0].GetMetric() {
		if label == "" || m.GetLabel()[0].GetValue() == label {
			return m.GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no gauge for %q", label)
	return 0
}

// What succeeds makes room for as much again, up to a limit.
func TestBudgetGrowsWithSuccess(t *testing.T) {
	b := testBudget()
	for range 3 * budgetFloor {
		b.succeeded()
	}
	if got := b.limit.Limit(); got != 4*budgetFloor {
		t.Errorf("after %d successes the budget is %v", 3*budgetFloor, got)
	}
	for range 2 * budgetMost {
		b.succeeded()
	}
	if got := b.limit.Limit(); got != budgetMost {
		t.Errorf("the budget grows to %v", got)
	}
}

// However well it went, a dozen failures in a row are an outage.
func TestBudgetFallsInAnOutage(t *testing.T) {
	b := testBudget()
	for range 2 * budgetMost {
		b.succeeded()
	}
	for range 12 {
		b.failed()
	}
	if got := b.limit.Limit(); got != budgetFloor || !b.IsAway() {
		t.Errorf("the budget is %v, away: %v", got, b.IsAway())
	}
	for range 100 * budgetMost { // nothing worse comes of more
		b.failed()
	}
	b.succeeded()
	if got := b.limit.Limit(); got != budgetFloor+1 || b.IsAway() {
		t.Errorf("after a success the budget is %v, away: %v", got, b.IsAway())
	}
}

// One failure in four leaves the budget at its most; one in two keeps it small.
func TestBudgetOfMixedAnswers(t *testing.T) {
	for failing, want := range map[int]float64{4: budgetMost, 2: budgetFloor} {
		b := testBudget()
		for i := range 10 * budgetMost {
			if i%failing == 0 {
				b.failed()
			} else {
				b.succeeded()
			}
		}
		if got := float64(b.limit.Limit()); got < want-2 || got > want+2 {
			t.Errorf("one failure in %d: the budget is %v, want about %v", failing, got, want)
		}
	}
}

// What was reserved at a small rate would keep its late turn; so only one waits there.
func TestBudgetWaitersFollowTheRate(t *testing.T) {
	b := testBudget()
	const waiters = 100 * budgetFloor // minutes at the least rate
	paid := make(chan error, waiters)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute/2)
	defer cancel()
	for range waiters {
		go func() { paid <- b.Pay(ctx) }()
	}
	for gaugeOf(t, b.waiting.Waiting, "") < waiters/2 && ctx.Err() == nil && len(paid) < waiters/2 {
		runtime.Gosched()
	}
	for range budgetMost {
		b.succeeded()
	}
	for range waiters {
		if err := <-paid; err != nil {
			t.Fatal(err)
		}
	}
	if n := gaugeOf(t, b.waiting.Waiting, ""); n != 0 {
		t.Errorf("%v still wait", n)
	}
}

func TestBudgetWaitEndsWithItsContext(t *testing.T) {
	b := testBudget()
	for b.TryPay() { // to its end
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Pay(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("paid with %v", err)
	}
	if err := b.first.Acquire(t.Context(), 1); err != nil || b.TryPay() {
		t.Error("paid before those that wait")
	}
}

func TestWhatTheBudgetCounts(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		failed bool
	}{
		"ok":             {nil, false},
		"503":            {refusedPoll(503, ""), true},
		"429":            {refusedPoll(429, ""), true},
		"5001":           {refusedPoll(503, "5001"), true},
		"unreachable":    {failedPoll(brightpattern.ReasonUnreachable, brightpattern.EffectNone), true},
		"timeout":        {failedPoll(brightpattern.ReasonTimeout, brightpattern.EffectUnknown), true},
		"cut":            {failedPoll(brightpattern.ReasonCut, brightpattern.EffectUnknown), true},
		"canceled":       {failedPoll(brightpattern.ReasonCanceled, brightpattern.EffectUnknown), false},
		"too many polls": {refusedPoll(429, "5509"), false},
		"gone":           {refusedPoll(404, "5005"), false},
		"misconfigured":  {refusedPoll(403, "3000"), false},
	} {
		b := testBudget()
		if got := b.Heard(c.err); got != c.failed || (b.failures > 0) != c.failed {
			t.Errorf("%s: failed is %v, counted %d", name, got, b.failures)
		}
	}
}
