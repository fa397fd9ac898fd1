package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

func (b *checkBed) do(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func ready(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"status":"ready","replica":"a","version":"1.2.3","problems":[]}`)
}

func readyText(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }

func notReady(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"status":"not_ready","replica":"a","version":"1.2.3","problems":[{"part":"stream","name":"CC_EVENTS","message":"it is full","since":"2026-01-01T00:00:00Z"}]}`)
}

func notReadyText(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "the stream CC_EVENTS is full", http.StatusServiceUnavailable)
}

// plantConnections are faults on the way to NATS.
func (b *checkBed) plantConnections() {
	b.fault("nobody listens", "wrong nats.address").with("CC_NATS_URL", unusedAddress(b.T))
	gone := unusedAddress(b.T)
	b.fault("one of two servers is down", "warning nats.server nats://"+gone).with("CC_NATS_URL", b.good["CC_NATS_URL"]+","+gone)
	b.fault("NATS hangs", "wrong nats.address").with("CC_NATS_URL", b.silent()).within("1s")
	b.fault("a wrong password", "wrong nats.sign_in").with("CC_NATS_PASSWORD_FILE", writeFile(b.T, "wrong"))
	b.fault("an old nats-server", "wrong nats.version").with("CC_NATS_URL", b.older())

	certFile, keyFile := keyPair(b.T)
	config, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: certFile, KeyFile: keyFile})
	b.do(err)
	secured := startNATS(b.T, server.Options{TLS: true, TLSConfig: config, TLSTimeout: 10, JetStream: true, StoreDir: b.TempDir()}).ClientURL()
	b.fault("a certificate of NATS that nobody trusts", "wrong nats.tls").with("CC_NATS_URL", secured).besideEmpty()
	b.fault("a certificate of NATS that ends soon", "warning nats.certificate").with("CC_NATS_URL", secured, "CC_NATS_TLS_CA", certFile).besideEmpty()
	b.fault("TLS where there is none", "wrong nats.tls").with("CC_NATS_URL", strings.Replace(b.empty["CC_NATS_URL"], "nats://", "tls://", 1)).besideEmpty()

	small := startNATS(b.T, server.Options{JetStream: true, StoreDir: b.TempDir(), MaxPayload: 8 << 10}).ClientURL()
	b.fault("messages too small", "wrong nats.max_payload").with("CC_NATS_URL", small).besideEmpty()
	plain := startNATS(b.T, server.Options{}).ClientURL()
	b.fault("no JetStream", "wrong jetstream.account").with("CC_NATS_URL", plain).besideEmpty()
	b.fault("a domain that is none", "wrong jetstream.domain nowhere").with("CC_NATS_JS_DOMAIN", "nowhere").besideEmpty()
}

// silent takes connections, and says nothing.
func (b *checkBed) silent() (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	b.do(err)
	b.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// older stands before the server, and has it greet as an earlier version.
func (b *checkBed) older() (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	b.do(err)
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go b.greetAsOlder(client)
		}
	}()
	return listener.Addr().String()
}

func (b *checkBed) greetAsOlder(client net.Conn) {
	defer client.Close()
	behind, err := net.Dial("tcp", b.server.Addr().String())
	if err != nil {
		return
	}
	defer behind.Close()
	go func() { _, _ = io.Copy(behind, client); _ = behind.Close() }()
	from := bufio.NewReader(behind)
	for { // the server may greet more than once
		line, err := from.ReadString('\n')
		if strings.HasPrefix(line, "INFO ") {
			line = strings.Replace(line, `"version":"`+server.VERSION+`"`, `"version":"2.11.9"`, 1)
		}
		if _, wrote := io.WriteString(client, line); err != nil || wrote != nil {
			return
		}
	}
}

func (b *checkBed) plantPermissions() {
	b.fault("no right to read events back", "wrong permission.publish $JS.API.STREAM.MSG.GET.CC_EVENTS").with("CC_NATS_USER", "no-get")
	b.fault("no right to ask for limits", "warning permission.publish $JS.API.INFO").with("CC_NATS_USER", "no-info")
	b.fault("no right to take commands", "wrong permission.subscribe cc.push.*").with("CC_NATS_USER", "no-intake")
	b.fault("no right to reply", "wrong permission.reply").with("CC_NATS_USER", "no-replies")
	b.fault("no right to what is internal", "wrong permission.publish cc.internal.>").with("CC_NATS_USER", "no-internal")
	b.fault("no right to anything under the prefix, by which no other one can be tried", "wrong permission.publish cc.chat.*.event.>", "wrong permission.publish cc.chat.*.result.>",
		"wrong permission.publish cc.chat.*.session.>", "wrong permission.publish cc.deadletter.>", "wrong permission.publish cc.internal.>", "wrong permission.publish cc.result.>").with("CC_NATS_USER", "no-own")
	b.fault("another's inbox", "wrong permission.subscribe _INBOX_other.>").with("CC_NATS_INBOX_PREFIX", "_INBOX_other")
}

