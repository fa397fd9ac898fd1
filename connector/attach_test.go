package connector_test

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
)

// entry is the chat's entry in the bucket of chats, nil if it has none.
func (o outsider) entry(chat string) fields {
	o.Helper()
	bucket, err := o.js.KeyValue(o.ctx, "CC_CHATS")
	o.check(err)
	value, err := bucket.Get(o.ctx, tokenOf(chat))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	o.check(err)
	var entry fields
	o.check(json.Unmarshal(value.Value(), &entry))
	return entry
}

// refOf is the reference of the chat's client.
func (o outsider) refOf(chat string) string {
	o.Helper()
	ref, _ := o.entry(chat)["clientRef"].(string)
	if len(ref) != 32 {
		o.Errorf("the entry has the reference %q", ref)
	}
	return ref
}

// settled waits until every server event of the chat has been given away and
// a poll is held that may be given the next one.
func (o outsider) settled(chat string) {
	o.Helper()
	o.check(o.sim.WaitFor(o.ctx, func() bool {
		r, err := o.sim.Record(chat)
		return err == nil && r.Held == 1 && r.Chat.Pending == 0
	}))
}

func saying(id, text, at string) fields {
	return fields{"event": "chat_session_message", "party_id": "p1", "msg_id": id, "msg": text, "timestamp": at}
}

func TestAttachOfAChatThatNobodyHas(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	attach := fields{"chatId": "nowhere", "clientId": "ada"}
	failed := o.send("chat.attach", attach)
	o.checkFailure(failed, verdict{"chat_session_not_found", "5005", 404, false, "not_done"})
	if found := o.resultEvents("cc.result.chat.attach", failed.id()); len(found) != 1 {
		t.Errorf("%d result events outside any chat, want 1", len(found))
	}
	if entry := o.entry("nowhere"); entry != nil {
		t.Errorf("an entry was kept: %v", entry)
	}
	o.checkFailure(o.send("chat.typing", fields{"chatId": "nowhere"}), verdict{"unknown_chat", "", 0, false, "not_done"})
	if kept := o.kept("cc.chat.nowhere.>"); len(kept) != 0 {
		t.Errorf("%d messages on the chat's subjects", len(kept))
	}

	theirs := o.openElsewhere("eve")
	o.checkFailure(o.send("chat.attach", fields{"chatId": theirs, "clientId": "ada"}), verdict{"chat_session_not_found", "5005", 404, false, "not_done"})
	if entry := o.entry(theirs); entry != nil {
		t.Errorf("another client's chat has an entry: %v", entry)
	}
}

func TestAttachBringsTheHistoryFirst(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openElsewhere("eve")
	elsewhere := app{o, "eve"}
	o.push(chat, saying("1", "second", "1700000020"))
	elsewhere.say(chat, fields{"event": "chat_session_message", "msg_id": chat + ":7", "msg": "x"})
	elsewhere.say(chat, fields{"event": "chat_session_message", "msg_id": chat + ":3", "msg": "x"})
	o.push(chat, saying("0", "first", "1700000010000"))
	o.push(chat, fields{"event": "chat_session_status", "state": "connected", "timestamp": 1700000030})
	elsewhere.poll(chat, 3)

	attach := given{command: "chat.attach", id: "a 1", source: "//s", attributes: attributesGiven, data: fields{"chatId": chat, "clientId": "eve"}}
	if r := o.request(writeStructured(attach)); r.status() != "ok" {
		t.Fatalf("got %v", r.data)
	}
	o.awaitLog(chat, "session.opened", "event.message/history", "event.message/history", "event.status/history")
	o.settled(chat)
	o.push(chat, fields{"event": "chat_session_typing", "party_id": "p1"})
	log := o.awaitLog(chat, "session.opened", "event.message/history", "event.message/history", "event.status/history", "event.typing/poll")

	opened := fields{"chatId": chat, "clientRef": o.refOf(chat), "app": "main", "isNewChat": false, "state": "connected"}
	if difference := diff(log[0].data, opened); difference != "" {
		t.Errorf("session.opened: %s", difference)
	}
	if got := log[0].attributes; got["correlationid"] != attributesGiven["correlationid"] || got["causationid"] != "a 1" {
		t.Errorf("session.opened does not name its command: %v", got)
	}
	if log[1].data["html"] != "first" || log[2].data["html"] != "second" {
		t.Errorf("the history came as %v, %v", log[1].data["html"], log[2].data["html"])
	}
	for i, want := range []string{"2023-11-14T22:13:30Z", "2023-11-14T22:13:40Z"} {
		if got := log[i+1].attributes["time"]; got != want {
			t.Errorf("the time of message %d is %q, want %q", i, got, want)
		}
	}
	if id := o.mustSend("chat.send", fields{"chatId": chat, "text": "x"})["messageId"]; id != chat+":8" {
		t.Errorf("messageId is %v, want %s:8", id, chat)
	}
}

