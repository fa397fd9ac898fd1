package brightpattern_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
)

// The literal requests and answers in testdata/wire, held against the client
// and the simulator. The README there says what the files mean.

const wireDir = "testdata/wire"

type (
	exchange struct {
		Name      string
		Values    map[string]string
		Call      string
		With      json.RawMessage
		Request   wireRequest
		Answer    wireAnswer
		Again     *hop
		Reads     json.RawMessage
		Fails     json.RawMessage
		Simulator *simulatorSide
	}
	hop struct {
		Request wireRequest
		Answer  wireAnswer
	}
	wireRequest struct {
		Method, Path, Text string
		Body               json.RawMessage
		Multipart          []part
	}
	part       struct{ Name, Filename, Content string }
	wireAnswer struct {
		Status  json.RawMessage
		Headers map[string]string
		Body    json.RawMessage
		Text    string
		AnyBody bool
	}
	simulatorSide struct {
		Hold        string
		AnswerSends bool
		Before      []step
		Answer      *wireAnswer
		OneOf       []wireAnswer
		After       *hop
	}
	step struct {
		Do, Case, Name, Content, ClientID string
		Event                             json.RawMessage
	}
	methodFile struct {
		Title     string
		Exchanges []exchange
	}
	eventFile struct {
		Event    string
		Variants []variant
	}
	variant struct {
		Name                                 string
		Send, Wire, Again, History, Reads    json.RawMessage
		Answer                               *wireAnswer
		Fails                                json.RawMessage
		Ends                                 brightpattern.EndReason
		FromClient, NotInHistory, ClientOnly bool
	}
	errorFile struct {
		Title   string
		Answers []errorAnswer
	}
	errorAnswer struct {
		Name       string
		ClientOnly bool
		Answer     wireAnswer
		Fails      map[string]any
	}
	everyRequestFile struct {
		Title, Base, AppID, ClientID           string
		Query, PollQuery, Headers, BodyHeaders map[string]string
		Accepted, Refused                      []headerCase
	}
	headerCase struct {
		Name           string
		Query, Headers map[string]string
		Codes          []string
	}
)

// The rows of the references: a file each, and no other.
var (
	methodRows = []string{
		"get_version", "check_availability", "expected_parameters", "chat_widget_configuration", "ice_servers",
		"request_chat", "get_active_chat", "get_new_chat_events", "send_events", "get_chat_history", "get_case_history",
		"close_case", "mobile_notification_subscription", "upload_file", "get_file", "get_agent_profile_photo",
	}
	bothWays = []brightpattern.EventName{
		brightpattern.EventMessage, brightpattern.EventMessageDelivered, brightpattern.EventMessageRead,
		brightpattern.EventTyping, brightpattern.EventNotTyping, brightpattern.EventLocation, brightpattern.EventFile,
		brightpattern.EventSecureFormCancel, brightpattern.EventSignaling,
	}
	onlyServers = []brightpattern.EventName{
		brightpattern.EventStatus, brightpattern.EventCaseSet, brightpattern.EventPartyJoined, brightpattern.EventPartyLeft,
		brightpattern.EventInfo, brightpattern.EventFormShow, brightpattern.EventSecureFormShow, brightpattern.EventTimeoutWarning,
		brightpattern.EventInactivityTimeout, brightpattern.EventEnded, brightpattern.EventCobrowsingRequested,
	}
	onlyClients = []brightpattern.EventName{
		brightpattern.EventFormData, brightpattern.EventSecureFormData, brightpattern.EventCobrowsingRejected,
		brightpattern.EventCobrowsingEnded, brightpattern.EventCobrowsingStarted, brightpattern.EventNavigation,
		brightpattern.EventDisconnect, brightpattern.EventEnd,
	}
)

func TestEveryRowHasItsFile(t *testing.T) {
	names := func(lists ...[]brightpattern.EventName) (out []string) {
		for _, name := range slices.Concat(lists...) {
			out = append(out, string(name))
		}
		return out
	}
	sameFiles(t, "methods", methodRows)
	sameFiles(t, "client_events", names(bothWays, onlyClients))
	sameFiles(t, "server_events", append(names(bothWays, onlyServers), "unknown"))
	sameFiles(t, ".", []string{"every_request", "errors"})
}

