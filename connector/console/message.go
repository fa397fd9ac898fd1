package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// stored is a message as the stream has it.
type stored struct {
	sequence uint64
	at       time.Time
	subject  string
	header   nats.Header
	data     []byte
}

// message is what pages are told of one.
type message struct {
	Seq        uint64          `json:"seq"`
	Stored     time.Time       `json:"stored"`
	Subject    string          `json:"subject"`
	Kind       string          `json:"kind"` // event, result, session; empty: the subject is none of the connector's
	Name       string          `json:"name"`
	Chat       string          `json:"chat"`
	Origin     string          `json:"origin"`
	Size       int             `json:"size"`
	LatencyMs  *int64          `json:"latencyMs"`
	CloudEvent json.RawMessage `json:"cloudevent"`
	Headers    nats.Header     `json:"headers"`
	Truncated  bool            `json:"truncated,omitempty"`  // its data are left out
	Unreadable string          `json:"unreadable,omitempty"` // why there is no CloudEvent
}

const dataMost = 64 << 10 // of a message that is told to pages unasked

var kindNames = map[subjects.Kind]string{subjects.KindEvent: "event", subjects.KindResult: "result", subjects.KindSession: "session"}

func readMessage(prefix subjects.Prefix, s stored) message {
	m := message{Seq: s.sequence, Stored: s.at.UTC(), Subject: s.subject, Size: len(s.data), Headers: s.header}
	if parsed, err := prefix.Parse(s.subject); err == nil {
		m.Kind, m.Chat = kindNames[parsed.Kind], parsed.Chat.ID()
		m.Name = string(parsed.Command) + string(parsed.Event) + string(parsed.Session)
	}
	m.readCloudEvent(s)
	return m
}

func (m *message) readCloudEvent(s stored) {
	ce, _, err := schema.Decode(s.header, s.data)
	if err != nil {
		m.Unreadable = err.Error()
		return
	}
	m.Origin = schema.Extension(ce, schema.AttrOrigin)
	if at := ce.Time(); !at.IsZero() {
		ms := s.at.Sub(at).Milliseconds() // below 0: the clock of the contact center is ahead
		m.LatencyMs = &ms
	}
	if m.CloudEvent, err = json.Marshal(ce); err != nil {
		m.CloudEvent, m.Unreadable = nil, "it is no CloudEvent"
	}
}

// shortened is the message without data that are large.
func (m message) shortened() message {
	if len(m.CloudEvent) <= dataMost {
		return m
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(m.CloudEvent, &members) != nil || len(members["data"])+len(members["data_base64"]) <= dataMost {
		return m
	}
	delete(members, "data")
	delete(members, "data_base64")
	m.CloudEvent, _ = json.Marshal(members) // what was JSON is
	m.Truncated = true
	return m
}

// eventText is a server-sent event. JSON has no line breaks as it is written here.
func eventText(event string, id uint64, data any) []byte {
	text, err := json.Marshal(data)
	if err != nil {
		text = []byte("{}")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "event: %s\n", event)
	if id > 0 {
		fmt.Fprintf(&b, "id: %d\n", id)
	}
	fmt.Fprintf(&b, "data: %s\n\n", text)
	return []byte(b.String())
}
