package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// An account that never objects proves nothing: every difference that it knows
// is found when it is there, and none in an honest ledger.
func TestAccountFindsEveryDifference(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*ledger)
		want   []difference
	}{
		"honest":              {func(*ledger) {}, nil},
		"message not told":    {func(l *ledger) { l.drop(1) }, []difference{eventLost, sequenceBroken}},
		"look-alike not told": {func(l *ledger) { l.drop(2) }, []difference{eventLost, sequenceBroken}},
		"told in a gap":       {func(l *ledger) { l.drop(3); l.gapInPlaceOf(1, 0, 9) }, nil},
		"gap is elsewhere":    {func(l *ledger) { l.drop(3); l.gapInPlaceOf(1, 5, 9) }, []difference{eventLost}},
		"gap is another's":    {func(l *ledger) { l.call(1, 1); l.drop(3); l.renumber(); l.addGap(schema.GapSignaling) }, []difference{eventLost}},
		"never given away": {func(l *ledger) {
			l.drop(1)
			l.renumber()
			l.edit(func(r *bpsim.Record) { r.Server[0].Fate = bpsim.Pending })
		}, nil},
		"told twice":           {func(l *ledger) { l.repeat(1); l.renumber() }, []difference{eventDoubled, idTwice, eventDisordered}},
		"told twice, two ids":  {func(l *ledger) { l.repeat(1); l.renumber(); l.stored[2].id = "other" }, []difference{eventDoubled, eventDisordered}},
		"told but never made":  {func(l *ledger) { l.edit(func(r *bpsim.Record) { r.Server = r.Server[1:] }) }, []difference{eventInvented}},
		"polled out of order":  {func(l *ledger) { l.swap(1, 4) }, []difference{eventDisordered}},
		"recovered late":       {func(l *ledger) { l.swap(1, 4); l.stored[4].origin = schema.OriginHistory }, nil},
		"recovered in chaos":   {func(l *ledger) { l.swap(1, 4); l.originate(schema.OriginHistory) }, []difference{eventDisordered}},
		"answer in chaos":      {func(l *ledger) { l.swap(1, 4); l.originate(schema.OriginSend) }, []difference{eventDisordered}},
		"timeless from start":  {func(l *ledger) { l.recoverLate(`{"msg_id":"3"}`, `{"msg_id":"4"}`) }, nil},
		"timeless after timed": {func(l *ledger) { l.recoverLate(`{"msg_id":"3","timestamp":1700000000}`, `{"msg_id":"4"}`) }, []difference{eventDisordered, eventDisordered}},
		"hole":                 {func(l *ledger) { l.stored[5].sequence = 9 }, []difference{sequenceBroken}},
		"starts again":         {func(l *ledger) { l.stored[5].sequence = 1 }, []difference{sequenceBroken}},
		"not opened":           {func(l *ledger) { l.drop(0); l.renumber() }, []difference{trailBroken}},
		"closed too early":     {func(l *ledger) { l.swap(4, 5); l.renumber() }, []difference{trailBroken}},
		"gap without a reason": {func(l *ledger) { l.troubles = nil; l.addGap(schema.GapSignaling) }, []difference{gapGroundless}},
		"gap without a call":   {func(l *ledger) { l.addGap(schema.GapSignaling) }, []difference{gapGroundless}},
		"gap in good history":  {func(l *ledger) { l.addGap(schema.GapHistoryUnavailable) }, []difference{gapGroundless}},
		"gap in no history": {func(l *ledger) {
			l.troubles = append(l.troubles, trouble{history: true, from: second(0), to: second(9)})
			l.addGap(schema.GapHistoryUnavailable)
		}, nil},
		"call lost":            {func(l *ledger) { l.call(2, 1) }, []difference{eventLost}},
		"unheard-of call lost": {func(l *ledger) { l.call(2, 0) }, nil},
		"witness was asleep":   {func(l *ledger) { l.missed = []string{"1 to 2"} }, []difference{streamMissed}},
		"no result":            {func(l *ledger) { l.drop(6) }, []difference{resultMissing}},
		"two results":          {func(l *ledger) { l.repeat(6); l.stored[7].id = "other" }, []difference{resultDoubled}},
		"result of nothing":    {func(l *ledger) { l.stored[6].cause = "nobody" }, []difference{resultAlien, resultMissing}},
		"reply differs":        {func(l *ledger) { l.sent[0].replies[0] = ok("chat:1") }, []difference{resultUntrue, resultUntrue}},
		"ok, but not there":    {func(l *ledger) { l.forgetArrival() }, []difference{numberSkipped, resultUntrue, resultUntrue}},
		"not done, but there":  {func(l *ledger) { l.fail(0, schema.OutcomeNotDone) }, []difference{resultUntrue, resultUntrue}},
		"repeat not looked at": {func(l *ledger) { l.repeatInVain(2) }, nil},
		"never looked at":      {func(l *ledger) { l.repeatInVain(1) }, []difference{resultUntrue, resultUntrue}},
		"unknown, and there":   {func(l *ledger) { l.fail(0, schema.OutcomeUnknown) }, nil},
		"unknown, not there":   {func(l *ledger) { l.fail(0, schema.OutcomeUnknown); l.forgetArrival() }, nil},
		"sent twice":           {func(l *ledger) { l.arrive("one", 2) }, []difference{sentTwice}},
		"number twice":         {func(l *ledger) { l.arrive("three", 1) }, []difference{numberTwice}},
		"number skipped":       {func(l *ledger) { l.arrive("three", 3) }, []difference{numberSkipped}},
		"overtaken":            {func(l *ledger) { l.edit(func(r *bpsim.Record) { slices.Reverse(r.Client) }) }, []difference{sentDisordered}},
		"durable overtaken":    {func(l *ledger) { l.makeDurable(2, 1) }, []difference{sentDisordered}},
		"durable in its order": {func(l *ledger) { l.makeDurable(1, 2) }, nil},
	} {
		l := honestLedger()
		c.change(l)
		var got []difference
		a := audit(l)
		for _, d := range slices.Sorted(maps.Keys(a.wrong)) {
			got = slices.Concat(got, slices.Repeat([]difference{d}, len(a.wrong[d])))
		}
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: found %q, want %q:\n%v", name, got, c.want, a)
		}
	}
}

