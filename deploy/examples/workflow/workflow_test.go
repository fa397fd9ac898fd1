package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

const text = "I am still here."

// rig is the example and all that it joins.
type rig struct {
	*system
	temporal   *temporalServer
	activities *Activities
	bridge     *bridge
	js         jetstream.JetStream // the reader's
}

func newRig(t *testing.T, mode schema.Mode) *rig {
	t.Helper()
	s := newSystem(t, mode)
	r := &rig{system: s, temporal: s.startTemporal()}
	nc := s.connect(permissions.Consumer)
	var err error
	r.js, err = jetstream.New(nc)
	s.check(err)
	reader, err := newClient(nc)
	s.check(err)
	commander, err := newClient(s.connect(permissions.CommanderDurable))
	s.check(err)
	r.activities = &Activities{reader, commander, text}
	r.bridge = &bridge{reader, r.temporal.client, slog.New(slog.DiscardHandler)}
	return r
}

func (r *rig) follow() jetstream.ConsumeContext {
	r.Helper()
	following, err := r.bridge.follow(r.Context(), r.js, reader)
	r.check(err)
	r.Cleanup(following.Stop)
	return following
}

// openChat is a chat with an agent, or several.
func (r *rig) openChat(agents ...string) (chat string) {
	r.Helper()
	reply, err := r.connect(permissions.CommanderLive).Request("cc.chat.request", []byte(`{"from":"Ada"}`), hanging)
	r.check(err)
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	r.check(err)
	result, err := schema.DecodeResult(ce)
	r.check(err)
	if result.Status != schema.StatusOK {
		r.Fatalf("no chat: %v", result.Error)
	}
	r.joins(result.ChatID, agents...)
	r.push(result.ChatID, map[string]any{"event": "chat_session_status", "state": "connected"})
	return result.ChatID
}

func (r *rig) push(chat string, event map[string]any) {
	r.Helper()
	r.check(r.sim.Push(chat, event))
}

func (r *rig) joins(chat string, agents ...string) {
	r.Helper()
	for _, party := range agents {
		r.push(chat, map[string]any{"event": "chat_session_party_joined", "party_id": party, "type": "internal", "display_name": party})
	}
}

// leaves is of an agent, unless another type is given: "" for none.
func (r *rig) leaves(chat, party string, kind ...string) {
	r.Helper()
	event := map[string]any{"event": "chat_session_party_left", "party_id": party, "type": strings.Join(append(kind, "internal")[:1], "")}
	if event["type"] == "" {
		delete(event, "type")
	}
	r.push(chat, event)
}

// heard is what the contact center has been told in a chat.
func (r *rig) heard(chat string) (messages []string) {
	r.Helper()
	record, err := r.sim.Record(chat)
	r.check(err)
	for _, e := range record.Client {
		var message struct {
			Event string
			Text  string `json:"msg_text"`
		}
		r.check(json.Unmarshal(e.Event, &message))
		if message.Event == "chat_session_message" {
			messages = append(messages, message.Text)
		}
	}
	return messages
}

func (r *rig) checkHeard(chat string, want ...string) {
	r.Helper()
	if got := r.heard(chat); strings.Join(got, "|") != strings.Join(want, "|") {
		r.Errorf("the contact center heard %q, want %q", got, want)
	}
}

// inBothModes runs a test with the connector in each mode.
func inBothModes(t *testing.T, test func(*rig)) {
	t.Helper()
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			test(newRig(t, mode))
		})
	}
}

// An agent leaves, and the customer is spoken for once: though the activity dies
// after its work, everything is delivered twice, and Temporal begins again from
// nothing.
func TestWhoIsLeftAloneIsSpokenFor(t *testing.T) {
	inBothModes(t, func(r *rig) {
		following := r.follow()
		chat := r.openChat("alice")
		r.leaves(chat, "alice")
		left := r.temporal.awaitBegun(chat)
		if end := r.temporal.run(r.activities, left); end != Said {
			r.Errorf("the workflow ended with %q", end)
		}
		r.checkHeard(chat, text)

		following.Stop()
		r.check(r.system.js.DeleteConsumer(r.Context(), "CC_EVENTS", reader))
		r.makeConsumer()
		r.follow()
		r.awaitNothingLeft()
		if runs, _ := r.temporal.counts(); runs != 1 {
			r.Errorf("%d runs are begun", runs)
		}
		if end := r.temporal.run(r.activities, left); end != Said {
			r.Errorf("the second workflow ended with %q", end)
		}
		r.checkHeard(chat, text)
	})
}

// awaitNothingLeft waits until the reader's consumer has nothing more to deliver.
func (r *rig) awaitNothingLeft() {
	r.Helper()
	r.eventually("all is delivered and taken", func() bool {
		consumer, err := r.system.js.PushConsumer(r.Context(), "CC_EVENTS", reader)
		r.check(err)
		info := consumer.CachedInfo()
		return info.NumPending == 0 && info.NumAckPending == 0
	})
}

// awaitEntry waits until a chat's entry, which lags behind the events, tells something.
func (r *rig) awaitEntry(chat string, told func(*schema.Chat) bool) {
	r.Helper()
	if told == nil {
		return
	}
	r.eventually("the entry tells of all of it", func() bool {
		entry, err := r.activities.Reader.Entry(r.Context(), chat)
		r.check(err)
		return entry != nil && told(entry)
	})
}

