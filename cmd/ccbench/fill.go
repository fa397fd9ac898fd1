package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/subjects"
)

const (
	storedPerChat = 20
	fillWindow    = 4096 // publications under way
	fillTime      = 3 * time.Minute
)

// fill stores events of chats that were: what a connector that has run for long
// finds in its stream.
func (s *stand) fill(ctx context.Context, of contender, events int) error {
	nc, err := nats.Connect(s.natsURL, nats.Name("ccbench-fill"))
	if err != nil {
		return fmt.Errorf("connecting to NATS: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(fillWindow))
	if err != nil {
		return err
	}
	for i := range events {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, err := js.PublishMsgAsync(storedEvent(subjects.Prefix(of.prefix), i/storedPerChat, i%storedPerChat+1), jetstream.WithStallWait(fillTime)); err != nil {
			return fmt.Errorf("storing events: %w", err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(fillTime):
	case <-ctx.Done():
	}
	_, err = s.awaitStored(ctx, of, subjects.Prefix(of.prefix).Event("*", "message"), events)
	return err
}

// storedEvent is the message of a chat, by its number in the chat.
func storedEvent(prefix subjects.Prefix, chat, sequence int) *nats.Msg {
	id := fmt.Sprintf("5708ed00-0000-4000-8000-%012d", chat)
	return &nats.Msg{
		Subject: prefix.Event(subjects.ChatToken(id), "message"),
		Header:  nats.Header{"Content-Type": {"application/cloudevents+json"}},
		Data:    fmt.Appendf(nil, storedText, id, sequence),
	}
}

// storedText is a CloudEvent as the connector publishes it.
const storedText = `{"specversion":"1.0","id":"%[1]s-%[2]d","source":"//bench.example/bench/chats/%[1]s","type":"com.brightpattern.chat.event.message.v1",` +
	`"subject":"%[1]s","datacontenttype":"application/json","dataschema":"cc-connector:/schemas/v1/event.message.json","time":"2026-01-02T15:04:05Z",` +
	`"recordedtime":"2026-01-02T15:04:05.25Z","sequence":"%010[2]d","partitionkey":"%[1]s","origin":"poll",` +
	`"data":{"chatId":"%[1]s","html":"This is message %[2]d of a chat that was.","messageId":"%[2]d","partyId":"agent","timestamp":"2026-01-02T15:04:05.000Z",` +
	`"raw":{"event":"chat_session_message","party_id":"agent","msg_id":"%[2]d","msg":"This is message %[2]d of a chat that was.","timestamp":"1767366245"}}}`
