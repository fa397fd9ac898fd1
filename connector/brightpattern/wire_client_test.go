package brightpattern_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern"
)

// The client's side of the literal data.

func TestClientAgainstTheWire(t *testing.T) {
	all := allExchanges(t)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		tried := 0
		for _, x := range all[file] {
			if x.Call == "" {
				continue
			}
			tried++
			t.Run(file+"/"+x.Name, func(t *testing.T) { x.tryClient(t) })
		}
		if tried == 0 {
			t.Errorf("%s: nothing in it is tried on the client", file)
		}
	}
}

// contactCenter answers with the literal answers, one after the other.
type contactCenter struct {
	*httptest.Server
	requests chan *http.Request // with their bodies read
}

func serve(t *testing.T, values map[string]string, answers ...wireAnswer) *contactCenter {
	t.Helper()
	cc := &contactCenter{requests: make(chan *http.Request, 10)}
	next := make(chan wireAnswer, len(answers))
	for _, a := range answers {
		next <- a
	}
	cc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		cc.requests <- r
		select {
		case a := <-next:
			a.write(w, values)
		default:
			http.Error(w, "no more answers", http.StatusTeapot)
		}
	}))
	t.Cleanup(cc.Close)
	return cc
}

func (a wireAnswer) write(w http.ResponseWriter, values map[string]string) {
	status, _ := strconv.Atoi(string(a.Status))
	body := []byte(a.Text)
	if a.Body != nil {
		w.Header().Set("Content-Type", "application/json")
		body = fill(a.Body, values)
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (x exchange) tryClient(t *testing.T) {
	values := x.values()
	hops := append([]hop{{x.Request, x.Answer}}, x.Again...)
	var answers []wireAnswer
	for _, h := range hops {
		answers = append(answers, h.Answer)
	}
	cc := serve(t, values, answers...)
	with := decode[callArgs](t, fill(x.With, values))
	result, err := x.call(t, cc.URL, with, values)
	cc.Close()
	close(cc.requests)
	for _, h := range hops {
		r, came := <-cc.requests
		if !came {
			t.Fatalf("no request %s %s", h.Request.Method, h.Request.Path)
		}
		h.Request.check(t, r, values, x.Call == "poll")
	}
	for r := range cc.requests {
		t.Errorf("one request too many: %s %s", r.Method, r.RequestURI)
	}
	x.checkResult(t, result, err, values)
}

func (x exchange) call(t *testing.T, baseURL string, with callArgs, values map[string]string) (any, error) {
	t.Helper()
	every := everyRequest(t)
	config := brightpattern.Config{BaseURL: baseURL, TenantURL: every.Query["tenantUrl"]}
	if with.TenantPaths {
		config.CasePaths = brightpattern.CasePathsTenant
	}
	client := newClient(t, config)
	call := calls[x.Call]
	if call == nil {
		t.Fatalf("there is no call %q", x.Call)
	}
	with.cred = brightpattern.Credentials{App: brightpattern.AppID(every.AppID), Client: brightpattern.ClientID(every.ClientID)}
	with.chat, with.party, with.file = brightpattern.ChatID(values["chatId"]), brightpattern.PartyID(values["partyId"]), brightpattern.FileID(values["fileId"])
	result, err := call(t.Context(), client, with)
	return plain(reflect.ValueOf(result)), err
}

func newClient(t *testing.T, config brightpattern.Config) *brightpattern.Client {
	t.Helper()
	client, err := brightpattern.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func (x exchange) checkResult(t *testing.T, result any, err error, values map[string]string) {
	t.Helper()
	if x.Fails != nil {
		checkFailure(t, err, fill(x.Fails, values))
		return
	}
	if err != nil {
		t.Fatalf("error: %v", err)
	}
	if x.Reads != nil {
		if err := match(fill(x.Reads, values), encode(result)); err != nil {
			t.Errorf("result %s: %v", encode(result), err)
		}
	}
	if x.Call == "poll" || x.Call == "history" {
		x.checkRaw(t, values)
	}
}

// checkRaw: an event as read must keep what came, to the letter.
func (x exchange) checkRaw(t *testing.T, values map[string]string) {
	t.Helper()
	var body struct{ Events []json.RawMessage }
	if x.Answer.Body == nil || json.Unmarshal(fill(x.Answer.Body, values), &body) != nil {
		return
	}
	for _, raw := range body.Events {
		if got := brightpattern.ParseEvent(raw).Raw; !bytes.Equal(compact(got), compact(raw)) {
			t.Errorf("Raw is %s, want %s", got, raw)
		}
	}
}

func checkFailure(t *testing.T, err error, want json.RawMessage) {
	t.Helper()
	var failure *brightpattern.Error
	if !errors.As(err, &failure) {
		t.Fatalf("error is %v, want an *Error", err)
	}
	got := map[string]any{"Reason": failure.Reason, "Effect": failure.Effect.String(), "Status": failure.Status}
	put := func(key string, value string) {
		if value != "" && value != "0s" {
			got[key] = value
		}
	}
	put("Code", string(failure.Code))
	put("Message", failure.Message)
	put("RetryAfter", failure.RetryAfter.String())
	if err := match(want, encode(got)); err != nil {
		t.Errorf("failure %s: %v", encode(got), err)
	}
	if failure.Method == "" || failure.Message != "" && strings.Contains(err.Error(), failure.Message) {
		t.Errorf("error text %q, method %q", err, failure.Method)
	}
}

// check holds a request against the literal one.
func (want wireRequest) check(t *testing.T, got *http.Request, values map[string]string, poll bool) {
	t.Helper()
	every := everyRequest(t)
	path, query, _ := strings.Cut(got.RequestURI, "?")
	if wantPath := every.Base + fillPath(want.Path, values); got.Method != want.Method || !slices.Equal(segments(path), segments(wantPath)) {
		t.Errorf("request %s %s, want %s %s", got.Method, path, want.Method, wantPath)
	}
	checkQuery(t, query, every, poll)
	headers := maps.Clone(every.Headers)
	if want.Body != nil {
		maps.Copy(headers, every.BodyHeaders)
	}
	for name, value := range headers {
		if values := got.Header.Values(name); len(values) != 1 || values[0] != value {
			t.Errorf("%s is %q, want %q", name, values, value)
		}
	}
	body, _ := io.ReadAll(got.Body)
	switch {
	case want.Multipart != nil:
		checkMultipart(t, want.Multipart, got.Header.Get("Content-Type"), body)
	case want.Body != nil:
		if err := match(fill(want.Body, values), body); err != nil {
			t.Errorf("body %s: %v", body, err)
		}
	case len(body) > 0:
		t.Errorf("body is %q, want none", body)
	case want.Method == "GET" && got.Header.Get("Content-Type") != "":
		t.Errorf("Content-Type %q without a body", got.Header.Get("Content-Type"))
	}
}

// segments are what a server sees; an encoded slash parts none.
func segments(path string) (out []string) {
	for segment := range strings.SplitSeq(path, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			plain = err.Error()
		}
		out = append(out, plain)
	}
	return out
}

func checkQuery(t *testing.T, query string, every everyRequestFile, poll bool) {
	t.Helper()
	got, err := url.ParseQuery(query)
	if err != nil {
		t.Error(err)
	}
	if poll {
		for name, pattern := range every.PollQuery {
			if !regexp.MustCompile(pattern).MatchString(got.Get(name)) {
				t.Errorf("query has %s=%q, want %s", name, got.Get(name), pattern)
			}
			got.Del(name)
		}
	}
	if want := queryOf(every.Query); !reflect.DeepEqual(got, want) {
		t.Errorf("query %v, want %v", got, want)
	}
}

func queryOf(query map[string]string) url.Values {
	out := url.Values{}
	for name, value := range query {
		out.Set(name, value)
	}
	return out
}

func checkMultipart(t *testing.T, want []part, contentType string, body []byte) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		t.Fatalf("Content-Type %q: %v", contentType, err)
	}
	reader := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	var got []part
	for {
		p, err := reader.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(p)
		got = append(got, part{p.FormName(), p.FileName(), string(content)})
	}
	if !slices.Equal(got, want) {
		t.Errorf("parts %q, want %q", got, want)
	}
}

