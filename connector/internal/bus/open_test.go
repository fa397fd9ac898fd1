package bus_test

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

// unset is a configuration that gives no limits.
func unset() bus.Config {
	cfg := natstest.Config()
	cfg.EventsMaxAge, cfg.FilesMaxAge, cfg.Replicas = 0, 0, 0
	return cfg
}

// open opens the streams and returns what is logged meanwhile.
func open(r *natstest.Rig, cfg bus.Config) (*bus.Streams, string, error) {
	r.Helper()
	var log bytes.Buffer
	streams, err := bus.Open(r.Ctx, r.JS, cfg, slog.New(slog.NewJSONHandler(&log, nil)))
	return streams, log.String(), err
}

func mustOpen(r *natstest.Rig, cfg bus.Config) (*bus.Streams, string) {
	r.Helper()
	streams, log, err := open(r, cfg)
	r.Check(err)
	return streams, log
}

func configOf(r *natstest.Rig, name string) jetstream.StreamConfig {
	r.Helper()
	s, err := r.JS.Stream(r.Ctx, name)
	r.Check(err)
	return s.CachedInfo().Config
}

func change(r *natstest.Rig, name string, do func(*jetstream.StreamConfig)) {
	r.Helper()
	config := configOf(r, name)
	do(&config)
	_, err := r.JS.UpdateStream(r.Ctx, config)
	r.Check(err)
}

// names are those of all streams.
func names(r *natstest.Rig) (all []string) {
	r.Helper()
	list := r.JS.StreamNames(r.Ctx)
	for name := range list.Name() {
		all = append(all, name)
	}
	r.Check(list.Err())
	slices.Sort(all)
	return all
}

func checkSays(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in: %s", word, text)
		}
	}
}

// What it made itself is as it should be: nothing is changed, nothing is told.
func TestOpenChangesNothingOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]bus.Config{"with limits": natstest.Config(), "without": unset()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := natstest.New(t)
			_, first := mustOpen(r, cfg)
			before := make(map[string]jetstream.StreamConfig)
			for _, name := range names(r) {
				before[name] = configOf(r, name)
			}
			_, second := mustOpen(r, cfg)
			if first+second != "" {
				t.Errorf("it logs\n%s%s", first, second)
			}
			for name, config := range before {
				if after := configOf(r, name); !reflect.DeepEqual(after, config) {
					t.Errorf("%s was %+v and is %+v", name, config, after)
				}
			}
		})
	}
}

// Streams, buckets and object stores that have the names but not the mark are
// somebody else's. All are named, none is touched, none is made.
func TestOpenBesideForeignData(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	_, err := r.JS.CreateStream(r.Ctx, jetstream.StreamConfig{Name: "CC_EVENTS", Subjects: []string{"cards.>"}})
	r.Check(err)
	for range 10 {
		_, err := r.JS.Publish(r.Ctx, "cards.ace", nil)
		r.Check(err)
	}
	kv, err := r.JS.CreateKeyValue(r.Ctx, jetstream.KeyValueConfig{Bucket: "CC_CHATS", History: 5})
	r.Check(err)
	_, err = kv.PutString(r.Ctx, "key", "value")
	r.Check(err)
	_, err = r.JS.CreateObjectStore(r.Ctx, jetstream.ObjectStoreConfig{Bucket: "CC_FILES"})
	r.Check(err)
	before := names(r)
	for _, provision := range []bool{true, false} {
		cfg := unset()
		cfg.Provision = provision
		_, _, err := open(r, cfg)
		if err == nil || bus.IsPassing(err) {
			t.Fatalf("it starts, or waits: %v", err)
		}
		checkSays(t, err.Error(), "stream CC_EVENTS is not", "10 messages of cards.>", "bucket CC_CHATS", "object store CC_FILES",
			"CC_SUBJECT_PREFIX", "cc-connector streams", "cc-connector.tenant")
	}
	if after := names(r); !slices.Equal(after, before) {
		t.Errorf("there were %v, and are %v", before, after)
	}
	events, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
	r.Check(err)
	if info := events.CachedInfo(); info.State.Msgs != 10 || !slices.Equal(info.Config.Subjects, []string{"cards.>"}) {
		t.Errorf("%d messages of %v are left", info.State.Msgs, info.Config.Subjects)
	}
	if status, err := kv.Status(r.Ctx); err != nil || status.History() != 5 || status.Values() != 1 {
		t.Errorf("the bucket is %+v, %v", status, err)
	}
}

// A stream of another name that takes the connector's subjects is named.
func TestOpenWhereSubjectsAreTaken(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	_, err := r.JS.CreateStream(r.Ctx, jetstream.StreamConfig{Name: "EVERYTHING", Subjects: []string{"cc.>"}, NoAck: true})
	r.Check(err)
	_, _, err = open(r, unset())
	if err == nil || bus.IsPassing(err) {
		t.Fatalf("it starts, or waits: %v", err)
	}
	checkSays(t, err.Error(), "CC_EVENTS", "the stream EVERYTHING takes some of its subjects", "CC_SUBJECT_PREFIX")
}

