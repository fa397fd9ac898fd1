package connector_test

import (
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// answers are the results as a consumer of the stream of events sees them come.
type answers struct {
	outsider
	mu   sync.Mutex
	byID map[string][]cloudEvent // by the id of the command
	all  []cloudEvent
}

func (o outsider) listen() *answers {
	o.Helper()
	a := &answers{outsider: o, byID: map[string][]cloudEvent{}}
	consumer, err := o.js.OrderedConsumer(o.ctx, "CC_EVENTS", jetstream.OrderedConsumerConfig{FilterSubjects: o.config.Prefix.AllResults()})
	o.check(err)
	running, err := consumer.Consume(a.hear)
	o.check(err)
	o.Cleanup(func() { running.Stop(); <-running.Closed() })
	return a
}

func (a *answers) hear(msg jetstream.Msg) {
	e, err := readCloudEvent(msg.Headers(), msg.Data())
	if err != nil {
		a.Errorf("no CloudEvent: %v", err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id := e.attributes["causationid"]
	a.byID[id], a.all = append(a.byID[id], e), append(a.all, e)
}

func (a *answers) of(id string) []cloudEvent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byID[id]
}

// await is the one result of a command.
func (a *answers) await(id string) cloudEvent {
	a.Helper()
	a.eventually("the command "+id+" has a result", func() bool { return len(a.of(id)) > 0 })
	return a.of(id)[0]
}

func (a *answers) mustSucceed(id string) fields {
	a.Helper()
	e := a.await(id)
	if e.status() != "ok" {
		a.Fatalf("the command %s: %v", id, e.failure())
	}
	result, _ := e.data["result"].(fields)
	return result
}

// checkOnce waits until nothing is left to do, and proves that each command
// has had one result.
func (a *answers) checkOnce(ids ...string) {
	a.Helper()
	a.awaitIdle()
	for _, id := range ids {
		if n := len(a.of(id)); n != 1 {
			a.Errorf("the command %s has %d results: %v", id, n, a.of(id))
		}
	}
}

// awaitIdle waits until no durable command is left, and all results have come.
func (a *answers) awaitIdle() {
	a.Helper()
	for left := a.waiting(); left > 0; left = a.waiting() { // however slowly
		a.eventually("another durable command is done", func() bool { return a.waiting() < left })
	}
	want := 0
	for _, filter := range a.config.Prefix.AllResults() {
		want += len(a.kept(filter))
	}
	a.eventually("all results have come", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.all) >= want
	})
}

// durably turns a live command's message into a durable one.
func durably(msg *nats.Msg, chat string) *nats.Msg {
	msg.Subject = "cc.durable." + strings.TrimPrefix(msg.Subject, "cc.")
	if chat != "" {
		msg.Subject += "." + tokenOf(chat)
	}
	return msg
}

// keep has JetStream keep a durable command, also one whose id it has seen:
// its own memory of ids is as short as can be.
func (o outsider) keep(msg *nats.Msg) (ack *jetstream.PubAck) {
	o.Helper()
	o.eventually("JetStream takes the command", func() bool {
		var err error
		ack, err = o.js.PublishMsg(o.ctx, msg)
		o.check(err)
		return !ack.Duplicate
	})
	return ack
}

// give publishes a durable command in plain form, and returns its id.
func (o outsider) give(command, id, chat string, data fields) string {
	o.Helper()
	o.keep(durably(writePlain(given{command: command, id: id, data: data}), chat))
	return id
}

// saidTexts are the customer's messages as the contact center has them.
func (o outsider) saidTexts(chat string) []string {
	o.Helper()
	return watched{o.rig, chat}.said()
}

// saidNames are the client's events as the contact center has them.
func (o outsider) saidNames(chat string) (names []string) {
	o.Helper()
	for _, e := range o.record(chat).Client {
		name, _ := o.object(e.Event)["event"].(string)
		names = append(names, strings.TrimPrefix(name, "chat_session_"))
	}
	return names
}
