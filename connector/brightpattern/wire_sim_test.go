package brightpattern_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// The simulator's side of the literal data.

func TestSimulatorAgainstTheWire(t *testing.T) {
	all := allExchanges(t)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		tried := 0
		for _, x := range all[file] {
			if x.Simulator == nil {
				continue
			}
			tried++
			t.Run(file+"/"+x.Name, func(t *testing.T) { x.trySimulator(t) })
		}
		if tried == 0 && file != "errors" { // those are injected: TestSimulatorErrors
			t.Errorf("%s: nothing in it is tried on the simulator", file)
		}
	}
}

// rawClient talks to the simulator without the client under test.
type rawClient struct {
	sim    *bpsim.Server
	url    string
	every  everyRequestFile
	values map[string]string
}

func simulator(t *testing.T, options bpsim.Options) *rawClient {
	t.Helper()
	every := everyRequest(t)
	options.Tenant, options.Apps = every.Query["tenantUrl"], []string{every.AppID}
	if options.Hold == 0 {
		options.Hold = time.Minute
	}
	sim := bpsim.New(options)
	server := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	return &rawClient{sim: sim, url: server.URL, every: every, values: exchange{}.values()}
}

func (x exchange) trySimulator(t *testing.T) {
	side := x.Simulator
	hold, _ := time.ParseDuration(side.Hold)
	r := simulator(t, bpsim.Options{Hold: hold, AnswerSends: side.AnswerSends, IDs: idsFrom(x.Values["chatId"])})
	for _, s := range side.Before {
		r.step(t, s)
	}
	answers := side.OneOf
	switch {
	case side.Answer != nil:
		answers = []wireAnswer{*side.Answer}
	case answers == nil:
		answers = []wireAnswer{x.Answer}
	}
	r.check(t, x.Request, answers...)
	if side.After != nil {
		r.check(t, side.After.Request, side.After.Answer)
	}
}

// idsFrom makes the first id as wanted, and all different.
func idsFrom(first string) func() string {
	if first == "" {
		return nil
	}
	n := 0
	return func() string {
		n++
		if n == 1 {
			return first
		}
		return fmt.Sprint(first, n)
	}
}

