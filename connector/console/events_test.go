package console

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

func checkIDs(t *testing.T, what string, got []string, want ...uint64) {
	t.Helper()
	var texts []string
	for _, id := range want {
		texts = append(texts, fmt.Sprint(id))
	}
	if !slices.Equal(got, texts) {
		t.Errorf("%s: got %v, want %v", what, got, texts)
	}
}

func TestPagesSeeThePastAndThePresent(t *testing.T) {
	r := newRig(t)
	one, two, three := r.said("c1", "one"), r.said("c1", "two"), r.said("c2", "three")
	r.Check(r.NC.Publish("cc.internal.events.other", []byte("the connector's own")))
	first := r.open("", "")
	past, _ := first.upTo("live")
	checkIDs(t, "the past", past, one, two, three)
	short, _ := r.open("?past=1", "").upTo("live")
	checkIDs(t, "the past of one", short, three)

	four := r.said("c1", "four")
	e := first.next()
	checkIDs(t, "the present", []string{e.id}, four)
	ce := e.data["cloudevent"].(map[string]any)
	if e.event != "message" || e.data["kind"] != "event" || e.data["name"] != "message" || e.data["chat"] != "c1" ||
		e.data["origin"] != "poll" || e.data["latencyMs"] == nil || ce["data"].(map[string]any)["text"] != "four" {
		t.Errorf("got %+v", e.data)
	}
	behind, _ := r.open("", fmt.Sprint(two)).upTo("live")
	checkIDs(t, "behind the second", behind, three, four)
	foreign := r.open("?past=2", "999999") // of a stream that is no more
	foreign.upTo("restarted")
	ids, _ := foreign.upTo("live")
	checkIDs(t, "behind what never was", ids, three, four)
	r.check(http.StatusBadRequest, "GET", "/console/api/events?past=2001", nil)
}

const markup = "<img src=x onerror=alert(1)>\n\nevent: status\ndata: {}\n\n\u2028</script>"

// Whatever stands in a field comes as the same text in JSON, and nothing else.
func TestMarkupIsText(t *testing.T) {
	r := newRig(t)
	p := r.open("", "")
	p.upTo("live")
	fields := map[string]any{"chatId": "c1"}
	for _, name := range []string{"text", "html", "messageId", "partyId", "displayName", "fileName", "formName", "url", "caseId"} {
		fields[name] = markup
	}
	fields["raw"] = map[string]any{markup: markup}
	r.publish("cc.chat.c=3Cb=3E.event.message", schema.EventType("message"), fields)
	e := p.next()
	if strings.ContainsAny(e.text, "<>\u2028") {
		t.Errorf("there is markup in %s", e.text)
	}
	data := e.data["cloudevent"].(map[string]any)["data"].(map[string]any)
	for name, value := range fields {
		if got := data[name]; name != "raw" && name != "chatId" && got != value {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if raw := data["raw"].(map[string]any)[markup]; raw != markup {
		t.Errorf("raw: got %q", raw)
	}
	if e.data["chat"] != "c<b>" {
		t.Errorf("chat: got %q", e.data["chat"])
	}
	if next := r.said("c1", "next"); p.next().id != fmt.Sprint(next) {
		t.Error("what stands in a field was taken for an event")
	}
}

// A page that does not read costs no more than the ring, and is told what it has missed.
func TestSlowPage(t *testing.T) {
	r := newRig(t)
	if r.console.feed.room != (room{2000, 16 << 20}) {
		t.Errorf("the ring has room for %+v", r.console.feed.room)
	}
	r.console.feed.room.bytes = 1 << 20
	fast := r.open("", "")
	fast.upTo("live")
	slow, err := net.Dial("tcp", r.server.Listener.Addr().String())
	r.Check(err)
	r.Check(slow.(*net.TCPConn).SetReadBuffer(64 << 10)) // else the machine's own buffers hold it all
	_, err = fmt.Fprint(slow, "GET /console/api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	r.Check(err)
	r.Eventually("it is counted in", func() bool {
		r.console.feed.mu.Lock()
		defer r.console.feed.mu.Unlock()
		return r.console.feed.pages == 2
	})
	const messages = 100
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for range messages {
			fast.next()
		}
	}()
	text := strings.Repeat("x", 48<<10)
	for range messages {
		r.said("c1", text)
	}
	natstest.Receive(r.Rig, heard)
	ring := r.console.feed.run.ring
	ring.mu.Lock()
	if ring.bytes > 1<<20 {
		t.Errorf("the ring has %d entries of %d bytes", len(ring.entries), ring.bytes)
	}
	ring.mu.Unlock()
	r.checkSkips(slow, messages)
}

// checkSkips reads what a slow page gets: with the holes that it is told, it is all.
func (r *rig) checkSkips(from net.Conn, messages int) {
	r.Helper()
	got, err := http.ReadResponse(bufio.NewReader(from), nil)
	r.Check(err)
	defer got.Body.Close()
	defer from.Close() // first: the body has no end
	p := &reading{rig: r, lines: scanner(got.Body), skip: true}
	have, skipped := 0, 0
	for have+skipped < messages {
		switch e := p.next(); e.event {
		case "message":
			have++
		case "skipped":
			skipped += int(e.data["to"].(float64)-e.data["from"].(float64)) + 1
		}
	}
	if skipped == 0 || have+skipped != messages {
		r.Errorf("%d messages and %d skipped, of %d", have, skipped, messages)
	}
}

func TestSoManyPagesAndNoMore(t *testing.T) {
	r := newRig(t)
	r.console.feed.pace.linger = time.Millisecond
	var pages []*reading
	for range pagesMost {
		pages = append(pages, r.open("", ""))
	}
	answer := r.check(http.StatusServiceUnavailable, "GET", "/console/api/events", nil)
	if !strings.Contains(fmt.Sprint(answer["error"]), "too many pages") {
		t.Errorf("got %v", answer)
	}
	for _, p := range pages {
		p.upTo("live")
	}
	if n := r.consumers(); n != 1 {
		t.Errorf("%d pages read by %d consumers", pagesMost, n)
	}
	for _, p := range pages {
		p.stop()
	}
	r.Eventually("nothing is read for nobody", func() bool { return r.consumers() == 0 })
	r.open("", "").upTo("live")
}

func (r *rig) consumers() int {
	r.Helper()
	stream, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
	r.Check(err)
	return stream.CachedInfo().State.Consumers
}

func TestStatusIsToldAtOnce(t *testing.T) {
	r := newRig(t)
	r.console.feed.pace.status = time.Hour
	r.console.feed.pace.ready = time.Millisecond
	p := r.open("", "")
	p.skip = false
	for _, want := range []bool{true, false, true} {
		r.ready.Store(want)
		for e := p.next(); e.event != "status" || e.data["ready"] != want; e = p.next() {
		}
	}
}

// A page stays open however soon its server ends other answers.
func TestPageOutlastsTheServersTimes(t *testing.T) {
	r := newRig(t)
	short := httptest.NewUnstartedServer(r.console)
	short.Config.ReadTimeout, short.Config.WriteTimeout = 100*time.Millisecond, 200*time.Millisecond
	short.Start()
	t.Cleanup(func() { r.console.Close(); short.Close() })
	r.server = short
	r.console.feed.pace.status = 50 * time.Millisecond
	p := r.open("", "")
	p.skip = false
	for begun := time.Now(); time.Since(begun) < 500*time.Millisecond; {
		p.next()
	}
}