// What an administrator set stays where no setting says otherwise, and is told.
func TestOpenKeepsWhatAnAdministratorSet(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	mustOpen(r, unset())
	change(r, "CC_EVENTS", func(c *jetstream.StreamConfig) {
		c.MaxAge, c.MaxBytes, c.Compression, c.MaxMsgSize, c.Description = 720*time.Hour, 1<<30, jetstream.S2Compression, 1<<19, "ours"
		c.RePublish = &jetstream.RePublish{Source: ">", Destination: "copies.>"}
		c.Subjects = append(c.Subjects, "cards.>")
		c.Metadata["team"] = "chat"
	})
	change(r, "KV_CC_CHATS", func(c *jetstream.StreamConfig) { c.Compression, c.MaxMsgsPerSubject = jetstream.S2Compression, 3 })
	change(r, "OBJ_CC_FILES", func(c *jetstream.StreamConfig) { c.MaxAge = 48 * time.Hour })
	change(r, "CC_DEADLETTER", func(c *jetstream.StreamConfig) { c.MaxAge, c.Discard = 0, jetstream.DiscardOld })
	before := make(map[string]jetstream.StreamConfig)
	for _, name := range names(r) {
		before[name] = configOf(r, name)
	}
	for _, provision := range []bool{true, false} {
		cfg := unset()
		cfg.Provision = provision
		streams, log := mustOpen(r, cfg)
		for name, config := range before {
			if after := configOf(r, name); !reflect.DeepEqual(after, config) {
				t.Errorf("%s was %+v and is %+v", name, config, after)
			}
		}
		for _, said := range []string{
			`"stream":"CC_EVENTS","field":"max_age","there":"720h0m0s","here":"168h0m0s"`, `"field":"max_bytes","there":"1073741824","here":"none"`,
			`"stream":"CC_EVENTS","field":"compression","there":"s2","here":"none"`, `"field":"republish"`, `"field":"max_msg_size"`,
			`"stream":"OBJ_CC_FILES","field":"max_age","there":"48h0m0s"`, `"stream":"KV_CC_CHATS","field":"max_msgs_per_subject"`,
			`"stream":"CC_DEADLETTER","field":"discard"`, `"stream":"CC_DEADLETTER","field":"max_age","there":"none","here":"720h0m0s"`,
		} {
			checkSays(t, log, said)
		}
		if n := strings.Count(log, "team"); n > 0 {
			t.Error("an administrator's own metadata are told")
		}
		if keeps := streams.Keeps(); keeps != 720*time.Hour {
			t.Errorf("what is known of closed chats is kept %v", keeps)
		}
	}
}

// What the connector cannot do without is added, and all else stays.
func TestOpenAddsWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	mustOpen(r, unset())
	change(r, "CC_EVENTS", func(c *jetstream.StreamConfig) {
		c.Subjects, c.MaxAge, c.Duplicates = []string{"cards.>", "cc.result.chat.>"}, 720*time.Hour, time.Second
		delete(c.Metadata, "cc-connector.apps")
		c.Metadata["team"] = "chat"
	})
	change(r, "KV_CC_STATE", func(c *jetstream.StreamConfig) { c.MaxAge, c.Duplicates = time.Hour, time.Minute })
	change(r, "CC_SESSIONS", func(c *jetstream.StreamConfig) {
		c.MaxMsgsPerSubject, c.DiscardNewPerSubject, c.Discard = -1, false, jetstream.DiscardOld
	})
	change(r, "CC_COMMANDS", func(c *jetstream.StreamConfig) {
		c.Subjects, c.MaxAge, c.Duplicates = []string{"cc.durable.>"}, 24*time.Hour, time.Minute
	})
	holders, err := r.JS.Consumer(r.Ctx, "CC_SESSIONS", "holders")
	r.Check(err)
	consumer := holders.CachedInfo().Config
	consumer.AckWait, consumer.MaxAckPending, consumer.Description = time.Hour, 7, "ours"
	_, err = r.JS.UpdateConsumer(r.Ctx, "CC_SESSIONS", consumer)
	r.Check(err)

	_, log := mustOpen(r, unset())
	events := configOf(r, "CC_EVENTS")
	for _, subject := range []string{"cards.>", "cc.result.>", "cc.chat.*.event.>", "cc.internal.events.>"} {
		if !slices.Contains(events.Subjects, subject) {
			t.Errorf("%s is not among %v", subject, events.Subjects)
		}
	}
	if events.MaxAge != 720*time.Hour || events.Duplicates != 2*time.Minute || events.Metadata["team"] != "chat" || events.Metadata["cc-connector.apps"] == "" {
		t.Errorf("events: %+v", events)
	}
	if state := configOf(r, "KV_CC_STATE"); state.MaxAge != 0 || state.Duplicates != time.Minute {
		t.Errorf("state: %+v", state)
	}
	if s := configOf(r, "CC_SESSIONS"); s.MaxMsgsPerSubject != 1 || !s.DiscardNewPerSubject || s.Discard != jetstream.DiscardNew {
		t.Errorf("sessions: %+v", s)
	}
	if c := configOf(r, "CC_COMMANDS"); !slices.Equal(c.Subjects, []string{"cc.durable.>"}) || c.MaxAge != 24*time.Hour || c.Duplicates != 100*time.Millisecond {
		t.Errorf("commands: %+v", c)
	}
	holders, err = r.JS.Consumer(r.Ctx, "CC_SESSIONS", "holders")
	r.Check(err)
	if c := holders.CachedInfo().Config; c.AckWait != natstest.Config().FailoverAfter || c.MaxAckPending != -1 || c.Description != "ours" {
		t.Errorf("holders: %+v", c)
	}
	checkSays(t, log, "is changed", `"stream":"CC_EVENTS","field":"subjects"`, `"consumer":"holders"`)
	if _, again := mustOpen(r, unset()); strings.Contains(again, "is changed") {
		t.Errorf("it changes them again: %s", again)
	}
}