// An event that no poll has given away yet is in the history, too.
func TestAttachWithEventsThatNobodyHasPolled(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openElsewhere("eve")
	o.push(chat, saying("1", "once", "1700000010"))
	o.mustSend("chat.attach", fields{"chatId": chat, "clientId": "eve"})
	o.awaitStored(chat, ".event.message", 1)
	o.settled(chat)
	o.push(chat, fields{"event": "chat_session_ended"})
	o.awaitLog(chat, "session.opened", "event.message/history", "event.ended/poll", "session.closed")
}

// What looks just like it and comes later is another event, however it is found.
func TestAttachAndALookAlikeOfWhatTheHistoryHad(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openElsewhere("eve")
	o.push(chat, saying("1", "twice", "1700000010"))
	o.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: 503, Times: 1})
	o.mustSend("chat.attach", fields{"chatId": chat, "clientId": "eve"})
	o.awaitStored(chat, ".event.message", 1)
	o.push(chat, saying("1", "twice", "1700000010"))
	o.awaitStored(chat, ".event.message", 2)
	o.settled(chat)
	o.push(chat, fields{"event": "chat_session_ended"})
	o.awaitStored(chat, ".session.closed", 1)
	log := o.chatLog(chat)
	if len(log) != 5 || log[1].id() == log[2].id() {
		t.Errorf("the chat's log is %q, the messages have the ids %s, %s", namesOf(log), log[1].id(), log[2].id())
	}
	o.checkSequence(chat)
}

func TestAttachTwiceIsHarmless(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openElsewhere("eve")
	attach := fields{"chatId": chat, "clientId": "eve"}
	o.mustSend("chat.attach", attach)
	o.awaitLog(chat, "session.opened")
	before := o.entry(chat)
	o.mustSend("chat.attach", attach)
	o.mustSend("chat.attach", attach)
	o.settled(chat)
	o.push(chat, saying("1", "x", "1700000010"))
	o.awaitLog(chat, "session.opened", "event.message/poll")
	if after := o.entry(chat); after["openedAt"] != before["openedAt"] || after["clientRef"] != before["clientRef"] {
		t.Errorf("the entry was %v, is %v", before, after)
	}
	if most := o.record(chat).MostPolls; most != 1 {
		t.Errorf("%d polls at once", most)
	}
}

func TestAttachOfADetachedChat(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat(fields{"clientId": "ada"})
	o.push(chat, saying("0", "before", "1700000010"))
	o.awaitLog(chat, "session.opened", "event.message/poll")
	o.mustSend("chat.detach", fields{"chatId": chat})
	log := o.awaitLog(chat, "session.opened", "event.message/poll", "session.closed")
	if got := log[2].data["reason"]; got != "detached" {
		t.Errorf("closed for %v", got)
	}
	if got := o.entry(chat)["closedReason"]; got != "detached" {
		t.Errorf("the entry is closed for %v", got)
	}
	o.mustSend("chat.detach", fields{"chatId": chat}) // it is detached: nothing more to do

	if held := o.record(chat).Held; held != 0 {
		t.Errorf("%d polls are held", held)
	}
	o.mustSend("chat.send", fields{"chatId": chat, "text": "x"})
	o.mustSend("chat.history", fields{"chatId": chat})
	polls := o.record(chat).Polls
	o.push(chat, saying("1", "missed", "1700000020"))
	o.push(chat, saying("2", "missed", "1700000030"))
	app{o, "ada"}.poll(chat, 2) // another device reads them
	if after := o.record(chat).Polls; after != polls+1 {
		t.Errorf("a detached chat was polled %d times", after-polls-1)
	}

	o.mustSend("chat.attach", fields{"chatId": chat, "clientId": "ada"})
	o.awaitStored(chat, ".event.message", 3)
	o.settled(chat)
	o.push(chat, saying("3", "after", "1700000040"))
	log = o.awaitLog(chat, "session.opened", "event.message/poll", "session.closed",
		"session.opened", "event.message/history", "event.message/history", "event.message/poll")
	if got := log[3]; got.attributes["sequence"] != "0000000004" || got.data["isNewChat"] != false || got.data["state"] != "queued" {
		t.Errorf("opened again as %v", got)
	}
	if entry := o.entry(chat); entry["closedReason"] != nil || entry["closedAt"] != nil || entry["state"] != "queued" {
		t.Errorf("the entry is still closed, or has forgotten the state: %v", entry)
	}
	if id := o.mustSend("chat.send", fields{"chatId": chat, "text": "x"})["messageId"]; id != chat+":1" {
		t.Errorf("messageId is %v, want %s:1", id, chat)
	}
}

