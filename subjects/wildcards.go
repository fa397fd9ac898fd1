package subjects

// AllChats is everything about every chat: events, results, session messages.
// It matches no command. "cc.chat.>" would: also live ones, in which customers
// write; and a request for which nobody listens would wait for its time-out,
// because whoever subscribes so counts as somebody who does.
func (p Prefix) AllChats() string { return p.join("chat.*.>") }

// ChatAll is everything about one chat.
func (p Prefix) ChatAll(chat ChatToken) string { return p.join("chat", string(chat), ">") }

// Events are the server events of one name, of every chat.
func (p Prefix) Events(name EventName) string { return p.join("chat.*.event", string(name)) }

// AllEvents are the server events of every chat.
func (p Prefix) AllEvents() string { return p.join("chat.*.event.>") }

// AllSessions are the session messages of every chat.
func (p Prefix) AllSessions() string { return p.join("chat.*.session.>") }

// Results are the two subjects on which outcomes of a command appear: of those
// on a chat and of those on none. Subscribe to both before publishing the command.
func (p Prefix) Results(c Command) []string {
	return []string{p.join("chat.*.result", string(c)), p.join("result", string(c))}
}

// AllResults are the two subjects of the outcomes of every command.
func (p Prefix) AllResults() []string {
	return []string{p.join("chat.*.result.>"), p.join("result.>")}
}

// DurableOf is every durable command on one chat.
func (p Prefix) DurableOf(chat ChatToken) string { return p.join("durable.*.*", string(chat)) }

// AllDeadLetters is every durable command that was given up.
func (p Prefix) AllDeadLetters() string { return p.join("deadletter.>") }