func sameFiles(t *testing.T, dir string, want []string) {
	t.Helper()
	got := baseNames(t, dir)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has the files\n%q, want\n%q", dir, got, want)
	}
}

func baseNames(t *testing.T, dir string) (out []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(wireDir, dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		out = append(out, strings.TrimSuffix(filepath.Base(path), ".json"))
	}
	return out
}

// load is strict: a field that no test reads is an error.
func load[T any](t *testing.T, name string) (out T) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(wireDir, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

func everyRequest(t *testing.T) everyRequestFile { return load[everyRequestFile](t, "every_request") }

// allExchanges are those of all files, by file.
func allExchanges(t *testing.T) map[string][]exchange {
	t.Helper()
	out := map[string][]exchange{"errors": nil}
	for _, name := range baseNames(t, "methods") {
		out["methods/"+name] = load[methodFile](t, "methods/"+name).Exchanges
	}
	for _, name := range baseNames(t, "client_events") {
		for _, v := range load[eventFile](t, "client_events/"+name).Variants {
			out["client_events/"+name] = append(out["client_events/"+name], v.fromClient(name)...)
		}
	}
	for _, name := range baseNames(t, "server_events") {
		for _, v := range load[eventFile](t, "server_events/"+name).Variants {
			out["server_events/"+name] = append(out["server_events/"+name], v.fromServer())
		}
	}
	for _, e := range load[errorFile](t, "errors").Answers {
		out["errors"] = append(out["errors"], e.exchange())
	}
	return out
}

// fromClient is a send, and a history in which the event comes back.
func (v variant) fromClient(name string) []exchange {
	sent := func(event json.RawMessage) wireRequest {
		return wireRequest{Method: "POST", Path: "chats/{chatId}/events", Body: object("events", list(event))}
	}
	done := wireAnswer{Status: json.RawMessage("200"), AnyBody: true}
	send := exchange{Name: v.Name, Call: "send", With: object("events", list(withName(v.Send, name))), Request: sent(v.Wire), Answer: done, Fails: v.Fails}
	if v.Answer != nil {
		send.Answer = *v.Answer
	}
	scene := []step{{Do: "requestChat"}}
	if name == string(brightpattern.EventFile) {
		scene = append(scene, step{Do: "upload", Name: "photo.jpg", Content: "JFIF"})
	}
	last := v.Wire
	if v.Again != nil {
		send.Again, last = &hop{sent(v.Again), done}, v.Again
	}
	history := exchange{Name: v.Name + ": in the history", Call: "history", Request: wireRequest{Method: "GET", Path: "chats/{chatId}/history"}}
	events := []json.RawMessage{json.RawMessage(`"{somewhere}"`), v.History}
	if v.NotInHistory {
		events = nil
	}
	inHistory := wireAnswer{Status: json.RawMessage("200"), Body: object("events", list(events...))}
	switch {
	case v.Fails != nil:
		return []exchange{send}
	case v.NotInHistory:
		history.Call = ""
	default:
		history.Answer = wireAnswer{Status: json.RawMessage("200"), Body: object("events", list(literal(v.History)))}
		history.Reads = list(v.Reads)
	}
	if v.Again == nil {
		send.Simulator = &simulatorSide{Before: scene, Answer: &done, After: &hop{history.Request, inHistory}}
	}
	history.Simulator = &simulatorSide{Before: append(scene, step{Do: "send", Event: literal(last)}), Answer: &inHistory}
	return []exchange{send, history}
}

// fromServer is a poll in which the event comes.
func (v variant) fromServer() exchange {
	x := exchange{
		Name: v.Name, Call: "poll", Request: wireRequest{Method: "GET", Path: "chats/{chatId}/events"},
		Answer: wireAnswer{Status: json.RawMessage("200"), Body: object("events", list(v.Wire))}, Reads: list(v.Reads),
	}
	if v.ClientOnly {
		return x
	}
	answer := func(mode string, events ...json.RawMessage) wireAnswer {
		return wireAnswer{Status: json.RawMessage("200"), Body: object("events", list(append([]json.RawMessage{json.RawMessage(mode)}, events...)...))}
	}
	polled := answer(`"{among}"`, withTime(v.Wire, ""))
	inHistory := answer(`"{somewhere}"`, withTime(v.Wire, "{time %s}"))
	if v.NotInHistory {
		inHistory = wireAnswer{Status: json.RawMessage("200"), Body: object("events", list())}
	}
	x.Simulator = &simulatorSide{Before: []step{{Do: "requestChat"}, {Do: "push", Event: v.Wire}}, Answer: &polled,
		After: &hop{wireRequest{Method: "GET", Path: "chats/{chatId}/history"}, inHistory}}
	return x
}

// exchange tries the answer on a GET; its code and status are what counts.
func (e errorAnswer) exchange() exchange {
	e.Fails["Effect"] = "none"
	return exchange{Name: e.Name, Call: "availability", Request: wireRequest{Method: "GET", Path: "availability"}, Answer: e.Answer, Fails: encode(e.Fails)}
}

// values are what placeholders stand for on the client's side.
func (x exchange) values() map[string]string {
	out := map[string]string{"chatId": "6a1e0b52-3c1f-4d8e-9b7a-5f2d1c0e9a84", "partyId": "3f9a77d2-party", "fileId": "b6d9-file"}
	maps.Copy(out, x.Values)
	return out
}

func fill(raw json.RawMessage, values map[string]string) json.RawMessage {
	text := string(raw)
	for name, value := range values {
		quoted := encode(value)
		text = strings.ReplaceAll(text, "{"+name+"}", string(quoted[1:len(quoted)-1]))
	}
	return json.RawMessage(text)
}

func fillPath(path string, values map[string]string) string {
	for name, value := range values {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	return path
}

// ---- the client's side

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
	hops := []hop{{x.Request, x.Answer}}
	if x.Again != nil {
		hops = append(hops, *x.Again)
	}
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

// ---- how calls are written down

type callArgs struct {
	From, PhoneNumber               string
	Parameters                      map[string]string
	UserPlatform                    json.RawMessage
	DeviceToken, BundleID, Platform string
	Name, Content                   string
	TenantPaths                     bool
	Events                          []eventArgs
	cred                            brightpattern.Credentials
	chat                            brightpattern.ChatID
	party                           brightpattern.PartyID
	file                            brightpattern.FileID
}

var calls = map[string]func(context.Context, *brightpattern.Client, callArgs) (any, error){
	"version": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Version(ctx, a.cred)
	},
	"availability": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Availability(ctx, a.cred)
	},
	"parameters": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Parameters(ctx, a.cred)
	},
	"configuration": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Configuration(ctx, a.cred)
	},
	"iceServers": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.ICEServers(ctx, a.cred)
	},
	"requestChat": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.RequestChat(ctx, a.cred, brightpattern.ChatRequest{From: a.From, PhoneNumber: a.PhoneNumber, Parameters: a.Parameters, UserPlatform: a.UserPlatform})
	},
	"activeChat": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.ActiveChat(ctx, a.cred)
	},
	"poll": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Poll(ctx, a.cred, a.chat)
	},
	"send": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		var events []brightpattern.ClientEvent
		for _, e := range a.Events {
			events = append(events, clientEvents[e.Event](e))
		}
		return c.Send(ctx, a.cred, a.chat, events...)
	},
	"history": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.History(ctx, a.cred, a.chat)
	},
	"caseHistory": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.CaseHistory(ctx, a.cred, a.chat)
	},
	"closeCase": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return nil, c.CloseCase(ctx, a.cred, a.chat)
	},
	"subscribeAPNs": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return nil, c.SubscribeAPNs(ctx, a.cred, a.chat, a.DeviceToken, a.BundleID)
	},
	"subscribeFirebase": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		platform := map[string]brightpattern.Platform{"ios": brightpattern.PlatformIOS, "android": brightpattern.PlatformAndroid}[a.Platform]
		return nil, c.SubscribeFirebase(ctx, a.cred, a.chat, a.DeviceToken, platform)
	},
	"cancelNotifications": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return nil, c.CancelNotifications(ctx, a.cred, a.chat)
	},
	"upload": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Upload(ctx, a.cred, a.Name, strings.NewReader(a.Content))
	},
	"file": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.File(ctx, a.cred, a.chat, a.file)
	},
	"profilePhoto": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.ProfilePhoto(ctx, a.cred, a.chat, a.party)
	},
}

