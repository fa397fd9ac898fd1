//go:build soak

package main

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/procfs"

	"cc-connector/connector/brightpattern/bpsim"
)

// go test -tags soak -run 'TestCostOfPages$' -v ./cmd/cc-connector -soak.for=10s

// What ten pages cost a connector that carries 1,000 events a second, beside what it
// costs without them. Rounds take turns, so that a machine's moods hit both alike.
func TestCostOfPages(t *testing.T) {
	const chats, pages, perSecond, rounds = 50, 10, 1000, 3
	p, sim, js := startWithPage(t, nil)
	for range chats {
		openedChat(t, js.Conn())
	}
	cost := costOf{T: t, p: p, sim: sim, js: js, flow: bpsim.Flow{PerSecond: perSecond, For: *soakFor}}
	cost.round() // it is warm now
	var alone, watched float64
	for range rounds {
		alone += cost.round()
		leave := openPages(signedIn(t, p), pages)
		watched += cost.round()
		leave()
	}
	t.Logf("%.0f µs of a core an event alone, %.0f with %d pages: %.2f times as much", alone/rounds, watched/rounds, pages, watched/alone)
}

type costOf struct {
	*testing.T
	p    *process
	sim  *bpsim.Server
	js   jetstream.JetStream
	flow bpsim.Flow
}

// round is the CPU time that an event takes, in µs.
func (c costOf) round() float64 {
	c.Helper()
	stored, before := c.stored(), c.cpu()
	pushed, err := c.sim.Flow(context.Background(), c.flow)
	if err != nil {
		c.Fatal(err)
	}
	await(c.T, "all is stored", func() bool { return c.stored() >= stored+uint64(pushed) })
	return (c.cpu() - before) / float64(pushed) * 1e6
}

func (c costOf) stored() uint64 {
	c.Helper()
	stream, err := c.js.Stream(context.Background(), pagePrefix.StreamName("EVENTS"))
	if err != nil {
		c.Fatal(err)
	}
	return stream.CachedInfo().State.LastSeq
}

func (c costOf) cpu() float64 {
	c.Helper()
	proc, err := procfs.NewProc(c.p.Process.Pid)
	if err != nil {
		c.Fatal(err)
	}
	stat, err := proc.Stat()
	if err != nil {
		c.Fatal(err)
	}
	return stat.CPUTime()
}

// openPages has pages read until they leave.
func openPages(page pageOf, n int) (leave func()) {
	var bodies []io.Closer
	for range n {
		body := page.check(http.StatusOK, "GET", "/console/api/events", "").Body
		go func() { _, _ = io.Copy(io.Discard, body) }()
		bodies = append(bodies, body)
	}
	return func() {
		for _, body := range bodies {
			_ = body.Close()
		}
	}
}
