package permissions

import "cc-connector/subjects"

// bus knows the subjects and streams of a prefix.
type bus struct{ prefix subjects.Prefix }

func (b bus) under(rest string) string { return string(b.prefix) + "." + rest }

// nouns begin the names of the commands.
var nouns = []string{"service", "chat", "case", "push"}

// live are the subjects of all live commands, and of nothing else.
func (b bus) live() (all []string) {
	for _, noun := range nouns {
		all = append(all, b.under(noun+".*"))
	}
	return all
}

// outcomes are the subjects of what the connector tells the world.
func (b bus) outcomes() []string {
	return []string{b.under("chat.*.event.>"), b.under("chat.*.result.>"), b.under("chat.*.session.>"), b.under("result.>")}
}

// readable are the filters under which the world may read CC_EVENTS: all but the connector's own business.
func (b bus) readable() []string { return []string{b.under("chat.*.>"), b.under("result.>")} }

// stream is the name of a stream of the prefix.
func (b bus) stream(suffix string) string { return b.prefix.StreamName(suffix) }

// The streams that are buckets.
func (b bus) kv(suffix string) string { return "KV_" + b.stream(suffix) }
func (b bus) files() string           { return "OBJ_" + b.stream("FILES") }

func (b bus) streams() []string {
	return []string{
		b.stream("EVENTS"), b.stream("SESSIONS"), b.stream("COMMANDS"), b.stream("DEADLETTER"),
		b.kv("JOURNAL"), b.kv("CHATS"), b.kv("STATE"), b.files(),
	}
}

// Subjects of what the connector keeps in a bucket.
func (b bus) keys(suffix string) string { return "$KV." + b.stream(suffix) + ".>" }
func (b bus) objects() string           { return "$O." + b.stream("FILES") + ".>" }

// discovery are the questions that a NATS micro service answers, "nats micro" asks them.
func discovery(service string) (all []string) {
	for _, verb := range []string{"PING", "INFO", "STATS"} {
		if service == "" {
			all = append(all, "$SRV."+verb)
			continue
		}
		all = append(all, "$SRV."+verb+"."+service, "$SRV."+verb+"."+service+".*")
	}
	return all
}

// api is the subject of a JetStream request.
func api(request string, rest string) string { return "$JS.API." + request + "." + rest }

// acks are the subjects on which messages of these consumers are acknowledged,
// in both forms that servers give them.
func acks(consumers string) []string {
	return []string{"$JS.ACK." + consumers, "$JS.ACK.*.*." + consumers}
}

// flow is where who gets messages pushed says that it keeps up.
func flow(stream string) []string {
	return []string{"$JS.FC." + stream + ".>", "$JS.FC.*.*." + stream + ".>"}
}