// Who is not to change the streams says what they lack, and does not start on
// what cannot work.
func TestOpenSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	mustOpen(r, unset())
	cfg := unset()
	cfg.Provision = false
	change(r, "CC_EVENTS", func(c *jetstream.StreamConfig) { c.Duplicates = time.Second })
	_, log := mustOpen(r, cfg)
	checkSays(t, log, `"level":"WARN"`, `"name":"CC_EVENTS","field":"duplicate_window","there":"1s","here":"2m0s"`)
	change(r, "CC_EVENTS", func(c *jetstream.StreamConfig) { c.Subjects = c.Subjects[1:] })
	change(r, "CC_SESSIONS", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 2 })
	_, _, err := open(r, cfg)
	if err == nil || bus.IsPassing(err) {
		t.Fatalf("it starts, or waits: %v", err)
	}
	checkSays(t, err.Error(), "CC_EVENTS cannot be used: subjects is", "CC_SESSIONS cannot be used: max_msgs_per_subject is 2", "cc-connector streams", "CC_PROVISION=true")
}

// What would have the connector forget what it must remember is not worked with.
func TestOpenOfWhatForgets(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	mustOpen(r, unset())
	cfg := unset()
	cfg.Provision = false
	change(r, "KV_CC_STATE", func(c *jetstream.StreamConfig) { c.MaxAge = 24 * time.Hour })
	change(r, "KV_CC_CHATS", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld })
	change(r, "CC_EVENTS", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour })
	_, _, err := open(r, cfg)
	if err == nil {
		t.Fatal("it starts")
	}
	checkSays(t, err.Error(), "KV_CC_STATE cannot be used: max_age is 24h0m0s", "KV_CC_CHATS cannot be used: discard is old")
	if strings.Contains(err.Error(), "CC_EVENTS") {
		t.Errorf("events may be kept for as long as an administrator likes: %v", err)
	}
}

// A mark that says the same in another spelling is left to those who know no other.
func TestOpenLeavesAnEarlierMark(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	cfg := unset()
	cfg.BaseURL = "https://acme.example:443"
	mustOpen(r, cfg)
	cfg.BaseURL = "https://acme.example"
	mustOpen(r, cfg)
	if got := configOf(r, "CC_EVENTS").Metadata["cc-connector.base-url"]; got != "https://acme.example:443" {
		t.Errorf("it is %s now", got)
	}
}

// A stream that is made again is as an administrator had set it.
func TestKeepMakesAgainWhatWasSet(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams, _ := mustOpen(r, unset())
	change(r, "CC_EVENTS", func(c *jetstream.StreamConfig) { c.MaxAge, c.Compression = 720*time.Hour, jetstream.S2Compression })
	r.Check(streams.Check()) // it learns of it
	r.Check(r.JS.DeleteStream(r.Ctx, "CC_EVENTS"))
	ctx, stop := context.WithCancel(r.Ctx)
	streams.Keep(ctx, time.Millisecond, natstest.Log(), func(context.Context) error { stop(); return nil })
	if c := configOf(r, "CC_EVENTS"); c.MaxAge != 720*time.Hour || c.Compression != jetstream.S2Compression {
		t.Errorf("it is %+v", c)
	}
}