// TestPollsAreNeverAlike: a proxy that keeps answers must find none for a poll.
func TestPollsAreNeverAlike(t *testing.T) {
	seen := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.RequestURI }))
	t.Cleanup(server.Close)
	client := newClient(t, brightpattern.Config{BaseURL: server.URL})
	for range cap(seen) {
		if _, err := client.Poll(t.Context(), brightpattern.Credentials{App: "a", Client: "c"}, "chat"); err != nil {
			t.Fatal(err)
		}
	}
	close(seen)
	times := map[string]int{}
	for uri := range seen {
		times[uri]++
	}
	for uri, n := range times {
		if n > 1 {
			t.Fatalf("%d polls ask for %s", n, uri)
		}
	}
}

// TestAddress: the base URL may have a path; the tenant is its host without port.
func TestAddress(t *testing.T) {
	for _, suffix := range []string{"", "/", "/staging", "/staging/"} {
		cc := serve(t, nil, wireAnswer{Status: json.RawMessage("200"), Body: json.RawMessage(`{"server_version":"1"}`)})
		client := newClient(t, brightpattern.Config{BaseURL: cc.URL + suffix})
		if _, err := client.Version(t.Context(), brightpattern.Credentials{App: "a", Client: "c"}); err != nil {
			t.Fatal(err)
		}
		want := strings.TrimSuffix(suffix, "/") + "/clientweb/api/v2/version?tenantUrl=127.0.0.1"
		if got := (<-cc.requests).RequestURI; got != want {
			t.Errorf("%q: asks for %s, want %s", suffix, got, want)
		}
	}
}
