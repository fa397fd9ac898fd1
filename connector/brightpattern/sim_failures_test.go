package brightpattern_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
)

// failure is what a fault does to a POST, a GET and a poll.
type failure struct {
	name  string
	fault bpsim.Fault
	want  map[string]any // of the *Error, without its Effect
	post  string         // Effect of a POST; of a GET it is always none
	poll  string         // Effect of a poll; "": no poll is tried
	done  bool           // the effect took place
	slow  bool           // the client gives up by itself
}

func refusal(status int, code, post string) failure {
	f := failure{name: fmt.Sprintf("status %d code %s", status, code), post: post, poll: "none",
		fault: bpsim.Fault{Kind: "status", Status: status, Code: code},
		want:  map[string]any{"Reason": "refused", "Status": status}}
	if code != "" {
		f.fault.Message, f.want["Code"], f.want["Message"] = "said the server", code, "said the server"
	}
	return f
}

func failures() []failure {
	out := []failure{
		{name: "cut before", fault: bpsim.Fault{Kind: "cut_before"}, want: map[string]any{"Reason": "cut", "Status": 0}, post: "unknown", poll: "unknown"},
		{name: "cut after", fault: bpsim.Fault{Kind: "cut_after"}, want: map[string]any{"Reason": "cut", "Status": 0}, post: "unknown", poll: "unknown", done: true},
		{name: "truncated", fault: bpsim.Fault{Kind: "truncate"}, want: map[string]any{"Reason": "{cut|unreadable}", "Status": 200}, post: "unknown", poll: "unknown", done: true},
		{name: "garbage", fault: bpsim.Fault{Kind: "garbage"}, want: map[string]any{"Reason": "unreadable", "Status": 200}, post: "unknown", poll: "unknown", done: true},
		{name: "hang", fault: bpsim.Fault{Kind: "hang"}, want: map[string]any{"Reason": "timeout", "Status": 0}, post: "unknown", poll: "unknown", slow: true},
		{name: "late", fault: bpsim.Fault{Kind: "delay", Delay: time.Second, AfterEffect: true}, want: map[string]any{"Reason": "timeout", "Status": 0}, post: "unknown", poll: "unknown", done: true, slow: true},
		{name: "done, but a 500", fault: bpsim.Fault{Kind: "status", Status: 500, AfterEffect: true}, want: map[string]any{"Reason": "refused", "Status": 500}, post: "unknown", done: true},
		{name: "HTML 502", fault: bpsim.Fault{Kind: "status", Status: 502, HTML: true}, want: map[string]any{"Reason": "refused", "Status": 502}, post: "unknown", poll: "none"},
		{name: "HTML 403", fault: bpsim.Fault{Kind: "status", Status: 403, HTML: true}, want: map[string]any{"Reason": "refused", "Status": 403}, post: "none", poll: "none"},
		{name: "429, wait 7s", fault: bpsim.Fault{Kind: "status", Status: 429, RetryAfter: 7 * time.Second}, want: map[string]any{"Reason": "refused", "Status": 429, "RetryAfter": "7s"}, post: "none", poll: "none"},
		{name: "503, wait 2m", fault: bpsim.Fault{Kind: "status", Status: 503, RetryAfter: 2 * time.Minute}, want: map[string]any{"Reason": "refused", "Status": 503, "RetryAfter": "2m0s"}, post: "none", poll: "none"},
		{name: "5509 says how long", fault: bpsim.Fault{Kind: "status", Status: 400, Code: "5509", RetryAfter: time.Second}, want: map[string]any{"Reason": "refused", "Status": 400, "Code": "5509", "RetryAfter": "1s"}, post: "none", poll: "none"},
	}
	for _, c := range []struct {
		post   string
		status int
		codes  []string
	}{
		{"none", 400, []string{"", "1000", "5003", "5501", "5509", "7777"}},
		{"none", 401, []string{"", "2000", "2001", "2002", "2003", "2004"}},
		{"none", 403, []string{"", "3000", "5006"}},
		{"none", 404, []string{"", "5005", "5502"}},
		{"none", 406, []string{"", "5601", "5603"}},
		{"none", 409, []string{""}},
		{"none", 413, []string{"", "5501"}},
		{"none", 429, []string{"", "5509"}},
		{"none", 503, []string{"", "5001"}},
		{"none", 500, []string{"5001", "5601"}},
		{"unknown", 500, []string{"", "5000", "5004", "5500", "5558", "5602", "5955", "7777"}},
		{"unknown", 400, []string{"5000", "5004", "5500", "5558", "5955"}},
		{"unknown", 503, []string{"5000", "5004", "5500", "5558", "5602", "5955"}},
		{"unknown", 501, []string{""}},
		{"unknown", 502, []string{"", "7777"}},
		{"unknown", 504, []string{"", "5000"}},
	} {
		for _, code := range c.codes {
			out = append(out, refusal(c.status, code, c.post))
		}
	}
	return out
}

