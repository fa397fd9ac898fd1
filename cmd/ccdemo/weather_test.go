package main

import (
	"errors"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/console"
)

// openSky is the weather over what it happens to: NATS, a contact center, and a
// connector that does not run yet.
func openSky(t *testing.T) *weather {
	t.Helper()
	inOwnTemp(t)
	server, err := startNATSServer("127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.close)
	sim := bpsim.New(bpsim.Options{})
	t.Cleanup(sim.Close)
	connector, err := newProcess(job{NATS: server.url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connector.stop)
	return newWeather(&stage{nats: server, sim: sim, connector: connector})
}

// What a click has left is gone with the next one, whatever that does.
func TestClickTakesAwayWhatTheLastOneHasLeft(t *testing.T) {
	w := openSky(t)
	defer w.end()
	for _, next := range phenomena() {
		if err := w.Set(t.Context(), "lost-history", true); err != nil {
			t.Fatal(err)
		}
		left := w.once
		if err := w.Set(t.Context(), next.Name, next.Kind == console.Once); err != nil {
			t.Errorf("%s: %v", next.Name, err)
		}
		for _, f := range w.sim.Faults() {
			if f.ID == left {
				t.Errorf("after %s, the history is still refused", next.Name)
			}
		}
	}
}

// Once all is taken down, a click that comes late neither breaks nor starts anything.
func TestClickComesTooLate(t *testing.T) {
	w := openSky(t)
	w.end()
	for _, p := range phenomena() {
		if err := w.Set(t.Context(), p.Name, true); !errors.Is(err, errEnded) {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	if faults := w.sim.Faults(); len(faults) > 0 || !w.nats.isUp() || w.connector.running() != nil {
		t.Errorf("faults: %v, NATS up: %v, connector: %v", faults, w.nats.isUp(), w.connector.running())
	}
}
