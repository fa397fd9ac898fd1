package connector_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// verdict is what the sender of a failed command is told.
type verdict struct {
	code      string
	wireCode  string
	status    int
	retryable bool
	outcome   string
}

// checkFailure compares a result's error with a verdict.
func (o outsider) checkFailure(r reply, want verdict) {
	o.Helper()
	expected := fields{"code": want.code, "retryable": want.retryable, "outcome": want.outcome, "message": r.failure()["message"]}
	if want.wireCode != "" {
		expected["wireCode"] = want.wireCode
	}
	if want.status != 0 {
		expected["httpStatus"] = want.status
	}
	if difference := diff(r.failure(), expected); difference != "" {
		o.Errorf("the error: %s", difference)
	}
	if message, _ := r.failure()["message"].(string); message == "" {
		o.Error("no message tells what to do")
	}
	if r.status() != "error" || r.data["result"] != nil {
		o.Errorf("the result is %v", r.data)
	}
}

func statusFault(code int, wireCode string) bpsim.Fault {
	return bpsim.Fault{Kind: "status", Status: code, Code: wireCode}
}

// failures are what a POST is told of each fault. A GET is told the same,
// but that nothing was done.
var failures = map[string]struct {
	fault bpsim.Fault
	want  verdict
}{
	"1000":        {statusFault(400, "1000"), verdict{"chat_session_bad_tenant_url", "1000", 400, false, "not_done"}},
	"2000":        {statusFault(401, "2000"), verdict{"chat_session_no_auth_header", "2000", 401, false, "not_done"}},
	"2001":        {statusFault(401, "2001"), verdict{"chat_session_auth_header_wrong_format", "2001", 401, false, "not_done"}},
	"2002":        {statusFault(401, "2002"), verdict{"chat_session_auth_header_bad_scheme", "2002", 401, false, "not_done"}},
	"2003":        {statusFault(401, "2003"), verdict{"chat_session_auth_header_missing_app_id", "2003", 401, false, "not_done"}},
	"2004":        {statusFault(401, "2004"), verdict{"chat_session_auth_header_missing_client_id", "2004", 401, false, "not_done"}},
	"3000":        {statusFault(403, "3000"), verdict{"chat_session_auth_header_bad_app_id", "3000", 403, false, "not_done"}},
	"5000":        {statusFault(500, "5000"), verdict{"chat_session_server_timeout", "5000", 500, true, "unknown"}},
	"5001":        {statusFault(503, "5001"), verdict{"chat_session_server_not_available", "5001", 503, true, "not_done"}},
	"5001 as 500": {statusFault(500, "5001"), verdict{"chat_session_server_not_available", "5001", 500, true, "not_done"}},
	"5003":        {statusFault(400, "5003"), verdict{"chat_session_invalid_json", "5003", 400, false, "not_done"}},
	"5004":        {statusFault(500, "5004"), verdict{"chat_session_server_disconnected", "5004", 500, true, "unknown"}},
	"5005":        {statusFault(404, "5005"), verdict{"chat_session_not_found", "5005", 404, false, "not_done"}},
	"5006":        {statusFault(403, "5006"), verdict{"chat_session_entry_not_found", "5006", 403, false, "not_done"}},
	"5500":        {statusFault(500, "5500"), verdict{"chat_session_internal_server_error", "5500", 500, true, "unknown"}},
	"5501":        {statusFault(400, "5501"), verdict{"chat_session_upload_size_limit_exceeded", "5501", 400, false, "not_done"}},
	"5502":        {statusFault(404, "5502"), verdict{"chat_session_file_not_found", "5502", 404, false, "not_done"}},
	"5509":        {statusFault(429, "5509"), verdict{"chat_session_too_many_poll_requests", "5509", 429, true, "not_done"}},
	"5558":        {statusFault(500, "5558"), verdict{"chat_session_file_error", "5558", 500, true, "unknown"}},
	"5955":        {statusFault(500, "5955"), verdict{"chat_session_unspecified_server_error", "5955", 500, true, "unknown"}},
	"5603":        {statusFault(406, "5603"), verdict{"chat_session_too_many_parameters", "5603", 406, false, "not_done"}},
	"unknown 4xx": {statusFault(409, "7777"), verdict{"bad_status_code", "7777", 409, false, "not_done"}},
	"unknown 5xx": {statusFault(500, "7777"), verdict{"bad_status_code", "7777", 500, true, "unknown"}},
	"unknown 503": {statusFault(503, "7777"), verdict{"unavailable", "7777", 503, true, "not_done"}},
	"bare 302":    {statusFault(302, ""), verdict{"bad_status_code", "", 302, false, "not_done"}},
	"bare 400":    {statusFault(400, ""), verdict{"bad_status_code", "", 400, false, "not_done"}},
	"bare 401":    {statusFault(401, ""), verdict{"bad_status_code", "", 401, false, "not_done"}},
	"bare 403":    {statusFault(403, ""), verdict{"bad_status_code", "", 403, false, "not_done"}},
	"bare 404":    {statusFault(404, ""), verdict{"bad_status_code", "", 404, false, "not_done"}},
	"bare 406":    {statusFault(406, ""), verdict{"bad_status_code", "", 406, false, "not_done"}},
	"bare 429":    {statusFault(429, ""), verdict{"unavailable", "", 429, true, "not_done"}},
	"bare 500":    {statusFault(500, ""), verdict{"bad_status_code", "", 500, true, "unknown"}},
	"bare 501":    {statusFault(501, ""), verdict{"bad_status_code", "", 501, true, "unknown"}},
	"bare 502":    {statusFault(502, ""), verdict{"unavailable", "", 502, true, "unknown"}},
	"bare 503":    {statusFault(503, ""), verdict{"unavailable", "", 503, true, "not_done"}},
	"bare 504":    {statusFault(504, ""), verdict{"unavailable", "", 504, true, "unknown"}},
	"HTML":        {bpsim.Fault{Kind: "status", Status: 502, HTML: true}, verdict{"unavailable", "", 502, true, "unknown"}},
	"cut before":  {bpsim.Fault{Kind: "cut_before"}, verdict{"unavailable", "", 0, true, "unknown"}},
	"cut after":   {bpsim.Fault{Kind: "cut_after"}, verdict{"unavailable", "", 0, true, "unknown"}},
	"garbage":     {bpsim.Fault{Kind: "garbage"}, verdict{"unexpected_response", "", 200, true, "unknown"}},
}

