package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// # The account
//
// Three witnesses tell what happened in a storm: the contact center's own
// record, everything that ever stood in CC_EVENTS, and the customers, who know
// what they sent and what was answered. The account compares them and lists
// every difference from what is promised. It knows nothing of how the
// connector works; in particular it tells events apart in its own way.

// ledger is what the witnesses say.
type ledger struct {
	center   map[string]bpsim.Record // by chat id
	stored   []storedMessage         // in the order of the stream
	sent     []*sentCommand          // each sender's in the order of sending
	troubles []trouble
	missed   []string // of the stream, by its witness
	// The witness cannot see every answer that a replica may have lost, such as
	// of a call that it cut itself. So of a storm, a warning of signaling that
	// seems to be without a reason is a figure, and no difference.
	storm bool
}

// storedMessage is one message of CC_EVENTS: an event, a session message or a result.
type storedMessage struct {
	chat     string // "" of a result that is on no known chat
	at       time.Time
	position uint64 // in the stream
	id       string // of the CloudEvent
	sequence uint64 // 0 of a result
	origin   string // of an event
	cause    string // of a result: the command's id
	event    *brightpattern.Event
	session  schema.Session
	result   *schema.Result
}

// trouble is a time in which an answer of the contact center may have been lost.
type trouble struct {
	chat     string // "": any
	history  bool   // it is the history that could not be had
	from, to time.Time
}

// difference is a way in which a promise can be broken.
type difference string

const (
	eventLost       difference = "events lost outside of any session.gap"
	eventDoubled    difference = "events doubled"
	eventInvented   difference = "events that the contact center never made"
	eventDisordered difference = "events out of order"
	sequenceBroken  difference = "breaks of sequence"
	idTwice         difference = "CloudEvent ids used twice"
	gapGroundless   difference = "gaps without a possible loss"
	trailBroken     difference = "session messages that cannot follow each other"
	streamMissed    difference = "messages that the stream's witness missed"

	resultMissing  difference = "commands without a result"
	resultDoubled  difference = "commands with several results"
	resultAlien    difference = "results of no command"
	resultUntrue   difference = "results that say something else than the reply or the contact center"
	sentTwice      difference = "messages sent twice"
	sentDisordered difference = "messages sent out of order"
	numberTwice    difference = "message numbers given twice"
	numberSkipped  difference = "message numbers skipped without reason"
)

// account is the outcome: figures, and what is wrong.
type account struct {
	chats, events, recovered, excused, gaps int
	alarms                                  int // of gaps, those of a storm that seem to be without a reason
	commands, results                       int
	storm                                   bool
	wrong                                   map[difference][]string
}

func (a *account) note(d difference, format string, args ...any) {
	a.wrong[d] = append(a.wrong[d], fmt.Sprintf(format, args...))
}

const shownMost = 5

// String gives the figures, then each kind of difference with its first cases.
func (a *account) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d chats, %d events (%d from histories), %d gaps (%d of them perhaps false alarms), %d events excusably lost, %d commands, %d results",
		a.chats, a.events, a.recovered, a.gaps, a.alarms, a.excused, a.commands, a.results)
	for _, d := range slices.Sorted(maps.Keys(a.wrong)) {
		cases := a.wrong[d]
		fmt.Fprintf(&s, "\n%d %s:\n\t%s", len(cases), d, strings.Join(cases[:min(shownMost, len(cases))], "\n\t"))
	}
	return s.String()
}

// audit compares everything.
func audit(l *ledger) *account {
	a := &account{wrong: make(map[difference][]string), storm: l.storm}
	for _, what := range l.missed {
		a.note(streamMissed, "%s", what)
	}
	byChat := make(map[string][]storedMessage)
	for _, m := range l.stored {
		byChat[m.chat] = append(byChat[m.chat], m)
	}
	for _, chat := range slices.Sorted(maps.Keys(byChat)) {
		if record, there := l.center[chat]; there {
			a.auditChat(record, byChat[chat], l.troubles)
		}
	}
	a.auditIDs(l.stored)
	a.auditCommands(l)
	return a
}

// auditIDs: the id of an event or session message is unique in its chat, that of a result anywhere.
func (a *account) auditIDs(stored []storedMessage) {
	seen := make(map[string]bool)
	for _, m := range stored {
		if seen[m.id] {
			a.note(idTwice, "%s of chat %s", m.id, m.chat)
		}
		seen[m.id] = true
	}
}