type eventArgs struct {
	Event                          brightpattern.EventName
	ID, Ref                        brightpattern.MessageID
	Text, HTML, Channel            string
	Latitude, Longitude            float64
	URL, Title, Page, ProviderType string
	FileID                         brightpattern.FileID
	FileName, FileType             string
	FormRequestID                  brightpattern.FormRequestID
	FormName                       string
	Destination                    brightpattern.PartyID
	Data                           json.RawMessage
}

var clientEvents = map[brightpattern.EventName]func(eventArgs) brightpattern.ClientEvent{
	brightpattern.EventMessage: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.Message{ID: e.ID, Text: e.Text, HTML: e.HTML, Channel: e.Channel}
	},
	brightpattern.EventMessageDelivered: func(e eventArgs) brightpattern.ClientEvent { return brightpattern.Delivered{Ref: e.Ref} },
	brightpattern.EventMessageRead:      func(e eventArgs) brightpattern.ClientEvent { return brightpattern.Read{Ref: e.Ref} },
	brightpattern.EventTyping:           func(eventArgs) brightpattern.ClientEvent { return brightpattern.Typing{} },
	brightpattern.EventNotTyping:        func(eventArgs) brightpattern.ClientEvent { return brightpattern.NotTyping{} },
	brightpattern.EventLocation: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.Location{ID: e.ID, Latitude: e.Latitude, Longitude: e.Longitude, URL: e.URL}
	},
	brightpattern.EventFile: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.SharedFile{ID: e.ID, FileID: e.FileID, FileName: e.FileName, FileType: e.FileType}
	},
	brightpattern.EventFormData: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.FormData{FormRequestID: e.FormRequestID, FormName: e.FormName, Data: e.Data}
	},
	brightpattern.EventSecureFormData: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.SecureFormData{FormRequestID: e.FormRequestID, FormName: e.FormName, Data: e.Data}
	},
	brightpattern.EventSecureFormCancel: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.SecureFormCancel{FormRequestID: e.FormRequestID}
	},
	brightpattern.EventSignaling: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.Signal{ID: e.ID, Destination: e.Destination, Data: e.Data}
	},
	brightpattern.EventCobrowsingStarted: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.CobrowsingStarted{ProviderType: e.ProviderType, URL: e.URL}
	},
	brightpattern.EventCobrowsingRejected: func(eventArgs) brightpattern.ClientEvent { return brightpattern.CobrowsingRejected{} },
	brightpattern.EventCobrowsingEnded:    func(eventArgs) brightpattern.ClientEvent { return brightpattern.CobrowsingEnded{} },
	brightpattern.EventNavigation: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.Navigation{ID: e.ID, Title: e.Title, Page: e.Page}
	},
	brightpattern.EventDisconnect: func(eventArgs) brightpattern.ClientEvent { return brightpattern.Disconnect{} },
	brightpattern.EventEnd:        func(eventArgs) brightpattern.ClientEvent { return brightpattern.End{} },
}

