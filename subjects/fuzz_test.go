package subjects

import (
	"errors"
	"strings"
	"testing"
)

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "K1x", "a.b", "=2E", "=2e", "=", "=41", "é\x00*>"} {
		f.Add(seed, "K1x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if back, err := Unescape(Escape(a)); err != nil || back != a {
			t.Errorf("%q came back as %q, %v", a, back, err)
		}
		if (Escape(a) == Escape(b)) != (a == b) {
			t.Errorf("%q and %q share a token, or one has two", a, b)
		}
		if id, err := Unescape(a); err == nil && Escape(id) != a {
			t.Errorf("%q was taken, though %q is written %q", a, id, Escape(id))
		}
		if a != "" && !validToken(Escape(a)) {
			t.Errorf("%q is no token", Escape(a))
		}
	})
}

func FuzzNameOfEvent(f *testing.F) {
	for _, seed := range []string{"", "chat_session_", "chat_session_message", "x", "chat_session_*.>", "\xff\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, wire string) {
		name := NameOfEvent(wire)
		if !validToken(string(name)) {
			t.Errorf("%q became %q, no token", wire, name)
		}
		if _, err := Unescape(string(name)); err != nil {
			t.Errorf("%q became %q, not in escaped form", wire, name)
		}
	})
}

// FuzzBuild builds every kind of subject of a chat and an event and parses it back.
func FuzzBuild(f *testing.F) {
	f.Add("cc", "K1x", "chat_session_message", "chat.send")
	f.Add("a.b-c", "x.*.>", "odd\x00", "service.version")
	f.Add("chat", "event", "event", "event.event")
	f.Add("durable", "\xff", "chat_session_inactvity_timeout", "chat.chat")
	f.Fuzz(func(t *testing.T, prefix, id, wire, command string) {
		p, err := ParsePrefix(prefix)
		if err != nil {
			p = DefaultPrefix
		}
		chat, err := EscapeChat(id)
		if errors.Is(err, ErrEmptyChat) {
			chat = "none"
		}
		c, err := ParseCommand(command)
		if err != nil {
			c = "chat.send"
		}
		name := NameOfEvent(wire)
		for subject, want := range map[string]Subject{
			p.Live(c):                             {Kind: KindLive, Command: c},
			p.Durable(c, chat):                    {Kind: KindDurable, Command: c, Chat: chat},
			p.Durable(c, ""):                      {Kind: KindDurable, Command: c},
			p.Event(chat, name):                   {Kind: KindEvent, Chat: chat, Event: name},
			p.Result(chat, c):                     {Kind: KindResult, Chat: chat, Command: c},
			p.Result("", c):                       {Kind: KindResult, Command: c},
			p.Session(chat, Recovered):            {Kind: KindSession, Chat: chat, Session: Recovered},
			p.DeadLetter(c, chat):                 {Kind: KindDeadLetter, Command: c, Chat: chat},
			p.DeadLetter(c, ""):                   {Kind: KindDeadLetter, Command: c},
			p.Internal("events", string(chat)):    {Kind: KindInternal, Internal: "events." + string(chat)},
			p.Internal(string(chat), "a", "send"): {Kind: KindInternal, Internal: string(chat) + ".a.send"},
		} {
			for token := range strings.SplitSeq(subject, ".") {
				if !validToken(token) {
					t.Errorf("%q is no subject to publish on", subject)
				}
			}
			if got, err := p.Parse(subject); err != nil || got != want {
				t.Errorf("%q parsed as %+v, %v, want %+v", subject, got, err, want)
			}
			if got := p.QueueOf(subject); want.Kind == KindDurable && got != want.Chat || want.Kind != KindDurable && got != "" {
				t.Errorf("%q queues with %q, want %+v", subject, got, want)
			}
		}
	})
}

// FuzzParse holds Parse to accept nothing that the builders do not write.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"cc.chat.send", "cc.durable.chat.send.K1", "cc.chat.K1.event.message", "cc.result.chat.send",
		"cc.chat.K1.result.chat.send", "cc.chat.K1.session.gap", "cc.deadletter.chat.send", "cc.internal.a.b", "cc.chat.*.event.>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		if chat := DefaultPrefix.QueueOf(subject); chat != "" && !matches(subject, DefaultPrefix.DurableOf(chat)) {
			t.Errorf("%q queues with %q, whose subjects are others", subject, chat)
		}
		s, err := DefaultPrefix.Parse(subject)
		if err != nil {
			return
		}
		if back := rebuild(DefaultPrefix, s); back != subject {
			t.Errorf("%q parsed as %+v, which is %q", subject, s, back)
		}
	})
}

// matches is NATS's rule for a filter with the wildcard *.
func matches(subject, filter string) bool {
	tokens, wanted := strings.Split(subject, "."), strings.Split(filter, ".")
	for i := range wanted {
		if len(tokens) != len(wanted) || wanted[i] != "*" && wanted[i] != tokens[i] {
			return false
		}
	}
	return true
}

func rebuild(p Prefix, s Subject) string {
	switch s.Kind {
	case KindLive:
		return p.Live(s.Command)
	case KindDurable:
		return p.Durable(s.Command, s.Chat)
	case KindEvent:
		return p.Event(s.Chat, s.Event)
	case KindResult:
		return p.Result(s.Chat, s.Command)
	case KindSession:
		return p.Session(s.Chat, s.Session)
	case KindDeadLetter:
		return p.DeadLetter(s.Command, s.Chat)
	case KindInternal:
		return p.Internal(s.Internal)
	}
	return ""
}

// validToken is NATS's rule, stricter: also no control bytes and none outside ASCII.
func validToken(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || r == '*' || r == '>' || r == '.'
	})
}
