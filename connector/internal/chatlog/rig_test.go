package chatlog

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
)

// rig is a real stream of events, and a chat in it.
type rig struct {
	*natstest.Rig
	streams *bus.Streams
	chat    chats.Key
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Rig: natstest.New(t)}
	r.streams = r.Streams()
	var err error
	r.chat, err = chats.KeyOf("chat:ü/1")
	r.Check(err)
	return r
}

// log is the chat's in the hands of another holder.
func (r *rig) log() *Log {
	return New(Needs{
		Publisher: r.Publisher(r.streams), Events: r.streams.Events,
		Naming: translate.Naming{Prefix: natstest.Prefix, Tenant: "acme.example", SchemaBase: "cc-connector:/schemas"},
	}, r.chat, "app-1", natstest.Log())
}

// typing appends an event that looks like every other one of its kind.
func (r *rig) typing(l *Log, origin translate.Origin) error {
	return l.AppendEvent(r.Ctx, typingEvent(), origin, time.Now(), time.Now())
}

// memory is what a journal tells.
func (r *rig) memory(journal []byte) *Memory {
	r.Helper()
	m, err := ReadMemory(journal)
	r.Check(err)
	return m
}

func typingEvent() translate.ServerEvent {
	return translate.ReadServerEvent("chat:ü/1", brightpattern.ParseEvent(json.RawMessage(`{"event":"chat_session_typing","party_id":"p","timestamp":"1582979401"}`)))
}

// stored are the events and session messages of the chat.
func (r *rig) stored() []*jetstream.RawStreamMsg {
	r.Helper()
	var all []*jetstream.RawStreamMsg
	for next := uint64(1); ; {
		msg, err := r.streams.Events.GetMsg(r.Ctx, next, jetstream.WithGetMsgSubject(natstest.Prefix.ChatAll(r.chat.Token)))
		if err != nil {
			return all
		}
		all, next = append(all, msg), msg.Sequence+1
	}
}
