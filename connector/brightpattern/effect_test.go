package brightpattern

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var statuses = []int{300, 302, 400, 401, 403, 404, 406, 409, 413, 429, 500, 501, 502, 503, 504, 599}

// What a code says of a POST, written down once more and by hand.
var (
	codesDone   = strings.Fields("5000 5004 5500 5558 5955 5602")
	codesUndone = strings.Fields("5001 5601")
)

func wantPosted(status int, code string) Effect {
	switch {
	case slices.Contains(codesDone, code):
		return EffectUnknown
	case slices.Contains(codesUndone, code), status < 500, status == 503:
		return EffectNone
	}
	return EffectUnknown
}

// bodiesOf writes an error code in the ways that servers do.
func bodiesOf(code string) []string {
	if code == "" {
		return []string{"", "<html>Error</html>", "{}", `{"error_code":null}`, `{"error_code":""}`, `"5500"`, `[5500]`, `{"error_code":{"a":5500}}`}
	}
	return []string{
		`{"error_code":"` + code + `","error_message":"m"}`,
		`{"error_code":` + code + `}`,
		"\ufeff" + ` {"error_message":null, "error_code" : " ` + code + ` " }`,
	}
}

func TestRefusals(t *testing.T) {
	var status int
	var body string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) { answering(status, body)(w, r) })
	codes := []string{"", "4711"}
	for code := range codeNames {
		codes = append(codes, string(code))
	}
	for _, code := range codes {
		for _, status = range statuses {
			body = bodiesOf(code)[0]
			checkRefusal(t, client, status, code)
		}
	}
	for _, code := range []string{"", "4711", "5005", "5500"} {
		for _, body = range bodiesOf(code) {
			status = 502
			checkRefusal(t, client, status, code)
		}
	}
}

func checkRefusal(t *testing.T, client *Client, status int, code string) {
	t.Helper()
	ctx := overall(t)
	calls := map[string]struct {
		make func() error
		want Effect
	}{
		"get":  {func() error { _, err := client.History(ctx, caller, theChat); return err }, EffectNone},
		"poll": {func() error { _, err := client.Poll(ctx, caller, theChat); return err }, EffectNone},
		"post": {func() error { return client.CloseCase(ctx, caller, theChat) }, wantPosted(status, code)},
	}
	for name, call := range calls {
		err := call.make()
		if name == "poll" && code == "5511" {
			if err != nil {
				t.Errorf("poll, status %d: no events are no error, got %v", status, err)
			}
			continue
		}
		e := expect(t, err, ReasonRefused, call.want)
		if e.Status != status || string(e.Code) != code {
			t.Errorf("%s: got status %d code %q, want %d %q", name, e.Status, e.Code, status, code)
		}
	}
}

func TestErrorCodeWithGoodStatus(t *testing.T) {
	body := `{"error_code":"5511"}`
	client := serve(t, func(w http.ResponseWriter, r *http.Request) { answering(200, body)(w, r) })
	ctx := overall(t)
	if events, err := client.Poll(ctx, caller, theChat); err != nil || len(events) != 0 {
		t.Errorf("5511: %v, %v", events, err)
	}
	body = `{"error_code":5005,"events":[]}`
	_, err := client.Poll(ctx, caller, theChat)
	if e := expect(t, err, ReasonRefused, EffectNone); e.Code != CodeNotFound {
		t.Errorf("code %q", e.Code)
	}
	_, err = client.Send(ctx, caller, theChat, Typing{})
	expect(t, err, ReasonRefused, EffectUnknown) // the status says done, the code says not
	body = `{"error_code":"5511","events":[{"event":"chat_session_ended"}]}`
	if events, err := client.Poll(ctx, caller, theChat); err != nil || len(events) != 1 {
		t.Errorf("events given away must not be dropped: %v, %v", events, err)
	}
	body = `{"error_code":"0","error_message":""}`
	if err := client.CloseCase(ctx, caller, theChat); err != nil {
		t.Errorf("error code 0: %v", err)
	}
}

func TestEmptyPolls(t *testing.T) {
	for _, body := range []string{"", " \r\n", "null", "{}", `{"events":null}`, `{"events":[]}`, "\ufeff{\"events\":[]}", `{"error_code":"0","error_message":""}`, `{"events":[],"other":1}`} {
		client := serve(t, answering(200, body))
		if events, err := client.Poll(overall(t), caller, theChat); err != nil || len(events) != 0 {
			t.Errorf("%q: %v, %v", body, events, err)
		}
	}
	if events, err := serve(t, answering(204, "")).Poll(overall(t), caller, theChat); err != nil || len(events) != 0 {
		t.Errorf("204: %v, %v", events, err)
	}
}