func (a *account) auditChat(record bpsim.Record, stored []storedMessage, troubles []trouble) {
	c := newChatAccount(a, record, stored)
	if len(c.told) == 0 && len(c.trail) == 0 {
		return // results alone: the connector does not know the chat
	}
	a.chats++
	c.auditSequence(stored)
	c.auditTrail()
	c.auditEvents()
	c.auditOrder()
	c.auditGaps(troubles)
}

// chatAccount compares the events of one chat.
type chatAccount struct {
	*account
	id    string
	made  []madeEvent
	alike map[string][]int // made events by what makes them differ, in the order in which they were made
	told  []storedMessage  // events
	trail []storedMessage  // events and session messages
	gaps  []*schema.SessionGap
}

type madeEvent struct {
	brightpattern.Event
	at   time.Time
	fate bpsim.Fate
	// given is when an answer took it away: the events of one answer share it.
	given time.Time
}

func newChatAccount(a *account, record bpsim.Record, stored []storedMessage) *chatAccount {
	c := &chatAccount{account: a, id: record.Chat.ID, alike: make(map[string][]int)}
	for i, e := range record.Server {
		event := brightpattern.ParseEvent(e.Event)
		c.made = append(c.made, madeEvent{event, e.Made, e.Fate, e.Given})
		c.alike[traits(event)] = append(c.alike[traits(event)], i)
	}
	for _, m := range stored {
		if gap, isGap := m.session.(*schema.SessionGap); isGap {
			c.gaps = append(c.gaps, gap)
		}
		if m.event != nil {
			c.told = append(c.told, m)
		}
		if m.event != nil || m.session != nil {
			c.trail = append(c.trail, m)
		}
	}
	return c
}

// traits is what makes two events differ that one side may have spelt otherwise.
func traits(e brightpattern.Event) string {
	second := ""
	if !e.Time.IsZero() {
		second = fmt.Sprint(e.Time.Unix())
	}
	caseID := brightpattern.CaseID("-")
	if e.CaseID != nil {
		caseID = *e.CaseID
	}
	return fmt.Sprintf("%s at %s of %q: message %q to %q, text %q, state %q, case %q, data %s",
		e.Name, second, e.PartyID, e.MessageID, e.RefMessageID, e.HTML, e.State, caseID, e.Data)
}

func (c *chatAccount) auditSequence(stored []storedMessage) {
	next := uint64(1)
	for _, m := range stored {
		if m.result != nil {
			continue
		}
		if m.sequence != next {
			c.note(sequenceBroken, "chat %s has %d where %d should be", c.id, m.sequence, next)
		}
		next = m.sequence + 1
	}
}

// auditTrail: opened comes first and again only after closed, after which nothing else comes.
func (c *chatAccount) auditTrail() {
	open := false
	for _, m := range c.trail {
		name := "event"
		if m.session != nil {
			name = m.session.SessionName()
		}
		if open == (name == "opened") {
			c.note(trailBroken, "chat %s has %s as number %d while open is %t", c.id, name, m.sequence, open)
		}
		open = name != "closed"
	}
}

// auditEvents counts: as many as were given away must be told, and no more than were made.
func (c *chatAccount) auditEvents() {
	told := make(map[string]int)
	for _, m := range c.told {
		c.events++
		if m.origin == schema.OriginHistory {
			c.recovered++
		}
		told[traits(*m.event)]++
	}
	for what, n := range told {
		switch made := len(c.alike[what]); {
		case made == 0:
			c.note(eventInvented, "chat %s: %s", c.id, what)
		case n > made:
			c.note(eventDoubled, "chat %s: %d for %d of %s", c.id, n, made, what)
		}
	}
	for what, made := range c.alike {
		c.auditMissing(what, made, told[what])
	}
}

func (c *chatAccount) auditMissing(what string, made []int, told int) {
	missing := len(made) - told
	if missing <= 0 {
		return
	}
	kept, excused := 0, 0
	for _, i := range made {
		switch e := c.made[i]; {
		case e.fate == bpsim.Pending: // it was never given away
			kept++
		case c.isInGap(e), c.isUnheardOf(i):
			excused++
		}
	}
	missing = max(0, missing-kept)
	excused = min(missing, excused)
	c.excused += excused
	for range missing - excused {
		last := c.made[made[len(made)-1]]
		c.note(eventLost, "chat %s: %s (made %v, given %v, fate %s)", c.id, what, clock(last.at), clock(last.given), last.fate)
	}
}