// A POST is made once: a second try would succeed.
func TestCommandThatIsAPOSTFails(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	for name, c := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o.in(t)
			chat := o.openChat()
			o.injectOn(chat, bpsim.SendEvents, c.fault, 1)
			o.checkFailure(o.send("chat.send", fields{"chatId": chat, "text": "x"}), c.want)
			if id := o.mustSend("chat.send", fields{"chatId": chat, "text": "x"})["messageId"]; id != chat+":1" {
				t.Errorf("the next message is %v: no number may be given twice", id)
			}
		})
	}
}

// A GET is tried once more if it may then succeed.
func TestCommandThatIsAGETFails(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	for name, c := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, want, times := o.in(t), c.want, 1
			want.outcome = "not_done"
			chat := o.openChat()
			if want.retryable {
				times = 2
			}
			if strings.HasPrefix(name, "cut") { // net/http may try by itself, too
				times = 99
			}
			fault := o.injectOn(chat, bpsim.GetHistory, c.fault, times)
			o.checkFailure(o.send("chat.history", fields{"chatId": chat}), want)
			if left := o.strikesLeft(fault); left > 0 && times < 99 {
				t.Errorf("the call was not tried again")
			}
		})
	}
}

// injectOn has calls of a method fail on one chat.
func (o outsider) injectOn(chat, method string, f bpsim.Fault, times int) (id string) {
	o.Helper()
	f.Method, f.Chat, f.Times = method, chat, times
	return o.inject(f)
}

func TestCommandSucceedsInItsSecondTry(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	o.inject(bpsim.Fault{Method: bpsim.GetVersion, Kind: "status", Status: 503, Times: 1})
	o.mustSend("service.version", fields{})
	o.inject(bpsim.Fault{Method: bpsim.GetVersion, Kind: "garbage", Times: 1})
	o.mustSend("service.version", fields{})
}

