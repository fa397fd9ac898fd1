package poller

import (
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// A next holder knows by the stream that the session has ended, also where the
// event's data lie elsewhere, or raw is but a text.
func TestEndsAreRecalled(t *testing.T) {
	for name, c := range map[string]struct {
		data, dataref string
		want          schema.CloseReason
	}{
		"ended":              {`{"chatId":"c","raw":{"event":"chat_session_ended"}}`, "", schema.ClosedEnded},
		"inactivity_timeout": {`{"chatId":"c","raw":"[[[["}`, "", schema.ClosedInactivityTimeout},
		"status":             {`{"chatId":"c","state":"failed"}`, "", ""},
		"message":            {`{"chatId":"c","raw":{"event":"chat_session_ended"}}`, "", ""},
	} {
		h := &holder{phase: announced, polling: newPolling(t.Context())}
		h.recallEvent(recalled(t, name, c.data, c.dataref))
		if h.wanted != c.want {
			t.Errorf("%s: closed for %q, want %q", name, h.wanted, c.want)
		}
	}
	for name, want := range map[string]schema.CloseReason{"ended": schema.ClosedEnded, "inactivity_timeout": schema.ClosedInactivityTimeout, "status": "", "message": ""} {
		h := &holder{phase: announced, polling: newPolling(t.Context())}
		h.entry.State = "connected"
		h.recallEvent(recalled(t, name, "", "nats-object:CC_FILES/x"))
		if h.wanted != want || h.entry.State != "connected" {
			t.Errorf("%s elsewhere: closed for %q, want %q; the state is %q", name, h.wanted, want, h.entry.State)
		}
	}
}

func recalled(t *testing.T, name, data, dataref string) chatlog.Published {
	t.Helper()
	ce := translate.NewCloudEvent("id", "//acme.example/app-1/chats/c", schema.EventType(name), "cc-connector:/schemas/x", "c")
	translate.SetIfAny(&ce, schema.AttrDataRef, dataref)
	ce.SetDataContentType(event.ApplicationJSON)
	ce.DataEncoded = []byte(data)
	msg, err := schema.Encode(ce, schema.Structured)
	if err != nil {
		t.Fatal(err)
	}
	return chatlog.Published{
		Subject:  subjects.Subject{Kind: subjects.KindEvent, Chat: "c", Event: subjects.EventName(name)},
		Sequence: 1, Message: &bus.Stored{Header: msg.Header, Data: msg.Data},
	}
}
