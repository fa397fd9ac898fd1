package bpsim

import (
	"encoding/json"
	"maps"
	"time"
)

// ChatInfo is one line of the list of chats.
type ChatInfo struct {
	ID       string    `json:"id"`
	AppID    string    `json:"appId"`
	ClientID string    `json:"clientId"`
	State    string    `json:"state"` // as on the wire: queued, connected, …
	CaseID   string    `json:"caseId,omitempty"`
	Created  time.Time `json:"created"`
	Ended    time.Time `json:"ended,omitzero"`     // zero: the session is not over
	Gone     bool      `json:"forgotten,omitzero"` // every call answers 5005
	Pending  int       `json:"pending"`            // server events not yet given away
}

// Fate is what became of a server event. Every event has exactly one.
type Fate string

// The fates.
const (
	Pending     Fate = "pending" // not given away (in a forgotten chat: never)
	GivenByPoll Fate = "poll"    // given away in the answer to a poll
	GivenBySend Fate = "send"    // given away in the answer to a send
	LostByFault Fate = "lost"    // given away in an answer that a fault destroyed
)

// ServerEvent is one server event with what became of it.
type ServerEvent struct {
	Event json.RawMessage `json:"event"` // as polls give it
	Made  time.Time       `json:"made"`
	Fate  Fate            `json:"fate"`
	Given time.Time       `json:"given,omitzero"`
	// Written: the answer was written whole to a connection that still looked
	// open. It is set a moment after the client can have read the answer. An
	// event given away and not written was lost with its client.
	Written bool `json:"written"`
}

// ClientEvent is one client event, as it came. The data of a secure form is
// taken out of it.
type ClientEvent struct {
	Event    json.RawMessage `json:"event"`
	Received time.Time       `json:"received"`
}

// Record is the simulator's own account of a chat. It outlives Forget.
type Record struct {
	Chat    ChatInfo        `json:"chat"`
	Request json.RawMessage `json:"request"` // the body of the Request Chat that made it
	Server  []ServerEvent   `json:"server"`  // in the order in which they were made
	Client  []ClientEvent   `json:"client"`  // in the order in which they came
	Polls   int             `json:"polls"`   // begun, refused ones (5509) included
	// MostPolls is the most polls that were under way at once, refused ones
	// included, those without a client not: 1 for a well-behaved client.
	MostPolls int `json:"mostPolls"`
	Refused   int `json:"refusedPolls"` // polls refused with 5509
	Held      int `json:"heldPolls"`    // polls under way now whose client is there
	// Calls counts by method the calls on this chat that were carried out,
	// whether or not their answer arrived. Refused ones are not counted.
	Calls map[string]int `json:"calls"`
	// Notifications is what push notifications are subscribed with: apns,
	// firebase-ios, firebase-android or empty.
	Notifications string `json:"notifications,omitempty"`
}

// info is called with c.mu held.
func (c *chat) info() ChatInfo {
	return ChatInfo{
		ID: c.id, AppID: c.app, ClientID: c.client, State: c.state, CaseID: c.caseID,
		Created: c.created, Ended: c.ended, Gone: c.gone, Pending: len(c.pending),
	}
}

func (c *chat) record() Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Record{
		Chat: c.info(), Request: c.request, Notifications: c.notifications, Calls: maps.Clone(c.calls),
		Polls: c.polls.begun, MostPolls: c.polls.most, Refused: c.polls.refused, Held: c.polls.now,
		Server: []ServerEvent{}, Client: []ClientEvent{},
	}
	for _, e := range c.log {
		if e.client {
			r.Client = append(r.Client, e.publicClient())
		} else {
			r.Server = append(r.Server, e.public())
		}
	}
	return r
}