func second(n int) time.Time { return time.Unix(1_700_000_000+int64(n), 0) }

// honestLedger is of one chat: opened, a message, two look-alikes, a message,
// closed; and two commands, each with its result.
func honestLedger() *ledger {
	wire := []string{
		`{"event":"chat_session_message","msg_id":"1","timestamp":1700000001}`,
		`{"event":"chat_session_typing","timestamp":1700000002}`,
		`{"event":"chat_session_typing","timestamp":1700000002}`,
		`{"event":"chat_session_message","msg_id":"2","timestamp":1700000003}`,
	}
	l := &ledger{troubles: []trouble{{from: second(0), to: second(9)}}}
	record := bpsim.Record{Chat: bpsim.ChatInfo{ID: "chat"}}
	l.stored = append(l.stored, storedMessage{session: &schema.SessionOpened{}})
	for i, raw := range wire {
		record.Server = append(record.Server, bpsim.ServerEvent{Event: json.RawMessage(raw), Made: second(1 + i), Fate: bpsim.GivenByPoll, Given: second(4)})
		event := brightpattern.ParseEvent(json.RawMessage(raw))
		l.stored = append(l.stored, storedMessage{origin: schema.OriginPoll, event: &event})
	}
	l.stored = append(l.stored, storedMessage{session: &schema.SessionClosed{}})
	l.renumber()
	for i, mark := range []string{"one", "two"} {
		result := ok(fmt.Sprint("chat:", i))
		l.stored = append(l.stored, storedMessage{chat: "chat", id: "result of " + mark, cause: mark, result: &result})
		l.sent = append(l.sent, &sentCommand{id: mark, name: "chat.send", chat: "chat", mark: mark, replies: []schema.Result{result}})
	}
	l.center = map[string]bpsim.Record{"chat": record}
	l.arrive("one", 0)
	l.arrive("two", 1)
	return l
}

func ok(message string) schema.Result {
	return schema.Result{Command: "chat.send", ChatID: "chat", Status: schema.StatusOK, Result: json.RawMessage(fmt.Sprintf(`{"messageId":%q}`, message))}
}

// renumber makes the sequence whole again, and the ids.
func (l *ledger) renumber() {
	for i := range l.stored {
		if m := &l.stored[i]; m.result == nil {
			m.chat, m.sequence = "chat", uint64(i+1)
			if m.id == "" {
				m.id = fmt.Sprint(i)
			}
		}
	}
}

