package main

import (
	"encoding/json"
	"slices"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// sentCommand is a command with what its sender knows of it.
type sentCommand struct {
	id   string
	name string // chat.send
	chat string
	// mark is what the contact center's record shows it by: the text of a
	// message, the URL of a location. Commands without one leave no trace of their own.
	mark    string
	durable bool
	place   uint64 // of a durable one, in its stream; 0: nobody knows whether it was taken
	asked   int    // how often, of a live one
	replies []schema.Result
}

// carried is a client event of the contact center's record that has a mark.
type carried struct {
	chat   string
	number uint64 // of its message id
	place  int    // in the record
}

// auditCommands compares what was sent, what was answered, and what the contact center got.
func (a *account) auditCommands(l *ledger) {
	results := make(map[string][]schema.Result)
	for _, m := range l.stored {
		if m.result != nil {
			a.results++
			results[m.cause] = append(results[m.cause], *m.result)
		}
	}
	arrived := a.auditArrivals(l.center)
	succeeded := make(map[string]int) // numbered messages that are said to have been sent, by chat
	tried := make(map[string]int)
	for _, cmd := range l.sent {
		a.commands++
		c := commandAccount{a, cmd, results[cmd.id], arrived[cmd.mark]}
		c.auditCount()
		c.auditTruth()
		delete(results, cmd.id)
		if cmd.mark != "" {
			tried[cmd.chat]++
			if c.succeeded() {
				succeeded[cmd.chat]++
			}
		}
	}
	for id, alien := range results {
		a.note(resultAlien, "%s on chat %s, cause %s", alien[0].Command, alien[0].ChatID, id)
	}
	a.auditNumbers(arrived, tried, succeeded)
	a.auditOrderOfCommands(l.sent, arrived)
}

// auditArrivals lists the client's messages by their marks, each of which stands for one command.
func (a *account) auditArrivals(center map[string]bpsim.Record) map[string][]carried {
	arrived := make(map[string][]carried)
	for chat, record := range center {
		for i, e := range record.Client {
			event := brightpattern.ParseEvent(e.Event)
			mark := event.Text + event.URL
			if mark == "" {
				continue
			}
			number, ours := brightpattern.ParseClientMessageID(brightpattern.ChatID(chat), event.MessageID)
			if !ours {
				a.note(resultUntrue, "chat %s got %s with the message id %q", chat, mark, event.MessageID)
			}
			arrived[mark] = append(arrived[mark], carried{chat, number, i})
		}
	}
	return arrived
}

type commandAccount struct {
	*account
	*sentCommand
	results []schema.Result
	arrived []carried
}

// auditCount: one result for each command that was begun, and one message.
func (c *commandAccount) auditCount() {
	switch n := len(c.results); {
	case n > 1:
		c.note(resultDoubled, "%s %s on chat %s has %d", c.name, c.id, c.chat, n)
	case n == 0 && c.needsResult():
		c.note(resultMissing, "%s %s (%s) on chat %s: durable %t, place %d, replies %+v, messages %d",
			c.name, c.id, c.mark, c.chat, c.durable, c.place, c.replies, len(c.arrived))
	}
	if c.mark != "" && len(c.arrived) > 1 {
		c.note(sentTwice, "%s of %s on chat %s: numbers %v", c.mark, c.id, c.chat, c.arrived)
	}
}

// refusedUnbegun are answered before a command is begun: their result event may be missing.
var refusedUnbegun = []schema.ErrorCode{
	schema.CodeInvalidCommand, schema.CodeUnknownChat, schema.CodeCommandConflict, schema.CodeExpired, schema.CodeUnavailable,
}

func (c *commandAccount) needsResult() bool {
	switch {
	case c.place > 0:
		return true
	case len(c.arrived) > 0:
		return true
	}
	return slices.ContainsFunc(c.replies, func(r schema.Result) bool {
		return r.Error == nil || !slices.Contains(refusedUnbegun, r.Error.Code)
	})
}

// auditTruth: replies and results say the same, and what they say is so.
func (c *commandAccount) auditTruth() {
	all := slices.Concat(c.results, c.earnest())
	for _, said := range all {
		if !alike(said, all[0]) {
			c.note(resultUntrue, "%s %s on chat %s: %s, but also %s", c.name, c.id, c.chat, gist(all[0]), gist(said))
		}
		if c.mark == "" {
			continue
		}
		switch {
		case said.Error == nil && !c.hasArrivedAs(messageID(said)):
			c.note(resultUntrue, "%s %s on chat %s is %s, but the contact center got %v", c.name, c.id, c.chat, gist(said), c.arrived)
		case said.Error != nil && said.Error.Outcome == schema.OutcomeNotDone && len(c.arrived) > 0:
			c.note(resultUntrue, "%s %s on chat %s is %s, but the contact center got %v", c.name, c.id, c.chat, gist(said), c.arrived)
		}
	}
}

// earnest replies are those of somebody who has looked at the command. A
// repeat that cannot be taken is answered without a look at what came before.
func (c *commandAccount) earnest() []schema.Result {
	return slices.DeleteFunc(slices.Clone(c.replies), func(r schema.Result) bool {
		return c.asked > 1 && r.Error != nil && r.Error.Code == schema.CodeUnavailable && r.Error.Outcome == schema.OutcomeNotDone
	})
}

func alike(a, b schema.Result) bool {
	return a.Status == b.Status && messageID(a) == messageID(b) && (a.Error == nil || a.Error.Code == b.Error.Code)
}

func (c *commandAccount) hasArrivedAs(id brightpattern.MessageID) bool {
	return slices.ContainsFunc(c.arrived, func(m carried) bool {
		return m.chat == c.chat && brightpattern.ClientMessageID(brightpattern.ChatID(m.chat), m.number) == id
	})
}

func (c *commandAccount) succeeded() bool {
	return slices.ContainsFunc(slices.Concat(c.results, c.replies), func(r schema.Result) bool { return r.Error == nil })
}

func messageID(r schema.Result) brightpattern.MessageID {
	var sent schema.ChatSendResult
	_ = json.Unmarshal(r.Result, &sent) // other commands have none
	return brightpattern.MessageID(sent.MessageID)
}

func gist(r schema.Result) string {
	if r.Error != nil {
		return string(r.Error.Code) + " (" + string(r.Error.Outcome) + ")"
	}
	return string(r.Status) + " " + string(messageID(r))
}

// auditNumbers: none is used twice, and one that is missing below the highest
// belongs to a command that did not succeed.
func (a *account) auditNumbers(arrived map[string][]carried, tried, succeeded map[string]int) {
	used := make(map[string]map[uint64]string)
	highest := make(map[string]uint64)
	for mark, all := range arrived {
		for _, m := range all {
			if used[m.chat] == nil {
				used[m.chat] = make(map[uint64]string)
			}
			if other, taken := used[m.chat][m.number]; taken && other != mark {
				a.note(numberTwice, "chat %s: %d of %s and %s", m.chat, m.number, other, mark)
			}
			used[m.chat][m.number] = mark
			highest[m.chat] = max(highest[m.chat], m.number)
		}
	}
	for chat, numbers := range used {
		missing := int(highest[chat]) + 1 - len(numbers)
		if failed := tried[chat] - succeeded[chat]; missing > failed {
			a.note(numberSkipped, "chat %s: %d of %d, but only %d commands failed", chat, missing, highest[chat]+1, failed)
		}
	}
}

// auditOrderOfCommands: the durable messages of a chat arrive in the order of
// their stream, the live ones of a sender who waits for replies in his.
func (a *account) auditOrderOfCommands(sent []*sentCommand, arrived map[string][]carried) {
	type lane struct {
		chat    string
		durable bool
	}
	lanes := make(map[lane][]*sentCommand)
	for _, cmd := range sent {
		ordered := cmd.durable && cmd.place > 0 || !cmd.durable && len(cmd.replies) > 0
		if ordered && len(arrived[cmd.mark]) == 1 {
			key := lane{cmd.chat, cmd.durable}
			lanes[key] = append(lanes[key], cmd)
		}
	}
	for key, commands := range lanes {
		slices.SortStableFunc(commands, func(a, b *sentCommand) int { return int(int64(a.place) - int64(b.place)) })
		for i := 1; i < len(commands); i++ {
			before, after := commands[i-1].mark, commands[i].mark
			if arrived[before][0].place > arrived[after][0].place {
				a.note(sentDisordered, "chat %s, durable %t: %s arrived before %s", key.chat, key.durable, after, before)
			}
		}
	}
}
