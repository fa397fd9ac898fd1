package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/console"
)

// agent is who works in the simulated contact center.
type agent struct {
	sim  *bpsim.Server
	said atomic.Int64 // messages and forms, for their ids
}

const (
	agentID        = "agent"
	agentName      = "Alex"
	transcriptMost = 200
	floodMost      = 10_000
	eventPrefix    = "chat_session_"
)

// words is what an action may be given.
type words struct {
	Text    string `json:"text"`
	Name    string `json:"name"`
	CaseID  string `json:"caseId"`
	Timeout int    `json:"timeout"`
	Events  int    `json:"events"`
	On      *bool  `json:"on"`
}

// wireEvent is one of the contact center's.
type wireEvent map[string]any

// actions are the events that each brings about.
var actions = map[string]func(*agent, string, words) error{
	"accept": func(a *agent, chat string, _ words) error {
		return a.push(chat,
			wireEvent{"event": "party_joined", "party_id": agentID, "first_name": agentName, "last_name": "", "display_name": agentName, "type": "internal"},
			wireEvent{"event": "status", "state": "connected", "ewt": ""})
	},
	"typing": func(a *agent, chat string, w words) error {
		if w.On != nil && !*w.On {
			return a.push(chat, wireEvent{"event": "not_typing", "party_id": agentID})
		}
		return a.push(chat, wireEvent{"event": "typing", "party_id": agentID})
	},
	"message": func(a *agent, chat string, w words) error {
		return a.say(chat, w.Text)
	},
	"form": func(a *agent, chat string, w words) error {
		if w.Timeout <= 0 {
			w.Timeout = 300
		}
		return a.push(chat, wireEvent{"event": "form_show", "form_request_id": a.nextID(), "form_name": w.Name, "form_timeout": w.Timeout})
	},
	"secureform": func(a *agent, chat string, w words) error {
		return a.push(chat, wireEvent{"event": "secure_form_show", "form_request_id": a.nextID(), "form_id": w.Name})
	},
	"case": func(a *agent, chat string, w words) error {
		if w.CaseID == "" {
			w.CaseID = uuid.NewString()
		}
		return a.sim.SetCase(chat, w.CaseID)
	},
	"leave": func(a *agent, chat string, _ words) error {
		return a.push(chat, wireEvent{"event": "party_left", "party_id": agentID, "type": "internal"})
	},
	"end":    func(a *agent, chat string, _ words) error { return a.sim.End(chat) },
	"script": func(a *agent, chat string, w words) error { return a.sim.Play(chat, w.Name) },
	"flow":   (*agent).flood,
}

// say is a message in plain text.
func (a *agent) say(chat, text string) error {
	return a.push(chat, wireEvent{"event": "message", "party_id": agentID, "msg_id": a.nextID(), "msg": html.EscapeString(text), "msg_text": text})
}

func (a *agent) nextID() string { return strconv.FormatInt(a.said.Add(1), 10) }

func (a *agent) push(chat string, events ...wireEvent) error {
	for _, e := range events {
		e["event"] = eventPrefix + fmt.Sprint(e["event"])
		if err := a.sim.Push(chat, e); err != nil {
			return err
		}
	}
	return nil
}

// flood says much at once.
func (a *agent) flood(chat string, w words) error {
	if w.Events < 1 || w.Events > floodMost {
		return fmt.Errorf("events: must be 1 to %d", floodMost)
	}
	for i := range w.Events {
		if err := a.say(chat, "This is message "+strconv.Itoa(i+1)+" of many."); err != nil {
			return err
		}
	}
	return nil
}

// Act does one of the actions.
func (a *agent) Act(chat, action string, data json.RawMessage) error {
	act, known := actions[action]
	if !known {
		return console.ErrUnknown
	}
	var w words
	if len(data) > 0 && json.Unmarshal(data, &w) != nil {
		return errors.Join(console.ErrUnfit, errors.New("the body is not the JSON that is wanted"))
	}
	return unfit(act(a, chat, w))
}

