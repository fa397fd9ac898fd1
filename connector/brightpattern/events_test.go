package brightpattern

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

// sampleTime is the time of the captured sample, 1614718748.
var sampleTime = time.Date(2021, 3, 2, 20, 59, 8, 0, time.UTC)

// golden are one event of each kind, and the spellings that differ.
var golden = []struct {
	wire string
	want Event
}{
	{`{"channel":"web","event":"chat_session_message","msg":"a &lt; b","msg_id":"0","party_id":"p1","timestamp":"1614718748"}`,
		Event{Name: EventMessage, Channel: "web", HTML: "a &lt; b", MessageID: "0", PartyID: "p1", Time: sampleTime}},
	{`{"event":"chat_session_message","msg":"a<br>b","msg_text":"a\nb","msg_id":7,"timestamp":1614718748000}`,
		Event{Name: EventMessage, HTML: "a<br>b", Text: "a\nb", MessageID: "7", Time: sampleTime}},
	{`{"event":"chat_session_status","state":"queued","ewt":"3"}`,
		Event{Name: EventStatus, State: "queued", EstimatedWait: ptr(3.0)}},
	{`{"event":"chat_session_status","state":"connected","ewt":""}`,
		Event{Name: EventStatus, State: "connected"}},
	{`{"event":"chat_session_case_set","case_id":"c1"}`,
		Event{Name: EventCaseSet, CaseID: ptr(CaseID("c1"))}},
	{`{"event":"chat_session_case_set","case_id":""}`,
		Event{Name: EventCaseSet, CaseID: ptr(CaseID(""))}},
	{`{"event":"chat_session_case_set","case_id":null}`,
		Event{Name: EventCaseSet, CaseID: ptr(CaseID(""))}},
	{`{"event":"chat_session_case_set"}`,
		Event{Name: EventCaseSet}},
	{`{"event":"chat_session_party_joined","party_id":"p1","first_name":"Ada","last_name":"L","display_name":"Ada L","type":"internal"}`,
		Event{Name: EventPartyJoined, PartyID: "p1", FirstName: "Ada", LastName: "L", DisplayName: "Ada L", PartyType: "internal"}},
	{`{"event":"chat_session_party_left","party_id":"p1","type":"internal"}`,
		Event{Name: EventPartyLeft, PartyID: "p1", PartyType: "internal"}},
	{`{"event":"chat_session_info","service_name":"Sales"}`,
		Event{Name: EventInfo, ServiceName: "Sales"}},
	{`{"event":"chat_session_message_delivered","ref_msg_id":"c:1","party_id":"p1"}`,
		Event{Name: EventMessageDelivered, RefMessageID: "c:1", PartyID: "p1"}},
	{`{"event":"chat_session_message_delivered","msg_id":"c:1"}`,
		Event{Name: EventMessageDelivered, RefMessageID: "c:1"}},
	{`{"event":"chat_session_message_read","msg_id":"9","ref_msg_id":"c:1"}`,
		Event{Name: EventMessageRead, MessageID: "9", RefMessageID: "c:1"}},
	{`{"event":"chat_session_message_read","msg_id":"c:1","ref_msg_id":""}`,
		Event{Name: EventMessageRead, RefMessageID: "c:1"}},
	{`{"event":"chat_session_typing","party_id":"p1"}`, Event{Name: EventTyping, PartyID: "p1"}},
	{`{"event":"chat_session_not_typing","party_id":"p1"}`, Event{Name: EventNotTyping, PartyID: "p1"}},
	{`{"event":"chat_session_location","msg_id":"1","party_id":"p1","url":"https://m/","latitude":"1.50","longitude":-2e1}`,
		Event{Name: EventLocation, MessageID: "1", PartyID: "p1", URL: "https://m/", Latitude: ptr(1.5), Longitude: ptr(-20.0)}},
	{`{"event":"chat_session_file","msg_id":"1","party_id":"p1","session_id":"s1","file_id":"f1","file_name":"a.png","file_type":"image"}`,
		Event{Name: EventFile, MessageID: "1", PartyID: "p1", FileID: "f1", FileName: "a.png", FileType: "image"}},
	{`{"event":"chat_session_file","session_id":"s1","file_id":"f1"}`,
		Event{Name: EventFile, PartyID: "s1", FileID: "f1"}},
	{`{"event":"chat_session_message","session_id":"s1"}`,
		Event{Name: EventMessage}},
	{`{"event":"chat_session_form_show","form_request_id":12,"form_name":"survey","form_timeout":"60","channel":"web"}`,
		Event{Name: EventFormShow, FormRequestID: "12", FormName: "survey", FormTimeout: ptr(60.0), Channel: "web"}},
	{`{"event":"chat_session_form_data","form_request_id":"12","form_name":"survey","data":{"a": 1.0}}`,
		Event{Name: EventFormData, FormRequestID: "12", FormName: "survey", Data: json.RawMessage(`{"a": 1.0}`)}},
	{`{"event":"chat_form_data_cancel","form_request_id":"12"}`, Event{Name: EventFormCancel, FormRequestID: "12"}},
	{`{"event":"chat_session_secure_form_show","form_request_id":"13","form_id":"card"}`,
		Event{Name: EventSecureFormShow, FormRequestID: "13", FormID: "card"}},
	{`{"event":"chat_session_secure_form_data","form_request_id":"13","form_name":"card","data":{"pan":"4"}}`,
		Event{Name: EventSecureFormData, FormRequestID: "13", FormName: "card", Data: json.RawMessage(`{"pan":"4"}`)}},
	{`{"event":"chat_session_secure_form_cancel","form_request_id":"13"}`,
		Event{Name: EventSecureFormCancel, FormRequestID: "13"}},
	{`{"event":"chat_session_timeout_warning","msg":"Hello?"}`, Event{Name: EventTimeoutWarning, HTML: "Hello?"}},
	{`{"event":"chat_session_inactivity_timeout","msg":"Bye"}`, Event{Name: EventInactivityTimeout, HTML: "Bye"}},
	{`{"event":"chat_session_inactvity_timeout","msg":"Bye"}`, Event{Name: EventInactivityTimeout, HTML: "Bye"}},
	{`{"event":"chat_session_ended"}`, Event{Name: EventEnded}},
	{`{"event":"chat_session_signaling","msg_id":"2","party_id":"p1","destination_party_id":"p2","data":{"type":"END_CALL"}}`,
		Event{Name: EventSignaling, MessageID: "2", PartyID: "p1", DestinationParty: "p2", Data: json.RawMessage(`{"type":"END_CALL"}`)}},
	{`{"event":"chat_session_signaling","data":" {\"type\":\"OFFER_CALL\",\"sdp\":\"v=0\\r\\n\"}\n"}`,
		Event{Name: EventSignaling, Data: json.RawMessage(`{"type":"OFFER_CALL","sdp":"v=0\r\n"}`)}},
	{`{"event":"chat_session_signaling","data":"END_CALL"}`, Event{Name: EventSignaling}},
	{`{"event":"chat_session_signaling","data":[1]}`, Event{Name: EventSignaling}},
	{`{"event":"chat_session_cobrowsing_requested","msg_id":"3"}`, Event{Name: EventCobrowsingRequested, MessageID: "3"}},
	{`{"event":"chat_session_cobrowsing_rejected"}`, Event{Name: EventCobrowsingRejected}},
	{`{"event":"chat_session_cobrowsing_ended"}`, Event{Name: EventCobrowsingEnded}},
	{`{"event":"chat_session_cobrowsing_started","provider_type":"SURFLY","cobrowsing_url":"https://s/"}`,
		Event{Name: EventCobrowsingStarted, ProviderType: "SURFLY", CobrowsingURL: "https://s/"}},
	{`{"event":"chat_session_navigation","msg_id":"c:4","title":"Home","page":"/"}`,
		Event{Name: EventNavigation, MessageID: "c:4", Title: "Home", Page: "/"}},
	{`{"event":"chat_session_disconnect"}`, Event{Name: EventDisconnect}},
	{`{"event":"chat_session_end"}`, Event{Name: EventEnd}},
	{`{"event":"chat_session_new_thing","x":{"y":[1.0]}}`, Event{Name: "chat_session_new_thing"}},
	{`{"event":7,"Event":"chat_session_ended"}`, Event{}},
	{`{"event":"","msg":true,"msg_text":{"a":1},"channel":null,"party_id":["p"]}`, Event{HTML: "true"}},
	{`{"msg":"\ud800\u0000"}`, Event{HTML: "\ufffd\x00"}},
	{`"chat_session_ended"`, Event{}}, {`null`, Event{}}, {`[{"event":"chat_session_ended"}]`, Event{}},
	{``, Event{}}, {`{"event":"chat_session_ended"`, Event{}},
}

