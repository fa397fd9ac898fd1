package journal

import (
	"encoding/json"
	"testing"

	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

var goldenError = &schema.Error{
	Code: schema.CodeUnavailable, Message: "the contact center is away", WireCode: "5001", HTTPStatus: 503,
	Retryable: true, Outcome: schema.OutcomeUnknown,
}

var (
	sent      = Identity{Command: "chat.send", ID: "an id", Result: "result-id", Correlation: "correlation", ChatID: "chat:ü/1"}
	requested = Identity{Command: "chat.request", ID: "an id", Result: "result-id", Correlation: "correlation"}
	shared    = Identity{Command: "chat.file", ID: "an id", Result: "result-id", Correlation: "correlation", ChatID: "chat:ü/1"}
	asked     = Identity{Command: "service.version", ID: "an id", Result: "result-id", Correlation: "correlation"}
)

func sentBy(source, traceParent, traceState string) Identity {
	identity := sent
	identity.Source, identity.TraceParent, identity.TraceState = source, traceParent, traceState
	return identity
}

func ptr[T any](v T) *T { return &v }

var goldenRecords = []Record{
	{ // a live command that is begun
		Identity:    sentBy("//source", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=value"),
		Fingerprint: "fingerprint", Run: "run", Replica: "replica", FirstSeen: golden.Time(1),
	},
	{ // a durable one of which a call is under way
		Identity: sentBy("//source", "", ""), Fingerprint: "fingerprint", Run: "run", Replica: "replica", Message: 17, FirstSeen: golden.Time(1),
		Attempts: 1, LastCall: golden.Time(2), Calling: true, Number: ptr(uint64(0)),
	},
	{ // a chat.request that names no client
		Identity: requested, Fingerprint: "fingerprint", Run: "run", Replica: "replica", FirstSeen: golden.Time(1), Client: "client",
	},
	{ // one of which the outcome is not known, and that is to be looked up again
		Identity: sent, Fingerprint: "fingerprint", Run: "run", Replica: "replica", Message: 17, FirstSeen: golden.Time(1),
		Attempts: 2, LastCall: golden.Time(3), MayBeDone: true, LookUps: 3, Number: ptr(uint64(7)), LastError: goldenError,
	},
	{ // one of which the file is uploaded, and perhaps sent
		Identity: shared, Fingerprint: "fingerprint", Run: "run", Replica: "replica", Message: 17, FirstSeen: golden.Time(1),
		Attempts: 1, LastCall: golden.Time(2), Calling: true, Number: ptr(uint64(8)), FileID: "file-1",
	},
	{ // one that is given up, and has its dead letter or is about to
		Identity: sent, Fingerprint: "fingerprint", Run: "run", Message: 17, FirstSeen: golden.Time(1), LastError: goldenError, GivenUp: ptr(uint64(4)),
	},
	{ // one that succeeded
		Identity: requested, Fingerprint: "fingerprint", Run: "run", FirstSeen: golden.Time(1),
		Done: &Outcome{At: golden.Time(4), ChatID: "chat:ü/1", App: "app-1", Result: json.RawMessage(`{"chatId":"chat:ü/1"}`), From: 9},
	},
	{ // one that failed
		Identity: asked, Fingerprint: "fingerprint", Run: "run", FirstSeen: golden.Time(1),
		Done: &Outcome{At: golden.Time(4), Error: goldenError, From: 0},
	},
	{ // one that says what it asked for
		Identity: sent, Fingerprint: "fingerprint", Run: "run", FirstSeen: golden.Time(1),
		Done: &Outcome{At: golden.Time(4), ChatID: "chat:ü/1", Request: json.RawMessage(`{"chatId":"chat:ü/1","text":"a < b"}`), From: 9},
	},
	{ // a live command that is begun, and whose event may be there before its outcome
		Identity: sent, Fingerprint: "fingerprint", Run: "run", Replica: "replica", FirstSeen: golden.Time(1), From: ptr(uint64(9)),
	},
}

func TestGoldenRecords(t *testing.T) {
	golden.Values(t, "journal-record", goldenRecords)
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	j := New(r.Streams().Journal, natstest.Log())
	tap := r.Tap()
	record := goldenRecords[0]
	record.Key = "record-key"
	tap.During("a record of the journal", func() { r.Check(j.Write(r.Ctx, &record)) })
	found, err := j.Find(r.Ctx, "record-key")
	golden.Same(t, found, &record, err)
	tap.During("and written again", func() { r.Check(j.Write(r.Ctx, found)) })
	golden.Lines(t, "messages.txt", tap.Lines())
}
