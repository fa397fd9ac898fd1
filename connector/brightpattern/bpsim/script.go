package bpsim

import (
	"context"
	"errors"
	"fmt"
	"html"
	"maps"
	"slices"
	"strconv"
	"time"
)

// A script is what happens in a chat, told as a list of steps. The steps of
// the contact center run one after another; "hear" waits for the customer.
type script struct {
	talk  []step // from the beginning
	again []step // over and over after that
	after []step // when the customer has disconnected the conversation
}

type step func(*actor)

// role is someone who takes part on the contact center's side.
type role struct {
	first, last, display string
	kind                 string // scenario, external, internal
}

// actor plays the script of one chat.
type actor struct {
	server *Server
	chat   *chat
	ear    *ear
	ctx    context.Context
	ids    map[*role]string
	said   int    // messages, for their ids
	heard  fields // what the customer sent last
}

// Scripts lists the names that Options.Script may have.
func Scripts() []string { return slices.Sorted(maps.Keys(scripts)) }

func mustScript(name string) *script {
	found, known := scripts[name]
	if !known {
		panic(fmt.Sprintf("bpsim: no script is named %q", name))
	}
	return found
}

// start plays the script in a new chat. s.mu is held, so that Close waits.
func (s *Server) start(c *chat) {
	if sc := s.scriptOf(c); sc != nil {
		s.work.Add(1)
		s.enact(c, sc)
	}
}

// scriptOf is the one that the request names, or the one for all.
func (s *Server) scriptOf(c *chat) *script {
	if s.opt.ScriptParameter == "" {
		return s.script
	}
	parameters, _ := mustFields(c.request).get("parameters")
	if fs, err := parseFields(parameters); err == nil {
		if named, known := scripts[fs.text(s.opt.ScriptParameter)]; known {
			return named
		}
	}
	return s.script
}

// enact plays a script in a chat in which none is played. The caller has entered.
func (s *Server) enact(c *chat, sc *script) {
	a := &actor{server: s, chat: c, ear: newEar(), ids: map[*role]string{}}
	c.mu.Lock()
	c.ear = a.ear
	c.mu.Unlock()
	go a.run(sc)
}

// Play plays a script in an open chat in which none is played.
func (s *Server) Play(chat, name string) error {
	sc, known := scripts[name]
	if !known || sc == nil {
		return errors.New("script: there is none of this name")
	}
	c, err := s.find(chat)
	if err != nil {
		return err
	}
	if !s.enter() {
		return ErrOver
	}
	c.mu.Lock()
	over, playing := c.over, c.ear != nil
	if !over && !playing {
		c.ear = newEar() // nobody else begins one now
	}
	c.mu.Unlock()
	switch {
	case over:
		s.leave()
		return ErrOver
	case playing:
		s.leave()
		return errors.New("script: one is being played in this chat")
	}
	s.enact(c, sc)
	return nil
}

func (a *actor) run(sc *script) {
	defer a.server.leave()
	defer a.stopListening()
	a.ctx = a.chat.talk
	a.play(sc.talk)
	for len(sc.again) > 0 && a.ctx.Err() == nil {
		a.play(sc.again)
	}
	<-a.ctx.Done()
	a.ctx = a.chat.stage
	a.play(sc.after)
}

func (a *actor) play(steps []step) {
	for _, next := range steps {
		if a.ctx.Err() != nil {
			return
		}
		next(a)
	}
}

// emit pushes an event, unless the scene has ended meanwhile.
func (a *actor) emit(pairs ...any) {
	a.chat.mu.Lock()
	defer a.chat.mu.Unlock()
	if a.ctx.Err() == nil {
		a.chat.push(object(pairs...), a.server.opt.Now())
	}
}

func (a *actor) messageID() string {
	a.said++
	return strconv.Itoa(a.said - 1)
}

// ear queues what the customer sends; the chat's lock guards it.
type ear struct {
	heard []fields
	ring  chan struct{} // holds one
}

func newEar() *ear { return &ear{ring: make(chan struct{}, 1)} }

