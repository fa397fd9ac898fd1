package connector_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// What results tell of the commands' data. That each command tells all of it
// but its secrets, on both lanes, is shown by the tests of every command.

func (o outsider) mustAsk(what string, got cloudEvent, want any) {
	o.Helper()
	if difference := diff(got.data["request"], want); difference != "" {
		o.Errorf("%s asks: %s", what, difference)
	}
}

// The event, the reply and each repeat tell the same, also after a restart.
func TestResultsTellTheRequest(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{})}
	replica := o.start()
	a, chat := o.listen(), o.openChat()
	g := given{command: "chat.send", id: "1", data: fields{"chatId": chat, "text": "a < b & \"c\" é"}}
	o.mustAsk("the reply", o.request(writePlain(g)).cloudEvent, g.data)
	o.mustAsk("the event", a.await("1"), g.data)
	replica.stop()
	o.start()
	o.mustAsk("a repeat", o.request(writePlain(g)).cloudEvent, g.data)

	conflict := given{command: "chat.send", id: "1", data: fields{"chatId": chat, "text": "something else"}}
	if r := o.request(writePlain(conflict)); r.failure()["code"] != "command_conflict" {
		t.Errorf("other data under the same id: %v", r.data)
	} else {
		o.mustAsk("the conflict", r.cloudEvent, conflict.data)
	}
	failing := fields{"chatId": "never-seen"}
	o.mustAsk("what fails", o.send("chat.typing", failing).cloudEvent, failing)
	o.mustAsk("what is refused", o.send("chat.send", fields{"chatId": chat, "text": "x", "pin": secretData}).cloudEvent, nil)
	o.mustAsk("what has no data", o.send("service.version", fields{}).cloudEvent, fields{})
}

// For the client stands its reference, the same as in the result.
func TestRequestsTellNoClient(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	const client = "client-5e1f"
	first := o.send("chat.request", fields{"from": "Ada", "clientId": client})
	ref := first.data["result"].(fields)["clientRef"]
	o.mustAsk("chat.request", first.cloudEvent, fields{"clientRef": ref, "from": "Ada"})
	o.mustAsk("chat.active", o.send("chat.active", fields{"clientId": client}).cloudEvent, fields{"clientRef": ref})
	chat := first.data["chatId"]
	o.mustAsk("chat.attach", o.send("chat.attach", fields{"chatId": chat, "clientId": client}).cloudEvent, fields{"chatId": chat, "clientRef": ref})
	received := o.send("push.received", fields{"chatID": chat, "clientId": client, "aps": fields{"alert": "news"}})
	o.mustAsk("push.received", received.cloudEvent, fields{"chatID": chat, "clientRef": ref})
	o.mustAsk("a request without one", o.send("chat.request", fields{"from": "Eve"}).cloudEvent, fields{"from": "Eve"})
	for _, msg := range o.kept(">") {
		if strings.Contains(string(msg.Data), client) {
			t.Errorf("%s tells the client", msg.Subject)
		}
	}
}

func TestResultsWithoutRequests(t *testing.T) {
	t.Parallel()
	const word = "Q7Withheld"
	o := outsider{newRig(t, bpsim.Options{})}
	replica := o.start()
	chat := o.openChat()
	g := given{command: "chat.send", id: "1", data: fields{"chatId": chat, "text": word}}
	o.mustAsk("with the default", o.request(writePlain(g)).cloudEvent, g.data)
	replica.stop()
	o.config.WithoutRequests = true
	o.start()
	buckets := o.tapBuckets()
	a, before := o.listen(), len(o.kept(">"))
	o.mustAsk("a repeat", o.request(writePlain(g)).cloudEvent, nil)
	g.id = "2"
	o.mustAsk("the reply", o.request(writePlain(g)).cloudEvent, nil)
	o.mustAsk("the event", a.await(o.give("chat.send", "3", chat, fields{"text": word})), nil)
	for _, msg := range o.kept(">")[before:] {
		if strings.Contains(string(msg.Data), word) {
			t.Errorf("%s tells the text", msg.Subject)
		}
	}
	if _, written := buckets().places(word)["$KV.CC_JOURNAL"]; written {
		t.Error("it stands on record all the same")
	}
}

// A result that its request makes too large for the bus lies beside it, and is
// known again; what is for the sender alone comes without the request.
func TestLargeRequests(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, func(r *rig) { r.payload(smallPayload) })}
	o.start()
	a, chat := o.listen(), o.openChat()
	text := strings.Repeat("x", smallPayload-3<<10)
	data := fields{"chatId": chat, "text": text}
	msg := writePlain(given{command: "chat.send", id: "live", data: data})
	for _, what := range []string{"the reply", "a repeat"} {
		r := o.request(msg)
		if _, elsewhere := r.attributes["dataref"]; !elsewhere {
			t.Fatalf("%s carries its data", what)
		}
		o.mustAsk(what, o.fetched(r.cloudEvent), data)
	}
	o.mustAsk("the event", o.fetched(a.await("live")), data)
	durable := fields{"text": text[:61900]} // with the headers of a dead letter it fits, and with those of a result it does not
	got := o.fetched(a.await(o.give("chat.send", "durable", chat, durable)))
	durable["chatId"] = chat
	o.mustAsk("a durable one", got, durable)

	parameters := map[string]string{}
	for _, name := range strings.Split("abcdefghijklmno", "") {
		parameters[name] = text[:4<<10]
	}
	parameters["p"] = text[:800]
	asked := o.send("chat.request", fields{"from": "Ada", "parameters": parameters})
	result, _ := asked.data["result"].(fields)
	if client, _ := result["clientId"].(string); client == "" || asked.data["request"] != nil {
		t.Errorf("its sender is told %.300v", asked.data)
	}
}

// fetched is the CloudEvent with the data that lie beside the bus.
func (o outsider) fetched(e cloudEvent) cloudEvent {
	o.Helper()
	bucket, object, found := strings.Cut(strings.TrimPrefix(e.attributes["dataref"], "nats-object:"), "/")
	if !found {
		o.Fatalf("the data are not elsewhere: %v", e.attributes)
	}
	data, err := schema.ReadObject(o.ctx, o.nc, bucket, object)
	o.check(err)
	e.data = o.object(json.RawMessage(data))
	return e
}

// An earlier version has recorded none: its result is told as it was.
func TestRecordsWithoutARequest(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	g := given{command: "chat.send", id: "1", data: fields{"chatId": chat, "text": "x"}}
	first := o.request(writePlain(g))
	journal, err := o.js.KeyValue(o.ctx, "CC_JOURNAL")
	o.check(err)
	key := "command." + resultOf("", "1")
	entry, err := journal.Get(o.ctx, key)
	o.check(err)
	record := o.object(entry.Value())
	delete(record["done"].(fields), "request")
	_, err = journal.Put(o.ctx, key, o.json(record))
	o.check(err)
	again := o.request(writePlain(g))
	if again.status() != "ok" || again.id() != first.id() || diff(again.data["result"], first.data["result"]) != "" {
		t.Errorf("a repeat gets %v, the first got %v", again.data, first.data)
	}
	o.mustAsk("a repeat, which says what it asks for", again.cloudEvent, g.data)
}