func hasBob(chat *schema.Chat) bool {
	return slices.ContainsFunc(chat.Parties, func(p schema.Party) bool { return p.PartyID == "bob" })
}

// Nobody is spoken for who does not need it.
func TestNobodyIsSpokenForWithoutNeed(t *testing.T) {
	t.Parallel()
	r := newRig(t, schema.Structured)
	r.follow()
	for name, c := range map[string]struct {
		then func(chat string)
		told func(*schema.Chat) bool // by the entry, of what comes after the agent's leaving
		end  string
	}{
		"the chat has ended": {func(chat string) { r.leaves(chat, "alice"); r.check(r.sim.End(chat)) }, isOver, NotNeeded},
		"its end is announced": {func(chat string) {
			r.leaves(chat, "alice")
			r.push(chat, map[string]any{"event": "chat_session_status", "state": "completed"})
		}, isOver, NotNeeded},
		"another agent is there":             {func(chat string) { r.joins(chat, "bob"); r.leaves(chat, "alice") }, hasBob, NotNeeded},
		"another agent comes":                {func(chat string) { r.leaves(chat, "alice"); r.joins(chat, "bob") }, hasBob, NotNeeded},
		"it is not said who left: the agent": {func(chat string) { r.leaves(chat, "alice", "") }, nil, Said},
		"it is not said who left: before one": {func(chat string) {
			r.push(chat, map[string]any{"event": "chat_session_status", "state": "queued"})
			r.leaves(chat, "alice", "")
		}, nil, NotNeeded},
	} {
		chat := r.openChat("alice")
		c.then(chat)
		left := r.temporal.awaitBegun(chat)
		r.awaitNothingLeft()
		r.awaitEntry(chat, c.told)
		if end := r.temporal.run(r.activities, left); end != c.end {
			t.Errorf("%s: it ended with %q, want %q", name, end, c.end)
		}
		if said := len(r.heard(chat)); (said == 1) != (c.end == Said) {
			t.Errorf("%s: the contact center heard %d messages", name, said)
		}
	}
}

// A chat's entry that does not tell of the event yet decides nothing.
func TestEntryThatLags(t *testing.T) {
	t.Parallel()
	r := newRig(t, schema.Structured)
	chat := r.openChat()
	if alone, err := r.activities.IsAlone(t.Context(), AgentLeft{ChatID: chat, Sequence: 1000, PartyType: agent}); !errors.Is(err, errLags) {
		t.Errorf("alone: %v, error: %v", alone, err)
	}
}

// Others than agents leave without a workflow, and what is no CloudEvent of the
// connector is left out: nothing of it comes again.
func TestWhatConcernsNobodyIsLeftOut(t *testing.T) {
	inBothModes(t, func(r *rig) {
		chat := r.openChat("alice")
		r.leaves(chat, "robot", "scenario")
		for _, content := range []string{"no JSON", `{"no":"CloudEvent"}`, `{"specversion":"1.0","id":"1","source":"x","type":"com.brightpattern.chat.event.party_left.v1"}`} {
			_, err := r.system.js.Publish(r.Context(), "cc.chat.foreign.event.party_left", []byte(content))
			r.check(err)
		}
		r.leaves(chat, "alice")
		r.follow()
		r.temporal.awaitBegun(chat)
		r.awaitNothingLeft()
		if runs, _ := r.temporal.counts(); runs != 1 {
			r.Errorf("%d workflows are begun", runs)
		}
	})
}

// While Temporal does not answer, an event waits.
func TestTemporalIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, schema.Structured)
	r.temporal.setDown(true)
	r.follow()
	chat := r.openChat("alice")
	r.leaves(chat, "alice")
	r.eventually("Temporal has been asked", func() bool { _, refused := r.temporal.counts(); return refused > 0 })
	r.temporal.setDown(false)
	r.temporal.awaitBegun(chat)
	r.awaitNothingLeft()
}

// An event too large for the bus has its data in the object store.
func TestDataLieElsewhere(t *testing.T) {
	inBothModes(t, func(r *rig) {
		r.follow()
		chat := r.openChat("alice")
		r.push(chat, map[string]any{"event": "chat_session_party_left", "party_id": "alice", "type": "internal", "note": strings.Repeat("x", 100<<10)})
		if left := r.temporal.awaitBegun(chat); left.PartyType != agent {
			r.Errorf("the workflow is begun for %+v", left)
		}
	})
}

// The workflow ends with what the result says.
func TestWhatIsNotSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, schema.Structured)
	r.follow()
	chat := r.openChat("alice")
	r.leaves(chat, "alice")
	left := r.temporal.awaitBegun(chat)
	_, err := r.sim.Inject(bpsim.Fault{Kind: "status", Status: 400, Code: "5003", Method: bpsim.SendEvents, Times: 1})
	r.check(err)
	if end := r.temporal.run(r.activities, left); end != "not said: chat_session_invalid_json" {
		t.Errorf("it ended with %q", end)
	}
	r.checkHeard(chat)
}
