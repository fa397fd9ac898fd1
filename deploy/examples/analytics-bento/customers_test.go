package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

// customers are those of the simulator's script "support": each answers two
// messages and fills in every form.
type customers struct {
	*system
	said map[string]int
}

// converse has so many conversations at once, from beginning to end.
func (s *system) converse(count int) {
	s.Helper()
	all := &customers{s, map[string]int{}}
	heard, err := s.connect(permissions.Consumer).SubscribeSync("cc.chat.*.>")
	s.check(err)
	live := s.connect(permissions.CommanderLive)
	ends := map[string]bool{} // that are still to come
	for range count {
		ends[fmt.Sprintf("cc.chat.%s.session.closed", s.request(live, "chat.request", schema.ChatRequest{From: "Ada"}))] = true
	}
	for len(ends) > 0 {
		msg, err := heard.NextMsg(patience)
		s.check(err)
		delete(ends, msg.Subject)
		all.react(live, msg)
	}
}

// react does what a customer does about an event.
func (c *customers) react(live *nats.Conn, msg *nats.Msg) {
	c.Helper()
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	c.check(err)
	event, err := schema.DecodeEvent(ce)
	if err != nil {
		return // a result, or a session message
	}
	switch e := event.(type) {
	case *schema.Message:
		if c.said[e.ChatID]++; c.said[e.ChatID] <= 2 {
			c.request(live, "chat.send", schema.ChatSend{ChatID: e.ChatID, Text: "It is 4711 & broken"})
		}
	case *schema.FormShow:
		c.request(live, "chat.form", schema.ChatForm{
			ChatID: e.ChatID, FormRequestID: e.FormRequestID, FormName: e.FormName, Data: json.RawMessage(`{"phone":"555-0100"}`),
		})
	}
}

// request runs a live command, which has to succeed, and returns its chat.
func (s *system) request(live *nats.Conn, command string, data any) (chat string) {
	s.Helper()
	body, err := json.Marshal(data)
	s.check(err)
	reply, err := live.Request("cc."+command, body, patience)
	s.check(err)
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	s.check(err)
	result, err := schema.DecodeResult(ce)
	s.check(err)
	if result.Status != schema.StatusOK {
		s.Fatalf("%s: %v", command, result.Error)
	}
	return result.ChatID
}

// trouble is what an analyst's input has to live with: an event that is too
// large for the bus, and messages that are no CloudEvents.
func (s *system) trouble() {
	s.Helper()
	chat := s.request(s.connect(permissions.CommanderLive), "chat.request", schema.ChatRequest{From: "Grace"})
	s.check(s.sim.Push(chat, map[string]any{
		"event": "chat_session_message", "party_id": "p1", "msg_id": "large", "msg": strings.Repeat("x", 100<<10),
	}))
	s.eventually("the large event is stored", func() bool {
		_, err := s.events().GetLastMsgForSubject(s.Context(), fmt.Sprintf("cc.chat.%s.event.message", chat))
		return err == nil
	})
	for i, content := range []string{"no JSON", `{"no":"CloudEvent"}`, `{"specversion":"1.0","id":"without a source"}`, "", `["list"]`} {
		for _, kind := range []string{"text/plain", "application/cloudevents+json"} {
			_, err := s.js.PublishMsg(s.Context(), &nats.Msg{
				Subject: fmt.Sprintf("cc.chat.foreign%d.event.message", i), Header: nats.Header{"Content-Type": {kind}}, Data: []byte(content),
			})
			s.check(err)
		}
	}
}