func TestParseEvent(t *testing.T) {
	for _, g := range golden {
		g.want.Raw = readable([]byte(g.wire))
		if got := ParseEvent(json.RawMessage(g.wire)); !reflect.DeepEqual(got, g.want) {
			t.Errorf("%s\n got %+v\nwant %+v", g.wire, got, g.want)
		}
	}
}

func TestEveryEventNameIsGolden(t *testing.T) {
	seen := map[EventName]bool{}
	for _, g := range golden {
		seen[g.want.Name] = true
	}
	for name := range allEvents {
		if !seen[name] {
			t.Errorf("no golden event for %s", name)
		}
	}
}

// allEvents says who sends what: s server, c client.
var allEvents = map[EventName]string{
	EventStatus: "s", EventCaseSet: "s", EventPartyJoined: "s", EventPartyLeft: "s", EventInfo: "s", EventMessage: "sc",
	EventMessageDelivered: "sc", EventMessageRead: "sc", EventTyping: "sc", EventNotTyping: "sc", EventLocation: "sc",
	EventFile: "sc", EventFormShow: "s", EventFormData: "c", EventFormCancel: "c", EventSecureFormShow: "s", EventSecureFormData: "c",
	EventSecureFormCancel: "sc", EventTimeoutWarning: "s", EventInactivityTimeout: "s", EventEnded: "s", EventSignaling: "sc",
	EventCobrowsingRequested: "s", EventCobrowsingRejected: "c", EventCobrowsingEnded: "c", EventCobrowsingStarted: "c",
	EventNavigation: "c", EventDisconnect: "c", EventEnd: "c",
}

