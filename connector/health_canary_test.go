package connector_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
)

// runs is how often the canary came to that.
func (p *replica) runs(t *testing.T, result string) float64 {
	n, _ := p.metric(t, "cc_canary_runs_total", result)
	return n
}

// The canary goes the whole way, leaves nothing on the bus, and when it fails twice
// in a row that is shown, counted, and logged once.
func TestCanary(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver, func(r *rig) { r.config.CanaryInterval = 20 * time.Millisecond }).provided()
	replica := r.start()
	r.eventually("it has come round", func() bool { return replica.runs(t, "ok") > 0 })
	before, asked := r.streamState("CC_EVENTS"), r.sim.Calls()[bpsim.CheckAvailability]
	from := replica.runs(t, "ok")
	r.eventually("it comes round again and again", func() bool { return replica.runs(t, "ok") > from+5 })
	if after := r.streamState("CC_EVENTS"); after.LastSeq != before.LastSeq {
		t.Errorf("the stream of events was at %d, and is at %d", before.LastSeq, after.LastSeq)
	}
	if keys := r.keysOf("KV_CC_STATE", "$KV.CC_STATE.canary."+replica.Replica()); len(keys) != 1 {
		t.Errorf("in the connector's memory it has %v", keys)
	}
	if n := r.sim.Calls()[bpsim.CheckAvailability] - asked; n < 2*5 { // two apps
		t.Errorf("the contact center was asked %d times", n)
	}
	if n := replica.observed(r, "cc_canary_duration_seconds"); n < 5 {
		t.Errorf("%d runs were timed", n)
	}
	if at := value(r, replica.metrics, "cc_canary_last_success_timestamp_seconds"); time.Since(time.Unix(int64(at), 0)) > patience {
		t.Errorf("it succeeded last at %v", at)
	}

	injectInto(r, bpsim.Fault{Method: bpsim.CheckAvailability, Kind: "status", Status: 503, Times: 1})
	r.eventually("one run fails", func() bool { return replica.runs(t, "contact_center") == 1 })
	from = replica.runs(t, "ok")
	r.eventually("the next ones succeed", func() bool { return replica.runs(t, "ok") > from+1 })
	if strings.Contains(r.log.String(), "the canary fails") {
		t.Error("one run that fails is told")
	}

	injectInto(r, bpsim.Fault{Method: bpsim.CheckAvailability, Kind: "status", Status: 503})
	r.shows(replica, "canary", "main", "the canary's question whether the app main takes chats failed", "503")
	r.sim.ClearFaults()
	r.heals(replica)
	r.eventually("the log says both", func() bool { return strings.Contains(r.log.String(), "the canary succeeds again") })
	if n := strings.Count(r.log.String(), `"msg":"the canary fails`); n != 1 {
		t.Errorf("that it fails is logged %d times", n)
	}

	events := r.streamConfig("CC_EVENTS")
	r.check(r.js.DeleteStream(r.ctx, events.Name))
	r.shows(replica, "canary", "bus", "did not come round over NATS", "the stream CC_EVENTS is missing")
	_, err := r.js.CreateStream(r.ctx, events)
	r.check(err)
	r.heals(replica)
	if replica.runs(t, "bus") == 0 {
		t.Error("runs that fail on the bus are not counted")
	}
}

// observed is how much a histogram without labels has of.
func (p *replica) observed(r *rig, name string) uint64 {
	families, err := p.metrics.Gather()
	r.check(err)
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	return 0
}

// keysOf are the subjects that a stream has messages of.
func (r *rig) keysOf(stream, filter string) (keys []string) {
	r.Helper()
	s, err := r.js.Stream(r.ctx, stream)
	r.check(err)
	info, err := s.Info(r.ctx, jetstream.WithSubjectFilter(filter))
	r.check(err)
	for key := range info.State.Subjects {
		keys = append(keys, key)
	}
	return keys
}
