package bpsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cc-connector/connector/brightpattern/bpsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline keeps a broken simulator from hanging the tests.
const deadline = 30 * time.Second

// world is a simulator behind real HTTP.
type world struct {
	t   *testing.T
	sim *bpsim.Server
	url string
}

func start(t *testing.T, o bpsim.Options) *world {
	t.Helper()
	sim := bpsim.New(o)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		sim.Close()
		server.Close()
	})
	return &world{t: t, sim: sim, url: server.URL}
}

func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := w.sim.WaitFor(ctx, holds); err != nil {
		w.t.Fatalf("waiting until %s: %v", what, err)
	}
}

func (w *world) record(chat string) bpsim.Record {
	w.t.Helper()
	r, err := w.sim.Record(chat)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) untilHeld(chat string) {
	w.t.Helper()
	w.until("a poll is held", func() bool { return w.record(chat).Held == 1 })
}

func (w *world) push(chat, event string) {
	w.t.Helper()
	if err := w.sim.Push(chat, json.RawMessage(event)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) inject(f bpsim.Fault) {
	w.t.Helper()
	if _, err := w.sim.Inject(f); err != nil {
		w.t.Fatal(err)
	}
}

// client is one client instance with a connection of its own.
type client struct {
	*world
	id   string
	http *http.Client
}

func (w *world) client(id string) *client {
	// On a connection that was used before, net/http repeats a GET that is cut
	// off without telling; the tests want to see every cut.
	transport := &http.Transport{DisableKeepAlives: true}
	return &client{world: w, id: id, http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// staying is a client that keeps its connections: another one leaves as soon as it has read an
// answer, which may be before the server knows that it has written it.
func (w *world) staying(id string) *client {
	c := w.client(id)
	transport := &http.Transport{}
	c.http.Transport = transport
	w.t.Cleanup(transport.CloseIdleConnections)
	return c
}

var stamps atomic.Int64

// request is well-formed; tests spoil it.
func (c *client) request(ctx context.Context, verb, path, body string) *http.Request {
	c.t.Helper()
	query := url.Values{"tenantUrl": {"tenant.example.com"}, "timestamp": {strconv.FormatInt(stamps.Add(1), 10)}}
	r, err := http.NewRequestWithContext(ctx, verb, c.url+"/clientweb/api/v2/"+path+"?"+query.Encode(), strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", fmt.Sprintf(`MOBILE-API-140-327-PLAIN appId="app", clientId="%s"`, c.id))
	r.Header.Set("User-Agent", "MobileClient")
	r.Header.Set("Cache-Control", "no-cache")
	if body != "" {
		r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	return r
}

// reply is an answer that arrived whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (c *client) do(r *http.Request) (reply, error) {
	response, err := c.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, body}, err
}

func (c *client) try(verb, path, body string) (reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	return c.do(c.request(ctx, verb, path, body))
}

func (c *client) call(verb, path, body string) reply {
	c.t.Helper()
	got, err := c.try(verb, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", verb, path, err)
	}
	return got
}

func (c *client) get(path string) reply        { c.t.Helper(); return c.call("GET", path, "") }
func (c *client) post(path, body string) reply { c.t.Helper(); return c.call("POST", path, body) }

// chat asks for the client's chat.
func (c *client) chat() string {
	c.t.Helper()
	return c.post("chats", `{"parameters":{}}`).object(c.t)["chat_id"].(string)
}

func (c *client) poll(chat string) reply { c.t.Helper(); return c.get("chats/" + chat + "/events") }

func (c *client) send(chat, events string) reply {
	c.t.Helper()
	return c.post("chats/"+chat+"/events", `{"events":[`+events+`]}`)
}

// pending is a call in the background.
type pending struct {
	cancel context.CancelFunc
	result chan polled
}

type polled struct {
	reply reply
	err   error
}

func (c *client) pollAside(chat string) pending { return c.aside("GET", "chats/"+chat+"/events", "") }

func (c *client) sendAside(chat, events string) pending {
	return c.aside("POST", "chats/"+chat+"/events", `{"events":[`+events+`]}`)
}

func (c *client) aside(verb, path, body string) pending {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	p := pending{cancel, make(chan polled, 1)}
	r := c.request(ctx, verb, path, body)
	go func() {
		got, err := c.do(r)
		p.result <- polled{got, err}
	}()
	return p
}

func (p pending) wait(t *testing.T) reply {
	t.Helper()
	got := <-p.result
	if got.err != nil {
		t.Fatal(got.err)
	}
	return got.reply
}

func (r reply) object(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	dec := json.NewDecoder(bytes.NewReader(r.body))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("status %d: %v", r.status, err)
	}
	return out
}

func (r reply) code() string {
	var out struct {
		Code any `json:"error_code"`
	}
	if json.Unmarshal(r.body, &out) != nil || out.Code == nil {
		return ""
	}
	return fmt.Sprint(out.Code)
}

func (r reply) events(t *testing.T) []map[string]any {
	t.Helper()
	if len(r.body) == 0 {
		return nil
	}
	var out struct{ Events []map[string]any }
	dec := json.NewDecoder(bytes.NewReader(r.body))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("status %d: %v", r.status, err)
	}
	return out.Events
}

// names are the events' kinds without their common prefix.
func names(events []map[string]any) string {
	var out []string
	for _, e := range events {
		out = append(out, strings.TrimPrefix(fmt.Sprint(e["event"]), "chat_session_"))
	}
	return strings.Join(out, " ")
}

func (r reply) expect(t *testing.T, status int, code string) {
	t.Helper()
	if r.status != status || r.code() != code {
		t.Fatalf("got %d %q (%s), want %d %q", r.status, r.code(), r.body, status, code)
	}
}

func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		err != nil && strings.Contains(err.Error(), "connection reset")
}
