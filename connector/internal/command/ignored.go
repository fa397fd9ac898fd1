package command

import (
	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/metrics"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// What comes to lie on a command subject, and is no command. It is neither run
// nor answered: whoever sent it, or was made to send it, asked for nothing.

// notACommand is why a message is taken for no command: a reason of
// metrics.Ignored; "" for a command.
type notACommand string

// headerStatus is where NATS itself says what a message without a payload is about.
const headerStatus = "Status"

// whatItIs looks at a message as NATS has it. One that is unreadable has
// headers that are none.
func whatItIs(header nats.Header, isUnreadable bool) notACommand {
	if isUnreadable {
		return metrics.IgnoredUnreadable
	}
	if _, isControl := header[headerStatus]; isControl {
		return metrics.IgnoredStatus
	}
	return ""
}

// durableSpec is the command of a durable subject, and the chat that it names;
// nil if it is none. A chat that is no token is one to be refused by name: zero.
func durableSpec(prefix subjects.Prefix, subject string) (spec *schema.Command, chat subjects.ChatToken) {
	parsed, err := prefix.Parse(subject)
	if err != nil {
		return misnamed(prefix, subject), ""
	}
	spec, known := schema.LookupCommand(string(parsed.Command))
	if parsed.Kind != subjects.KindDurable || !known || !spec.Durable || spec.NamesChat() != (parsed.Chat != "") {
		return nil, ""
	}
	return spec, parsed.Chat
}

// ignore counts a message that is no command.
func (c *Commands) ignore(sequence uint64, why notACommand) {
	c.Metrics.Ignored.WithLabelValues(string(why)).Inc()
	c.Log.Debug("a message among the durable commands is none: it is removed", "reason", why, "sequence", sequence)
}
