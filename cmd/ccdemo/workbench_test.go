package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// bench is a demonstration that runs, and a page on it.
type bench struct {
	*testing.T
	ctx    context.Context
	out    *screen
	page   string
	events *bufio.Reader
	end    func()
	chat   string
	seen   map[string]int // sequences by what was told: name and text
	last   float64        // sequence
}

func openBench(t *testing.T, args ...string) *bench {
	t.Helper()
	ctx, _ := deadline(t)
	running, cancel := context.WithCancel(ctx)
	b := &bench{T: t, ctx: ctx, out: &screen{}, seen: make(map[string]int)}
	invited, ended, errs := make(chan struct{}), make(chan int, 1), &bytes.Buffer{}
	b.out.when("Connector            ready", func() { close(invited) })
	go func() {
		ended <- run(running, append([]string{"--pace", "0", "--nats", "127.0.0.1:0", "--http", "127.0.0.1:0", "--quiet"}, args...), b.out, errs)
	}()
	done := false
	b.end = func() {
		if done {
			return
		}
		done = true
		cancel()
		if code := <-ended; code != 0 || errs.Len() > 0 {
			t.Errorf("exit code %d: %s", code, errs)
		}
	}
	t.Cleanup(b.end)
	select {
	case <-invited:
	case code := <-ended:
		t.Fatalf("it ended with %d: %s", code, errs)
	}
	b.page = regexp.MustCompile(`(?m)\APage +(http://127\.0\.0\.1:\d+/console/)$`).FindStringSubmatch(b.out.String())[1]
	b.look()
	if os.Getenv(baseURLVariable) == "" { // what goes wrong shall not hit the chat that is played first
		b.await("message", func(m map[string]any) bool { return m["name"] == "closed" })
	}
	return b
}

// look opens the page's events.
func (b *bench) look() {
	b.Helper()
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.page+"api/events", nil)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("%v, %v", answer, err)
	}
	b.Cleanup(func() { _ = answer.Body.Close() })
	b.events = bufio.NewReader(answer.Body)
}

// call does something as the page does.
func (b *bench) call(path string, body any) map[string]any {
	b.Helper()
	return b.answerTo(b.request(path, body))
}

func (b *bench) request(path string, body any) *http.Request {
	b.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.ctx, http.MethodPost, b.page+"api/"+path, bytes.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Console", "1")
	return request
}

func (b *bench) get(path string, into any) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.page+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s, %v", path, answer.Status, err)
	}
}

func (b *bench) answerTo(request *http.Request) (told map[string]any) {
	b.Helper()
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	content, _ := io.ReadAll(answer.Body)
	if json.Unmarshal(content, &told) != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s %s", request.URL.Path, answer.Status, content)
	}
	return told
}