// plantAccount are faults of the account's JetStream limits.
func (b *checkBed) plantAccount() {
	limited := func(change func(*server.JetStreamAccountLimits)) func() func() {
		return func() func() {
			account := b.server.GlobalAccount()
			limits := server.JetStreamAccountLimits{MaxMemory: -1, MaxStore: -1, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1}
			was := limits
			change(&limits)
			b.do(account.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}))
			return func() { b.do(account.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": was})) }
		}
	}
	demanded := limited(func(l *server.JetStreamAccountLimits) { l.MaxBytesRequired = true })
	b.fault("limits of bytes are demanded of streams that are there, which is well").planted(demanded)
	b.fault("limits of bytes are demanded of one that is missing", "wrong jetstream.max_bytes_required CC_FILES_MAX_BYTES", "warning stream.missing OBJ_CC_FILES").
		planted(both(b.remove("OBJ_CC_FILES"), demanded))
	const all = 64 << 20
	b.fault("all storage is reserved by a stream that is there, which is well").planted(both(
		b.change("CC_EVENTS", func(c *jetstream.StreamConfig) { c.MaxBytes = all }), limited(func(l *server.JetStreamAccountLimits) { l.MaxStore = all })))
	b.fault("limited acknowledgements", "wrong jetstream.max_ack_pending").planted(limited(func(l *server.JetStreamAccountLimits) { l.MaxAckPending = 10 }))
	b.fault("no further stream", "warning jetstream.counts streams").planted(limited(func(l *server.JetStreamAccountLimits) { l.MaxStreams = 8 }))
	store := limited(func(l *server.JetStreamAccountLimits) { l.MaxStore = 1 })
	b.fault("no storage left", "wrong jetstream.storage", "warning commands.dead_letters").planted(func() func() {
		b.store("cc.deadletter.chat.send.x")
		undo := store()
		return func() { undo(); b.purge("CC_DEADLETTER") }
	})
	replicas := []string{"wrong jetstream.replicas CC_STREAM_REPLICAS"}
	for _, name := range streamsOfCC {
		replicas = append(replicas, "warning stream.settings "+name)
	}
	b.fault("copies on a single server", replicas...).with("CC_STREAM_REPLICAS", "3")
}

// both plants two faults; the second is undone first.
func both(first, second func() func()) func() func() {
	return func() func() {
		undoFirst, undoSecond := first(), second()
		return func() { undoSecond(); undoFirst() }
	}
}

var streamsOfCC = []string{"CC_EVENTS", "CC_SESSIONS", "CC_COMMANDS", "CC_DEADLETTER", "KV_CC_JOURNAL", "KV_CC_CHATS", "KV_CC_STATE", "OBJ_CC_FILES"}

func (b *checkBed) store(subject string) {
	b.Helper()
	_, err := b.js.Publish(b.Context(), subject, nil)
	b.do(err)
}

func (b *checkBed) purge(name string) {
	b.Helper()
	s, err := b.js.Stream(b.Context(), name)
	b.do(err)
	b.do(s.Purge(b.Context()))
}

// change has a stream be otherwise, until it is undone.
func (b *checkBed) change(name string, do func(*jetstream.StreamConfig)) func() func() {
	return func() func() {
		s, err := b.js.Stream(b.Context(), name)
		b.do(err)
		was := s.CachedInfo().Config
		next := was
		next.Subjects = append([]string(nil), was.Subjects...)
		do(&next)
		_, err = b.js.UpdateStream(b.Context(), next)
		b.do(err)
		return func() {
			_, err := b.js.UpdateStream(b.Context(), was)
			b.do(err)
		}
	}
}

// remove takes a stream away, and puts another in its place.
func (b *checkBed) remove(name string, instead ...jetstream.StreamConfig) func() func() {
	return func() func() {
		s, err := b.js.Stream(b.Context(), name)
		b.do(err)
		was := s.CachedInfo().Config
		b.do(b.js.DeleteStream(b.Context(), name))
		for _, other := range instead {
			_, err := b.js.CreateStream(b.Context(), other)
			b.do(err)
		}
		return func() {
			for _, other := range instead {
				b.do(b.js.DeleteStream(b.Context(), other.Name))
			}
			_, err := b.js.CreateStream(b.Context(), was)
			b.do(err)
		}
	}
}

