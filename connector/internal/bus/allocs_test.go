package bus_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"cc-connector/connector/internal/allocs"
	"cc-connector/connector/internal/bus"
)

func BenchmarkAllocs(b *testing.B) { allocs.Bench(b, askings(b)) }

func TestAllocs(t *testing.T) { allocs.Check(t, askings(t)) }

func askings(t testing.TB) []allocs.Operation {
	log := slog.New(slog.DiscardHandler)
	soon, cancel := context.WithTimeout(t.Context(), bus.AnswerPatience-100*time.Millisecond) // the latest that is short
	late, end := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(func() { cancel(); end() })
	ask := func(ctx context.Context) {
		_, err := bus.Ask(ctx, log, "asking", func(context.Context) (int, error) { return 1, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	return []allocs.Operation{
		{Name: "ask what is answered at once", Most: 4, Run: func() { ask(late) }},
		{Name: "ask within a time that is short", Most: 0, Run: func() { ask(soon) }},
	}
}
