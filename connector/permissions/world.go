package permissions

import "cc-connector/subjects"

func (b bus) commanderLive() User {
	u := b.user(CommanderLive, "sends live commands and gets their replies")
	b.maySendLive(&u)
	return u
}

func (b bus) maySendLive(u *User) {
	u.mayPublish(b.live()...)
	u.mayPublish(discovery(serviceName)...)
}

// commanderDurable hears of no outcome: the results of all chats tell what was
// asked and said in them.
func (b bus) commanderDurable() User {
	u := b.user(CommanderDurable, "sends durable commands and gets JetStream's acknowledgement; outcomes are another user's to read: a consumer's, or one's who may send live commands")
	b.maySendDurable(&u)
	return u
}

func (b bus) maySendDurable(u *User) { u.mayPublish(b.under("durable.>")) }

// commanderChat has no live commands: their subjects name no chat.
func (b bus) commanderChat(chat subjects.ChatToken) User {
	u := b.user(CommanderChat, "sends durable commands on the chat "+string(chat)+" alone, and hears what happens in it")
	u.mayPublish(b.prefix.DurableOf(chat))
	for _, what := range []string{"event", "result", "session"} {
		u.maySubscribe(b.under("chat." + string(chat) + "." + what + ".>"))
	}
	return u
}

// apiAudit repeats what was asked of JetStream, with the answer: also what is in the connector's own buckets.
const apiAudit = "$JS.EVENT.ADVISORY.API"

func (b bus) auditor() User {
	u := b.user(Auditor, "reads what a consumer reads, dead letters, the state of streams and consumers, and JetStream's advisories; it changes nothing")
	b.mayRead(&u)
	u.maySubscribe(b.under("deadletter.>"), "$JS.EVENT.ADVISORY.>")
	u.Hidden = []string{apiAudit}
	u.mayPublish(api("STREAM.MSG.GET", b.stream("DEADLETTER")))
	u.mayPublish("$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST")
	for _, stream := range b.streams() {
		u.mayPublish(api("STREAM.INFO", stream), api("CONSUMER.NAMES", stream), api("CONSUMER.LIST", stream), api("CONSUMER.INFO", stream+".*"))
	}
	u.mayPublish(discovery("")...)
	u.mayPublish(discovery(serviceName)...)
	return u
}