func TestIsFromClient(t *testing.T) {
	for name, who := range allEvents {
		if got := (Event{Name: name, PartyID: "agent"}).IsFromClient(theChat); got != (who == "c") {
			t.Errorf("%s of another party: %v", name, got)
		}
		if !(Event{Name: name, PartyID: PartyID(theChat)}).IsFromClient(theChat) {
			t.Errorf("%s of the chat is the client's", name)
		}
		if got := (Event{Name: name}).IsFromClient(""); got != (who == "c" || name == EventFile) {
			t.Errorf("%s without party, chat unknown: %v", name, got)
		}
	}
}

func TestEndsSession(t *testing.T) {
	ends := map[string]EndReason{
		`{"event":"chat_session_ended"}`:                       EndEnded,
		`{"event":"chat_session_inactivity_timeout"}`:          EndInactivityTimeout,
		`{"event":"chat_session_inactvity_timeout"}`:           EndInactivityTimeout,
		`{"event":"chat_session_status","state":"failed"}`:     "",
		`{"event":"chat_session_status","state":"completed"}`:  "",
		`{"event":"chat_session_status","state":"connected"}`:  "",
		`{"event":"chat_session_status"}`:                      "",
		`{"event":"chat_session_message","state":"completed"}`: "",
		`{"event":"chat_session_timeout_warning"}`:             "",
		`{"event":"chat_session_disconnect"}`:                  "",
		`"chat_session_ended"`:                                 "",
	}
	for wire, want := range ends {
		reason, ended := ParseEvent(json.RawMessage(wire)).EndsSession()
		if reason != want || ended != (want != "") {
			t.Errorf("%s: %q, %v", wire, reason, ended)
		}
	}
}

func TestAnnouncedEnds(t *testing.T) {
	for state, want := range map[string]EndReason{"failed": EndFailed, "completed": EndCompleted, "connected": "", "": "", "ended": "", "inactivity_timeout": ""} {
		if got := AnnouncedBy(state); got != want {
			t.Errorf("%q announces %q", state, got)
		}
	}
}

