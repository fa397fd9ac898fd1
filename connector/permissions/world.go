package permissions

import "cc-connector/subjects"

func (b bus) commanderLive() User {
	u := b.user(CommanderLive, "sends live commands and gets their replies")
	u.mayPublish(b.live()...)
	u.mayPublish(discovery(serviceName)...)
	return u
}

// commanderDurable hears of no outcome: the results of all chats tell what was
// asked and said in them.
func (b bus) commanderDurable() User {
	u := b.user(CommanderDurable, "sends durable commands and gets JetStream's acknowledgement; outcomes are read by a consumer, or asked for on the live lane")
	u.mayPublish(b.under("durable.>"))
	return u
}

// commanderChat has no live commands: their subjects name no chat.
func (b bus) commanderChat(chat subjects.ChatToken) User {
	u := b.user(CommanderChat, "sends durable commands on the chat "+string(chat)+" alone, and hears what happens in it")
	u.mayPublish(b.prefix.DurableOf(chat))
	for _, what := range []string{"event", "result", "session"} {
		u.maySubscribe(b.under("chat." + string(chat) + "." + what + ".>"))
	}
	return u
}

func (b bus) consumer() User {
	u := b.user(Consumer, "reads events, results, "+b.stream("CHATS")+" and "+b.stream("FILES")+", by consumers of its own; each has one filter, "+b.readable()[0]+" or "+b.readable()[1]+" or within them")
	u.maySubscribe(b.readable()...)
	b.mayRead(&u)
	return u
}

func (b bus) mayRead(u *User) {
	mayConsume(u, b.stream("EVENTS"), b.under("chat.>"), b.under("result.>"))
	mayConsume(u, b.kv("CHATS"), b.keys("CHATS"))
	mayConsume(u, b.files(), b.objects())
	for _, bucket := range []string{b.kv("CHATS"), b.files()} {
		u.mayPublish(api("STREAM.MSG.GET", bucket), api("DIRECT.GET", bucket+".>"))
	}
}

// mayConsume lets a user make consumers on a stream under the filters, and read by them.
func mayConsume(u *User, stream string, filters ...string) {
	u.mayPublish(api("STREAM.INFO", stream))
	for _, filter := range filters {
		u.mayPublish(api("CONSUMER.CREATE", stream+".*."+filter))
	}
	for _, request := range []string{"CONSUMER.INFO", "CONSUMER.MSG.NEXT", "CONSUMER.DELETE"} {
		u.mayPublish(api(request, stream+".*"))
	}
	u.mayPublish(acks(stream + ".>")...)
	u.mayPublish(flow(stream)...)
}

// apiAudit repeats what was asked of JetStream, with the answer: also what is in the connector's own buckets.
const apiAudit = "$JS.EVENT.ADVISORY.API"

func (b bus) auditor() User {
	u := b.user(Auditor, "reads what a consumer reads, dead letters, the state of streams and consumers, and JetStream's advisories; it changes nothing")
	u.maySubscribe(b.readable()...)
	u.maySubscribe(b.under("deadletter.>"), "$JS.EVENT.ADVISORY.>")
	u.Hidden = []string{apiAudit}
	b.mayRead(&u)
	mayConsume(&u, b.stream("DEADLETTER"), b.under("deadletter.>"))
	u.mayPublish(api("STREAM.MSG.GET", b.stream("DEADLETTER")))
	u.mayPublish("$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST")
	for _, stream := range b.streams() {
		u.mayPublish(api("STREAM.INFO", stream), api("CONSUMER.NAMES", stream), api("CONSUMER.LIST", stream), api("CONSUMER.INFO", stream+".*"))
	}
	u.mayPublish(discovery("")...)
	u.mayPublish(discovery(serviceName)...)
	return u
}
