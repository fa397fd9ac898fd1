package subjects

import "strings"

// Live is the subject of a live command, answered on its reply subject: cc.chat.send.
func (p Prefix) Live(c Command) string { return p.join(string(c)) }

// Durable is the subject of a durable command: cc.durable.chat.send.<chat>.
// chat.request and chat.active name no chat: chat is "" for them.
func (p Prefix) Durable(c Command, chat ChatToken) string {
	return p.join("durable", string(c), string(chat))
}

// Event is the subject of a chat's server events of one name: cc.chat.<chat>.event.message.
func (p Prefix) Event(chat ChatToken, name EventName) string {
	return p.join("chat", string(chat), "event", string(name))
}

// Result is the subject of a command's outcome: cc.chat.<chat>.result.chat.send,
// or cc.result.chat.send for a command on no (known) chat: chat is "".
func (p Prefix) Result(chat ChatToken, c Command) string {
	if chat == "" {
		return p.join("result", string(c))
	}
	return p.join("chat", string(chat), "result", string(c))
}

// Session is the subject of what the connector did with a chat: cc.chat.<chat>.session.opened.
func (p Prefix) Session(chat ChatToken, name SessionName) string {
	return p.join("chat", string(chat), "session", string(name))
}

// DeadLetter is the subject of a durable command that was given up; chat may be "".
func (p Prefix) DeadLetter(c Command, chat ChatToken) string {
	return p.join("deadletter", string(c), string(chat))
}

// Internal is the subject of the connector's own business. The tokens are taken
// as they are: they must be valid ones, or wildcards for a filter.
func (p Prefix) Internal(tokens ...string) string {
	return p.join("internal", strings.Join(tokens, "."))
}

// StreamName is the name of a stream or bucket of this prefix: "CC_EVENTS" of
// "EVENTS"; with the prefix "a.b", "A_B_EVENTS".
func (p Prefix) StreamName(suffix string) string {
	return strings.ToUpper(strings.ReplaceAll(string(p), ".", "_")) + "_" + suffix
}

// join leaves out empty parts.
func (p Prefix) join(parts ...string) string {
	subject := string(p)
	for _, part := range parts {
		if part != "" {
			subject += "." + part
		}
	}
	return subject
}