// call has the contact center make some signaling, of which only the first is told.
func (l *ledger) call(made, told int) {
	for i := range made {
		raw := json.RawMessage(fmt.Sprintf(`{"event":"chat_session_signaling","msg_id":"call %d","timestamp":%d}`, i, second(5).Unix()))
		l.edit(func(r *bpsim.Record) {
			r.Server = append(r.Server, bpsim.ServerEvent{Event: raw, Made: second(5), Fate: bpsim.LostByFault, Given: second(5)})
		})
		if i < told {
			event := brightpattern.ParseEvent(raw)
			l.stored = slices.Insert(l.stored, 5+i, storedMessage{id: fmt.Sprint("call ", i), origin: schema.OriginPoll, event: &event})
			l.renumber()
		}
	}
}

func (l *ledger) drop(i int) { l.stored = slices.Delete(l.stored, i, i+1) }

// repeat has a message stand there twice.
func (l *ledger) repeat(i int) { l.stored = slices.Insert(l.stored, i+1, l.stored[i]) }

// swap exchanges what is told, but not the numbers under which it is.
func (l *ledger) swap(i, j int) {
	l.stored[i], l.stored[j] = l.stored[j], l.stored[i]
	l.stored[i].sequence, l.stored[j].sequence = l.stored[j].sequence, l.stored[i].sequence
}

func (l *ledger) originate(origin string) {
	for i := range l.stored {
		if l.stored[i].event != nil {
			l.stored[i].origin = origin
		}
	}
}

// recoverLate has a chat begin with more events, which its history tells last.
func (l *ledger) recoverLate(first ...string) {
	for i, raw := range first {
		event := brightpattern.ParseEvent(json.RawMessage(raw))
		l.edit(func(r *bpsim.Record) {
			r.Server = slices.Insert(r.Server, i, bpsim.ServerEvent{Event: json.RawMessage(raw), Made: second(0), Fate: bpsim.LostByFault, Given: second(4)})
		})
		l.stored = slices.Insert(l.stored, 5+i, storedMessage{id: raw, event: &event})
	}
	l.originate(schema.OriginHistory)
	l.renumber()
}

func (l *ledger) addGap(reason schema.GapReason) {
	gap := &schema.SessionGap{From: schema.NewTime(second(0)), To: schema.NewTime(second(9)), Reason: reason}
	l.stored = slices.Insert(l.stored, 1, storedMessage{id: "gap", session: gap})
	l.renumber()
}

// gapInPlaceOf tells of a gap for which there is good reason.
func (l *ledger) gapInPlaceOf(at, from, to int) {
	l.troubles = append(l.troubles, trouble{history: true, from: second(0), to: second(9)})
	gap := &schema.SessionGap{From: schema.NewTime(second(from)), To: schema.NewTime(second(to)), Reason: schema.GapHistoryUnavailable}
	l.stored = slices.Insert(l.stored, at, storedMessage{id: "gap", session: gap})
	l.renumber()
}

func (l *ledger) edit(change func(*bpsim.Record)) {
	record := l.center["chat"]
	change(&record)
	l.center["chat"] = record
}

// arrive has the contact center get a message.
func (l *ledger) arrive(mark string, number int) {
	l.edit(func(r *bpsim.Record) {
		raw := fmt.Sprintf(`{"event":"chat_session_message","msg_id":"chat:%d","msg_text":%q}`, number, mark)
		r.Client = append(r.Client, bpsim.ClientEvent{Event: json.RawMessage(raw)})
	})
}

func (l *ledger) forgetArrival() {
	l.edit(func(r *bpsim.Record) { r.Client = r.Client[1:] })
}

// fail makes a command one that failed.
func (l *ledger) fail(i int, outcome schema.Outcome) {
	failed := schema.Result{Command: "chat.send", Status: schema.StatusError, Error: &schema.Error{Code: schema.CodeTimeout, Outcome: outcome}}
	l.sent[i].replies[0], l.stored[6+i].result = failed, &failed
}

// repeatInVain has a command, asked so often, answered also by somebody who had no time for it.
func (l *ledger) repeatInVain(asked int) {
	refused := schema.Result{Status: schema.StatusError, Error: &schema.Error{Code: schema.CodeUnavailable, Outcome: schema.OutcomeNotDone}}
	l.sent[0].asked = asked
	l.sent[0].replies = append(l.sent[0].replies, refused)
}

// makeDurable gives both commands their places in the stream.
func (l *ledger) makeDurable(one, two uint64) {
	l.sent[0].durable, l.sent[0].place = true, one
	l.sent[1].durable, l.sent[1].place = true, two
}
