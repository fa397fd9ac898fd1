package subjects

import (
	"errors"
	"strings"
)

// Errors of the parsers. None quotes what it refuses.
var (
	ErrEmptyChat = errors.New("a chat id cannot be empty")
	ErrPrefix    = errors.New("a subject prefix is one or more tokens of a-z 0-9 -, joined by dots")
	ErrCommand   = errors.New("a command is <noun>.<verb>, both of a-z")
)

// Prefix stands before every subject: one or more tokens of [a-z0-9-]+.
type Prefix string

// DefaultPrefix is the prefix of a connector that is not told another.
const DefaultPrefix Prefix = "cc"

// ParsePrefix returns s as a prefix, or [ErrPrefix].
func ParsePrefix(s string) (Prefix, error) {
	for token := range strings.SplitSeq(s, ".") {
		if !madeOf(token, "abcdefghijklmnopqrstuvwxyz0123456789-") {
			return "", ErrPrefix
		}
	}
	return Prefix(s), nil
}

// ChatToken is a chat id as one NATS token, unique per chat id. The empty token
// stands for "no chat".
type ChatToken string

// EscapeChat makes a token of a chat id, of any length. An empty id is refused ([ErrEmptyChat]).
func EscapeChat[S ~string](id S) (ChatToken, error) {
	if id == "" {
		return "", ErrEmptyChat
	}
	return ChatToken(Escape(string(id))), nil
}

// ParseChatToken accepts exactly the tokens that [EscapeChat] makes; the error is [ErrEmptyChat] or [ErrEscape].
func ParseChatToken(s string) (ChatToken, error) {
	if s == "" {
		return "", ErrEmptyChat
	}
	if _, err := Unescape(s); err != nil {
		return "", err
	}
	return ChatToken(s), nil
}

// ID returns the chat id; "" for a token that neither EscapeChat nor ParseChatToken made.
func (t ChatToken) ID() string {
	id, err := Unescape(string(t))
	if err != nil {
		return ""
	}
	return id
}

// Command is a command's name, "<noun>.<verb>", as "chat.send".
type Command string

// reserved nouns begin the subjects that are not live commands.
var reserved = map[string]bool{"durable": true, "result": true, "deadletter": true, "internal": true}

// ParseCommand returns s as a command, or [ErrCommand]. The nouns durable, result,
// deadletter and internal are refused: their subjects are other things.
func ParseCommand(s string) (Command, error) {
	noun, verb, _ := strings.Cut(s, ".")
	if !isWord(noun) || !isWord(verb) || reserved[noun] {
		return "", ErrCommand
	}
	return Command(s), nil
}

// Noun is what the command is about, as "chat".
func (c Command) Noun() string {
	noun, _, _ := strings.Cut(string(c), ".")
	return noun
}

// Verb is what is to be done, as "send".
func (c Command) Verb() string {
	_, verb, _ := strings.Cut(string(c), ".")
	return verb
}

// SessionName names what the connector itself did with a chat.
type SessionName string

// The session messages.
const (
	Opened    SessionName = "opened"
	Recovered SessionName = "recovered"
	Gap       SessionName = "gap"
	Closed    SessionName = "closed"
)

func isWord(s string) bool { return madeOf(s, "abcdefghijklmnopqrstuvwxyz") }

func madeOf(s, letters string) bool {
	return s != "" && strings.Trim(s, letters) == ""
}