func (b *checkBed) add(other jetstream.StreamConfig) func() func() {
	return func() func() {
		_, err := b.js.CreateStream(b.Context(), other)
		b.do(err)
		return func() { b.do(b.js.DeleteStream(b.Context(), other.Name)) }
	}
}

func (b *checkBed) plantStreams() {
	byHand := []string{"CC_PROVISION", "false"}
	b.fault("a stream is missing", "wrong stream.missing CC_DEADLETTER").with(byHand...).planted(b.remove("CC_DEADLETTER"))
	b.fault("a stream has vanished", "warning stream.missing CC_DEADLETTER").planted(b.remove("CC_DEADLETTER"))
	b.fault("another tenant's stream", "wrong stream.owner CC_DEADLETTER").planted(b.change("CC_DEADLETTER", func(c *jetstream.StreamConfig) {
		c.Metadata = map[string]string{"cc-connector.tenant": "other.example", "cc-connector.base-url": "https://other.example"}
	}))
	b.fault("a stream without the mark", "wrong stream.owner CC_DEADLETTER").planted(b.change("CC_DEADLETTER", func(c *jetstream.StreamConfig) { c.Metadata = nil }))
	b.fault("a stream takes live commands", "wrong stream.takes_commands RECORDS").planted(b.add(jetstream.StreamConfig{Name: "RECORDS", Subjects: []string{"cc.chat.*"}}))
	b.fault("a stream in the way", "wrong stream.in_the_way OTHER", "warning stream.missing CC_DEADLETTER").
		planted(b.remove("CC_DEADLETTER", jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"cc.deadletter.chat.>"}}))
	b.fault("a subject is missing", "wrong stream.settings CC_COMMANDS").with(byHand...).planted(b.change("CC_COMMANDS", func(c *jetstream.StreamConfig) { c.Subjects = c.Subjects[1:] }))
	b.fault("another age than is set", "warning stream.settings CC_EVENTS").with("CC_EVENTS_MAX_AGE", "100h", "CC_PROVISION", "false")
	b.fault("an administrator's choice, which is well").planted(b.change("CC_EVENTS", func(c *jetstream.StreamConfig) { c.MaxAge = 1000 * time.Hour }))
	b.fault("a full stream", "wrong stream.full CC_DEADLETTER").planted(b.change("CC_DEADLETTER", func(c *jetstream.StreamConfig) { c.MaxBytes = 8 << 10 }))
	b.fault("a sealed stream", "wrong stream.sealed CC_DEADLETTER").planted(func() func() {
		s, err := b.js.Stream(b.Context(), "CC_DEADLETTER")
		b.do(err)
		b.change("CC_DEADLETTER", func(c *jetstream.StreamConfig) { c.Sealed = true })()
		return func() {
			b.do(b.js.DeleteStream(b.Context(), "CC_DEADLETTER"))
			_, err := b.js.CreateStream(b.Context(), s.CachedInfo().Config)
			b.do(err)
		}
	})
	b.fault("dead letters", "warning commands.dead_letters").planted(func() func() {
		b.store("cc.deadletter.chat.send.x")
		return func() { b.purge("CC_DEADLETTER") }
	})
	b.fault("a chat that nobody polls", "warning chats.waiting").planted(func() func() {
		b.store("cc.internal.session.x")
		return func() { b.purge("CC_SESSIONS") }
	})
}

const manyEvents = 10_001

func (b *checkBed) plantConsumers() {
	ctx := b.Context()
	b.fault("a paused consumer", "wrong consumer.paused CC_COMMANDS runners").planted(func() func() {
		_, err := b.js.PauseConsumer(ctx, "CC_COMMANDS", "runners", time.Now().Add(time.Hour))
		b.do(err)
		return func() {
			_, err := b.js.ResumeConsumer(ctx, "CC_COMMANDS", "runners")
			b.do(err)
		}
	})
	b.fault("a consumer that holds back", "warning consumer.settings CC_SESSIONS holders").with("CC_PROVISION", "false").planted(b.holdBack)
	b.fault("a missing consumer", "wrong consumer.missing CC_COMMANDS runners").with("CC_PROVISION", "false").planted(func() func() {
		c, err := b.js.Consumer(ctx, "CC_COMMANDS", "runners")
		b.do(err)
		b.do(b.js.DeleteConsumer(ctx, "CC_COMMANDS", "runners"))
		return func() { _, err := b.js.CreateConsumer(ctx, "CC_COMMANDS", c.CachedInfo().Config); b.do(err) }
	})
	b.fault("a reader that is far behind, and stuck", "warning consumer.behind CC_EVENTS slow", "warning consumer.unacknowledged CC_EVENTS slow").planted(b.fallBehind)
}