func TestPushReceived(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	payload := func(chat, client string) fields {
		push := fields{"chatID": chat, "aps": fields{"alert": "news"}, "x": 1}
		if client != "" {
			push["clientId"] = client
		}
		return push
	}

	polled := o.openChat()
	before := o.calls()
	if got := o.mustSend("push.received", payload(polled, "")); got["chatId"] != polled {
		t.Errorf("the result is %v", got)
	}
	if after := o.calls(); !maps.Equal(before, after) {
		t.Errorf("a push for a polled chat makes calls: before %v, after %v", before, after)
	}
	o.mustSend("push.received", fields{"chatId": polled}) // the other spelling
	o.awaitLog(polled, "session.opened")

	detached := o.openChat()
	o.mustSend("chat.detach", fields{"chatId": detached})
	o.mustSend("push.received", payload(detached, ""))
	o.awaitLog(detached, "session.opened", "session.closed", "session.opened")
	o.settled(detached)

	foreign := o.openElsewhere("eve")
	o.checkFailure(o.send("push.received", payload(foreign, "")), verdict{"unknown_chat", "", 0, false, "not_done"})
	o.mustSend("push.received", payload(foreign, "eve"))
	o.awaitLog(foreign, "session.opened")

	o.checkFailure(o.send("push.received", payload("nowhere", "eve")), verdict{"chat_session_not_found", "5005", 404, false, "not_done"})
	o.checkFailure(o.send("push.received", payload("nowhere", "")), verdict{"unknown_chat", "", 0, false, "not_done"})
}

// A chat that is over is not opened again for a push that comes late.
func TestPushReceivedAfterTheEnd(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	o.push(chat, fields{"event": "chat_session_ended"})
	o.awaitLog(chat, "session.opened", "event.ended/poll", "session.closed")
	o.eventually("the entry is closed", func() bool { return o.entry(chat)["closedAt"] != nil })
	before := o.entry(chat)
	r := o.send("push.received", fields{"chatID": chat})
	if after := o.entry(chat); diff(after, before) != "" {
		t.Errorf("the push was answered %v, and the entry is %v, was %v", r.data, after, before)
	}
}

func TestChatActiveMakesTheChatKnown(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	o.checkFailure(o.send("chat.active", fields{"clientId": "eve"}), verdict{"chat_session_not_found", "5005", 404, false, "not_done"})
	chat := o.openElsewhere("eve")
	app{o, "eve"}.say(chat, fields{"event": "chat_session_message", "msg_id": chat + ":4", "msg": "x"})
	for range 2 {
		if got := o.mustSend("chat.active", fields{"clientId": "eve"}); got["chatId"] != chat || got["state"] != "queued" {
			t.Errorf("the result is %v", got)
		}
	}
	log := o.awaitLog(chat, "session.opened")
	if got := log[0].data; got["state"] != "queued" || got["isNewChat"] != false {
		t.Errorf("session.opened is %v", got)
	}
	if id := o.mustSend("chat.send", fields{"chatId": chat, "text": "x"})["messageId"]; id != chat+":5" {
		t.Errorf("messageId is %v, want %s:5", id, chat)
	}
}

