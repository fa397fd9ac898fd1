package connector_test

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// refused runs a connector that cannot start, and returns why.
func (r *rig) refused(config connector.Config) string {
	r.Helper()
	client, err := brightpattern.New(r.client)
	r.check(err)
	defer client.Close()
	c, err := connector.New(config, r.connect(asConnector(config.Prefix)...), client, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	r.check(err)
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	if err := c.Run(ctx); err != nil {
		return err.Error()
	}
	r.Fatal("the connector did start")
	return ""
}

func (r *rig) checkRefused(config connector.Config, words ...string) {
	r.Helper()
	said := r.refused(config)
	for _, word := range words {
		if !strings.Contains(said, word) {
			r.Errorf("%q is not in: %s", word, said)
		}
	}
}

func (r *rig) streamNames() []string {
	r.Helper()
	var names []string
	list := r.js.StreamNames(r.ctx)
	for name := range list.Name() {
		names = append(names, name)
	}
	r.check(list.Err())
	slices.Sort(names)
	return names
}

func (r *rig) streamConfig(name string) jetstream.StreamConfig {
	r.Helper()
	stream, err := r.js.Stream(r.ctx, name)
	r.check(err)
	return stream.CachedInfo().Config
}

// What readers rely on is there, under names that come from the prefix.
func TestStreamsOfPrefix(t *testing.T) {
	for prefix, name := range map[string]string{"cc": "CC", "a.b": "A_B", "x-1.y2": "X-1_Y2"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.Prefix = subjects.Prefix(prefix) })
			r.start()
			promised := []string{name + "_EVENTS", "KV_" + name + "_CHATS", "OBJ_" + name + "_FILES"}
			for _, stream := range r.streamNames() {
				promised = slices.DeleteFunc(promised, func(p string) bool { return p == stream })
				if bare := strings.TrimPrefix(strings.TrimPrefix(stream, "KV_"), "OBJ_"); !strings.HasPrefix(bare, name+"_") {
					t.Errorf("the name of %s does not begin with %s_", stream, name)
				}
			}
			if len(promised) > 0 {
				t.Errorf("%v are not there", promised)
			}
			want := []string{
				prefix + ".chat.*.event.>", prefix + ".chat.*.result.>", prefix + ".chat.*.session.>", prefix + ".result.>",
				prefix + ".internal.events.>",
			}
			if got := r.streamConfig(name + "_EVENTS").Subjects; !reflect.DeepEqual(got, want) {
				t.Errorf("subjects are %v, want %v", got, want)
			}
		})
	}
}

// All of it works under a prefix of two tokens, beside a connector with another one.
func TestChatUnderLongPrefix(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	r.config.Prefix, r.config.Tenant = "a.b", "other.example"
	r.start()
	reply, err := r.nc.Request("a.b.chat.request", []byte(`{"from":"Ada"}`), patience)
	r.check(err)
	if code := reply.Header.Get("Nats-Service-Error-Code"); code != "" {
		t.Fatal(code)
	}
	r.awaitStored(r.sim.Chats()[0].ID, ".session.opened", 1)
	chats, err := r.js.KeyValue(r.ctx, "A_B_CHATS")
	r.check(err)
	if keys, err := chats.Keys(r.ctx); err != nil || len(keys) != 1 {
		t.Errorf("A_B_CHATS has %v, %v", keys, err)
	}
	if state := r.streamConfig("CC_EVENTS"); state.Metadata["cc-connector.tenant"] != tenant {
		t.Errorf("CC_EVENTS is marked with %v", state.Metadata)
	}
	if info := r.streamState("CC_EVENTS"); info.Msgs != 0 {
		t.Errorf("%d messages stand in CC_EVENTS", info.Msgs)
	}
}

func (r *rig) streamState(name string) jetstream.StreamState {
	r.Helper()
	stream, err := r.js.Stream(r.ctx, name)
	r.check(err)
	return stream.CachedInfo().State
}

func TestStreamsSayWhoseTheyAre(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start().stop()
	for _, name := range r.streamNames() {
		meta := r.streamConfig(name).Metadata
		for key, want := range map[string]string{
			"cc-connector.tenant": tenant, "cc-connector.base-url": r.http.URL, "cc-connector.apps": "main:app-1,other:app-2",
		} {
			if meta[key] != want {
				t.Errorf("%s: %s is %q, want %q", name, key, meta[key], want)
			}
		}
	}

	foreign, elsewhere := r.config, r.config
	foreign.Tenant, elsewhere.BaseURL = "other.example", "https://elsewhere.example"
	for _, provision := range []bool{true, false} {
		foreign.Provision, elsewhere.Provision = provision, provision
		r.checkRefused(foreign, "_EVENTS belongs to another contact center", `"acme.example"`, `"other.example"`, "CC_SUBJECT_PREFIX")
		r.checkRefused(elsewhere, "belongs to another contact center", r.http.URL, "https://elsewhere.example")
	}
	if meta := r.streamConfig("CC_EVENTS").Metadata; meta["cc-connector.tenant"] != tenant {
		t.Errorf("the refused connector has marked the stream: %v", meta)
	}
	r.config.Apps = append(r.config.Apps, connector.App{Name: "third", ID: "app-3"}) // who owns it is the same
	r.start()
	if meta := r.streamConfig("CC_EVENTS").Metadata; meta["cc-connector.apps"] != "main:app-1,other:app-2,third:app-3" {
		t.Errorf("apps are %q", meta["cc-connector.apps"])
	}
}

