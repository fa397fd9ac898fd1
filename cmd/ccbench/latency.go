package main

import (
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const longest = 2 * time.Minute // that a histogram tells apart

// percentiles are of one round, in milliseconds.
type percentiles struct{ p50, p99 float64 }

func percentilesOf(latencies []time.Duration) percentiles {
	h := hdrhistogram.New(1, longest.Microseconds(), 3)
	for _, latency := range latencies {
		_ = h.RecordValue(min(max(latency, time.Microsecond), longest).Microseconds()) // which is in its range
	}
	at := func(p float64) float64 { return float64(h.ValueAtPercentile(p)) / 1000 }
	return percentiles{at(50), at(99)}
}

// spread is what several rounds have shown.
type spread struct {
	Median float64 `json:"median"`
	Least  float64 `json:"min"`
	Most   float64 `json:"max"`
}

func spreadOf(rounds []float64) spread {
	sorted := slices.Sorted(slices.Values(rounds))
	n := len(sorted)
	if n == 0 {
		return spread{}
	}
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// spreadBy is the spread of one figure of the rounds.
func spreadBy[R any](rounds []R, figure func(R) float64) spread {
	figures := make([]float64, len(rounds))
	for i, r := range rounds {
		figures[i] = figure(r)
	}
	return spreadOf(figures)
}

// millis are the latencies of several rounds, in milliseconds.
type millis struct {
	P50 spread `json:"p50"`
	P99 spread `json:"p99"`
}

func millisOf[R any](rounds []R, latency func(R) percentiles) millis {
	return millis{
		P50: spreadBy(rounds, func(r R) float64 { return latency(r).p50 }),
		P99: spreadBy(rounds, func(r R) float64 { return latency(r).p99 }),
	}
}

// ratio of two figures that were measured in turn.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