func TestTimestamps(t *testing.T) {
	millis := sampleTime.Add(123 * time.Millisecond)
	cases := map[string]time.Time{
		`1614718748`: sampleTime, `"1614718748"`: sampleTime, `1614718748000`: sampleTime, `" 1614718748000 "`: sampleTime,
		`1614718748.123`: millis, `"1614718748.123"`: millis, `1614718748123`: millis, `1.614718748e9`: sampleTime, `1614718748123.4`: millis,
		`99999999999`: time.Unix(99999999999, 0).UTC(), `100000000000`: time.UnixMilli(100000000000).UTC(),
		`253402300799999`: time.UnixMilli(253402300799999).UTC(), `253402300800000`: {},
		`0`: {}, `"0"`: {}, `-1`: {}, `-1614718748`: {}, `""`: {}, `null`: {}, `true`: {}, `"NaN"`: {}, `"Inf"`: {}, `"0x10p3"`: {},
		`"now"`: {}, `1e400`: {}, `"1_000_000"`: {}, `{"a":1}`: {}, `"2021-03-02T20:59:08Z"`: {},
	}
	for timestamp, want := range cases {
		got := ParseEvent(json.RawMessage(`{"timestamp":` + timestamp + `}`)).Time
		if !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: %v, want %v", timestamp, got, want)
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	e := ParseEvent(json.RawMessage("{\"event\":\"chat_session_message\",\"msg\":\"a\xff\xfeb\"}"))
	if e.HTML != "a\ufffdb" || !json.Valid(e.Raw) {
		t.Errorf("%q %q", e.HTML, e.Raw)
	}
}

func TestEventsKeepWhatIsNoObject(t *testing.T) {
	client := serve(t, answering(200, `{"events":[ 7 , null,{"event":"chat_session_ended"},"x",[]]}`))
	events, err := client.Poll(overall(t), caller, theChat)
	if err != nil {
		t.Fatal(err)
	}
	want := []Event{
		{Raw: json.RawMessage(`7`)}, {Raw: json.RawMessage(`null`)}, {Name: EventEnded, Raw: json.RawMessage(`{"event":"chat_session_ended"}`)},
		{Raw: json.RawMessage(`"x"`)}, {Raw: json.RawMessage(`[]`)},
	}
	if !reflect.DeepEqual(events, want) {
		t.Errorf("got %+v", events)
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, g := range golden {
		f.Add([]byte(g.wire))
	}
	for _, seed := range []string{
		"{\"msg\":\"\xff\xfe\"}", "\ufeff{}", `{"timestamp":1e308}`, `{"timestamp":"-0"}`, `{"data":"\"{}\""}`, `{"data":"\ufeff{}"}`,
		`{"latitude":"+.5e-3","ewt":-0}`, strings.Repeat(`{"data":`, 50) + "1" + strings.Repeat("}", 50), `{"event":"a","event":"b"}`,
		strings.Repeat("[", 20000), ` { "event" : "chat_session_file" , "session_id" : 1 } `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		valid := json.Valid(raw)
		e := ParseEvent(raw)
		if valid && !json.Valid(e.Raw) {
			t.Errorf("Raw is not JSON: %q", e.Raw)
		}
		if o, ok := parseObject(readable(raw)); ok && valid {
			sameFields(t, e, o)
		}
		if again := ParseEvent(e.Raw); !reflect.DeepEqual(again, e) {
			t.Errorf("read again:\n%+v\n%+v", e, again)
		}
		checkTime(t, e.Time)
		if e.Data != nil {
			if _, ok := parseObject(e.Data); !ok {
				t.Errorf("Data is no object: %q", e.Data)
			}
		}
		e.IsFromClient(theChat)
		e.EndsSession()
	})
}

// sameFields: nothing that an Event has is passed over, whatever stands beside it.
func sameFields(t *testing.T, got Event, o object) {
	t.Helper()
	want := o.event()
	want.Raw = got.Raw
	if repair, ok := repairs[want.Name]; ok {
		repair(&want, o)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read is\n%+v\nwant\n%+v", got, want)
	}
}

func checkTime(t *testing.T, at time.Time) {
	t.Helper()
	if at.Location() != time.UTC || !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999) {
		t.Errorf("time %v", at)
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{"", `{"error_code":"5005","error_message":"m"}`, `{"error_code":5005}`, `{"error_code":0}`, "<html>", `{"error_code":1e999}`, "{\"error_message\":\"\xff\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, message := parseErrorBody(body)
		if len(code) > maxCode || len(message) > maxMessage || strings.ToValidUTF8(message, "") != message {
			t.Errorf("%q %q", code, message)
		}
		e := &Error{Method: "m", Code: code, Message: message, Reason: ReasonRefused}
		if _, err := strconv.ParseUint(string(code), 10, 64); code.Name() == "" && err != nil && code != "" && e.Error() != "brightpattern: m: refused: unknown code" {
			if strings.Trim(string(code), "0123456789") != "" {
				t.Errorf("the text repeats the code: %s", e.Error())
			}
		}
	})
}