func TestCommandOnCasesAndNotificationsFails(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	noCase := verdict{"chat_session_case_not_specified", "5601", 406, true, "not_done"}
	bareNoCase := verdict{"chat_session_case_not_specified", "", 406, true, "not_done"}
	tooMany := verdict{"chat_session_too_many_parameters", "5603", 406, false, "not_done"}
	bareTooMany := verdict{"chat_session_too_many_parameters", "", 406, false, "not_done"}
	crm := verdict{"chat_session_crm_server_error", "5602", 500, true, "unknown"}
	crmRead := verdict{"chat_session_crm_server_error", "5602", 500, true, "not_done"}
	apns := fields{"deviceToken": secretToken, "appBundleId": "b"}
	token := fields{"deviceToken": secretToken}
	for name, c := range map[string]struct {
		command, method string
		fault           bpsim.Fault
		data            fields
		want            verdict
	}{
		"close, no case":        {"case.close", bpsim.CloseCase, bpsim.Fault{}, nil, noCase},
		"close, bare 406":       {"case.close", bpsim.CloseCase, statusFault(406, ""), nil, bareNoCase},
		"close, CRM":            {"case.close", bpsim.CloseCase, statusFault(500, "5602"), nil, crm},
		"history, no case":      {"case.history", bpsim.GetCaseHistory, bpsim.Fault{}, nil, noCase},
		"history, bare 406":     {"case.history", bpsim.GetCaseHistory, statusFault(406, ""), nil, bareNoCase},
		"history, CRM":          {"case.history", bpsim.GetCaseHistory, statusFault(500, "5602"), nil, crmRead},
		"APNs, 5603":            {"push.apns", bpsim.Subscribe, statusFault(406, "5603"), apns, tooMany},
		"APNs, bare 406":        {"push.apns", bpsim.Subscribe, statusFault(406, ""), apns, bareTooMany},
		"Firebase, 5603":        {"push.firebase", bpsim.Subscribe, statusFault(406, "5603"), token, tooMany},
		"Firebase, bare 406":    {"push.firebase", bpsim.Subscribe, statusFault(406, ""), token, bareTooMany},
		"cancelling, bare 406":  {"push.cancel", bpsim.Subscribe, statusFault(406, ""), nil, bareTooMany},
		"Firebase, answer lost": {"push.firebase", bpsim.Subscribe, bpsim.Fault{Kind: "cut_after"}, token, verdict{"unavailable", "", 0, true, "unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := o.in(t)
			chat := o.openChat()
			if c.fault.Kind != "" {
				o.injectOn(chat, c.method, c.fault, 2)
			}
			data := fields{"chatId": chat}
			for name, value := range c.data {
				data[name] = value
			}
			failed := o.send(c.command, data)
			o.checkFailure(failed, c.want)
			if message := failed.failure()["message"].(string); c.want.code == noCase.code && !strings.Contains(message, "case_set") {
				t.Errorf("%q does not say to wait for the event", message)
			}
		})
	}
}

// The contact center's words are passed on, but not where they may repeat a secret.
func TestCommandErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	form := fields{"chatId": chat, "formRequestId": "1", "formName": "f", "data": fields{"pin": secretData}}
	for command, c := range map[string]struct {
		data   fields
		secret string
	}{
		"push.apns":       {fields{"chatId": chat, "deviceToken": secretToken, "appBundleId": "b"}, secretToken},
		"push.firebase":   {fields{"chatId": chat, "deviceToken": secretToken}, secretToken},
		"chat.secureform": {form, secretData},
	} {
		o.inject(bpsim.Fault{Kind: "status", Status: 400, Code: "5003", Message: "cannot read " + c.secret, Method: methodOf(command), Times: 1})
		failed := o.send(command, c.data)
		if failed.failure()["code"] != "chat_session_invalid_json" || strings.Contains(string(failed.Data), c.secret) {
			t.Errorf("%s: %v", command, failed.data)
		}
		if strings.Contains(failed.Header.Get("Nats-Service-Error"), c.secret) {
			t.Errorf("%s: %q", command, failed.Header)
		}
	}
	o.checkLogKeepsSecrets()
}

func methodOf(command string) string { return rows[command].method }

func TestCommandWithoutAnAnswerTimesOut(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, func(r *rig) { r.client.Timeout = time.Second })
	chat := o.openChat()
	o.injectOn(chat, bpsim.SendEvents, bpsim.Fault{Kind: "hang"}, 1)
	o.checkFailure(o.send("chat.send", fields{"chatId": chat, "text": "x"}), verdict{"timeout", "", 0, true, "unknown"})
	chat = o.openChat() // the other's history is read to look for what the answer may have held
	o.injectOn(chat, bpsim.GetHistory, bpsim.Fault{Kind: "hang"}, 2)
	o.checkFailure(o.send("chat.history", fields{"chatId": chat}), verdict{"timeout", "", 0, true, "not_done"})
}

func TestCommandWhoseAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	o.inject(bpsim.Fault{Method: bpsim.RequestChat, Kind: "truncate", Times: 1})
	ask := fields{"from": "Ada", "clientId": "ada"}
	o.checkFailure(o.send("chat.request", ask), verdict{"unavailable", "", 200, true, "unknown"})
	if again := o.mustSend("chat.request", ask); again["isNewChat"] != false {
		t.Errorf("the chat of the broken answer was not found: %v", again)
	}
	o.inject(bpsim.Fault{Method: bpsim.GetVersion, Kind: "truncate", Times: 2})
	o.checkFailure(o.send("service.version", fields{}), verdict{"unavailable", "", 200, true, "not_done"})
}