// SendFile sends a file as the agent.
func (a *agent) SendFile(chat, name, contentType string, content []byte) error {
	_, err := a.sim.SendFile(chat, bpsim.File{Name: name, Kind: contentType, Party: agentID, Content: content})
	return unfit(err)
}

func unfit(err error) error {
	switch {
	case errors.Is(err, bpsim.ErrUnknownChat):
		return errors.Join(console.ErrUnknown, err)
	case err != nil:
		return errors.Join(console.ErrUnfit, err)
	}
	return nil
}

// Scripts are those that can be played.
func (a *agent) Scripts() (all []string) {
	for _, name := range bpsim.Scripts() {
		if name != "none" {
			all = append(all, name)
		}
	}
	return all
}

// Chats are all that the contact center has not forgotten, the latest first.
func (a *agent) Chats() (all []console.AgentChat) {
	infos := a.sim.Chats()
	for i := len(infos) - 1; i >= 0; i-- {
		if infos[i].Gone {
			continue
		}
		if record, err := a.sim.Record(infos[i].ID); err == nil {
			all = append(all, agentChat(record))
		}
	}
	return all
}

func agentChat(r bpsim.Record) console.AgentChat {
	c := console.AgentChat{Chat: r.Chat.ID, State: "waiting", Customer: customerOf(r), WaitingSince: r.Chat.Created}
	switch {
	case !r.Chat.Ended.IsZero():
		c.State = "ended"
	case r.Chat.State == "connected":
		c.State = "active"
	}
	for _, e := range r.Server {
		c.Transcript = append(c.Transcript, line("", e.Event, e.Made))
	}
	for _, e := range r.Client {
		c.Transcript = append(c.Transcript, line("customer", e.Event, e.Received))
		if f, is := formOf(e.Event); is {
			c.Forms = append(c.Forms, f)
		}
	}
	slices.SortStableFunc(c.Transcript, func(a, b console.Line) int { return a.At.Compare(b.At) })
	if more := len(c.Transcript) - transcriptMost; more > 0 {
		c.Transcript = c.Transcript[more:]
	}
	return c
}

// customerOf is the name that was given with the request.
func customerOf(r bpsim.Record) string {
	var request struct {
		From string `json:"from"`
	}
	_ = json.Unmarshal(r.Request, &request) // then there is none
	return request.From
}

// seen are the fields of an event that people look at.
type seen struct {
	Event    string          `json:"event"`
	Party    string          `json:"party_id"`
	Text     *string         `json:"msg_text"`
	HTML     string          `json:"msg"`
	File     string          `json:"file_name"`
	State    string          `json:"state"`
	Who      string          `json:"display_name"`
	Form     string          `json:"form_name"`
	FormID   any             `json:"form_request_id"`
	Data     json.RawMessage `json:"data"`
	Case     string          `json:"case_id"`
	Page     string          `json:"page"`
	Location string          `json:"url"`
}

func read(raw json.RawMessage) (s seen) {
	_ = json.Unmarshal(raw, &s) // what can be read of it
	return s
}

func line(from string, raw json.RawMessage, at time.Time) console.Line {
	s := read(raw)
	l := console.Line{From: from, Name: strings.TrimPrefix(s.Event, eventPrefix), At: at, Text: s.said()}
	if from == "" {
		l.From = "system"
		if s.Party != "" && l.Name != "party_joined" && l.Name != "party_left" {
			l.From = "agent"
		}
	}
	return l
}

func (s seen) said() string {
	if s.Text != nil {
		return *s.Text
	}
	for _, text := range []string{s.HTML, s.File, s.State, s.Who, s.Form, s.Case, s.Page, s.Location} {
		if text != "" {
			return text
		}
	}
	return ""
}

// formOf is what was filled in; of a secure form there are no data.
func formOf(raw json.RawMessage) (console.Form, bool) {
	s := read(raw)
	if s.Event != eventPrefix+"form_data" && s.Event != eventPrefix+"secure_form_data" {
		return console.Form{}, false
	}
	if s.Data == nil {
		s.Data = json.RawMessage("null")
	}
	return console.Form{RequestID: fmt.Sprint(s.FormID), Name: s.Form, Data: s.Data}, true
}
