package brightpattern

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// seen is a request as a server reads it.
type seen struct {
	method, path, query, contentType, body string
	header                                 http.Header
}

// recorder keeps the requests and answers each with the next of the answers.
type recorder struct {
	mu       sync.Mutex
	requests []seen
	answers  []http.HandlerFunc
}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.requests = append(rec.requests, seen{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Content-Type"), string(body), r.Header})
	answer := rec.answers[min(len(rec.requests), len(rec.answers))-1]
	answer(w, r)
}

func record(t *testing.T, answers ...http.HandlerFunc) (*Client, *recorder) {
	rec := &recorder{answers: answers}
	return serve(t, rec.ServeHTTP), rec
}

const api = "/clientweb/api/v2/"

func TestEveryRequestCarries(t *testing.T) {
	rec := &recorder{answers: []http.HandlerFunc{answering(200, `{"events":[]}`)}}
	server := start(t, rec.ServeHTTP)
	client := clientOf(t, Config{BaseURL: server.URL + "/stage/", TenantURL: "acme.example"})
	before := time.Now()
	_, _ = client.Poll(overall(t), caller, "a/b c?..%")
	_, _ = client.History(overall(t), caller, "ü")
	poll, history := rec.requests[0], rec.requests[1]
	if poll.path != "/stage"+api+"chats/a%2Fb%20c%3F..%25/events" || history.path != "/stage"+api+"chats/%C3%BC/history" {
		t.Errorf("paths %s, %s", poll.path, history.path)
	}
	query, stamp, _ := strings.Cut(poll.query, "&timestamp=")
	at := (object{"t": json.RawMessage(stamp)}).time("t")
	if query != "tenantUrl=acme.example" || at.Before(before.Truncate(time.Millisecond)) || at.After(time.Now()) {
		t.Errorf("query of the poll: %s", poll.query)
	}
	if history.query != "tenantUrl=acme.example" {
		t.Errorf("query: %s", history.query)
	}
	want := map[string]string{
		"Authorization": `MOBILE-API-140-327-PLAIN appId="app-1", clientId="client-1"`,
		"User-Agent":    "MobileClient", "Cache-Control": "no-cache", "Content-Type": "",
	}
	for name, value := range want {
		if got := poll.header.Get(name); got != value {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestPollsNeverLookAlike(t *testing.T) {
	client := clientOf(t, Config{BaseURL: "https://acme.example"})
	seen := map[string]bool{}
	for range 1000 {
		seen[client.url(&call{kind: poll, path: []string{"chats", "c", "events"}})] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d URLs for 1000 polls", len(seen))
	}
}

func TestTenantDefaultsToTheHost(t *testing.T) {
	client, rec := record(t, answering(200, "{}"))
	_, _ = client.Version(overall(t), caller)
	if got := rec.requests[0].query; got != "tenantUrl=127.0.0.1" {
		t.Error(got)
	}
}

func TestNewNamesTheField(t *testing.T) {
	cases := map[string][]Config{
		"BaseURL": {{}, {BaseURL: "acme.example"}, {BaseURL: "ftp://a"}, {BaseURL: "https://"}, {BaseURL: "https://u:pw@a"},
			{BaseURL: "https://a?x"}, {BaseURL: "https://a/?"}, {BaseURL: "https://a#x"}, {BaseURL: "https://a:pw\x7f"}, {BaseURL: "https:a"}},
		"TenantURL":   {{BaseURL: "https://a", TenantURL: "https://a"}, {BaseURL: "https://a", TenantURL: "a b"}},
		"Timeout":     {{BaseURL: "https://a", Timeout: -1}},
		"PollTimeout": {{BaseURL: "https://a", PollTimeout: -1}},
		"MaxPolls":    {{BaseURL: "https://a", MaxPolls: -1}},
		"CasePaths":   {{BaseURL: "https://a", CasePaths: 7}},
	}
	for field, configs := range cases {
		for _, config := range configs {
			client, err := New(config)
			if client != nil || err == nil || !strings.HasPrefix(err.Error(), "brightpattern: "+field) || strings.Contains(err.Error(), "pw") {
				t.Errorf("%+v: %v", config, err)
			}
		}
	}
}

// What cannot be written strictly is not sent at all.
func TestInvalidCalls(t *testing.T) {
	client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	ctx := overall(t)
	bad := []Credentials{{}, {App: "a"}, {Client: "c"}, {App: "a", Client: "WebChat"}, {App: "a", Client: `c", appId="b`}, {App: "a\r\nX: y", Client: "c"}, {App: "a", Client: "ü"}, {App: "a", Client: `c\`}}
	for _, cred := range bad {
		_, err := client.Poll(ctx, cred, theChat)
		expect(t, err, ReasonInvalid, EffectNone)
	}
	for _, chat := range []ChatID{"", ".", ".."} {
		_, err := client.Poll(ctx, caller, chat)
		expect(t, err, ReasonInvalid, EffectNone)
	}
	events := []ClientEvent{
		Location{Place: &Place{Latitude: math.NaN()}}, Location{Place: &Place{Longitude: math.Inf(1)}}, Location{}, FormData{Data: []byte("[]")}, FormData{Data: []byte("{")},
		SecureFormData{Data: []byte(`"x"`)}, Signal{}, Signal{Data: []byte("null")},
	}
	for _, event := range events {
		_, err := client.Send(ctx, caller, theChat, event)
		expect(t, err, ReasonInvalid, EffectNone)
	}
	_, err := client.Send(ctx, caller, theChat)
	expect(t, err, ReasonInvalid, EffectNone)
	_, err = client.RequestChat(ctx, caller, ChatRequest{UserPlatform: []byte(`"phone"`)})
	expect(t, err, ReasonInvalid, EffectNone)
	expect(t, client.SubscribeAPNs(ctx, caller, theChat, "", "b"), ReasonInvalid, EffectNone)
	expect(t, client.SubscribeAPNs(ctx, caller, theChat, "t", ""), ReasonInvalid, EffectNone)
	expect(t, client.SubscribeFirebase(ctx, caller, theChat, "", PlatformIOS), ReasonInvalid, EffectNone)
	expect(t, client.SubscribeFirebase(ctx, caller, theChat, "t", "tv"), ReasonInvalid, EffectNone)
}

func TestPosts(t *testing.T) {
	ctx := overall(t)
	chat := func(client *Client) error {
		_, err := client.RequestChat(ctx, caller, ChatRequest{
			From: "Ada <a&b>", PhoneNumber: "+1", Parameters: map[string]string{"k": "v"}, UserPlatform: []byte(`{"os": "x"}`),
		})
		return err
	}
	bare := func(client *Client) error { _, err := client.RequestChat(ctx, caller, ChatRequest{}); return err }
	cases := []struct {
		call       func(*Client) error
		path, body string
	}{
		{chat, "chats", `{"from":"Ada <a&b>","parameters":{"k":"v","user_platform":{"os":"x"}},"phone_number":"+1"}`},
		{bare, "chats", `{"parameters":{}}`},
		{func(c *Client) error { return c.SubscribeAPNs(ctx, caller, "c", "t", "b") }, "chats/c/notifications", `{"ios_apns_device_token":"t","ios_app_bundle_id":"b"}`},
		{func(c *Client) error { return c.SubscribeFirebase(ctx, caller, "c", "t", PlatformIOS) }, "chats/c/notifications", `{"ios_firebase_device_token":"t"}`},
		{func(c *Client) error { return c.SubscribeFirebase(ctx, caller, "c", "t", PlatformAndroid) }, "chats/c/notifications", `{"android_firebase_device_token":"t"}`},
		{func(c *Client) error { return c.CancelNotifications(ctx, caller, "c") }, "chats/c/notifications", `{}`},
		{func(c *Client) error { return c.CloseCase(ctx, caller, "c") }, "chats/c/closecase", ``},
	}
	for _, c := range cases {
		client, rec := record(t, answering(200, `{"chat_id":"c","state":"queued","is_new_chat":true}`))
		if err := c.call(client); err != nil {
			t.Error(err)
		}
		contentType := jsonType
		if c.body == "" {
			contentType = ""
		}
		got := rec.requests[0]
		if got.method != "POST" || got.path != api+c.path || got.body != c.body || got.contentType != contentType {
			t.Errorf("got %+v\nwant %s %s", got, c.path, c.body)
		}
	}
}

func TestSentEvents(t *testing.T) {
	cases := []struct {
		event ClientEvent
		wire  string
	}{
		{Message{ID: "c:0", Text: "a&b <c>\r\nd\re\nf\"'"}, `{"event":"chat_session_message","msg_id":"c:0","msg":"a&amp;b &lt;c&gt;<br>d<br>e<br>f\"'","msg_text":"a&b <c>\r\nd\re\nf\"'"}`},
		{Message{HTML: "<b>x</b>", Channel: "web"}, `{"event":"chat_session_message","channel":"web","msg":"<b>x</b>"}`},
		{Delivered{"1"}, `{"event":"chat_session_message_delivered","ref_msg_id":"1"}`},
		{Read{"1"}, `{"event":"chat_session_message_read","ref_msg_id":"1"}`},
		{Typing{}, `{"event":"chat_session_typing"}`},
		{NotTyping{}, `{"event":"chat_session_not_typing"}`},
		{Location{ID: "c:1", URL: "u"}, `{"event":"chat_session_location","msg_id":"c:1","url":"u"}`},
		{Location{ID: "c:1", Place: &Place{}}, `{"event":"chat_session_location","msg_id":"c:1","latitude":"0","longitude":"0"}`},
		{Location{ID: "c:1", Place: &Place{Latitude: 1.5, Longitude: -1e-7}, URL: "u"}, `{"event":"chat_session_location","msg_id":"c:1","url":"u","latitude":"1.5","longitude":"-0.0000001"}`},
		{SharedFile{ID: "c:2", FileID: "f", FileName: "n", FileType: "image"}, `{"event":"chat_session_file","msg_id":"c:2","file_id":"f","file_name":"n","file_type":"image"}`},
		{SharedFile{FileID: "f", FileName: "n"}, `{"event":"chat_session_file","file_id":"f","file_name":"n","file_type":"attachment"}`},
		{FormData{"1", "n", []byte(`{"a": 1.0}`)}, `{"event":"chat_session_form_data","form_request_id":"1","form_name":"n","data":{"a": 1.0}}`},
		{SecureFormData{"1", "n", nil}, `{"event":"chat_session_secure_form_data","form_request_id":"1","form_name":"n","data":{}}`},
		{SecureFormCancel{"1"}, `{"event":"chat_session_secure_form_cancel","form_request_id":"1"}`},
		{Signal{"c:3", "p", []byte(`{"type":"END_CALL"}`)}, `{"event":"chat_session_signaling","msg_id":"c:3","destination_party_id":"p","data":{"type":"END_CALL"}}`},
		{CobrowsingStarted{"S", "u"}, `{"event":"chat_session_cobrowsing_started","provider_type":"S","cobrowsing_url":"u"}`},
		{CobrowsingRejected{}, `{"event":"chat_session_cobrowsing_rejected"}`},
		{CobrowsingEnded{}, `{"event":"chat_session_cobrowsing_ended"}`},
		{Navigation{"c:4", "t", "p"}, `{"event":"chat_session_navigation","msg_id":"c:4","title":"t","page":"p"}`},
		{Disconnect{}, `{"event":"chat_session_disconnect"}`},
		{End{}, `{"event":"chat_session_end"}`},
	}
	client, rec := record(t, answering(200, ""))
	for i, c := range cases {
		if _, err := client.Send(overall(t), caller, "c", c.event, Typing{}); err != nil {
			t.Fatal(err)
		}
		want := `{"events":[` + c.wire + `,{"event":"chat_session_typing"}]}`
		if got := rec.requests[i]; got.path != api+"chats/c/events" || got.body != want || got.contentType != jsonType {
			t.Errorf("got  %s\nwant %s", got.body, want)
		}
	}
}

func TestSendReturnsTheEventsOfTheAnswer(t *testing.T) {
	client := serve(t, answering(200, `{"events":[{"event":"chat_session_ended"}]}`))
	events, err := client.Send(overall(t), caller, theChat, End{})
	if err != nil || len(events) != 1 || events[0].Name != EventEnded {
		t.Errorf("%v %v", events, err)
	}
}

// A 500 to a file's message is followed by a look into the history, and, only if
// it is not there, by a second try without its id.
func TestFileEventOnceMoreWithoutID(t *testing.T) {
	file := SharedFile{ID: "c:1", FileID: "f", FileName: "n", FileType: "image"}
	none := answering(200, `{"events":[{"event":"chat_session_file","file_id":"f","msg_id":"`+string(theChat)+`:0","party_id":"`+string(theChat)+`"}]}`)
	client, rec := record(t, answering(500, ""), none, answering(200, `{"events":[{"event":"chat_session_ended"}]}`))
	events, err := client.Send(overall(t), caller, theChat, file)
	if err != nil || len(events) != 1 || len(rec.requests) != 3 {
		t.Fatalf("%v, %v, %d requests", events, err, len(rec.requests))
	}
	if !strings.Contains(rec.requests[0].body, "msg_id") || strings.Contains(rec.requests[2].body, "msg_id") {
		t.Errorf("%q", rec.requests)
	}

	client, rec = record(t, answering(500, ""), none, answering(404, ""))
	_, err = client.Send(overall(t), caller, theChat, file)
	if expect(t, err, ReasonRefused, EffectUnknown); len(rec.requests) != 3 {
		t.Errorf("%d requests", len(rec.requests))
	}
	client, rec = record(t, answering(500, ""), answering(503, ""))
	_, err = client.Send(overall(t), caller, theChat, file)
	if e := expect(t, err, ReasonRefused, EffectUnknown); e.Status != 500 || len(rec.requests) != 2 {
		t.Errorf("%v, %d requests", err, len(rec.requests))
	}
}

// One that the history has was carried out, whatever the answer said.
func TestFileEventThatIsThere(t *testing.T) {
	for _, listed := range []string{
		`"msg_id":"c:1","party_id":"chat"`, `"msg_id":"c:1"`, `"session_id":"chat"`, `"msg_id":"their own","session_id":"chat"`, `"party_id":"chat"`, ``,
	} {
		listed = strings.ReplaceAll(listed, `"chat"`, `"`+string(theChat)+`"`) + `,"event":"chat_session_file"`
		client, rec := record(t, answering(500, ""), answering(200, `{"events":[{"file_id":"f",`+strings.TrimPrefix(listed, ",")+`}]}`))
		_, err := client.Send(overall(t), caller, theChat, SharedFile{ID: "c:1", FileID: "f"})
		if err != nil || len(rec.requests) != 2 {
			t.Errorf("%s: %v, %d requests", listed, err, len(rec.requests))
		}
	}
}

func TestFileEventNotRepeated(t *testing.T) {
	file := SharedFile{ID: "c:1", FileID: "f"}
	cases := []struct {
		answer http.HandlerFunc
		events []ClientEvent
	}{
		{answering(503, ""), []ClientEvent{file}},
		{answering(500, `{"error_code":5001}`), []ClientEvent{file}},
		{answering(500, ""), []ClientEvent{file, Typing{}}},
		{answering(500, ""), []ClientEvent{SharedFile{FileID: "f"}}},
		{answering(500, ""), []ClientEvent{Message{ID: "c:1"}}},
	}
	for _, c := range cases {
		client, rec := record(t, c.answer)
		if _, err := client.Send(overall(t), caller, theChat, c.events...); err == nil || len(rec.requests) != 1 {
			t.Errorf("%v: %v, %d requests", c.events, err, len(rec.requests))
		}
	}
}

// reads are good answers, and what is read in them.
func TestAnswers(t *testing.T) {
	ctx := overall(t)
	version := func(c *Client) (any, error) { return c.Version(ctx, caller) }
	availability := func(c *Client) (any, error) { return c.Availability(ctx, caller) }
	parameters := func(c *Client) (any, error) { return c.Parameters(ctx, caller) }
	configuration := func(c *Client) (any, error) { return c.Configuration(ctx, caller) }
	ice := func(c *Client) (any, error) { return c.ICEServers(ctx, caller) }
	request := func(c *Client) (any, error) { return c.RequestChat(ctx, caller, ChatRequest{}) }
	active := func(c *Client) (any, error) { return c.ActiveChat(ctx, caller) }
	cases := []struct {
		call       func(*Client) (any, error)
		path, body string
		want       any // nil: unreadable
	}{
		{version, "version", `{"server_version":"5.5.6.12345 (Stable)"}`, "5.5.6.12345 (Stable)"},
		{version, "version", `{"server_version":5.5}`, "5.5"},
		{version, "version", `{}`, nil},
		{version, "version", `{"server_version":{"a":[1]}}`, nil},
		{version, "version", `{"server_version":true}`, nil},
		{version, "version", `{"server_version":""}`, nil},
		{version, "version", `<html>`, nil},
		{availability, "availability", `{"chat":"available","ewt":"3"}`, Availability{true, ptr(3.0)}},
		{availability, "availability", `{"chat":"notAvailable"}`, Availability{}},
		{availability, "availability", `{"chat":"busy","ewt":2.5}`, Availability{false, ptr(2.5)}},
		{availability, "availability", `{"chat":"available","ewt":[]}`, Availability{Available: true}},
		{availability, "availability", `{}`, nil},
		{availability, "availability", `{"chat":true}`, nil},
		{parameters, "parameters", `{"parameters":[{"z":"TEXT"},{"b":"PHONE","a":"EMAIL"},{}]}`, []Parameter{{"z", "TEXT"}, {"b", "PHONE"}, {"a", "EMAIL"}}},
		{parameters, "parameters", `{"parameters":null}`, nil},
		{parameters, "parameters", `{}`, nil},
		{parameters, "parameters", `{"parameters":7}`, nil},
		{parameters, "parameters", `{"parameters":[7]}`, nil},
		{parameters, "parameters", `{"parameters":[{"z":7}]}`, nil},
		{configuration, "configuration", `{"widgets": [1.0]}`, json.RawMessage(`{"widgets": [1.0]}`)},
		{configuration, "configuration", ``, nil},
		{configuration, "configuration", `[]`, nil},
		{configuration, "configuration", `"down"`, nil},
		{ice, "iceservers", `{"servers":[{"url":"stun:s"},{"url":"turn:t","username":"u","credential":"c"}]}`, []ICEServer{{URL: "stun:s"}, {"turn:t", "u", "c"}}},
		{ice, "iceservers", `{"servers":[{"url":"stun:s"},null]}`, nil},
		{ice, "iceservers", `{"servers":[{"username":"u"}]}`, nil},
		{ice, "iceservers", `{}`, nil},
		{ice, "iceservers", `[]`, nil},
		{request, "chats", `{"chat_id":"c","state":"queued","ewt":"10","is_new_chat":true,"phone_number":"1"}`, Chat{"c", "queued", ptr(10.0), true, "1"}},
		{request, "chats", `{"chat_id":"7","state":"establishing","ewt":"","is_new_chat":"false"}`, Chat{ID: "7", State: "establishing"}},
		{request, "chats", `{"chat_id":7,"state":"queued","is_new_chat":true}`, nil},
		{request, "chats", `{"chat_id":"","state":"queued","is_new_chat":true}`, nil},
		{request, "chats", `{"chat_id":"c","state":5,"is_new_chat":true}`, nil},
		{request, "chats", `{"chat_id":"c","state":"queued"}`, nil},
		{request, "chats", `{"chat_id":"c","state":"queued","is_new_chat":{}}`, nil},
		{request, "chats", `{"state":"queued"}`, nil},
		{request, "chats", ``, nil},
		{active, "chats/active", `{"chat_id":"c"}`, nil},
		{active, "chats/active", `{"chat_id":"c","state":"connected"}`, Chat{ID: "c", State: "connected"}},
	}
	for _, c := range cases {
		client, rec := record(t, answering(200, c.body))
		got, err := c.call(client)
		if path := rec.requests[0].path; path != api+c.path {
			t.Errorf("path %s, want %s", path, c.path)
		}
		if c.want == nil {
			if e := failure(t, err); e.Reason != ReasonUnreadable || e.Status != 200 {
				t.Errorf("%s: %v", c.body, err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, %v", c.body, got, err)
		}
	}
}

func TestUnreadableChatMayExist(t *testing.T) {
	_, err := serve(t, answering(200, "{}")).RequestChat(overall(t), caller, ChatRequest{})
	expect(t, err, ReasonUnreadable, EffectUnknown)
	expect(t, serve(t, answering(200, "<html>")).CloseCase(overall(t), caller, theChat), ReasonUnreadable, EffectUnknown)
}

func TestCases(t *testing.T) {
	body := `{"sessions":[{"chat_id":"a","created_time":1614718748,"events":[{"event":"chat_session_ended"}]},{"chat_id":"b","created_time":"x","events":[]}]}`
	for paths, prefix := range map[CasePaths]string{CasePathsChat: "chats/chat-1/", CasePathsTenant: ""} {
		rec := &recorder{answers: []http.HandlerFunc{answering(200, body), answering(200, "")}}
		client := clientOf(t, Config{BaseURL: start(t, rec.ServeHTTP).URL, CasePaths: paths})
		sessions, err := client.CaseHistory(overall(t), caller, theChat)
		want := []CaseSession{{"a", sampleTime, []Event{{Name: EventEnded, Raw: json.RawMessage(`{"event":"chat_session_ended"}`)}}}, {ChatID: "b", Events: []Event{}}}
		if err != nil || !reflect.DeepEqual(sessions, want) {
			t.Errorf("%+v, %v", sessions, err)
		}
		if err := client.CloseCase(overall(t), caller, theChat); err != nil {
			t.Error(err)
		}
		history, closing := rec.requests[0], rec.requests[1]
		if history.path != api+prefix+"casehistory" || closing.path != api+prefix+"closecase" || closing.method != "POST" || closing.header.Get("Content-Length") == "" && closing.body != "" {
			t.Errorf("%+v\n%+v", history, closing)
		}
	}
	for _, bad := range []string{"", "[]", `{"sessions":7}`, `{"sessions":[{"events":7}]}`, `{}`, `{"sessions":[7]}`, `{"sessions":[{"events":[]}]}`, `{"sessions":[{"chat_id":"a"}]}`} {
		_, err := serve(t, answering(200, bad)).CaseHistory(overall(t), caller, theChat)
		expect(t, err, ReasonUnreadable, EffectNone)
	}
}

func TestClientMessageID(t *testing.T) {
	for _, n := range []uint64{0, 7, math.MaxUint64} {
		id := ClientMessageID("a:b", n)
		if got, ok := ParseClientMessageID("a:b", id); !ok || got != n {
			t.Errorf("%s: %d, %v", id, got, ok)
		}
	}
	if id := ClientMessageID("c", 12); id != "c:12" {
		t.Error(id)
	}
	for _, id := range []MessageID{"", "c", "c:", "d:1", "c:01", "c:+1", "c:-1", "c: 1", "c:1 ", "c:1x", "c:18446744073709551616", "1", "c:c:1"} {
		if n, ok := ParseClientMessageID("c", id); ok {
			t.Errorf("%s is not of that form, got %d", id, n)
		}
	}
}