func TestFailures(t *testing.T) {
	for _, f := range failures() {
		t.Run(f.name, func(t *testing.T) {
			t.Run("post", func(t *testing.T) { t.Parallel(); f.tryPost(t) })
			t.Run("get", func(t *testing.T) { t.Parallel(); f.tryGet(t) })
			if f.poll != "" {
				t.Run("poll", func(t *testing.T) { t.Parallel(); f.tryPoll(t) })
			}
		})
	}
}

// scene injects the fault, and gives a client for the call that meets it. It
// has a connection in its pool, unless it is an impatient one: what then
// breaks is a connection in use, which net/http would gladly replace.
func (f failure) scene(t *testing.T, method string, times int) (*bench, *brightpattern.Client) {
	t.Helper()
	b := join(t, bpsim.Options{})
	client := b.client
	if f.slow {
		client = b.newClient(t, 400*time.Millisecond)
	}
	b.push(t, `{"event":"chat_session_typing","party_id":"p"}`)
	f.fault.Method, f.fault.Times = method, times
	b.inject(t, f.fault)
	return b, client
}

func (f failure) check(t *testing.T, err error, effect string) {
	t.Helper()
	want := maps.Clone(f.want)
	want["Effect"] = effect
	checkFailure(t, err, encode(want))
}

func (f failure) tryPost(t *testing.T) {
	b, client := f.scene(t, bpsim.SendEvents, 1)
	_, err := client.Send(t.Context(), b.cred, b.chat, brightpattern.Message{ID: b.messageID(0), Text: "hello"})
	f.check(t, err, f.post)
	if f.done {
		b.waitFor(t, "the event comes", func(r bpsim.Record) bool { return len(r.Client) > 0 })
	}
	if came := len(b.record(t).Client); came > 1 || came == 1 != f.done {
		t.Errorf("the event came %d times, done is %v", came, f.done)
	}
}

func (f failure) tryGet(t *testing.T) {
	b, client := f.scene(t, bpsim.GetHistory, 0)
	_, err := client.History(t.Context(), b.cred, b.chat)
	f.check(t, err, "none")
	b.sim.ClearFaults()
	if got := must[[]brightpattern.Event](t)(b.client.History(t.Context(), b.cred, b.chat)); len(got) != 1 {
		t.Errorf("afterwards: %v", names(got))
	}
}

// tryPoll: what the simulator has given away is not given again, and what it
// has not comes with the next poll; the history has it in any case.
func (f failure) tryPoll(t *testing.T) {
	b, client := f.scene(t, bpsim.PollEvents, 1)
	_, err := client.Poll(t.Context(), b.cred, b.chat)
	f.check(t, err, f.poll)
	want := bpsim.Pending
	if f.done {
		want = bpsim.LostByFault
		if f.slow {
			want = bpsim.GivenByPoll
		}
	}
	b.waitFor(t, "the event is "+string(want), func(r bpsim.Record) bool { return r.Server[0].Fate == want })
	b.push(t, `{"event":"chat_session_not_typing","party_id":"p"}`)
	got := names(must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat)))
	expected := []brightpattern.EventName{brightpattern.EventTyping, brightpattern.EventNotTyping}
	if f.done {
		expected = expected[1:]
	}
	if !slices.Equal(got, expected) {
		t.Errorf("the next poll gives %v, want %v", got, expected)
	}
	if all := must[[]brightpattern.Event](t)(b.client.History(t.Context(), b.cred, b.chat)); len(all) != 2 {
		t.Errorf("the history has %v", names(all))
	}
}