func TestChatRequestAgainIsTheSameChat(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	ask := fields{"from": "Ada", "clientId": "ada"}
	first := o.mustSend("chat.request", ask)
	chat := first["chatId"].(string)
	again := o.mustSend("chat.request", ask)
	if first["isNewChat"] != true || again["isNewChat"] != false || again["chatId"] != chat || again["clientId"] != "ada" {
		t.Errorf("first %v, then %v", first, again)
	}
	o.push(chat, saying("1", "x", "1700000010"))
	log := o.awaitLog(chat, "session.opened", "event.message/poll")
	if log[0].data["isNewChat"] != true {
		t.Errorf("session.opened is %v", log[0].data)
	}
	if made := len(o.sim.Chats()); made != 1 {
		t.Errorf("%d chats were made", made)
	}
}

// A chat that another connection of the same client made is adopted.
func TestChatRequestFindsAChatMadeElsewhere(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openElsewhere("ada")
	elsewhere := app{o, "ada"}
	elsewhere.say(chat, fields{"event": "chat_session_message", "msg_id": chat + ":0", "msg": "x"})
	o.push(chat, saying("1", "earlier", "1700000010"))
	elsewhere.poll(chat, 1)
	if got := o.mustSend("chat.request", fields{"from": "Ada", "clientId": "ada"}); got["chatId"] != chat || got["isNewChat"] != false {
		t.Fatalf("the result is %v", got)
	}
	o.awaitLog(chat, "session.opened", "event.message/history")
	if id := o.mustSend("chat.send", fields{"chatId": chat, "text": "x"})["messageId"]; id != chat+":1" {
		t.Errorf("messageId is %v, want %s:1", id, chat)
	}
}

func TestChatEntryFollowsTheChat(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{IDs: oddIDs()})
	chat := o.openChat(fields{"clientId": "ada"})
	log := o.awaitLog(chat, "session.opened")
	entry := o.entry(chat)
	want := fields{
		"chatId": chat, "clientRef": o.refOf(chat), "app": "main", "appId": appID, "state": "queued", "estimatedWaitTime": 12,
		"parties": []any{}, "sequence": entry["sequence"], "openedAt": entry["openedAt"],
	}
	expect := func(change fields) {
		t.Helper()
		maps.Copy(want, change)
		for name, value := range want {
			if value == nil {
				delete(want, name)
			}
		}
		o.eventually("the entry has the event", func() bool { return o.entry(chat)["sequence"] == want["sequence"] })
		entry := o.entry(chat)
		want["streamSequence"] = entry["streamSequence"] // TestLateJoiners holds it
		if difference := diff(entry, want); difference != "" {
			t.Errorf("the entry: %s", difference)
		}
	}
	expect(fields{})
	if log[0].attributes["time"] == "" || entry["openedAt"] == nil {
		t.Errorf("the entry is %v", entry)
	}
	o.push(chat, fields{"event": "chat_session_status", "state": "connected", "ewt": ""})
	expect(fields{"state": "connected", "estimatedWaitTime": nil, "sequence": 2.0})
	o.push(chat, fields{"event": "chat_session_party_joined", "party_id": "p1", "display_name": "Bob", "type": "internal"})
	bob := fields{"partyId": "p1", "displayName": "Bob", "partyType": "internal"}
	expect(fields{"parties": []any{bob}, "sequence": 3.0})
	o.push(chat, fields{"event": "chat_session_party_joined", "party_id": "p2", "display_name": "Bot", "type": "scenario"})
	bot := fields{"partyId": "p2", "displayName": "Bot", "partyType": "scenario"}
	expect(fields{"parties": []any{bob, bot}, "sequence": 4.0})
	o.push(chat, fields{"event": "chat_session_party_left", "party_id": "p1"})
	expect(fields{"parties": []any{bot}, "sequence": 5.0})
	o.check(o.sim.SetCase(chat, "case 1"))
	expect(fields{"caseId": "case 1", "sequence": 6.0})
	o.check(o.sim.SetCase(chat, ""))
	expect(fields{"caseId": nil, "sequence": 7.0})
	o.mustSend("chat.end", fields{"chatId": chat})
	o.awaitStored(chat, ".session.closed", 1)
	o.eventually("the entry is closed", func() bool { return o.entry(chat)["closedAt"] != nil })
	expect(fields{"closedReason": "ended", "closedAt": o.entry(chat)["closedAt"], "sequence": 9.0})
	o.checkFailure(o.send("chat.typing", fields{"chatId": chat}), verdict{"chat_session_not_found", "5005", 404, false, "not_done"})
}
