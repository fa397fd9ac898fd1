package bpsim_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
)

// control calls the control API, as a developer does with curl.
func (c *client) control(verb, path, body string) reply {
	c.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), verb, c.url+"/sim/"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	out, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, out}
}

func TestControlOverHTTP(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	chat := c.chat()
	c.control("POST", "chats/"+chat+"/events", `{"event":"chat_session_message","msg":"x"}`).expect(t, 200, "")
	c.control("POST", "chats/"+chat+"/case", `{"caseId":"k"}`).expect(t, 200, "")
	c.control("POST", "chats/"+chat+"/end", "").expect(t, 200, "")
	expectNames(t, c.poll(chat).events(t), "message case_set ended")
	record := c.control("GET", "chats/"+chat, "").object(t)
	if record["polls"].(interface{ String() string }).String() != "1" || len(record["server"].([]any)) != 3 {
		t.Errorf("record: %v", record)
	}
	if list := c.control("GET", "chats", "").object(t)["chats"].([]any); list[0].(map[string]any)["caseId"] != "k" {
		t.Errorf("chats: %v", list)
	}
	if calls := string(c.control("GET", "calls", "").body); !strings.Contains(calls, `"pollEvents":1`) {
		t.Errorf("calls: %s", calls)
	}
	c.control("DELETE", "chats/"+chat, "").expect(t, 200, "")
	c.poll(chat).expect(t, 404, "5005")
}

func TestFaultsOverHTTP(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	fault := `{"method":"getVersion","kind":"status","status":429,"code":"5509","retryAfter":"3s","for":"1h"}`
	if id := c.control("POST", "faults", fault).object(t)["id"]; id != "fault-1" {
		t.Errorf("id %v", id)
	}
	got := c.get("version")
	got.expect(t, 429, "5509")
	if got.header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	if list := string(c.control("GET", "faults", "").body); !strings.Contains(list, `"retryAfter":"3s"`) {
		t.Errorf("faults: %s", list)
	}
	c.control("DELETE", "faults", "").expect(t, 200, "")
	c.get("version").expect(t, 200, "")
	c.control("POST", "faults", `{"kind":"lose","times":1,"then":{"kind":"hang","for":"1m0s"}}`).expect(t, 200, "")
	if list := string(c.control("GET", "faults", "").body); !strings.Contains(list, `"then":{"kind":"hang","for":"1m0s"}`) {
		t.Errorf("faults: %s", list)
	}
	c.control("DELETE", "faults", "").expect(t, 200, "")
}

func TestControlErrorsNameTheField(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	chat := c.chat()
	for _, test := range []struct {
		verb, path, body string
		status           int
		names            string
	}{
		{"GET", "chats/none", "", 404, "chat: "},
		{"POST", "chats/none/end", "", 404, "chat: "},
		{"POST", "chats/" + chat + "/events", "[]", 400, "event: "},
		{"POST", "chats/" + chat + "/case", "{}", 400, "caseId: "},
		{"POST", "chats/" + chat + "/case", `{"caseId":1}`, 400, "caseId: "},
		{"POST", "faults", `{"kind":"explode"}`, 400, "kind: "},
		{"POST", "faults", `{"kind":"hang","for":"long"}`, 400, "for: "},
		{"POST", "faults", `{"kind":"lose","then":{"kind":"lose"}}`, 400, "then: only a fault with times"},
		{"POST", "faults", `{"kind":"lose","times":1,"then":{"kind":"explode"}}`, 400, "then: kind: "},
		{"POST", "faults", `{"kind":"lose","times":1,"then":{"kind":"hang","for":"long"}}`, 400, "then: for: "},
		{"POST", "faults", `{"kind":"hang","tiems":1}`, 400, "tiems"},
		{"POST", "faults", `{`, 400, "body: "},
		{"POST", "flow", `{"perSecond":0,"for":"1s"}`, 400, "perSecond: "},
		{"POST", "flow", `{"perSecond":1,"for":"soon"}`, 400, "for: "},
		{"POST", "flow", `{"perSecond":1,"for":"-1s"}`, 400, "for: "},
		{"POST", "flow", `{"perSecond":1,"for":"1s","app":"another"}`, 400, "app: "},
		{"GET", "polls?since=now", "", 400, "since: "},
	} {
		got := c.control(test.verb, test.path, test.body)
		if got.status != test.status || !strings.Contains(string(got.body), test.names) {
			t.Errorf("%s %s %s: %d %s", test.verb, test.path, test.body, got.status, got.body)
		}
	}
	c.control("POST", "chats/"+chat+"/end", "").expect(t, 200, "")
	if got := c.control("POST", "chats/"+chat+"/end", ""); got.status != 409 {
		t.Errorf("a second end: %d", got.status)
	}
}

// GET /sim/ tells all that the control API can do.
func TestControlTellsOfItself(t *testing.T) {
	got := start(t, bpsim.Options{}).client("client").control("GET", "", "")
	if got.status != 200 || string(got.body) != bpsim.ControlHelp() {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, says := range []string{"POST /sim/faults ", "\n  retryAfter ", "\n  cut_before ", "pollEvents"} {
		if !strings.Contains(string(got.body), says) {
			t.Errorf("%q is not told in\n%s", says, got.body)
		}
	}
}
