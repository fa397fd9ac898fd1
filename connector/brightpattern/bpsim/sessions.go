package bpsim

import (
	"context"
	"encoding/json"
	"time"
)

var requestRules = []rule{
	must("parameters", check{"must be an object of strings, user_platform an object", areParameters}),
	may("phone_number", aString), may("from", aString),
}

func areParameters(raw json.RawMessage) bool {
	fs, err := parseFields(raw)
	if err != nil {
		return false
	}
	for _, f := range fs {
		platform := f.key == "user_platform" && isObject(f.value)
		if !platform && !isString(f.value) {
			return false
		}
	}
	return true
}

// requestChat gives a client its active chat, making it if there is none.
func (s *Server) requestChat(c *call) answer {
	found, isNew := s.chatOf(c)
	if found == nil {
		return internalError.answer()
	}
	c.chat = found
	out := found.describe(found.ordinal)
	out["is_new_chat"] = isNew
	return ok(out)
}

func (s *Server) active(c *call) answer { return ok(c.chat.describe(c.chat.ordinal + 1)) }

func (c *chat) describe(spelling int) map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]any{"chat_id": c.id, "state": c.state}
	if c.phone != "" {
		out["phone_number"] = c.phone
	}
	addWait(out, spelling)
	return out
}

// addWait spells an estimated wait in one of the ways that occur.
func addWait(out map[string]any, spelling int) {
	switch spelling % 4 {
	case 0:
		out["ewt"] = "12"
	case 1:
		out["ewt"] = 12
	case 2:
		out["ewt"] = ""
	}
}

func (s *Server) chatOf(c *call) (found *chat, isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.byClient[c.client]; last != nil && last.serves(openChat) {
		return last, false
	}
	if s.closed {
		return nil, false
	}
	made := s.newChat(c)
	if s.chats[made.id] != nil { // Options.IDs gave one twice
		return nil, false
	}
	s.made++
	s.chats[made.id], s.byClient[c.client] = made, made
	s.watchQuiet(made)
	s.start(made)
	return made, true
}

func (s *Server) newChat(c *call) *chat {
	stage, stopStage := context.WithCancel(s.ctx)
	talk, stopTalk := context.WithCancel(stage)
	made := &chat{
		id: s.newID(), app: c.app, client: c.client, ordinal: s.made,
		request: c.json.encode(), phone: c.json.text("phone_number"),
		created: s.opt.Now(), uneven: s.opt.Uneven, changed: s.changed, state: "queued", calls: map[string]int{},
		stage: stage, talk: talk, stopStage: stopStage, stopTalk: stopTalk,
	}
	made.onOver, made.onAnnounced = s.keepForAWhile, s.lingerOn
	return made
}

// lingerOn ends a session Options.Linger after its end was announced first.
// c.mu is held.
func (s *Server) lingerOn(c *chat, at time.Time) {
	switch {
	case s.opt.Linger <= 0:
		c.finish(at)
	case c.linger == nil && s.ctx.Err() == nil:
		c.linger = time.AfterFunc(s.opt.Linger, func() { s.endLingering(c) })
	}
}

func (s *Server) endLingering(c *chat) {
	if !s.enter() {
		return
	}
	defer s.leave()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish(s.opt.Now())
	c.wake()
	c.changed()
}

// keepForAWhile forgets an ended chat after Options.KeepEnded. c.mu is held.
func (s *Server) keepForAWhile(c *chat) {
	if s.opt.KeepEnded > 0 && s.ctx.Err() == nil {
		c.expiry = time.AfterFunc(s.opt.KeepEnded, func() { s.expire(c) })
	}
}

func (s *Server) expire(c *chat) {
	if !s.enter() {
		return
	}
	defer s.leave()
	s.forget(c)
}

// keptRecords bounds what a simulator that runs for weeks remembers of the
// sessions that it has forgotten.
const keptRecords = 50_000

func (s *Server) forget(c *chat) {
	if !c.forget(s.opt.Now()) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byClient[c.client] == c {
		delete(s.byClient, c.client)
	}
	s.forgotten = append(s.forgotten, c)
	if len(s.forgotten) > keptRecords {
		s.dropOldestRecord()
	}
}

// dropOldestRecord: s.mu is held.
func (s *Server) dropOldestRecord() {
	oldest := s.forgotten[0]
	s.forgotten = s.forgotten[1:]
	delete(s.chats, oldest.id)
}

func (c *chat) stopTimers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopTimersHeld()
}

// stopTimersHeld: c.mu is held.
func (c *chat) stopTimersHeld() {
	c.quiet.stop()
	for _, timer := range []*time.Timer{c.linger, c.expiry} {
		if timer != nil {
			timer.Stop()
		}
	}
}