// do sends a literal request. A file's requests have the common headers.
func (r *rawClient) do(t *testing.T, q wireRequest, change headerCase) *http.Response {
	t.Helper()
	body, contentType := q.encode(t, r)
	target := r.url + r.every.Base + fillPath(q.Path, r.values)
	query := r.every.Query
	if change.Query != nil {
		query = change.Query
	}
	values := queryOf(query)
	if q.Method == "GET" && strings.HasSuffix(q.Path, "/events") {
		values.Set("timestamp", "1614718748123")
	}
	request, err := http.NewRequestWithContext(t.Context(), q.Method, target+"?"+values.Encode(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range r.every.Headers {
		request.Header.Set(name, value)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for name, value := range change.Headers {
		if request.Header.Set(name, value); value == "" {
			request.Header.Del(name)
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func (q wireRequest) encode(t *testing.T, r *rawClient) (body []byte, contentType string) {
	t.Helper()
	switch {
	case q.Multipart != nil:
		return encodeMultipart(t, q.Multipart)
	case q.Body != nil:
		return fill(literal(q.Body), r.values), r.every.BodyHeaders["Content-Type"]
	case q.Text != "":
		return []byte(q.Text), r.every.BodyHeaders["Content-Type"]
	default:
		return nil, ""
	}
}

func encodeMultipart(t *testing.T, parts []part) ([]byte, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		part, err := w.CreateFormFile(p.Name, p.Filename)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, p.Content)
	}
	_ = w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// check sends a request and wants one of the answers.
func (r *rawClient) check(t *testing.T, q wireRequest, answers ...wireAnswer) {
	t.Helper()
	response := r.do(t, q, headerCase{})
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var problems []error
	for _, a := range answers {
		problem := a.compare(response, body, r.values)
		if problem == nil {
			return
		}
		problems = append(problems, problem)
	}
	t.Errorf("%s %s: answer %d %s: %v", q.Method, q.Path, response.StatusCode, body, errors.Join(problems...))
}

func (a wireAnswer) compare(got *http.Response, body []byte, values map[string]string) error {
	if err := match(a.Status, encode(got.StatusCode)); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	for name, value := range a.Headers {
		if err := match(encode(value), encode(got.Header.Get(name))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	switch {
	case a.AnyBody:
		return nil
	case a.Body != nil:
		return match(fill(a.Body, values), body)
	default:
		return match(encode(a.Text), encode(string(body)))
	}
}

// step sets a scene.
func (r *rawClient) step(t *testing.T, s step) {
	t.Helper()
	do := steps[s.Do]
	if do == nil {
		t.Fatalf("there is no step %q", s.Do)
	}
	if err := do(r, t, s); err != nil {
		t.Fatalf("%s: %v", s.Do, err)
	}
}

var steps = map[string]func(*rawClient, *testing.T, step) error{
	"requestChat": (*rawClient).requestChat,
	"upload":      (*rawClient).upload,
	"send":        (*rawClient).send,
	"drain":       (*rawClient).drain,
	"holdPoll":    (*rawClient).holdPoll,
	"push": func(r *rawClient, _ *testing.T, s step) error {
		return r.sim.Push(r.values["chatId"], fill(s.Event, r.values))
	},
	"setCase": func(r *rawClient, _ *testing.T, s step) error { return r.sim.SetCase(r.values["chatId"], s.Case) },
	"end":     func(r *rawClient, _ *testing.T, _ step) error { return r.sim.End(r.values["chatId"]) },
	"forget":  func(r *rawClient, _ *testing.T, _ step) error { return r.sim.Forget(r.values["chatId"]) },
}

func (r *rawClient) ask(t *testing.T, q wireRequest, change headerCase, into any) error {
	t.Helper()
	response := r.do(t, q, change)
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d: %s", response.StatusCode, body)
	case into == nil:
		return nil
	}
	return json.Unmarshal(body, into)
}

func (r *rawClient) requestChat(t *testing.T, s step) error {
	var change headerCase
	if s.ClientID != "" {
		change.Headers = map[string]string{"Authorization": strings.ReplaceAll(r.every.Headers["Authorization"], r.every.ClientID, s.ClientID)}
	}
	var chat struct {
		ID string `json:"chat_id"`
	}
	err := r.ask(t, wireRequest{Method: "POST", Path: "chats", Body: json.RawMessage(`{"parameters":{}}`)}, change, &chat)
	r.values["chatId"] = chat.ID
	return err
}

func (r *rawClient) upload(t *testing.T, s step) error {
	var file struct {
		ID string `json:"file_id"`
	}
	err := r.ask(t, wireRequest{Method: "POST", Path: "files", Multipart: []part{{"file", s.Name, s.Content}}}, headerCase{}, &file)
	r.values["fileId"] = file.ID
	return err
}

func (r *rawClient) send(t *testing.T, s step) error {
	return r.ask(t, wireRequest{Method: "POST", Path: "chats/{chatId}/events", Body: object("events", list(s.Event))}, headerCase{}, nil)
}

// drain polls once.
func (r *rawClient) drain(t *testing.T, _ step) error {
	return r.ask(t, wireRequest{Method: "GET", Path: "chats/{chatId}/events"}, headerCase{}, nil)
}

// holdPoll leaves a poll behind that the simulator holds until the test ends.
func (r *rawClient) holdPoll(t *testing.T, _ step) error {
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); <-done })
	target := r.url + r.every.Base + fillPath("chats/{chatId}/events", r.values) + "?timestamp=1&" + queryOf(r.every.Query).Encode()
	request, err := http.NewRequestWithContext(ctx, "GET", target, nil)
	if err != nil {
		return err
	}
	for name, value := range r.every.Headers {
		request.Header.Set(name, value)
	}
	go func() {
		defer close(done)
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	return r.sim.WaitFor(ctx, func() bool {
		record, err := r.sim.Record(r.values["chatId"])
		return err == nil && record.Polls > 0
	})
}

// TestSimulatorErrors makes the simulator give the literal error answers.
func TestSimulatorErrors(t *testing.T) {
	for _, e := range load[errorFile](t, "errors").Answers {
		if e.ClientOnly {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			r := simulator(t, bpsim.Options{})
			if _, err := r.sim.Inject(e.fault(t)); err != nil {
				t.Fatal(err)
			}
			want := e.Answer
			switch {
			case want.Text != "":
				want = wireAnswer{Status: want.Status, Headers: map[string]string{"Content-Type": "{text/html|text/html; charset=utf-8|text/html; charset=UTF-8}"}, AnyBody: true}
			case want.Body == nil:
				want.AnyBody = true
			default:
				want.Body = tolerant(t, want.Body)
			}
			r.check(t, wireRequest{Method: "GET", Path: "availability"}, want)
		})
	}
}

func (e errorAnswer) fault(t *testing.T) bpsim.Fault {
	body := decode[struct {
		Code    any    `json:"error_code"`
		Message string `json:"error_message"`
		Trace   any    `json:"trace"`
	}](t, e.Answer.Body)
	f := bpsim.Fault{Method: bpsim.CheckAvailability, Kind: "status", Message: body.Message, HTML: e.Answer.Text != "", Times: 1}
	if body.Code != nil {
		f.Code = fmt.Sprint(body.Code)
	}
	f.Status, _ = strconv.Atoi(string(e.Answer.Status))
	seconds, _ := strconv.Atoi(e.Answer.Headers["Retry-After"])
	f.RetryAfter = time.Duration(seconds) * time.Second
	return f
}

// tolerant lets a code be a number or a string, and the message be missing.
func tolerant(t *testing.T, body json.RawMessage) json.RawMessage {
	t.Helper()
	in := decode[map[string]any](t, body)
	out := map[string]any{"error_message?": "{anything}"}
	if code, there := in["error_code"]; there {
		out["error_code"] = fmt.Sprintf("{number %v}", code)
	}
	if message, there := in["error_message"]; there {
		delete(out, "error_message?")
		out["error_message"] = message
	}
	return encode(out)
}

func TestSimulatorChecksEveryRequest(t *testing.T) {
	version := wireRequest{Method: "GET", Path: "version"}
	availability := wireRequest{Method: "GET", Path: "availability"}
	r := simulator(t, bpsim.Options{})
	for _, c := range r.every.Accepted {
		if response := r.do(t, version, c); response.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", c.Name, response.StatusCode)
		}
	}
	for _, c := range r.every.Refused {
		r.checkRefused(t, availability, c)
	}
	open := *r // any tenant will do, if it is a bare host name
	sim := bpsim.New(bpsim.Options{})
	server := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })
	open.url = server.URL
	for _, c := range r.every.Refused {
		if c.Query != nil && c.Name != "another tenant" {
			open.checkRefused(t, availability, c)
		}
	}
}

func (r *rawClient) checkRefused(t *testing.T, q wireRequest, c headerCase) {
	t.Helper()
	response := r.do(t, q, c)
	body, _ := io.ReadAll(response.Body)
	code := fmt.Sprint(decode[map[string]any](t, body)["error_code"])
	if response.StatusCode < 400 || response.StatusCode > 499 || !slices.Contains(c.Codes, code) {
		t.Errorf("%s: status %d, code %q, want %v", c.Name, response.StatusCode, code, c.Codes)
	}
}
