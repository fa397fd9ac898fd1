package translate

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/allocs"
	"cc-connector/schema"
	"cc-connector/subjects"
)

const (
	allocsChat  = "0d3a1c52-5b8e-4d4c-9a5e-2f1c9a7b6e10"
	allocsWire  = `{"event":"chat_session_message","party_id":"agent-7","msg_id":"m-1","msg":"hello &lt;there&gt;, how can I help?","timestamp":"1614718748001"}`
	allocsSend  = `{"chatId":"` + allocsChat + `","text":"my parcel is late: <b>why</b>?"}`
	allocsTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

var (
	allocsNaming = Naming{Prefix: "cc", Tenant: "acme.example", SchemaBase: "cc-connector:/schemas"}
	allocsToken  = subjects.ChatToken(allocsChat)
)

// BenchmarkAllocs measures what every command and every event goes through.
func BenchmarkAllocs(b *testing.B) { allocs.Bench(b, hotPaths(b)) }

func TestAllocs(t *testing.T) { allocs.Check(t, hotPaths(t)) }

func hotPaths(t testing.TB) []allocs.Operation {
	command, _ := schema.LookupCommand("chat.send")
	result, published := allocsResult(t), allocsEvent(t)
	structured := must(schema.Encode(allocsCommand(t), schema.Structured))(t)
	wire := brightpattern.ParseEvent(json.RawMessage(allocsWire))
	return []allocs.Operation{
		{Name: "decode a plain command", Most: 25, Raced: 29, Run: func() { takeCommand(t, command, nats.Header{}, []byte(allocsSend)) }},
		{Name: "decode a structured command", Most: 46, Raced: 51, Run: func() { takeCommand(t, command, structured.Header, structured.Data) }},
		{Name: "tell commands apart", Most: 4, Raced: 6, Run: func() { CanonicalStruct([]byte(allocsSend)) }},
		{Name: "make a result", Most: 24, Raced: 31, Run: func() { allocsResult(t) }},
		{Name: "encode a result, structured", Most: 9, Run: func() { must(schema.Encode(result, schema.Structured))(t) }},
		{Name: "encode a result, binary", Most: 12, Run: func() { must(schema.Encode(result, schema.Binary))(t) }},
		{Name: "parse an event", Most: 29, Run: func() { brightpattern.ParseEvent(json.RawMessage(allocsWire)) }},
		{Name: "translate an event", Most: 16, Raced: 19, Run: func() { ReadServerEvent(allocsChat, wire) }},
		{Name: "make an event", Most: 74, Raced: 84, Run: func() { allocsEvent(t) }},
		{Name: "encode an event, structured", Most: 9, Run: func() { must(schema.Encode(published, schema.Structured))(t) }},
	}
}

// takeCommand is what is done with every command's bytes.
func takeCommand(t testing.TB, command *schema.Command, h nats.Header, data []byte) {
	e, _, err := schema.DecodeCommand(h, data)
	var send schema.ChatSend
	if err != nil || schema.IsOwn(h, data) || command.ChatIn(e.Data()) != allocsChat || command.Validate(e.Data()) != nil || schema.ReadData(e.Data(), &send) != nil {
		t.Fatalf("the command is not taken: %v", err)
	}
	command.Request(e.Data(), func(client string) string { return client })
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func allocsCommand(t testing.TB) event.Event {
	e := NewCloudEvent("11d6e7a8-6f0c-4d3f-9f3e-5d3c1d0c3a10", "//shop.example/site", schema.CommandType("chat", "send"), "https://shop.example/send.json", "")
	e.SetExtension(schema.AttrTraceParent, allocsTrace)
	if err := schema.SetData(&e, json.RawMessage(allocsSend)); err != nil {
		t.Fatal(err)
	}
	return e
}

func allocsResult(t testing.TB) event.Event {
	e := NewCloudEvent(ID("result", "", "an id"), allocsNaming.CommandsSource("app-1"), schema.ResultType("chat", "send"),
		schema.DataSchema(allocsNaming.SchemaBase, "result", "chat.send"), allocsToken)
	e.SetTime(time.Unix(1614718748, 123456789).UTC())
	e.SetExtension(schema.AttrCorrelationID, "an id")
	e.SetExtension(schema.AttrCausationID, "an id")
	e.SetExtension(schema.AttrTraceParent, allocsTrace)
	data := schema.Result{
		Command: "chat.send", ChatID: allocsChat, Status: schema.StatusOK, Request: json.RawMessage(allocsSend), Result: json.RawMessage(`{"messageId":"` + allocsChat + `:7"}`),
	}
	if err := schema.SetData(&e, data); err != nil {
		t.Fatal(err)
	}
	return e
}

func allocsEvent(t testing.TB) event.Event {
	wire := ReadServerEvent(allocsChat, brightpattern.ParseEvent(json.RawMessage(allocsWire)))
	e := NewCloudEvent(EventID(allocsChat, wire.Fingerprint, 1), allocsNaming.EventSource("app-1", allocsToken), schema.EventType(wire.Data.Name()),
		schema.EventDataSchema(allocsNaming.SchemaBase, wire.Data.Name()), allocsToken)
	e.SetTime(wire.Time)
	e.SetExtension(schema.AttrRecordedTime, schema.NewTime(wire.Time).String())
	e.SetExtension(schema.AttrOrigin, string(FromPoll))
	e.SetExtension(schema.AttrSequence, schema.FormatSequence(1))
	if err := schema.SetData(&e, wire.Data); err != nil {
		t.Fatal(err)
	}
	return e
}