// A setting that is given is applied, and what messages go by is told loudly.
func TestOpenAppliesWhatIsGiven(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	mustOpen(r, unset())
	change(r, "CC_EVENTS", func(c *jetstream.StreamConfig) { c.MaxAge = 720 * time.Hour })
	_, err := r.JS.Publish(r.Ctx, "cc.result.chat.send", make([]byte, 4096))
	r.Check(err)
	cfg := unset()
	cfg.EventsMaxAge, cfg.EventsMaxBytes, cfg.FilesMaxAge, cfg.FilesMaxBytes = 24*time.Hour, 1024, 900*time.Hour, 1<<30
	cfg.DeadLetterMaxAge, cfg.StreamMaxBytes = time.Minute, 1<<20
	_, log := mustOpen(r, cfg)
	if c := configOf(r, "CC_EVENTS"); c.MaxAge != 24*time.Hour || c.MaxBytes != 1024 {
		t.Errorf("events: %+v", c)
	}
	if c := configOf(r, "OBJ_CC_FILES"); c.MaxAge != 900*time.Hour || c.MaxBytes != 1<<30 {
		t.Errorf("files: %+v", c)
	}
	if c := configOf(r, "CC_DEADLETTER"); c.MaxAge != time.Minute || c.MaxBytes != 1<<20 || c.Duplicates > time.Minute {
		t.Errorf("dead letters: %+v", c)
	}
	for _, name := range []string{"CC_SESSIONS", "CC_COMMANDS", "KV_CC_JOURNAL", "KV_CC_CHATS", "KV_CC_STATE"} {
		if c := configOf(r, name); c.MaxBytes != 1<<20 {
			t.Errorf("%s holds %d bytes", name, c.MaxBytes)
		}
	}
	checkSays(t, log, `max_age is 720h0m0s, and should be 24h0m0s`, `"stream":"CC_EVENTS","changes"`)
	if n := strings.Count(log, `"level":"WARN"`); n != 1 { // nothing is lost of the others
		t.Errorf("%d warnings: %s", n, log)
	}
}

// An account that demands a limit of each stream names the settings for it.
func TestOpenWhereLimitsAreDemanded(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	account, err := r.Server.LookupAccount("$G")
	r.Check(err)
	r.Check(account.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{
		"": {MaxMemory: -1, MaxStore: 1 << 30, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1, MaxBytesRequired: true},
	}))
	cfg := unset()
	_, _, err = open(r, cfg)
	if err == nil || bus.IsPassing(err) {
		t.Fatalf("it starts, or waits: %v", err)
	}
	checkSays(t, err.Error(), "CC_EVENTS_MAX_BYTES, CC_FILES_MAX_BYTES, CC_STREAM_MAX_BYTES", "10113")
	cfg.EventsMaxBytes, cfg.FilesMaxBytes = 8<<20, 8<<20
	_, _, err = open(r, cfg)
	checkSays(t, err.Error(), "set CC_STREAM_MAX_BYTES", "CC_SESSIONS")
	cfg.StreamMaxBytes = 2 << 20
	_, log := mustOpen(r, cfg)
	if log != "" {
		t.Errorf("it logs %s", log)
	}
	mustOpen(r, unset()) // what is there has its limits
	cfg.StreamMaxBytes = 1 << 40
	_, _, err = open(r, cfg)
	if err == nil || bus.IsPassing(err) {
		t.Fatalf("it starts, or waits: %v", err)
	}
	checkSays(t, err.Error(), "CC_SESSIONS", "no storage left", "lower CC_EVENTS_MAX_BYTES")
}

func TestOpenOnASingleServer(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	cfg := unset()
	cfg.Replicas = 3
	_, _, err := open(r, cfg)
	if err == nil || bus.IsPassing(err) {
		t.Fatalf("it starts, or waits: %v", err)
	}
	checkSays(t, err.Error(), "CC_STREAM_REPLICAS=1", "10074")
}

// A stream that somebody else makes in the place of one that has vanished is
// left alone, and nothing is put back.
func TestKeepLeavesForeignStreamsAlone(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams, _ := mustOpen(r, unset())
	r.Check(r.JS.DeleteStream(r.Ctx, "CC_SESSIONS"))
	foreign, err := r.JS.CreateStream(r.Ctx, jetstream.StreamConfig{Name: "CC_SESSIONS", Subjects: []string{"cards.>"}})
	r.Check(err)
	areKnown, err := streams.KeepOnce(r.Ctx, natstest.Log())
	if err == nil || areKnown {
		t.Fatalf("it is taken for the connector's: %v", err)
	}
	checkSays(t, err.Error(), "CC_SESSIONS is not the connector's")
	if err := streams.Check(); err == nil {
		t.Error("readiness does not tell")
	}
	if info, err := foreign.Info(r.Ctx); err != nil || info.State.Consumers != 0 {
		t.Errorf("it has %+v, %v", info, err)
	}
}