// plain turns a result into JSON values: its fields that are not empty, without Raw.
func plain(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	switch value := v.Interface().(type) {
	case time.Time:
		return value.Format(time.RFC3339Nano)
	case json.RawMessage:
		return value
	case io.ReadCloser:
		defer value.Close()
		body, err := io.ReadAll(value)
		return fmt.Sprint(string(body), errText(err))
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return plain(v.Elem())
	case reflect.Slice:
		out := []any{}
		for i := range v.Len() {
			out = append(out, plain(v.Index(i)))
		}
		return out
	case reflect.Struct:
		return plainFields(v)
	default:
		return v.Interface()
	}
}

func plainFields(v reflect.Value) map[string]any {
	out := map[string]any{}
	for i := range v.NumField() {
		name, value := v.Type().Field(i).Name, v.Field(i)
		empty := value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0
		if name != "Raw" && !empty {
			out[name] = plain(value)
		}
	}
	return out
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return "!" + err.Error()
}

// TestEventsTellTheirEnd checks what an event says beyond its fields.
func TestEventsTellTheirEnd(t *testing.T) {
	values := exchange{}.values()
	chat := brightpattern.ChatID(values["chatId"])
	for _, dir := range []string{"client_events", "server_events"} {
		for _, name := range baseNames(t, dir) {
			for _, v := range load[eventFile](t, dir+"/"+name).Variants {
				raw, fromClient := v.Wire, v.FromClient
				if dir == "client_events" {
					raw, fromClient = v.History, true
				}
				if raw == nil {
					continue
				}
				event := brightpattern.ParseEvent(fill(literal(raw), values))
				if event.IsFromClient(chat) != fromClient {
					t.Errorf("%s/%s/%s: IsFromClient is %v", dir, name, v.Name, !fromClient)
				}
				if reason, ends := event.EndsSession(); reason != v.Ends || ends != (v.Ends != "") {
					t.Errorf("%s/%s/%s: EndsSession is %q, %v", dir, name, v.Name, reason, ends)
				}
			}
		}
	}
}