// isUnheardOf excuses the loss of a chat's first signaling: the connector does
// not know of it, and must not tell of a gap in a chat that has had none.
func (c *chatAccount) isUnheardOf(made int) bool {
	if c.made[made].Name != brightpattern.EventSignaling {
		return false
	}
	return !slices.ContainsFunc(c.told, func(m storedMessage) bool {
		return m.event.Name == brightpattern.EventSignaling && slices.Min(append(c.alike[traits(*m.event)], made)) < made
	})
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }

func (c *chatAccount) isInGap(e madeEvent) bool {
	return slices.ContainsFunc(c.gaps, func(gap *schema.SessionGap) bool {
		return covers(gap, e.at) && (gap.Reason != schema.GapSignaling || e.Name == brightpattern.EventSignaling)
	})
}

func covers(gap *schema.SessionGap, at time.Time) bool {
	return !at.Before(gapFrom(gap)) && at.Before(gapTo(gap))
}

// gapTo knows that gaps are told in whole milliseconds, cut off.
func gapTo(gap *schema.SessionGap) time.Time { return gap.To.Add(time.Millisecond) }

func gapFrom(gap *schema.SessionGap) time.Time {
	if gap.From == nil {
		return time.Time{}
	}
	return gap.From.Time
}

// auditOrder looks at the events that are like no other one. Those that polls
// gave come in the order in which they were made, and so do those of one
// answer to a send, and those that histories gave back: a stable sort by time
// restores their order. What was lost may be told late, among younger ones;
// but no poll tells what a history should have told before: all but signaling.
func (c *chatAccount) auditOrder() {
	latest := make(map[string]int) // the youngest that was told, by where it came from
	for _, m := range c.told {
		alike := c.alike[traits(*m.event)]
		if len(alike) != 1 {
			continue
		}
		i, from := alike[0], m.origin
		if from == schema.OriginHistory && c.isBeforeAllTimes(i) {
			continue
		}
		if from == schema.OriginSend {
			from += clock(c.made[i].given)
		}
		limit := latest[from]
		if from == schema.OriginPoll && m.event.Name != brightpattern.EventSignaling {
			limit = max(limit, latest[schema.OriginHistory])
		}
		if i+1 <= limit {
			c.note(eventDisordered, "chat %s: number %d (from %s) is event %d (%s), but event %d was told before", c.id, m.sequence, m.origin, i, m.event.Raw, limit-1)
		}
		latest[from] = max(latest[from], i+1)
	}
}

// isBeforeAllTimes tells of an event without a time whose predecessors have
// none, either: nothing in a history says where it belongs.
func (c *chatAccount) isBeforeAllTimes(i int) bool {
	return !slices.ContainsFunc(c.made[:i+1], func(e madeEvent) bool { return !e.Time.IsZero() })
}

// auditGaps: there is none where nothing can have been lost.
func (c *chatAccount) auditGaps(troubles []trouble) {
	for _, gap := range c.gaps {
		c.account.gaps++
		why := c.objection(gap, troubles)
		switch {
		case why != "" && c.account.storm && gap.Reason == schema.GapSignaling:
			c.account.alarms++
		case why != "":
			c.note(gapGroundless, "chat %s: %s from %v to %v: %s", c.id, gap.Reason, clock(gapFrom(gap)), clock(gap.To.Time), why)
		}
	}
}

func (c *chatAccount) objection(gap *schema.SessionGap, troubles []trouble) string {
	answers, history := false, false
	for _, t := range troubles {
		if (t.chat == "" || t.chat == c.id) && !t.to.Before(gapFrom(gap)) && t.from.Before(gapTo(gap)) {
			answers = answers || !t.history
			history = history || t.history
		}
	}
	switch {
	case !answers:
		return "no answer can have been lost"
	case gap.Reason != schema.GapSignaling && !history:
		return "the history was there"
	case gap.Reason == schema.GapSignaling && !c.hadSignaling(gapTo(gap)):
		return "the chat had no signaling"
	}
	return ""
}

func (c *chatAccount) hadSignaling(before time.Time) bool {
	return slices.ContainsFunc(c.made, func(e madeEvent) bool {
		return e.Name == brightpattern.EventSignaling && e.at.Before(before)
	})
}
