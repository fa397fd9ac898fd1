package console

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"cc-connector/connector/admin"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// rig is a console over a real NATS server, behind real HTTP.
type rig struct {
	*natstest.Rig
	console *Console
	server  *httptest.Server
	ready   atomic.Bool
	cookie  *http.Cookie
}

func newRig(t *testing.T, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{Rig: natstest.New(t)}
	r.Streams()
	r.ready.Store(true)
	cfg := Config{
		NATS: r.NC, JetStream: r.JS, Prefix: natstest.Prefix,
		Admin:  admin.Config{Prefix: natstest.Prefix, Tenant: natstest.Config().Tenant, BaseURL: natstest.Config().BaseURL, CallTimeout: time.Second},
		Ready:  r.ready.Load,
		Status: func(context.Context) Status { return Status{Ready: r.ready.Load()} }, Version: "1.2.3", Replica: "r1",
		NATSURL: "nats://127.0.0.1:4222", Loopback: true,
	}
	for _, do := range change {
		do(&cfg)
	}
	var err error
	r.console, err = New(cfg)
	r.Check(err)
	r.console.feed.pace.look = 50 * time.Millisecond
	r.console.feed.pace.write = time.Minute
	server := httptest.NewUnstartedServer(r.console)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		r.Check(c.(*net.TCPConn).SetWriteBuffer(64 << 10)) // else the machine's own buffers hold much
		return ctx
	}
	server.Start()
	r.server = server
	t.Cleanup(func() { r.console.Close(); server.Close(); http.DefaultClient.CloseIdleConnections() })
	return r
}

// workbench has nobody who acts in the contact center.
func workbench(cfg *Config) { cfg.Workbench = &Workbench{Weather: noWeather{}} }

type noWeather struct{}

func (noWeather) List() []Phenomenon {
	return []Phenomenon{{Name: "rain", Title: "Rain", Promise: "It ends.", Kind: Once}}
}

func (noWeather) Set(_ context.Context, name string, _ bool) error {
	if name != "rain" {
		return ErrUnknown
	}
	return nil
}

// said publishes a message of a chat as the connector does, and returns its place in the stream.
func (r *rig) said(chat, text string) uint64 {
	r.Helper()
	return r.publish("cc.chat."+chat+".event.message", schema.EventType("message"), map[string]any{
		"chatId": chat, "messageId": "1", "text": text, "raw": map[string]any{"event": "chat_session_message"},
	})
}

func (r *rig) publish(subject, typ string, data any) uint64 {
	r.Helper()
	e := event.New()
	e.SetID(fmt.Sprint(time.Now().UnixNano()))
	e.SetSource("//acme.example/app-1/chats/c")
	e.SetType(typ)
	e.SetTime(time.Now())
	name, _, _ := strings.Cut(strings.TrimPrefix(typ, "com.brightpattern.chat.event."), ".")
	e.SetDataSchema("cc-connector:/schemas/v1/event." + name + ".json")
	e.SetExtension(schema.AttrOrigin, schema.OriginPoll)
	r.Check(e.SetData(event.ApplicationJSON, data))
	msg, err := schema.Encode(e, schema.Structured)
	r.Check(err)
	msg.Subject = subject
	ack, err := r.JS.PublishMsg(r.Ctx, msg)
	r.Check(err)
	return ack.Sequence
}

// call makes a request as the page does, unless change says otherwise.
func (r *rig) call(method, path string, body any, change ...func(*http.Request)) (status int, answer map[string]any, header http.Header) {
	r.Helper()
	var text []byte
	if body != nil {
		var err error
		text, err = json.Marshal(body)
		r.Check(err)
	}
	request, err := http.NewRequestWithContext(r.Ctx, method, r.server.URL+path, bytes.NewReader(text))
	r.Check(err)
	if method != http.MethodGet {
		request.Header.Set("X-Console", "1")
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if r.cookie != nil {
		request.AddCookie(r.cookie)
	}
	for _, do := range change {
		do(request)
	}
	got, err := http.DefaultClient.Do(request)
	r.Check(err)
	defer got.Body.Close()
	content, err := io.ReadAll(got.Body)
	r.Check(err)
	if json.Unmarshal(content, &answer) != nil {
		answer = map[string]any{"text": string(content)}
	}
	return got.StatusCode, answer, got.Header
}

func (r *rig) check(want int, method, path string, body any, change ...func(*http.Request)) map[string]any {
	r.Helper()
	status, answer, _ := r.call(method, path, body, change...)
	if status != want {
		r.Errorf("%s %s: %d %v, want %d", method, path, status, answer, want)
	}
	return answer
}

// sse is a server-sent event.
type sse struct {
	event, id, text string
	data            map[string]any
}

// reading is a page's stream of events.
type reading struct {
	*rig
	lines *bufio.Scanner
	stop  context.CancelFunc
	skip  bool // the status, hello and trouble
}

func (r *rig) open(query, lastID string) *reading {
	r.Helper()
	ctx, stop := context.WithCancel(r.Ctx)
	r.Cleanup(stop)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.server.URL+"/console/api/events"+query, nil)
	r.Check(err)
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	if r.cookie != nil {
		request.AddCookie(r.cookie)
	}
	got, err := http.DefaultClient.Do(request)
	r.Check(err)
	if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/event-stream" {
		r.Fatalf("%d %v", got.StatusCode, got.Header)
	}
	r.Cleanup(func() { _ = got.Body.Close() })
	return &reading{r, scanner(got.Body), stop, true}
}

func scanner(body io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 32<<20)
	return lines
}

// next is the next event, without those that are skipped.
func (p *reading) next() sse {
	p.Helper()
	var e sse
	for p.lines.Scan() {
		switch key, value, _ := strings.Cut(p.lines.Text(), ": "); key {
		case "event":
			e.event = value
		case "id":
			e.id = value
		case "data":
			e.text = value
			if err := json.Unmarshal([]byte(value), &e.data); err != nil {
				p.Fatalf("%q: %v", value, err)
			}
		case "":
			if e.event != "" && (!p.skip || !slices.Contains([]string{"status", "hello", "trouble"}, e.event)) {
				return e
			}
			e = sse{}
		}
	}
	p.Fatalf("the events ended: %v", p.lines.Err())
	return e
}

// upTo returns the ids of the messages in front of an event.
func (p *reading) upTo(event string) (ids []string, last sse) {
	p.Helper()
	for {
		e := p.next()
		if e.event == event {
			return ids, e
		}
		ids = append(ids, e.id)
	}
}
