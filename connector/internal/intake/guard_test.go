package intake

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/internal/metrics"
	"cc-connector/subjects"
)

func TestMayReply(t *testing.T) {
	for prefix, replies := range map[subjects.Prefix]map[string]bool{
		"cc": {
			"": true, "_INBOX.x": true, "_INBOX.nuid.8": true, "_INBOX_cc-commander.x": true, "_R_.a.b": true, "my.own.inbox": true, "x": true,
			"ccx": true, "ccx.y": true, "x.cc": true, "x.cc.chat.C.event.message": true, "CC.x": true, "inbox.foo.12": true, "ein.Postfäch": true,
			"_GR_.abcdef.ghijkl._INBOX.x.1": true,
			"cc":                            false, "cc.": false, "cc.x": false, "cc.chat.C.event.message": false, "cc.durable.chat.send.C": false, "cc.internal.x": false,
			"$JS.API.STREAM.PURGE.CC_EVENTS": false, "$KV.CC_STATE.number.C": false, "$SYS.x": false, "$SRV.PING": false, "$": false, "$O.CC_FILES.C.x": false,
			"_DELIVER_cc-consumer.CC_EVENTS": false, "_DELIVER_x": false, "_DELIVER_": false, "_DELIVERED.x": true, "x._DELIVER_y": true,
			"a.*": false, "a.>": false, ">": false, "a.b*": false, ".": false, "a..b": false, ".a": false, "a.": false, "a b": false, "a\tb": false, "a\r\nb": false,
			strings.Repeat("x", longestReply): true, strings.Repeat("x", longestReply+1): false,
		},
		"acme.cc-1": {
			"acme.cc-1": false, "acme.cc-1.x": false, "acme.cc-1.chat.C.event.message": false,
			"acme": true, "acme.cc": true, "acme.cc-12.x": true, "acme.x": true, "cc.x": true, "cc-1.x": true,
		},
	} {
		g := NewGuard(prefix, nil, nil)
		for reply, may := range replies {
			if got := g.MayReply(reply); got != may {
				t.Errorf("%s may reply to %q: %v", prefix, reply, got)
			}
		}
	}
}

// Whatever a reply subject is, none that may be answered lies under the prefix
// or belongs to the server, or to what a reader's consumer delivers.
func FuzzMayReply(f *testing.F) {
	for _, seed := range []string{"cc.x", "a.b", "$JS", "a.*.c", "..", "_INBOX.x", "_DELIVER_cc-consumer.CC_EVENTS"} {
		f.Add("cc", seed)
		f.Add("a.b", seed)
	}
	f.Fuzz(func(t *testing.T, prefix, reply string) {
		own, err := subjects.ParsePrefix(prefix)
		if err != nil || !NewGuard(own, nil, nil).MayReply(reply) || reply == "" {
			return
		}
		if (reply + ".")[:min(len(reply)+1, len(prefix)+1)] == prefix+"." || reply[0] == '$' || strings.HasPrefix(reply, "_DELIVER_") || strings.ContainsAny(reply, "*>") {
			t.Fatalf("%q may be answered", reply)
		}
	})
}

// A flood for one reason is one line a minute, and counted all the same; what
// another reason has to tell is not lost in it.
func TestIgnoreIsToldOnceInAWhile(t *testing.T) {
	registry, log := prometheus.NewRegistry(), &bytes.Buffer{}
	m, err := metrics.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	g := NewGuard("cc", m.Commands, slog.New(slog.NewTextHandler(log, nil)))
	for range 100 {
		g.Ignore(metrics.IgnoredReply, "chat.send")
	}
	g.Ignore(metrics.IgnoredOwn, "push.received")
	if lines := strings.Count(log.String(), "\n"); lines != 2 {
		t.Errorf("the log has %d lines, want one for each reason:\n%s", lines, log)
	}
	now := time.Now()
	if g.isDue(metrics.IgnoredReply, now) || !g.isDue(metrics.IgnoredReply, now.Add(2*toldEvery)) {
		t.Error("it is told too often, or never again")
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := 0.0
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			counted += metric.GetCounter().GetValue()
		}
	}
	if counted != 101 {
		t.Errorf("%v are counted", counted)
	}
}