func TestCommandWithoutAConnection(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	o := newOutsider(t, bpsim.Options{}, func(r *rig) { r.client.BaseURL = gone.URL })
	want := verdict{"unavailable", "", 0, true, "not_done"}
	o.checkFailure(o.send("chat.request", fields{"from": "Ada"}), want)
	o.checkFailure(o.send("service.version", fields{}), want)
}

func TestCommandNamesALaunchPoint(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	for _, command := range []string{"service.availability", "chat.request", "chat.active", "chat.attach"} {
		o.refusedFor(command, fields{"app": "nobody"}, "app")
	}
	other := o.send("chat.request", fields{"from": "Ada", "app": "other", "clientId": "ada"})
	chat, _ := other.data["chatId"].(string)
	if got := other.attributes["source"]; got != "//acme.example/app-2/commands" {
		t.Errorf("the source is %q", got)
	}
	if got := o.record(chat).Chat.AppID; got != "app-2" {
		t.Errorf("the contact center was asked with %q", got)
	}
	if got := o.send("service.parameters", fields{"app": "other"}).attributes["source"]; got != "//acme.example/app-2/commands" {
		t.Errorf("the source of a service command is %q", got)
	}
	o.refusedFor("chat.attach", fields{"app": "main", "chatId": chat, "clientId": "ada"}, "app")
	for _, app := range []string{"other", ""} {
		data := fields{"chatId": chat, "clientId": "ada", "app": app}
		if app == "" {
			delete(data, "app")
		}
		o.mustSend("chat.attach", data)
	}
	sent := o.send("chat.typing", fields{"chatId": chat})
	if got := sent.attributes["source"]; got != "//acme.example/app-2/commands" {
		t.Errorf("a later command's source is %q", got)
	}
	log := o.awaitLog(chat, "session.opened")
	if got := log[0]; got.data["app"] != "other" || got.attributes["source"] != "//acme.example/app-2/chats/"+tokenOf(chat) {
		t.Errorf("session.opened is %v", got)
	}
}

// refusedFor completes the data and expects a refusal without a call.
func (o outsider) refusedFor(command string, data fields, field string) {
	o.Helper()
	before := o.calls()
	all := fields{}
	for name, value := range map[string]fields{
		"service.availability": {}, "chat.request": {"from": "Ada"}, "chat.active": {"clientId": "c"},
		"chat.attach": {"chatId": "somewhere", "clientId": "c"},
	}[command] {
		all[name] = value
	}
	for name, value := range data {
		all[name] = value
	}
	if r := o.send(command, all); !isRefusal(r, field) {
		o.Errorf("%s: want invalid_command for %s, got %v", command, field, r.data)
	}
	if after := o.calls(); len(after) != len(before) {
		o.Errorf("%s: calls before %v, after %v", command, before, after)
	}
}

func TestCommandThatHasExpired(t *testing.T) {
	t.Parallel()
	untouched(t, func(o outsider, chat string) {
		for name, expiry := range map[string]string{"long ago": "2001-01-01T00:00:00Z", "with an offset": "2001-01-01T00:00:00.5+02:00"} {
			g := given{command: "chat.send", id: name, source: "//s", attributes: map[string]string{"expirytime": expiry}, data: fields{"chatId": chat, "text": "x"}}
			r := o.request(writeStructured(g))
			o.checkFailure(r, verdict{"expired", "", 0, false, "not_done"})
			if found := o.resultEvents("cc.chat."+tokenOf(chat)+".result.chat.send", r.id()); len(found) != 1 {
				t.Errorf("%s: %d result events", name, len(found))
			}
		}
		for _, malformed := range []string{"tomorrow", "1", "2999-01-01"} {
			g := given{command: "chat.send", id: malformed, source: "//s", attributes: map[string]string{"expirytime": malformed}, data: fields{"chatId": chat, "text": "x"}}
			o.mustRefuse(writeBinary(g), "expirytime")
		}
	})
}

func TestCommandPushAPNsNeedsABundle(t *testing.T) {
	t.Parallel()
	without := newOutsider(t, bpsim.Options{})
	chat := without.openChat()
	data := fields{"chatId": chat, "deviceToken": secretToken}
	if r := without.send("push.apns", data); !isRefusal(r, "appBundleId") || !strings.Contains(string(r.Data), "CC_APNS_BUNDLE_ID") {
		t.Errorf("got %v", r.data)
	}
	if n := without.sim.Calls()[bpsim.Subscribe]; n != 0 {
		t.Errorf("%d calls were made", n)
	}
	with := newOutsider(t, bpsim.Options{}, func(r *rig) { r.config.APNsBundleID = "org.example.default" })
	chat = with.openChat()
	with.mustSend("push.apns", fields{"chatId": chat, "deviceToken": secretToken})
	if got := with.record(chat).Notifications; got != "apns" {
		t.Errorf("the subscription is %q", got)
	}
}
