package bpsim

import (
	"encoding/json"
	"strconv"
	"time"
)

var sendRules = []rule{must("events", anArray)}

// send takes all events of the request or, if one is wrong, none.
func (s *Server) send(c *call) answer {
	events, refused := s.readSend(c)
	if refused != nil {
		return refused.answer()
	}
	c.chat.mu.Lock()
	defer c.chat.mu.Unlock()
	now := s.opt.Now() // under the lock, so that times are in the order of events
	if c.chat.over {
		return noSession.answer()
	}
	for _, fs := range events {
		c.chat.receive(fs, now)
	}
	if s.opt.AnswerSends && len(c.chat.pending) > 0 {
		return c.chat.giveAway(GivenBySend, now)
	}
	return empty()
}

func (s *Server) readSend(c *call) ([]fields, *refusal) {
	raw, _ := c.json.get("events")
	items, _ := parseArray(raw)
	events := make([]fields, len(items))
	for i, item := range items {
		fs, refused := s.readClientEvent(item, c.chat.id)
		if refused != nil {
			refused.message = "events[" + strconv.Itoa(i) + "]: " + refused.message
			return nil, refused
		}
		events[i] = fs
	}
	return events, nil
}

func (s *Server) readClientEvent(raw json.RawMessage, chat string) (fields, *refusal) {
	fs, err := parseFields(raw)
	if err != nil {
		return nil, badRequest("must be an object")
	}
	if wrong := checkClientEvent(fs, chat); wrong != "" {
		return nil, badRequest(wrong)
	}
	if id := fs.text("file_id"); id != "" && !s.files.has(id) {
		return nil, &refusal{noFile.status, noFile.code, noFile.message}
	}
	return fs, nil
}

// receive takes a client event in. c.mu is held.
func (c *chat) receive(fs fields, now time.Time) {
	kind := fs.text("event")
	c.log = append(c.log, &entry{raw: fs.encode(), kind: kind, made: now, client: true})
	c.active()
	c.changed()
	if c.ear != nil {
		c.ear.hear(fs)
	}
	switch {
	case c.over: // ended by an event before it in the same request
	case kind == kindDisconnect:
		c.stopTalk()
		c.agentsLeave(now)
	case kind == kindEnd:
		c.push(object("event", kindEnded), now)
	}
}
