package permissions

import (
	"time"

	"cc-connector/subjects"
)

// serviceName is the connector's as a NATS micro service, and its queue group.
const serviceName = "cc-connector"

// answerTime is longer than any live command may take: three minutes for a file,
// three calls to the contact center and what comes with them, up to a
// CC_HTTP_TIMEOUT of 98s.
const answerTime = 8 * time.Minute

func (b bus) connector() User {
	u := b.user(Connector, "the connector itself; CC_NATS_INBOX_PREFIX must be its inbox prefix")
	for _, subject := range b.live() {
		u.Subscribe = append(u.Subscribe, Subscription{subject, serviceName})
	}
	u.maySubscribe(b.under("internal.>"))
	u.maySubscribe(discovery("")...)
	u.maySubscribe(discovery(serviceName)...)
	u.Responses = &Responses{Max: 1, Expires: answerTime}

	u.mayPublish(b.outcomes()...)
	u.mayPublish(b.under("deadletter.>"), b.under("internal.>"))
	u.mayPublish(b.keys("JOURNAL"), b.keys("CHATS"), b.keys("STATE"), b.objects())
	for _, stream := range b.streams() {
		u.mayPublish(api("STREAM.CREATE", stream), api("STREAM.UPDATE", stream), api("STREAM.INFO", stream), api("STREAM.MSG.GET", stream))
	}
	for _, stream := range []string{b.kv("JOURNAL"), b.kv("STATE"), b.files()} { // earlier versions look for files so
		u.mayPublish(api("DIRECT.GET", stream+".>"))
	}
	u.mayPublish("$JS.API.STREAM.NAMES")         // whose stream is in the way of one that is to be made
	u.mayPublish(api("STREAM.PURGE", b.files())) // what is left of an object that could not be stored
	b.mayWork(&u, b.stream("SESSIONS"), "holders")
	b.mayWork(&u, b.stream("COMMANDS"), "runners")
	mayWatch(&u, b.kv("JOURNAL"), b.keys("JOURNAL"))
	for _, reader := range []Role{Consumer, Auditor} { // so that no administrator is needed for "cc-connector streams --make"
		u.mayPublish(api("CONSUMER.CREATE", b.stream("EVENTS")+"."+UserName(b.prefix, reader)))
	}
	u.mayPublish(ForTools(b.prefix)...)
	u.mayPublish(ForPage(b.prefix)...)
	return u
}

// ForTools are the subjects to which a connector that runs does not publish, but
// the other commands of cc-connector do, which sign in as it does: check asks what
// the account allows, and who reads; dead puts a command back; purge detaches a
// chat, and has the disk forget what it has left.
func ForTools(prefix subjects.Prefix) []string {
	b := bus{prefix}
	all := []string{"$JS.API.INFO", api("CONSUMER.LIST", b.stream("EVENTS")), b.under("durable.>"), b.under("chat.detach")}
	for _, stream := range []string{b.stream("EVENTS"), b.stream("COMMANDS"), b.stream("DEADLETTER"), b.files()} {
		all = append(all, api("STREAM.MSG.DELETE", stream))
	}
	for _, bucket := range []string{b.kv("JOURNAL"), b.kv("CHATS"), b.kv("STATE")} {
		all = append(all, api("STREAM.PURGE", bucket))
	}
	return all
}

// ForPage are the subjects that a connector needs for the page of CC_CONSOLE, and
// for nothing else: it has a consumer of the events as long as somebody looks.
func ForPage(prefix subjects.Prefix) (all []string) {
	b := bus{prefix}
	for _, operation := range []string{"CREATE", "INFO", "DELETE", "MSG.NEXT"} {
		all = append(all, api("CONSUMER."+operation, b.stream("EVENTS")+".*"))
	}
	return all
}

// mayWork lets a user make the consumer of a work queue, and take from it.
func (b bus) mayWork(u *User, stream, consumer string) {
	of := stream + "." + consumer
	u.mayPublish(api("CONSUMER.CREATE", of), api("CONSUMER.INFO", of), api("CONSUMER.MSG.NEXT", of))
	u.mayPublish(acks(of + ".>")...)
}

// mayWatch lets a user have what is in a stream under the filter pushed to it
// by consumers that live as long as it listens.
func mayWatch(u *User, stream, filter string) {
	u.mayPublish(api("CONSUMER.CREATE", stream+".*."+filter), api("CONSUMER.DELETE", stream+".*"))
	u.mayPublish(flow(stream)...)
}
