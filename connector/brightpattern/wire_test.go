package brightpattern_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern"
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
		Again     []hop
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
	history := exchange{Name: v.Name + ": in the history", Call: "history", Request: wireRequest{Method: "GET", Path: "chats/{chatId}/history"}}
	if v.Again != nil {
		notThere := wireAnswer{Status: json.RawMessage("200"), Body: object("events", list())}
		send.Again, last = []hop{{history.Request, notThere}, {sent(v.Again), done}}, v.Again
	}
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
