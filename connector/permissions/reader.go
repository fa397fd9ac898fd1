package permissions

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/subjects"
)

// Reader is a user that reads, under a name of its own: that is also the name
// of the consumer that is to be made for it.
func Reader(prefix subjects.Prefix, name string) User {
	b := bus{prefix}
	u := newUser(name, "reads events, results, "+b.stream("CHATS")+", "+b.stream("FILES")+" and the schemas"+
		"; the stream of events by the consumer "+name+", which is made for it")
	b.mayRead(&u)
	return u
}

// mayRead lets a user hear what is published, have what is stored delivered to
// it, and ask for one message of a bucket after the other. The answer to that
// has the message inside a JSON object, which is no command of any kind.
func (b bus) mayRead(u *User) {
	u.maySubscribe(b.readable()...)
	u.maySubscribe(deliveries(u.Name) + ".>")
	events, chats, files := b.stream("EVENTS"), b.kv("CHATS"), b.files()
	for _, stream := range []string{events, chats, files} {
		u.mayPublish(api("STREAM.INFO", stream))
	}
	u.mayPublish(api("CONSUMER.INFO", events+"."+u.Name))
	u.mayPublish(acks(events + "." + u.Name + ".>")...)
	u.mayPublish(api("STREAM.MSG.GET", chats), api("STREAM.MSG.GET", files))
	u.mayPublish(b.under("service.schemas")) // what describes all that it reads; no other command
}

// ReaderConsumer is the consumer of a reader, on the stream of events. It
// pushes: a pull request would name the subject to which messages go.
func ReaderConsumer(prefix subjects.Prefix, reader string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:        reader,
		Description:    "What " + reader + " reads",
		DeliverSubject: DeliverSubject(prefix, reader),
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        30 * time.Second,
		MaxDeliver:     -1,
		MaxAckPending:  256, // under way at once: an event has up to max_payload
		FilterSubjects: bus{prefix}.readable(),
	}
}

// DeliverSubject is where a reader gets what is stored. Several who listen
// there get all of it each; with a deliver group, they share it.
func DeliverSubject(prefix subjects.Prefix, reader string) string {
	return deliveries(reader) + "." + bus{prefix}.stream("EVENTS")
}

// deliveries begins the subjects that are a reader's own, as its inbox is.
func deliveries(reader string) string { return "_DELIVER_" + reader }