func (e *ear) hear(fs fields) {
	e.heard = append(e.heard, fs)
	select {
	case e.ring <- struct{}{}:
	default:
	}
}

func (a *actor) stopListening() {
	a.chat.mu.Lock()
	defer a.chat.mu.Unlock()
	a.chat.ear = nil
}

// nextHeard takes the oldest event of the kind and drops those before it.
func (a *actor) nextHeard(kind string) (fields, bool) {
	a.chat.mu.Lock()
	defer a.chat.mu.Unlock()
	for len(a.ear.heard) > 0 {
		fs := a.ear.heard[0]
		a.ear.heard = a.ear.heard[1:]
		if fs.text("event") == kind {
			return fs, true
		}
	}
	return nil, false
}

// The steps.

func pause(d time.Duration) step {
	return func(a *actor) {
		scaled := time.Duration(float64(d) * a.server.opt.Pace)
		if scaled <= 0 {
			return
		}
		timer := time.NewTimer(scaled)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-a.ctx.Done():
		}
	}
}

// hear waits for an event of the customer.
func hear(kind string) step {
	return func(a *actor) {
		for {
			if fs, there := a.nextHeard(kind); there {
				a.heard = fs
				return
			}
			select {
			case <-a.ear.ring:
			case <-a.ctx.Done():
				return
			}
		}
	}
}

func status(state string, wait any) step {
	return func(a *actor) { a.emit("event", kindStatus, "state", state, "ewt", wait) }
}

func joins(r *role) step {
	return func(a *actor) {
		a.ids[r] = a.server.newID()
		a.emit("event", kindJoined, "party_id", a.ids[r], "first_name", r.first, "last_name", r.last,
			"display_name", r.display, "type", r.kind)
	}
}

func says(r *role, text string) step {
	return func(a *actor) {
		a.emit("event", kindMessage, "party_id", a.ids[r], "msg_id", a.messageID(),
			"msg", html.EscapeString(text), "msg_text", text)
	}
}

// echoes says what was heard, in the same words.
func echoes(r *role) step {
	return func(a *actor) {
		pairs := []any{"event", kindMessage, "party_id", a.ids[r], "msg_id", a.messageID()}
		for _, key := range []string{"msg", "msg_text"} {
			if value, there := a.heard.get(key); there {
				pairs = append(pairs, key, value)
			}
		}
		a.emit(pairs...)
	}
}

// receives acknowledges what was heard, delivery by ref_msg_id and reading by
// msg_id: servers do either.
func receives(r *role) step {
	return func(a *actor) {
		a.emit("event", kindMessage+"_delivered", "party_id", a.ids[r], "ref_msg_id", a.heard.text("msg_id"))
	}
}

func reads(r *role) step {
	return func(a *actor) {
		a.emit("event", kindMessage+"_read", "party_id", a.ids[r], "msg_id", a.heard.text("msg_id"))
	}
}

// types shows the role typing for a while.
func types(r *role, d time.Duration) step {
	return func(a *actor) {
		a.emit("event", "chat_session_typing", "party_id", a.ids[r])
		pause(d)(a)
		a.emit("event", "chat_session_not_typing", "party_id", a.ids[r])
	}
}

func setsCase() step {
	return func(a *actor) { a.emit("event", kindCaseSet, "case_id", a.server.newID()) }
}

// showsForm gives the request id as a number: both spellings occur.
func showsForm(name string, requestID int) step {
	return func(a *actor) {
		a.emit("event", "chat_session_form_show", "form_request_id", requestID, "form_name", name, "form_timeout", 300)
	}
}

func sendsFile(r *role, name, kind, content string) step {
	return func(a *actor) {
		id := a.server.newID()
		a.server.files.put(id, storedFile{kind, []byte(content)})
		a.emit("event", "chat_session_file", "party_id", a.ids[r], "msg_id", a.messageID(),
			"file_id", id, "file_name", name, "file_type", "attachment")
	}
}

func ends() step { return func(a *actor) { a.emit("event", kindEnded) } }
