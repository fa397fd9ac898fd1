package schema_test

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// exampleBus is a NATS server for examples, on which a connector might have told
// of a chat.
type exampleBus struct {
	server *server.Server
	store  string
	nc     *nats.Conn
	js     jetstream.JetStream
	told   int
}

func sure[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func startBus() *exampleBus {
	b := &exampleBus{store: sure(os.MkdirTemp("", "schema"))}
	b.server = sure(server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: b.store, NoSigs: true, NoLog: true}))
	b.server.Start()
	if !b.server.ReadyForConnections(time.Minute) {
		panic("nats-server does not start")
	}
	b.nc = sure(nats.Connect(b.server.ClientURL()))
	b.js = sure(jetstream.New(b.nc))
	return b
}

func (b *exampleBus) stop() {
	b.nc.Close()
	b.server.Shutdown()
	b.server.WaitForShutdown()
	_ = os.RemoveAll(b.store)
}

// tell publishes two messages of an agent, one of them with its text elsewhere, a
// result, and what is no CloudEvent.
func (b *exampleBus) tell(ctx context.Context) {
	sure(b.js.CreateStream(ctx, jetstream.StreamConfig{Name: "CC_EVENTS", Subjects: []string{"cc.chat.*.>", "cc.result.>"}}))
	files := sure(b.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "CC_FILES"}))
	e := event.New()
	e.SetID("e-1")
	e.SetSource("//acme.example/web/chats/K1x")
	e.SetType(schema.EventType("message"))
	said := schema.Message{EventHeader: schema.EventHeader{ChatID: "K1x"}, PartyID: "agent-1", Text: "Hello!"}
	b.publish(ctx, "cc.chat.K1x.event.message", e, said)

	said.Text = strings.Repeat("x", 1<<20)
	sure(files.PutBytes(ctx, "e-2", sure(schema.JSON(said))))
	e.SetID("e-2")
	e.SetExtension(schema.AttrDataRef, schema.NewDataRef("CC_FILES", "e-2"))
	b.publish(ctx, "cc.chat.K1x.event.message", e, nil)

	result := event.New()
	result.SetID("r-1")
	result.SetSource("//acme.example/web/commands")
	result.SetType(schema.ResultType("chat", "send"))
	b.publish(ctx, "cc.chat.K1x.result.chat.send", result, schema.Result{Command: "chat.send", Status: schema.StatusOK})

	sure(b.js.Publish(ctx, "cc.chat.K1x.event.message", []byte("{}")))
	b.told++
}

func (b *exampleBus) publish(ctx context.Context, subject string, e event.Event, data any) {
	e.DataEncoded = nil
	if data != nil {
		if err := schema.SetData(&e, data); err != nil {
			panic(err)
		}
	}
	msg := sure(schema.Encode(e, schema.Structured))
	msg.Subject = subject
	sure(b.js.PublishMsg(ctx, msg))
	b.told++
}