// holdBack has the consumer of chats give few at a time.
func (b *checkBed) holdBack() (undo func()) {
	c, err := b.js.Consumer(b.Context(), "CC_SESSIONS", "holders")
	b.do(err)
	was := c.CachedInfo().Config
	next := was
	next.MaxAckPending = 5
	_, err = b.js.UpdateConsumer(b.Context(), "CC_SESSIONS", next)
	b.do(err)
	return func() {
		_, err := b.js.UpdateConsumer(b.Context(), "CC_SESSIONS", was)
		b.do(err)
	}
}

// fallBehind is a reader that has taken one event of many.
func (b *checkBed) fallBehind() (undo func()) {
	c, err := b.js.CreateConsumer(b.Context(), "CC_EVENTS", jetstream.ConsumerConfig{Durable: "slow", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1})
	b.do(err)
	for i := range manyEvents {
		b.do(b.js.Conn().Publish(fmt.Sprintf("cc.chat.x.event.e%d", i%10), nil))
	}
	b.store("cc.chat.x.event.last")
	_, err = c.Next()
	b.do(err)
	return func() {
		b.do(b.js.DeleteConsumer(b.Context(), "CC_EVENTS", "slow"))
		b.purge("CC_EVENTS")
	}
}

// plantContactCenter are faults on the way to the contact center, and there.
func (b *checkBed) plantContactCenter() {
	is := func(h http.HandlerFunc) func() func() { return func() func() { return b.center.become(h) } }
	b.fault("nobody listens at the contact center's address", "wrong contact.address").with("CC_BASE_URL", "http://"+unusedAddress(b.T)).besideEmpty()
	b.fault("an app that is not known", "wrong contact.app other").with("CC_APPS", "other:app-9,sales:app-1").besideEmpty()
	b.fault("a tenant that is not known", "wrong contact.tenant").with("CC_TENANT_URL", "other.example").besideEmpty()
	b.fault("a redirect", "wrong contact.redirect").planted(is(http.RedirectHandler("https://login.example/x", http.StatusFound).ServeHTTP))
	b.fault("a login page", "wrong contact.answer").planted(is(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><form action=/login></form></html>")
	}))
	b.fault("no API of version 2", "wrong contact.version").planted(is(http.NotFound))
	b.fault("a contact center without servers", "wrong contact.answer").planted(is(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"error_code":"5001","error_message":"no server"}`)
	}))
	b.fault("a firewall", "wrong contact.access").planted(is(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	b.fault("another clock", "warning contact.clock").planted(is(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		b.center.sim.ServeHTTP(w, r)
	}))
	b.fault("a contact center that hangs", "wrong contact.answer").besideEmpty().within("1s").planted(func() func() {
		over := make(chan struct{})
		undo := b.center.become(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-over:
			case <-r.Context().Done():
			}
		}))
		return func() { close(over); undo() }
	})
	b.fault("a connection that is closed", "wrong contact.answer").planted(is(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	b.plantContactTLS()
}

func (b *checkBed) plantContactTLS() {
	certFile, keyFile := keyPair(b.T)
	config, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: certFile, KeyFile: keyFile})
	b.do(err)
	web := httptest.NewUnstartedServer(b.center.sim)
	web.TLS = config
	web.StartTLS()
	b.Cleanup(web.Close)
	_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	b.fault("a certificate that nobody trusts", "wrong contact.tls").with("CC_BASE_URL", web.URL).besideEmpty()
	b.fault("a certificate that ends soon", "warning contact.certificate").with("CC_BASE_URL", web.URL, "CC_TLS_CA", certFile).besideEmpty()
	b.fault("a certificate of another name", "wrong contact.tls").with("CC_BASE_URL", "https://localhost:"+port, "CC_TLS_CA", certFile).besideEmpty()
	b.fault("https where http is spoken", "wrong contact.tls").with("CC_BASE_URL", strings.Replace(b.center.web.URL, "http:", "https:", 1)).besideEmpty()
}
