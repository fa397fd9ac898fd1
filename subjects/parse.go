package subjects

import (
	"errors"
	"strings"
)

// Kind says what a subject is for.
type Kind int

// The kinds of subject. The zero Kind is none of them.
const (
	KindLive Kind = iota + 1
	KindDurable
	KindEvent
	KindResult
	KindSession
	KindDeadLetter
	KindInternal
)

// Subject is a parsed subject. Fields that its kind does not have are empty.
type Subject struct {
	Kind     Kind
	Command  Command     // live, durable, result, dead letter
	Chat     ChatToken   // event, session; result, durable and dead letter if they name one
	Event    EventName   // event
	Session  SessionName // session
	Internal string      // what follows "internal.", maybe several tokens
}

// ErrSubject is returned for a subject that is none of the prefix's.
var ErrSubject = errors.New("not a subject of the connector under this prefix")

// parsers read what follows the subject's first token.
var parsers = map[string]func(rest []string) (Subject, bool){
	"durable":    func(rest []string) (Subject, bool) { return parseLane(KindDurable, rest) },
	"deadletter": func(rest []string) (Subject, bool) { return parseLane(KindDeadLetter, rest) },
	"result":     parseResult,
	"internal":   parseInternal,
}

// chatParsers read what follows cc.chat.<chat>.<key>.
var chatParsers = map[string]func(rest []string) (Subject, bool){
	"event":   parseEvent,
	"result":  parseResult,
	"session": parseSession,
}

// Parse takes a published subject apart. It refuses wildcards, tokens that
// are not in escaped form and everything else that the methods of Prefix do
// not build; the error is [ErrSubject].
func (p Prefix) Parse(subject string) (Subject, error) {
	rest, ok := strings.CutPrefix(subject, string(p)+".")
	if !ok {
		return Subject{}, ErrSubject
	}
	s, ok := parse(strings.Split(rest, "."))
	if !ok {
		return Subject{}, ErrSubject
	}
	return s, nil
}

// QueueOf is the chat in whose queue a durable subject stands, whether or not it
// is a command's: DurableOf matches it. "" for none.
func (p Prefix) QueueOf(subject string) ChatToken {
	rest, _ := strings.CutPrefix(subject, string(p)+".durable.")
	tokens := strings.Split(rest, ".")
	if rest == subject || len(tokens) != 3 {
		return ""
	}
	chat, err := ParseChatToken(tokens[2])
	if err != nil {
		return ""
	}
	return chat
}

// ParseInternal takes an internal subject apart: its first token, and what
// follows it. The error is [ErrSubject] for every other subject.
func (p Prefix) ParseInternal(subject string) (first, rest string, err error) {
	s, err := p.Parse(subject)
	if err != nil || s.Kind != KindInternal {
		return "", "", ErrSubject
	}
	first, rest, _ = strings.Cut(s.Internal, ".")
	return first, rest, nil
}

func parse(tokens []string) (Subject, bool) {
	if known := parsers[tokens[0]]; known != nil {
		return known(tokens[1:])
	}
	if len(tokens) == 2 {
		return parseCommand(KindLive, tokens)
	}
	if tokens[0] == "chat" && len(tokens) > 3 {
		return parseChat(tokens[1], tokens[2], tokens[3:])
	}
	return Subject{}, false
}

func parseChat(chat, key string, rest []string) (Subject, bool) {
	known := chatParsers[key]
	if known == nil {
		return Subject{}, false
	}
	s, ok := known(rest)
	return withChat(s, ok, chat)
}

func withChat(s Subject, ok bool, chat string) (Subject, bool) {
	token, err := ParseChatToken(chat)
	if !ok || err != nil {
		return Subject{}, false
	}
	s.Chat = token
	return s, true
}

// parseLane reads <noun>.<verb>[.<chat>].
func parseLane(kind Kind, rest []string) (Subject, bool) {
	if len(rest) != 3 {
		return parseCommand(kind, rest)
	}
	s, ok := parseCommand(kind, rest[:2])
	return withChat(s, ok, rest[2])
}

func parseCommand(kind Kind, rest []string) (Subject, bool) {
	if len(rest) != 2 {
		return Subject{}, false
	}
	c, err := ParseCommand(rest[0] + "." + rest[1])
	return Subject{Kind: kind, Command: c}, err == nil
}

func parseResult(rest []string) (Subject, bool) { return parseCommand(KindResult, rest) }

func parseEvent(rest []string) (Subject, bool) {
	if len(rest) != 1 || rest[0] == "" {
		return Subject{}, false
	}
	_, err := Unescape(rest[0])
	return Subject{Kind: KindEvent, Event: EventName(rest[0])}, err == nil
}

func parseSession(rest []string) (Subject, bool) {
	if len(rest) != 1 || !isWord(rest[0]) {
		return Subject{}, false
	}
	return Subject{Kind: KindSession, Session: SessionName(rest[0])}, true
}

func parseInternal(rest []string) (Subject, bool) {
	for _, token := range rest {
		if token == "" || strings.ContainsFunc(token, notInToken) {
			return Subject{}, false
		}
	}
	return Subject{Kind: KindInternal, Internal: strings.Join(rest, ".")}, len(rest) > 0
}

func notInToken(r rune) bool { return r <= ' ' || r == 0x7f || r == '*' || r == '>' }
