package connector_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
)

// mortal is a replica that can be killed, and tells how many chats it polls.
type mortal struct {
	*rig
	registry *prometheus.Registry
	stop     func() // orderly
	kill     func() // it falls silent towards NATS, and its polls are cut
}

func (r *rig) startMortal() mortal {
	r.Helper()
	registry := prometheus.NewRegistry()
	client, err := brightpattern.New(r.client)
	r.check(err)
	nc, err := nats.Connect(r.nats.ClientURL(), append(asConnector(r.config.Prefix), nats.MaxReconnects(-1))...)
	r.check(err)
	c, err := connector.New(r.config, nc, client, slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), registry)
	r.check(err)
	ctx, cancel := context.WithCancel(r.ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = c.Run(ctx) }()
	r.eventually("the connector is ready", func() bool { return c.Ready() == nil })
	end := func() { cancel(); <-ended; nc.Close(); client.Close() }
	r.Cleanup(end)
	return mortal{r, registry, end, func() { nc.Close(); end() }}
}

// chats is how many it polls.
func (m mortal) chats() int {
	m.Helper()
	families, err := m.registry.Gather()
	m.check(err)
	for _, family := range families {
		if family.GetName() == "cc_chats_open" {
			return int(family.GetMetric()[0].GetGauge().GetValue())
		}
	}
	m.Fatal("it does not tell how many chats it polls")
	return 0
}

// announced are the keys of the replicas' records.
func (r *rig) announced() []string {
	r.Helper()
	stream, err := r.js.Stream(r.ctx, "KV_CC_STATE")
	r.check(err)
	info, err := stream.Info(r.ctx, jetstream.WithSubjectFilter("$KV.CC_STATE.replica.>"))
	r.check(err)
	bucket, err := r.js.KeyValue(r.ctx, "CC_STATE")
	r.check(err)
	var keys []string
	for subject := range info.State.Subjects {
		key := strings.TrimPrefix(subject, "$KV.CC_STATE.")
		_, err := bucket.Get(r.ctx, key)
		if err == nil {
			keys = append(keys, key)
		} else if !errors.Is(err, jetstream.ErrKeyNotFound) {
			r.Fatal(err)
		}
	}
	return keys
}

func (r *rig) awaitMembers(n int) {
	r.Helper()
	r.eventually("the replicas are known to each other", func() bool { return len(r.announced()) == n })
}

// Whoever serves has announced itself, and takes its record along when it leaves.
func TestReplicasAnnounceThemselves(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver)
	first := r.start()
	before := r.announced()
	second := r.start()
	if n := len(r.announced()); len(before) != 1 || n != 2 {
		t.Errorf("%d announced of one, %d of two", len(before), n)
	}
	first.stop()
	if after := r.announced(); len(after) != 1 || after[0] == before[0] {
		t.Errorf("announced are %v, and %v has left", after, before)
	}
	second.stop()
	if after := r.announced(); len(after) != 0 {
		t.Errorf("announced are %v, and all have left", after)
	}
}

// One that leaves says so at once, and its record goes after its last result.
func TestRecordOfALeavingReplica(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver)
	replica := r.start()
	w := watchNew(r)
	w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "hang", Times: 1})
	r.check(r.nc.Publish("cc.chat.typing", []byte(`{"chatId":"`+w.chat+`"}`)))
	w.untilStruck()
	key := r.announced()[0]
	heard := make(chan *nats.Msg, 64)
	for _, subject := range []string{"$KV.CC_STATE." + key, "cc.chat.*.result.>"} {
		_, err := r.nc.ChanSubscribe(subject, heard)
		r.check(err)
	}
	r.check(r.nc.Flush())
	left := make(chan struct{})
	go func() { defer close(left); replica.stop() }()
	r.eventually("it has room for no chats", func() bool { return strings.Contains(r.record(key), `"maxChats":0`) })
	r.eventually("it has given its chat back", func() bool { return strings.Contains(r.log.String(), "chat given back") })
	r.sim.ClearFaults()
	<-left
	r.check(r.nc.Flush())
	var told []string
	for len(heard) > 0 {
		msg := <-heard
		told = append(told, msg.Subject+msg.Header.Get("KV-Operation"))
	}
	want := []string{"$KV.CC_STATE." + key, "cc.chat." + string(w.token()) + ".result.chat.typing", "$KV.CC_STATE." + key + "PURGE"}
	if told = slices.Compact(told); !slices.Equal(told, want) {
		t.Errorf("it tells %v, want %v", told, want)
	}
	if after := r.announced(); len(after) != 0 {
		t.Errorf("announced are %v, and all have left", after)
	}
}

func (r *rig) record(key string) string {
	r.Helper()
	bucket, err := r.js.KeyValue(r.ctx, "CC_STATE")
	r.check(err)
	value, err := bucket.Get(r.ctx, key)
	r.check(err)
	return string(value.Value())
}

// The record of one that died expires, and that of one that lives does not.
func TestRecordOfADeadReplicaExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	living := r.announced()[0]
	dying := r.startMortal()
	if n := len(r.announced()); n != 2 {
		t.Fatalf("%d are announced", n)
	}
	dying.kill()
	r.eventually("one record is gone", func() bool { return len(r.announced()) < 2 })
	if left := r.announced(); !slices.Equal(left, []string{living}) {
		t.Errorf("announced are %v, and %s lives", left, living)
	}
}

func TestReplicaThatCannotBeAnnounced(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	replica := r.start()
	stream, err := r.js.Stream(r.ctx, "KV_CC_STATE")
	r.check(err)
	config := stream.CachedInfo().Config
	config.MaxMsgSize = 8
	_, err = r.js.UpdateStream(r.ctx, config)
	r.check(err)
	r.eventually("the connector says so", func() bool {
		err := replica.Ready()
		return err != nil && strings.Contains(err.Error(), "other replicas")
	})
	config.MaxMsgSize = -1
	_, err = r.js.UpdateStream(r.ctx, config)
	r.check(err)
	r.eventually("the connector is ready again", func() bool { return replica.Ready() == nil })
	r.awaitMembers(1)
}
