package subjects

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"":              "",
		"AZaz09_-":      "AZaz09_-",
		"a.b":           "a=2Eb",
		"=":             "=3D",
		"é":             "=C3=A9",
		"\x00*> \n\xff": "=00=2A=3E=20=0A=FF",
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
		if got, err := Unescape(want); err != nil || got != in {
			t.Errorf("Unescape(%q) = %q, %v, want %q", want, got, err, in)
		}
	}
}

func TestUnescapeRefuses(t *testing.T) {
	for _, in := range []string{"=", "=2", "a=", "=2e", "=2G", "=41", "=5F", "=2D", "a.b", "a b", "*", ">", "é", "\x00", "=2E=", "==2E"} {
		if got, err := Unescape(in); !errors.Is(err, ErrEscape) {
			t.Errorf("Unescape(%q) = %q, %v, want ErrEscape", in, got, err)
		}
	}
}

func TestChatToken(t *testing.T) {
	type chatID string
	token, err := EscapeChat(chatID("a b"))
	if err != nil || token != "a=20b" || token.ID() != "a b" {
		t.Errorf("got %q, %v, id %q", token, err, token.ID())
	}
	if _, err := EscapeChat(""); !errors.Is(err, ErrEmptyChat) {
		t.Errorf("the empty id: %v", err)
	}
	if _, err := ParseChatToken(""); !errors.Is(err, ErrEmptyChat) {
		t.Errorf("the empty token: %v", err)
	}
	if _, err := ParseChatToken("a b"); !errors.Is(err, ErrEscape) {
		t.Errorf("a token with a space: %v", err)
	}
	if id := ChatToken("=2e").ID(); id != "" {
		t.Errorf("the id of no token is %q", id)
	}
}

func TestParsePrefix(t *testing.T) {
	for _, ok := range []string{"cc", "a.b", "a-1.0", "0"} {
		if p, err := ParsePrefix(ok); err != nil || string(p) != ok {
			t.Errorf("%q: %q, %v", ok, p, err)
		}
	}
	for _, bad := range []string{"", ".", "a.", ".a", "a..b", "A", "a_b", "a b", "*", ">", "é", "a=2E"} {
		if _, err := ParsePrefix(bad); !errors.Is(err, ErrPrefix) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestParseCommand(t *testing.T) {
	c, err := ParseCommand("chat.send")
	if err != nil || c.Noun() != "chat" || c.Verb() != "send" {
		t.Errorf("%q %q %v", c.Noun(), c.Verb(), err)
	}
	for _, bad := range []string{"", "chat", "chat.", ".send", "chat.send.x", "Chat.send", "chat.s1", "chat.*",
		"durable.send", "result.send", "deadletter.send", "internal.send"} {
		if _, err := ParseCommand(bad); !errors.Is(err, ErrCommand) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestNameOfEvent(t *testing.T) {
	for wire, want := range map[string]EventName{
		"chat_session_message":             "message",
		"chat_session_party_joined":        "party_joined",
		"chat_session_inactivity_timeout":  "inactivity_timeout",
		"chat_session_inactvity_timeout":   "inactivity_timeout",
		"chat_session_new.thing":           "new=2Ething",
		"chat_session_":                    "unknown",
		"":                                 "unknown",
		"queue_update":                     "x_queue_update",
		"inactvity_timeout":                "x_inactvity_timeout",
		"a b":                              "x_a=20b",
		"Chat_session_message":             "x_Chat_session_message",
		strings.Repeat("a", MaxWireName):   EventName("x_" + strings.Repeat("a", MaxWireName)),
		strings.Repeat("a", MaxWireName+1): "unknown",
	} {
		if got := NameOfEvent(wire); got != want {
			t.Errorf("NameOfEvent(%.40q) = %q, want %q", wire, got, want)
		}
	}
}

func TestBuild(t *testing.T) {
	p := DefaultPrefix
	for got, want := range map[string]string{
		p.Live("chat.send"):                 "cc.chat.send",
		p.Durable("chat.send", "a=2Eb"):     "cc.durable.chat.send.a=2Eb",
		p.Durable("chat.request", ""):       "cc.durable.chat.request",
		p.Event("K1", "message"):            "cc.chat.K1.event.message",
		p.Result("K1", "case.close"):        "cc.chat.K1.result.case.close",
		p.Result("", "service.version"):     "cc.result.service.version",
		p.Session("K1", Opened):             "cc.chat.K1.session.opened",
		p.DeadLetter("chat.send", "K1"):     "cc.deadletter.chat.send.K1",
		p.DeadLetter("chat.request", ""):    "cc.deadletter.chat.request",
		p.Internal("events", "fence", "K1"): "cc.internal.events.fence.K1",
		p.AllChats():                        "cc.chat.*.>",
		p.ChatAll("K1"):                     "cc.chat.K1.>",
		p.Events("message"):                 "cc.chat.*.event.message",
		p.AllEvents():                       "cc.chat.*.event.>",
		p.AllSessions():                     "cc.chat.*.session.>",
		p.DurableOf("K1"):                   "cc.durable.*.*.K1",
		p.AllDeadLetters():                  "cc.deadletter.>",
		p.StreamName("EVENTS"):              "CC_EVENTS",
		Prefix("a.b-1").StreamName("CHATS"): "A_B-1_CHATS",
		Prefix("a.b").Live("chat.send"):     "a.b.chat.send",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := p.Results("chat.send"); !reflect.DeepEqual(got, []string{"cc.chat.*.result.chat.send", "cc.result.chat.send"}) {
		t.Errorf("Results: %q", got)
	}
	if got := p.AllResults(); !reflect.DeepEqual(got, []string{"cc.chat.*.result.>", "cc.result.>"}) {
		t.Errorf("AllResults: %q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "cc", "cc.", "cc.chat", "dd.chat.send", "ccc.chat.send", "cc.chat.>", "cc.*.send", "cc.chat.Send",
		"cc.chat.K1.event", "cc.chat.K1.event.", "cc.chat.K1.event.a.b", "cc.chat.K1.event.*", "cc.chat.K1.event.=2e",
		"cc.chat..event.message", "cc.chat.*.event.message", "cc.chat.=41.event.message", "cc.chat.K1.other.message",
		"cc.chat.K1.result.chat", "cc.chat.K1.result.chat.send.x", "cc.chat.K1.session.", "cc.chat.K1.session.Opened",
		"cc.durable", "cc.durable.chat", "cc.durable.chat.send.", "cc.durable.chat.send.K1.x", "cc.durable.chat.send.a b",
		"cc.result.chat", "cc.result.chat.send.K1", "cc.deadletter.chat", "cc.deadletter.result.send",
		"cc.internal", "cc.internal.", "cc.internal.a..b", "cc.internal.>", "cc.internal.a b", "cc.internal.*",
	} {
		if s, err := DefaultPrefix.Parse(bad); !errors.Is(err, ErrSubject) || s != (Subject{}) {
			t.Errorf("Parse(%q) = %+v, %v", bad, s, err)
		}
	}
}
