package main

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/subjects"
)

// Three nats-servers keep three copies. One after the other is lost under load,
// and comes back: the leader of the events, that of the session tokens'
// consumer, and one more.
func TestCluster(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{servers: 3, replicas: 2, env: map[string]string{"CC_STREAM_REPLICAS": "3"}})
	w.traffic.begin(load{chats: 20, agents: 6 * time.Millisecond, text: 20, customers: 5, durable: 2})
	for _, choose := range []func() *busServer{w.leaderOfEvents, w.leaderOfHolders, w.anyServer} {
		w.morePolled(100)
		w.restartServer(choose(), func() { w.morePolled(100) })
		await(t, "all copies are complete again", w.isWhole)
	}
	w.check()
}

func (w *world) streamInfo(suffix string) *jetstream.StreamInfo {
	ctx, cancel := context.WithTimeout(context.Background(), requestPatience)
	defer cancel()
	stream, err := w.js.Stream(ctx, subjects.DefaultPrefix.StreamName(suffix))
	if err != nil {
		return nil
	}
	return stream.CachedInfo()
}

func (w *world) leaderOfEvents() *busServer {
	return w.awaitLeader("the events", func() *jetstream.ClusterInfo {
		if info := w.streamInfo("EVENTS"); info != nil {
			return info.Cluster
		}
		return nil
	})
}

func (w *world) leaderOfHolders() *busServer {
	return w.awaitLeader("the holders", func() *jetstream.ClusterInfo {
		ctx, cancel := context.WithTimeout(context.Background(), requestPatience)
		defer cancel()
		consumer, err := w.js.Consumer(ctx, subjects.DefaultPrefix.StreamName("SESSIONS"), "holders")
		if err != nil {
			return nil
		}
		return consumer.CachedInfo().Cluster
	})
}

func (w *world) awaitLeader(of string, ask func() *jetstream.ClusterInfo) (leader *busServer) {
	w.Helper()
	await(w.T, of+" have a leader", func() bool {
		if cluster := ask(); cluster != nil {
			leader = w.bus.named(cluster.Leader)
		}
		return leader != nil
	})
	return leader
}

func (w *world) anyServer() *busServer { return w.bus.servers[w.dice.IntN(len(w.bus.servers))] }

// isWhole: every stream has its leader and two followers that are up to date.
func (w *world) isWhole() bool {
	for _, suffix := range []string{"EVENTS", "SESSIONS"} {
		info := w.streamInfo(suffix)
		if info == nil || info.Cluster == nil || info.Cluster.Leader == "" || len(info.Cluster.Replicas) != 2 {
			return false
		}
		for _, follower := range info.Cluster.Replicas {
			if !follower.Current || follower.Offline {
				return false
			}
		}
	}
	return true
}

// tellWaitingCommands logs what JetStream knows of the commands that are not done.
func (w *world) tellWaitingCommands() {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestPatience)
	defer cancel()
	commands := subjects.DefaultPrefix.StreamName("COMMANDS")
	consumer, err := w.js.Consumer(ctx, commands, "runners")
	if err != nil {
		w.Logf("the consumer of commands: %v", err)
		return
	}
	info := consumer.CachedInfo()
	w.Logf("the consumer of commands: delivered %+v, ack floor %+v, %d to be acknowledged, %d delivered again, %d waiting pulls, %d pending; %+v",
		info.Delivered, info.AckFloor, info.NumAckPending, info.NumRedelivered, info.NumWaiting, info.NumPending, info.Cluster)
	stream, err := w.js.Stream(ctx, commands)
	if err != nil {
		w.Logf("the stream of commands: %v", err)
		return
	}
	state := stream.CachedInfo().State
	w.Logf("the stream of commands: %+v", state)
	for sequence := state.FirstSeq; sequence <= state.LastSeq; sequence++ {
		msg, err := stream.GetMsg(ctx, sequence)
		if err == nil {
			w.Logf("  %d: %s since %v", sequence, msg.Subject, clock(msg.Time))
		}
	}
}