// Any one of the streams that is somebody else's is enough to stay away from all.
func TestEachStreamIsGuarded(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start().stop()
	for _, name := range r.streamNames() {
		config := r.streamConfig(name)
		ours := config.Metadata["cc-connector.tenant"]
		config.Metadata["cc-connector.tenant"] = "other.example"
		_, err := r.js.UpdateStream(r.ctx, config)
		r.check(err)
		r.checkRefused(r.config, name+" belongs to another contact center")
		config.Metadata["cc-connector.tenant"] = ours
		_, err = r.js.UpdateStream(r.ctx, config)
		r.check(err)
	}
	r.start()
}

func TestWithoutProvisioning(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.config.Provision = false
	r.checkRefused(r.config, "CC_EVENTS", "CC_PROVISION=true")
	if names := r.streamNames(); len(names) > 0 {
		t.Errorf("%v were made", names)
	}

	r.config.Provision = true
	r.start().stop()
	r.config.Provision, r.config.EventsMaxAge = false, time.Hour
	r.start() // with what is there
	chat := r.openChat()
	r.awaitStored(chat, ".session.opened", 1)
	if age := r.streamConfig("CC_EVENTS").MaxAge; age != 168*time.Hour {
		t.Errorf("the administrator's stream was changed: events are kept %v", age)
	}
}

// One missing piece is named, whichever it is.
func TestWithoutProvisioningEachMustBeThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start().stop()
	for _, name := range r.streamNames() {
		r.check(r.js.DeleteStream(r.ctx, name))
		r.config.Provision = false
		bare := strings.TrimPrefix(strings.TrimPrefix(name, "KV_"), "OBJ_")
		r.checkRefused(r.config, bare+" cannot be used", "CC_PROVISION=true")
		r.config.Provision = true
		r.start().stop()
	}
}

func TestEventsLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start().stop()
	r.checkLimits(168*time.Hour, -1, 168*time.Hour)

	r.config.EventsMaxAge, r.config.EventsMaxBytes, r.config.FilesMaxAge = 3*time.Hour, 1<<30, 2*time.Hour
	r.start().stop()
	r.checkLimits(3*time.Hour, 1<<30, 2*time.Hour)

	r.config.EventsMaxAge, r.config.EventsMaxBytes, r.config.FilesMaxAge = 0, 0, 0
	r.start().stop()
	r.checkLimits(3*time.Hour, 1<<30, 2*time.Hour)

	r.config.EventsMaxAge = time.Minute // shorter than the memory of ids usually is
	r.start()
	r.checkLimits(time.Minute, 1<<30, 2*time.Hour)
	if chats := r.streamConfig("KV_CC_CHATS"); chats.MaxAge != 0 || !chats.AllowMsgTTL {
		t.Errorf("entries of open chats expire after %v; single ones can: %v", chats.MaxAge, chats.AllowMsgTTL)
	}
}

func (r *rig) checkLimits(age time.Duration, bytes int64, files time.Duration) {
	r.Helper()
	events := r.streamConfig("CC_EVENTS")
	if events.MaxAge != age || events.MaxBytes != bytes || events.Duplicates > age {
		r.Errorf("events are kept %v and %d bytes, ids %v; want %v and %d", events.MaxAge, events.MaxBytes, events.Duplicates, age, bytes)
	}
	if events.Storage != jetstream.FileStorage || events.Retention != jetstream.LimitsPolicy || events.Discard != jetstream.DiscardOld {
		r.Errorf("the stream of events is %v, %v, %v", events.Storage, events.Retention, events.Discard)
	}
	if got := r.streamConfig("OBJ_CC_FILES").MaxAge; got != files {
		r.Errorf("files are kept %v, want %v", got, files)
	}
}

// A limit that is reached drops what is oldest, even of a chat that is still
// open; what comes then goes on from there.
func TestEventsMaxBytes(t *testing.T) {
	t.Parallel()
	const limit = 32 << 10
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.EventsMaxBytes = limit })
	r.start()
	chat := r.openChat()
	r.push(chat, map[string]any{"event": "chat_session_case_set", "case_id": "first"})
	before, err := schema.Sequence(r.awaitStored(chat, ".event.case_set", 1)[0].event)
	r.check(err)

	for r.streamState("CC_EVENTS").FirstSeq < 20 {
		r.must("service.version", map[string]any{})
	}
	if left := r.stored(r.of(chat)); len(left) > 0 {
		t.Errorf("%s is still there", left[0].subject)
	}
	r.push(chat, map[string]any{"event": "chat_session_party_joined", "party_id": "p1", "display_name": "Bob"})
	after, err := schema.Sequence(r.awaitStored(chat, ".event.party_joined", 1)[0].event)
	r.check(err)
	if after <= before {
		t.Errorf("sequence %d follows %d", after, before)
	}
	if size := r.streamState("CC_EVENTS").Bytes; size > limit {
		t.Errorf("the stream has %d bytes", size)
	}
}

func TestJetStreamDisabled(t *testing.T) {
	t.Parallel()
	for _, provision := range []bool{true, false} {
		r := newRig(t, bpsim.Options{}, func(r *rig) {
			r.nats = startNATS(t, &server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
			r.config.Provision, r.config.StartPatience = provision, time.Second
		})
		r.checkRefused(r.config, "JetStream is not enabled", "nats-server with -js")
	}
}

// JetStream that the account may not use is as good as none.
func TestJetStreamDisabledForAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) {
		plain := server.NewAccount("PLAIN")
		r.config.StartPatience = time.Second
		r.nats = startNATS(t, &server.Options{
			Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
			Accounts: []*server.Account{plain},
		})
	})
	r.checkRefused(r.config, "JetStream is not enabled", "allow it for the account")
}