// await reads events until one is as wanted, and keeps account of the chat.
func (b *bench) await(event string, wanted func(map[string]any) bool) map[string]any {
	b.Helper()
	name := ""
	for {
		line, err := b.events.ReadString('\n')
		if err != nil {
			b.Fatalf("%s does not come: %v; seen are %d, the last with sequence %v", event, err, len(b.seen), b.last)
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if key == "event" {
			name = value
		}
		if key != "data" {
			continue
		}
		var data map[string]any
		if err := json.Unmarshal([]byte(value), &data); err != nil {
			b.Fatal(err)
		}
		if name == "message" {
			b.account(data)
		}
		if name == event && wanted(data) {
			return data
		}
	}
}

// account holds the chat's messages to sequence: each once, and none missing.
func (b *bench) account(message map[string]any) {
	b.Helper()
	ce := message["cloudevent"].(map[string]any)
	sequence, has := ce["sequence"].(string)
	if message["chat"] != b.chat || !has {
		return
	}
	var n float64
	if _, err := fmt.Sscanf(sequence, "%f", &n); err != nil || n != b.last+1 {
		b.Errorf("sequence %s follows %v: %v", sequence, b.last, message["subject"])
	}
	b.last = n
	text, _ := ce["data"].(map[string]any)["text"].(string)
	b.seen[message["name"].(string)+" "+text]++
}

// shown waits for a message of the chat.
func (b *bench) shown(name, text string) {
	b.Helper()
	if b.seen[name+" "+text] > 0 {
		return
	}
	b.await("message", func(m map[string]any) bool { return m["chat"] == b.chat && b.seen[name+" "+text] > 0 })
}

func (b *bench) says(text string) {
	b.Helper()
	b.call("agent/"+b.chat+"/message", map[string]any{"text": text})
}

func (b *bench) weather(name string, on bool) {
	b.Helper()
	if told := b.call("weather/"+name, map[string]any{"on": on}); told["promise"] == "" {
		b.Errorf("%s promises nothing", name)
	}
}

func (b *bench) openChat() {
	b.Helper()
	reply := b.call("command", map[string]any{"command": "chat.request", "lane": "live", "data": map[string]any{"from": "<b>Grace</b>"}})
	result := reply["cloudevent"].(map[string]any)["data"].(map[string]any)["result"].(map[string]any)
	b.chat, b.last = result["chatId"].(string), 0
	b.shown("opened", "")
}

// A chat is played from both sides, everything breaks, and nothing is lost.
func TestWorkbench(t *testing.T) {
	inOwnTemp(t)
	usual := outage
	outage = time.Second
	t.Cleanup(func() { outage = usual })
	b := openBench(t)
	var about struct {
		Workbench     bool
		ContactCenter string
		Weather       []struct{ Name, Title, Promise string }
		Scripts       []string
	}
	b.get("api/about", &about)
	if !about.Workbench || about.ContactCenter != "simulator" || len(about.Weather) < 8 || len(about.Scripts) < 2 {
		t.Errorf("got %+v", about)
	}
	b.talks()
	b.storms()
	b.call("agent/"+b.chat+"/flow", map[string]any{"events": 300})
	b.shown("message", "This is message 300 of many.")
	if b.seen["gap "] > 0 {
		t.Error("something was lost")
	}
	b.losesOnPurpose()
	b.call("agent/"+b.chat+"/end", map[string]any{})
	b.shown("closed", "")
	for what, times := range b.seen {
		if times != 1 && !strings.HasSuffix(what, " ") {
			t.Errorf("%q was told %d times", what, times)
		}
	}
	if strings.Contains(b.out.String(), "Hello") {
		t.Errorf("--quiet prints\n%s", b.out)
	}
}

// talks begins a chat from both sides.
func (b *bench) talks() {
	b.Helper()
	b.openChat()
	b.call("agent/"+b.chat+"/accept", map[string]any{})
	b.shown("party_joined", "")
	b.says("Hello")
	b.shown("message", "Hello")
	b.call("command", map[string]any{"command": "chat.send", "lane": "durable", "chat": b.chat, "data": map[string]any{"text": "<img src=x onerror=alert(1)>"}})
	b.await("message", func(m map[string]any) bool { return m["name"] == "chat.send" && m["chat"] == b.chat })
	b.checkTranscript("<img src=x onerror=alert(1)>")
}

// storms has everything break, one after another.
func (b *bench) storms() {
	b.Helper()
	b.weather("cut-answer", true)
	b.says("in the answer that was cut")
	b.shown("recovered", "")
	b.shown("message", "in the answer that was cut")

	b.weather("nats-down", true)
	b.says("while NATS was down")
	b.shown("message", "while NATS was down")

	b.weather("connector-kill", true)
	s := b.await("status", func(s map[string]any) bool { return s["weather"].(map[string]any)["connector"] == "stopped" })
	if s["ready"] != false || !strings.Contains(fmt.Sprint(s["problems"]), "does not run") {
		b.Errorf("the status is %v", s)
	}
	b.says("while the connector was dead")
	b.weather("connector-start", true)
	b.shown("message", "while the connector was dead")
	b.await("status", func(s map[string]any) bool { return s["ready"] == true })

	b.weather("http-500", true)
	b.says("behind a fault")
	b.await("status", func(s map[string]any) bool { return s["weather"].(map[string]any)["http-500"] == true })
	b.weather("http-500", false)
	b.shown("message", "behind a fault")
}

// losesOnPurpose: what cannot be had is told, in a chat whose history nothing else
// has read at that moment.
func (b *bench) losesOnPurpose() {
	b.Helper()
	b.openChat()
	b.weather("lost-history", true)
	b.says("lost for good")
	b.shown("gap", "")
	b.says("the chat goes on")
	b.shown("message", "the chat goes on")
	if b.seen["message lost for good"] > 0 {
		b.Error("it was not lost")
	}

	lost := b.chat // what refuses its history is there still, and no other chat's concern
	b.openChat()
	b.weather("connector-kill", true)
	b.says("in the other chat")
	b.weather("connector-start", true)
	b.shown("message", "in the other chat")
	if lost == b.chat || b.seen["gap "] > 1 {
		b.Errorf("seen are %v", b.seen)
	}
}

// Fair weather ends an outage of NATS, and says so only where it has.
func TestFairWeather(t *testing.T) {
	inOwnTemp(t)
	usual := outage
	outage = patience
	t.Cleanup(func() { outage = usual })
	b := openBench(t)
	b.openChat()
	b.weather("nats-down", true)
	address := strings.TrimPrefix(regexp.MustCompile(`nats://\S+`).FindString(b.out.String()), "nats://")
	taken, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(b.request("weather/clear", struct{}{}))
	if err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusBadGateway || !strings.Contains(string(said), "address already in use") {
		t.Errorf("NATS cannot come back, and it is said: %s %s", answer.Status, said)
	}
	b.await("status", func(s map[string]any) bool { return s["weather"].(map[string]any)["nats-down"] == true })
	_ = taken.Close()
	b.weather("clear", true)
	b.await("status", func(s map[string]any) bool { return s["weather"].(map[string]any)["nats-down"] == nil })
	b.says("NATS is back")
	b.shown("message", "NATS is back")
}

func (b *bench) checkTranscript(said string) {
	b.Helper()
	var chats []struct {
		Chat, State, Customer string
		Transcript            []struct{ From, Name, Text string }
	}
	b.get("api/agent/chats", &chats)
	for _, c := range chats {
		if c.Chat != b.chat {
			continue
		}
		last := c.Transcript[len(c.Transcript)-1]
		if c.State != "active" || c.Customer != "<b>Grace</b>" || last.From != "customer" || last.Text != said {
			b.Errorf("the agent sees %+v", c)
		}
		return
	}
	b.Error("the agent does not see the chat")
}

// The streams of one time are there the next time.
func TestStoreIsKept(t *testing.T) {
	inOwnTemp(t)
	dir := filepath.Join(t.TempDir(), "streams")
	first := openBench(t, "--store", dir)
	first.openChat()
	first.end()
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	second := openBench(t, "--store", dir)
	request, err := http.NewRequestWithContext(second.ctx, http.MethodGet, second.page+"api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	second.events, second.chat, second.last = bufio.NewReader(answer.Body), first.chat, 0
	second.shown("opened", "")
	second.shown("closed", "") // the simulator of the first time is gone
}
