package main

import (
	"math/rand/v2"
	"net/http"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// mishap is something that happens in a storm.
type mishap func(*world)

// startOne has a replica join, if one is down.
func startOne(w *world) {
	for i, r := range w.replicas {
		if !r.up {
			w.startReplica(i)
			return
		}
	}
	endOne(w)
}

func killOne(w *world) {
	if i, may := w.anyUp(); may {
		w.killReplica(i)
		return
	}
	startOne(w)
}

func endOne(w *world) {
	if i, may := w.anyUp(); may {
		w.endReplica(i)
		return
	}
	startOne(w)
}

// anyUp picks a replica, if it is not the last one.
func (w *world) anyUp() (i int, may bool) {
	var up []int
	for i, r := range w.replicas {
		if r.up {
			up = append(up, i)
		}
	}
	return up[w.dice.IntN(len(up))], len(up) > 1
}

const failover = 2 * time.Second // CC_FAILOVER_AFTER of every storm

// freezeBriefly ends before anybody notices.
func freezeBriefly(w *world) { freeze(w, failover/8, failover/2) }

// freezeLong wakes a replica whose chats are with others.
func freezeLong(w *world) { freeze(w, failover+failover/4, 2*failover) }

func freeze(w *world, least, most time.Duration) {
	i, _ := w.anyUp()
	w.freezeReplica(i, func() { pause(w.Context(), least+time.Duration(w.dice.Int64N(int64(most-least)))) })
}

func restartNATS(w *world) {
	w.restartServer(w.bus.servers[w.dice.IntN(len(w.bus.servers))], func() { pause(w.Context(), time.Duration(w.dice.Int64N(int64(failover)))) })
}

// faults are what goes wrong between the connector and the contact center, each a few times.
var faults = []bpsim.Fault{
	{Method: bpsim.PollEvents, Kind: "cut_before"},
	{Method: bpsim.PollEvents, Kind: "cut_after"},
	{Method: bpsim.PollEvents, Kind: "lose"},
	{Method: bpsim.PollEvents, Kind: "truncate"},
	{Method: bpsim.PollEvents, Kind: "garbage"},
	{Method: bpsim.PollEvents, Kind: "status", Status: http.StatusServiceUnavailable, RetryAfter: time.Second},
	{Method: bpsim.PollEvents, Kind: "status", Status: http.StatusBadGateway, HTML: true, AfterEffect: true},
	{Method: bpsim.PollEvents, Kind: "status", Status: http.StatusInternalServerError, Code: "5500"},
	{Method: bpsim.PollEvents, Kind: "hang", For: failover},
	{Method: bpsim.SendEvents, Kind: "cut_before"},
	{Method: bpsim.SendEvents, Kind: "cut_after"},
	{Method: bpsim.SendEvents, Kind: "truncate"},
	{Method: bpsim.SendEvents, Kind: "garbage"},
	{Method: bpsim.SendEvents, Kind: "status", Status: http.StatusServiceUnavailable},
	{Method: bpsim.SendEvents, Kind: "status", Status: http.StatusInternalServerError, Code: "5500", AfterEffect: true},
	{Method: bpsim.SendEvents, Kind: "hang", For: failover},
	{Method: bpsim.GetHistory, Kind: "status", Status: http.StatusServiceUnavailable},
	{Method: bpsim.GetHistory, Kind: "cut_after"},
	{Method: bpsim.RequestChat, Kind: "cut_after"},
}

func breakAnswers(w *world) {
	w.chaos["faults"]++
	fault := faults[w.dice.IntN(len(faults))]
	fault.Times = 1 + w.dice.IntN(5)
	if _, err := w.sim.Inject(fault); err != nil {
		w.Fatal(err)
	}
}

// storm has mishaps happen, each when the last one is more or less overcome.
func (w *world) storm(rounds int, mishaps ...mishap) {
	w.Helper()
	order := rand.New(rand.NewPCG(w.dice.Uint64(), 3))
	for round := range rounds {
		if round%len(mishaps) == 0 { // each kind of mishap as often as the others
			order.Shuffle(len(mishaps), func(i, j int) { mishaps[i], mishaps[j] = mishaps[j], mishaps[i] })
		}
		if w.dice.IntN(3) == 0 {
			w.moreEvents(20 + w.dice.IntN(200)) // in the middle of the recovery
		} else {
			w.morePolled(20 + w.dice.IntN(200))
		}
		w.checkUp()
		mishaps[round%len(mishaps)](w)
	}
}