// Somebody else's words are no empty poll, whatever the status says.
func TestAnswersOfOthers(t *testing.T) {
	for _, body := range []string{`{"other":1}`, `{"status":"maintenance"}`, `{"error_message":"later"}`, `{"events":{}}`, `{"events":"none"}`, `[]`, `"down"`, "<html>", "OK"} {
		three(t, serve(t, answering(200, body)), ReasonUnreadable, EffectUnknown, EffectUnknown)
	}
	for _, body := range []string{`[]`, `"down"`, "OK", "7"} {
		expect(t, serve(t, answering(200, body)).CloseCase(overall(t), caller, theChat), ReasonUnreadable, EffectUnknown)
	}
	three(t, serve(t, answering(206, `{"events":[]}`)), ReasonUnreadable, EffectUnknown, EffectUnknown)
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = w.Write([]byte(`{"events":[]}`))
	})
	if _, err := page.Poll(overall(t), caller, theChat); err != nil {
		t.Errorf("JSON that calls itself a page: %v", err)
	}
	_, err := page.ProfilePhoto(overall(t), caller, theChat, "p")
	expect(t, err, ReasonUnreadable, EffectNone)
}

// A body that is not packed as its header says cannot be read.
func TestBadlyPackedAnswers(t *testing.T) {
	for _, body := range []string{`{"events":[]}`, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff no deflate"} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			answering(200, body)(w, r)
		})
		three(t, client, ReasonUnreadable, EffectUnknown, EffectUnknown)
	}
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		answering(200, "\x0b\x02\x80")(w, r)
	})
	three(t, other, ReasonUnreadable, EffectUnknown, EffectUnknown)
}

// What follows a switch of protocols is not waited for.
func TestSwitchedProtocols(t *testing.T) {
	server := rawServer(t, func(int) (string, bool) {
		return "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", false
	})
	three(t, clientOf(t, Config{BaseURL: server.url()}), ReasonRefused, EffectNone, EffectUnknown)
}

// What may be somebody else's answer than the contact center's.
func TestOddAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		odd     bool
		unfound bool
	}{
		"a page": {200, "<html>", true, false}, "nothing": {200, "", true, false}, "another's": {200, `{"status":"down"}`, true, false},
		"a bare 404": {404, "<html>", true, true}, "a bare 410": {410, "", true, true}, "a bare 403": {403, "<html>", true, false},
		"a 404 with a message": {404, `{"error_message":"m"}`, true, true}, "a redirect": {302, "", true, false}, "not modified": {304, "", true, false},
		"no session": {404, `{"error_code":5005}`, false, false}, "an error with status 200": {200, `{"error_code":"5500"}`, false, false},
		"an unknown code": {404, `{"error_code":"4711"}`, false, false}, "a bare 429": {429, "<html>", false, false}, "a bare 503": {503, "<html>", false, false},
		"a history": {200, `{"events":[]}`, false, false},
	} {
		_, err := serve(t, answering(c.status, c.body)).History(overall(t), caller, theChat)
		if IsOdd(err) != c.odd || IsUnfound(err) != c.unfound {
			t.Errorf("%s: odd %v, not found %v: %v", name, IsOdd(err), IsUnfound(err), err)
		}
	}
}

// An empty history would hide lost events: it must say that it is empty.
func TestHistoryMustBeAList(t *testing.T) {
	for _, body := range []string{"", "null", "{}", `{"events":null}`} {
		_, err := serve(t, answering(200, body)).History(overall(t), caller, theChat)
		expect(t, err, ReasonUnreadable, EffectNone)
	}
}

