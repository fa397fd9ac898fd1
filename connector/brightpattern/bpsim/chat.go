package bpsim

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// chat is one session. Its lock comes after that of the Server.
type chat struct {
	id      string
	app     string
	client  string
	ordinal int // among the chats of this server: what alternates, alternates by it
	request json.RawMessage
	phone   string
	created time.Time
	uneven  bool
	changed func() // tells those who wait for a change

	mu      sync.Mutex
	state   string
	caseID  string
	parties []party
	log     []*entry // all events, in the order in which they happened
	pending []*entry // the server events not given away yet
	ended   time.Time
	over    bool // the session has ended; its history may still be read
	gone    bool // forgotten: every call answers 5005

	polls         pollCount
	holder        *poll // the poll that may be given events
	latest        *poll // that was not refused
	idleAnswers   int
	calls         map[string]int
	notifications string

	quiet  quietTimer
	linger *time.Timer // ends a session whose end was announced
	expiry *time.Timer // forgets an ended session

	ear *ear // of the script that listens to the customer, if any

	stage, talk         context.Context // of the script: the session, the conversation
	stopStage, stopTalk context.CancelFunc
	onOver              func(*chat)            // called with the lock held
	onAnnounced         func(*chat, time.Time) // and so is this
}

type party struct {
	id    string
	agent bool
	left  bool
}

// push adds a server event and lets it take its effect. c.mu is held.
func (c *chat) push(fs fields, at time.Time) {
	_, ownTime := fs.get("timestamp")
	fs = timestamped(fs, at)
	e := &entry{raw: fs.encode(), kind: fs.text("event"), made: at, ownTime: ownTime, fate: Pending}
	if c.uneven {
		e.raw, e.whole = sparse(fs, len(c.log)).encode(), fs
	}
	c.log = append(c.log, e)
	c.pending = append(c.pending, e)
	if effect := serverEffects[e.kind]; effect != nil {
		effect(c, fs, at)
	}
	c.wake()
	c.changed()
}

// serverEffects are what the simulator must know of its own events.
var serverEffects = map[string]func(*chat, fields, time.Time){
	kindStatus:          (*chat).statusPushed,
	kindCaseSet:         (*chat).casePushed,
	kindJoined:          (*chat).joinedPushed,
	kindLeft:            (*chat).leftPushed,
	kindEnded:           (*chat).endPushed,
	kindTimeout:         (*chat).endPushed,
	kindTimeoutMisspelt: (*chat).endPushed,
}

func (c *chat) statusPushed(fs fields, at time.Time) {
	c.state = orDefault(fs.text("state"), c.state)
	if c.state == "failed" || c.state == "completed" {
		c.onAnnounced(c, at)
	}
}

func (c *chat) casePushed(fs fields, _ time.Time) { c.caseID = fs.text("case_id") }

func (c *chat) joinedPushed(fs fields, _ time.Time) {
	c.parties = append(c.parties, party{id: fs.text("party_id"), agent: fs.text("type") == "internal"})
}

func (c *chat) leftPushed(fs fields, _ time.Time) {
	for i := range c.parties {
		if c.parties[i].id == fs.text("party_id") {
			c.parties[i].left = true
		}
	}
}

func (c *chat) endPushed(_ fields, at time.Time) {
	c.state = "completed"
	c.finish(at)
}

// finish ends the session. c.mu is held.
func (c *chat) finish(at time.Time) {
	if c.over {
		return
	}
	c.over, c.ended = true, at
	c.quiet.stop()
	c.stopStage()
	c.onOver(c)
}

// forget drops the session with its history; its record stays. False: it was
// forgotten before.
func (c *chat) forget(at time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return false
	}
	c.gone = true
	c.finish(at)
	c.stopTimersHeld()
	c.wake()
	c.changed()
	return true
}

// agentsLeave announces that everyone who works here has left. c.mu is held.
func (c *chat) agentsLeave(at time.Time) {
	for _, p := range c.parties {
		if p.agent && !p.left {
			c.push(object("event", kindLeft, "party_id", p.id), at)
		}
	}
}

func (c *chat) hasAgent(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.parties {
		if p.id == id && p.agent {
			return true
		}
	}
	return false
}

func (c *chat) count(method string) {
	c.mu.Lock()
	c.calls[method]++
	c.mu.Unlock()
}

func (c *chat) currentCase() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caseID
}

// object builds an event out of keys and values.
func object(pairs ...any) fields {
	fs := make(fields, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		fs = append(fs, field{pairs[i].(string), encode(pairs[i+1])})
	}
	return fs
}
