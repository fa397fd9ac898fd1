package asyncapi

import (
	"slices"
	"strings"

	"cc-connector/subjects"
)

const about = `cc-connector joins a Bright Pattern contact center to NATS: commands come in on subjects, and every event of every chat goes out on subjects, as CloudEvents 1.0.

All subjects begin with cc here. A connector with another CC_SUBJECT_PREFIX has that in its place, and in upper case in the names of streams.

Operations are told from the connector's side: it receives commands, and sends events, results, session messages and dead letters. To send a command, publish where it receives; to read events, subscribe where it sends: all of a chat with cc.chat.*.>, and what is on no chat with cc.result.>. Never subscribe to cc.chat.>, where live commands come, too.

What is published comes in one of two forms, whichever CC_CLOUDEVENTS_MODE says: the whole CloudEvent in JSON (structured), or its data alone and its attributes in headers that begin with ce- (binary). A reply has the form of its request. A command may also be plain JSON without any attribute; then the header Nats-Msg-Id is its identity.

An event, result or reply whose data are too large for the bus has none, but the attribute dataref, which names an object in the object store CC_FILES: nats-object:<bucket>/<object>.

Each payload's schema stands among the components under the name of its document: the attribute dataschema of an event ends with /v1/<name>.json. The same documents are served by HTTP under /schemas/, by NATS on cc.service.schemas, and printed by "cc-connector schemas".`

// streams says what JetStream keeps of all this.
func streams(prefix subjects.Prefix) object {
	keeps := func(doc string, subjects ...string) object { return object{"description": doc, "subjects": subjects} }
	return object{
		prefix.StreamName("EVENTS"): keeps("Events, results and session messages. Consumers filter by these.",
			append([]string{prefix.AllEvents(), prefix.AllSessions()}, prefix.AllResults()...)...),
		prefix.StreamName("COMMANDS"):   keeps("Durable commands that are not done yet.", string(prefix)+".durable.>"),
		prefix.StreamName("DEADLETTER"): keeps("Durable commands that were given up.", prefix.AllDeadLetters()),
	}
}

// hasToken tells whether a subject has a token.
func hasToken(subject, token string) bool {
	return slices.Contains(strings.Split(subject, "."), token)
}