func TestEveryCodeHasItsName(t *testing.T) {
	want := map[Code]string{
		"1000": "chat_session_bad_tenant_url", "2000": "chat_session_no_auth_header", "2001": "chat_session_auth_header_wrong_format",
		"2002": "chat_session_auth_header_bad_scheme", "2003": "chat_session_auth_header_missing_app_id",
		"2004": "chat_session_auth_header_missing_client_id", "3000": "chat_session_auth_header_bad_app_id",
		"5000": "chat_session_server_timeout", "5001": "chat_session_server_not_available", "5003": "chat_session_invalid_json",
		"5004": "chat_session_server_disconnected", "5005": "chat_session_not_found", "5006": "chat_session_entry_not_found",
		"5500": "chat_session_internal_server_error", "5501": "chat_session_upload_size_limit_exceeded",
		"5502": "chat_session_file_not_found", "5509": "chat_session_too_many_poll_requests", "5511": "chat_session_no_events",
		"5558": "chat_session_file_error", "5601": "chat_session_case_not_specified", "5602": "chat_session_crm_server_error",
		"5603": "chat_session_too_many_parameters", "5955": "chat_session_unspecified_server_error",
	}
	if len(codeNames) != len(want) {
		t.Errorf("%d codes, want %d", len(codeNames), len(want))
	}
	for code, name := range want {
		if code.Name() != name {
			t.Errorf("%s is %q, want %q", code, code.Name(), name)
		}
	}
	if name := Code("4711").Name(); name != "" {
		t.Errorf("unknown code is %q", name)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	cases := []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0}, {"7", "", 7 * time.Second}, {" 7 ", "", 7 * time.Second}, {"0", "", 0}, {"-3", "", 0}, {"1.5", "", 0},
		{"soon", "", 0}, {"99999999999999999999", "", 24 * time.Hour}, {"2000000000", "", 24 * time.Hour},
		{date(90 * time.Second), "", 90 * time.Second}, {date(-time.Hour), "", 0}, {date(1000 * time.Hour), "", 24 * time.Hour},
		{date(2*time.Hour + 10*time.Second), date(2 * time.Hour), 10 * time.Second},
	}
	for _, c := range cases {
		header := http.Header{"Retry-After": {c.value}, "Date": {c.date}}
		if got := retryAfter(header, now); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestRetryAfterReachesTheError(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := client.Poll(overall(t), caller, theChat)
	if e := expect(t, err, ReasonRefused, EffectNone); e.RetryAfter != 7*time.Second {
		t.Errorf("got %v", e.RetryAfter)
	}
}

// Whatever comes back, an error's text repeats nothing of it.
func TestErrorsKeepSecrets(t *testing.T) {
	const secret = "s3cr3t"
	answers := []string{
		"HTTP/1.1 400 Bad\r\nContent-Length: 50\r\n\r\n" + fmt.Sprintf("%-50s", `{"error_code":"s3cr3t","error_message":"s3cr3t"}`),
		"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ns3cr3t",
		"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"events\":s3cr3t",
		"HTTP/1.1 s3cr3t\r\n\r\n", "s3cr3t\r\n\r\n", "HTTP/1.1 200 OK\r\ns3cr3t\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: s3cr3t\r\n\r\n",
	}
	cred := Credentials{App: secret, Client: secret}
	for _, answer := range answers {
		server := rawServer(t, func(int) (string, bool) { return answer, true })
		client := clientOf(t, Config{BaseURL: server.url()})
		ctx := overall(t)
		_, polled := client.Poll(ctx, cred, secret)
		_, sent := client.Send(ctx, cred, secret, Message{Text: secret})
		_, invalidly := client.Send(ctx, cred, secret, FormData{Data: []byte(secret)})
		for _, err := range []error{polled, sent, invalidly, client.SubscribeAPNs(ctx, cred, secret, secret, secret)} {
			if text := failure(t, err).Error(); strings.Contains(text, secret) {
				t.Errorf("%q: %s", answer, text)
			}
		}
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Method: "getHistory", Status: 404, Code: CodeNotFound, Message: "gone", Reason: ReasonRefused, Effect: EffectNone}
	if got, want := e.Error(), "brightpattern: getHistory: refused: status 404: 5005 chat_session_not_found"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e = &Error{Method: "getVersion", Status: 301, Target: "https://other.example", Reason: ReasonRefused}
	if got, want := e.Error(), "brightpattern: getVersion: refused: status 301: redirected to https://other.example"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e = &Error{Method: "pollEvents", Reason: ReasonCanceled, Err: context.Canceled, Code: "4711"}
	if got, want := e.Error(), "brightpattern: pollEvents: canceled: unknown code 4711: context canceled"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMessageIsCut(t *testing.T) {
	long := strings.Repeat("ü", 400)
	for said, want := range map[string]string{
		"x" + long: "x" + long[:498],
		strings.Repeat("x", 490) + strings.ToUpper(string(caller.Client)): strings.Repeat("x", 490) + "…", // a secret, which a cut must not hide
	} {
		_, err := serve(t, answering(500, `{"error_code":5500,"error_message":"`+said+`"}`)).Version(overall(t), caller)
		if e := failure(t, err); e.Code != "5500" || e.Message != want {
			t.Errorf("code %q, %q", e.Code, e.Message)
		}
	}
}