// ---- the simulator's side

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
		response := r.do(t, availability, c)
		body, _ := io.ReadAll(response.Body)
		code := fmt.Sprint(decode[map[string]any](t, body)["error_code"])
		if response.StatusCode < 400 || response.StatusCode > 499 || !slices.Contains(c.Codes, code) {
			t.Errorf("%s: status %d, code %q, want %v", c.Name, response.StatusCode, code, c.Codes)
		}
	}
}

// ---- JSON

func encode(v any) json.RawMessage {
	if raw, isRaw := v.(json.RawMessage); isRaw {
		return raw
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

func decode[T any](t *testing.T, raw json.RawMessage) (out T) {
	t.Helper()
	if len(raw) == 0 {
		return out
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return out
}

func object(key string, value json.RawMessage) json.RawMessage {
	return json.RawMessage(`{` + strconv.Quote(key) + `:` + string(value) + `}`)
}

func list(items ...json.RawMessage) json.RawMessage {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return json.RawMessage(`[` + strings.Join(texts, ",") + `]`)
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return []byte(err.Error())
	}
	return b.Bytes()
}

func values(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out any
	err := dec.Decode(&out)
	return out, err
}

func withName(fields json.RawMessage, name string) json.RawMessage {
	return changed(fields, func(event map[string]any) { event["event"] = name })
}

// withTime is the event as a server tells it again: a time that can be read
// may be spelled in another way (if a spelling is given), a missing one is added.
func withTime(event json.RawMessage, spelling string) json.RawMessage {
	return changed(event, func(event map[string]any) {
		given, there := event["timestamp"]
		digits := fmt.Sprint(given)
		switch seconds, err := strconv.ParseInt(digits, 10, 64); {
		case !there:
			event["timestamp"] = "{timestamp}"
		case err == nil && spelling != "":
			if seconds >= 1e11 {
				seconds /= 1000
			}
			event["timestamp"] = fmt.Sprintf(spelling, strconv.FormatInt(seconds, 10))
		}
	})
}

func changed(raw json.RawMessage, change func(map[string]any)) json.RawMessage {
	value, err := values(raw)
	if err != nil {
		panic(err)
	}
	change(value.(map[string]any))
	return encode(value)
}

// literal puts plain values where patterns stand.
func literal(raw json.RawMessage) json.RawMessage {
	value, err := values(raw)
	if err != nil {
		panic(err)
	}
	return encode(literally(value))
}

func literally(value any) any {
	switch value := value.(type) {
	case string:
		if value == "{timestamp}" {
			return "1614718748"
		}
		if p := patternForm.FindStringSubmatch(value); p != nil && p[1] == "number" {
			return p[2]
		}
	case []any:
		for i := range value {
			value[i] = literally(value[i])
		}
	case map[string]any:
		for key := range value {
			if value[key] = literally(value[key]); strings.HasSuffix(key, "?") {
				delete(value, key)
			}
		}
	}
	return value
}

// match holds JSON against an expectation with patterns.
func match(want, got json.RawMessage) error {
	wanted, err := values(want)
	if err != nil {
		return fmt.Errorf("expectation: %w", err)
	}
	have, err := values(got)
	if err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	return matchValue("", wanted, have)
}

func matchValue(at string, want, got any) error {
	fits := false
	switch want := want.(type) {
	case map[string]any:
		if got, isObject := got.(map[string]any); isObject {
			return matchObject(at, want, got)
		}
	case []any:
		if got, isArray := got.([]any); isArray {
			return matchArray(at, want, got)
		}
	case string:
		fits = matchString(want, got)
	case json.Number:
		have, isNumber := got.(json.Number)
		fits = isNumber && sameNumber(want.String(), have.String())
	default:
		fits = want == got
	}
	if !fits {
		return fmt.Errorf("%s is %s, want %s", at, encode(got), encode(want))
	}
	return nil
}

func matchObject(at string, want, got map[string]any) error {
	others, anyOthers := want["{any}"]
	for key, value := range got {
		expected, there := want[key]
		if !there {
			expected, there = want[key+"?"]
		}
		if !there {
			expected, there = others, anyOthers
		}
		if !there {
			return fmt.Errorf("%s.%s is there, want none", at, key)
		}
		if err := matchValue(at+"."+key, expected, value); err != nil {
			return err
		}
	}
	for key := range want {
		_, there := got[key]
		if !there && key != "{any}" && !strings.HasSuffix(key, "?") {
			return fmt.Errorf("%s.%s is missing", at, key)
		}
	}
	return nil
}

func matchArray(at string, want, got []any) error {
	if len(want) > 0 {
		if mode := arrayModes[fmt.Sprint(want[0])]; mode != nil {
			return mode(at, want[1:], got)
		}
	}
	if len(want) != len(got) {
		return fmt.Errorf("%s has %d elements, want %d", at, len(got), len(want))
	}
	for i := range want {
		if err := matchValue(fmt.Sprintf("%s[%d]", at, i), want[i], got[i]); err != nil {
			return err
		}
	}
	return nil
}

var arrayModes map[string]func(at string, want, got []any) error

func init() {
	arrayModes = map[string]func(at string, want, got []any) error{
		"{each}":      matchEach,
		"{among}":     func(at string, want, got []any) error { return matchSome(at, want, got, true) },
		"{somewhere}": func(at string, want, got []any) error { return matchSome(at, want, got, false) },
	}
}

func matchEach(at string, want, got []any) error {
	for i := range got {
		if err := matchValue(fmt.Sprintf("%s[%d]", at, i), want[0], got[i]); err != nil {
			return err
		}
	}
	return nil
}

func matchSome(at string, want, got []any, inOrder bool) error {
	from := 0
	for _, expected := range want {
		var problems []error
		found := slices.IndexFunc(got[from:], func(value any) bool {
			err := matchValue(at+"[]", expected, value)
			problems = append(problems, err)
			return err == nil
		})
		if found < 0 {
			return fmt.Errorf("%s lacks %s: %w", at, encode(expected), errors.Join(problems...))
		}
		if inOrder {
			from += found + 1
		}
	}
	return nil
}

var patternForm = regexp.MustCompile(`^\{([A-Za-z0-9_/;=.|-][A-Za-z0-9_/;=.| -]*?)(?: (-?[0-9.]+))?\}$`)

func matchString(want string, got any) bool {
	p := patternForm.FindStringSubmatch(want)
	if p == nil {
		return want == got
	}
	text := fmt.Sprint(got) // of a json.Number its digits
	if fits := patterns[p[1]]; fits != nil {
		return fits(got, text, p[2])
	}
	return strings.Contains(p[1], "|") && slices.Contains(strings.Split(p[1], "|"), text)
}

var patterns = map[string]func(got any, text, argument string) bool{
	"anything": func(any, string, string) bool { return true },
	"string":   func(got any, text, _ string) bool { _, isString := got.(string); return isString && text != "" },
	"ewt": func(_ any, text, _ string) bool {
		_, err := strconv.ParseFloat(text, 64)
		return text == "" || err == nil
	},
	"number": func(_ any, text, argument string) bool { return sameNumber(text, argument) },
	"seconds": func(_ any, text, _ string) bool {
		n, err := strconv.ParseInt(text, 10, 64)
		return err == nil && n > 1e9 && n < 1e11
	},
	"timestamp": func(_ any, text, _ string) bool {
		n, err := strconv.ParseInt(text, 10, 64)
		return err == nil && n > 1e9
	},
	"time": func(_ any, text, argument string) bool {
		n, err := strconv.ParseInt(text, 10, 64)
		if n >= 1e11 {
			n /= 1000
		}
		return err == nil && strconv.FormatInt(n, 10) == argument
	},
}

func sameNumber(a, b string) bool {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}
