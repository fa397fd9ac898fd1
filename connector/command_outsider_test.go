package connector_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
)

// fields are the members of a JSON object.
type fields = map[string]any

// outsider sees the connector as anybody on the bus does, and reads its
// CloudEvents by the rules of the CloudEvents specification alone. It also
// knows what the contact center has seen.
type outsider struct{ *rig }

func newOutsider(t *testing.T, options bpsim.Options, configure ...func(*rig)) outsider {
	t.Helper()
	o := outsider{newRig(t, options, configure...)}
	o.start()
	return o
}

// in is the same surroundings for a subtest.
func (o outsider) in(t *testing.T) outsider {
	r := *o.rig
	r.T = t
	return outsider{&r}
}

// reply is the answer to a live command.
type reply struct {
	cloudEvent
	*nats.Msg
}

// cloudEvent is a CloudEvent in the 1.0 format.
type cloudEvent struct {
	attributes map[string]string
	data       fields
}

func (e cloudEvent) id() string { return e.attributes["id"] }

func (e cloudEvent) status() any { return e.data["status"] }

// failure is the error of a result, empty if there is none.
func (e cloudEvent) failure() fields {
	failure, _ := e.data["error"].(fields)
	return failure
}

// request sends a live command and reads its reply.
func (o outsider) request(msg *nats.Msg) reply {
	o.Helper()
	answer, err := o.nc.RequestMsg(msg, patience)
	o.check(err)
	return reply{o.read(answer.Header, answer.Data), answer}
}

// send sends a live command as plain JSON.
func (o outsider) send(command string, data any) reply {
	o.Helper()
	return o.request(&nats.Msg{Subject: "cc." + command, Data: o.json(data)})
}

// mustSend is send for a command that has to succeed; it returns the result.
func (o outsider) mustSend(command string, data any) fields {
	o.Helper()
	r := o.send(command, data)
	if r.status() != "ok" {
		o.Fatalf("%s: %v", command, r.failure())
	}
	result, _ := r.data["result"].(fields)
	return result
}

func (o outsider) json(value any) []byte {
	o.Helper()
	data, err := json.Marshal(value)
	o.check(err)
	return data
}

func (o outsider) read(header nats.Header, payload []byte) cloudEvent {
	o.Helper()
	e, err := readCloudEvent(header, payload)
	if err != nil {
		o.Fatalf("no CloudEvent: %v\nheader: %q\npayload: %.300s", err, header, payload)
	}
	return e
}

// kept reads what stands in the stream of events under a filter.
func (o outsider) kept(filter string) []*jetstream.RawStreamMsg {
	o.Helper()
	stream, err := o.js.Stream(o.ctx, "CC_EVENTS")
	o.check(err)
	var all []*jetstream.RawStreamMsg
	for next := uint64(1); ; {
		msg, err := stream.GetMsg(o.ctx, next, jetstream.WithGetMsgSubject(filter))
		if err != nil {
			return all
		}
		all = append(all, msg)
		next = msg.Sequence + 1
	}
}

// resultEvents are the events of one result under a subject.
func (o outsider) resultEvents(subject, id string) (found []cloudEvent) {
	o.Helper()
	for _, msg := range o.kept(subject) {
		if msg.Header.Get("Nats-Msg-Id") == "result:"+id {
			found = append(found, o.read(msg.Header, msg.Data))
		}
	}
	return found
}

// log is the chat's events and session messages, in their order.
func (o outsider) chatLog(chat string) (log []cloudEvent) {
	o.Helper()
	for _, msg := range o.kept("cc.chat." + tokenOf(chat) + ".>") {
		if e := o.read(msg.Header, msg.Data); e.attributes["sequence"] != "" {
			log = append(log, e)
		}
	}
	return log
}

// names of a log's messages, as "event.message/poll" or "session.opened".
func namesOf(log []cloudEvent) []string {
	names := make([]string, len(log))
	for i, e := range log {
		name := strings.TrimPrefix(e.attributes["type"], "com.brightpattern.chat.")
		names[i] = strings.TrimSuffix(name, ".v1")
		if origin := e.attributes["origin"]; origin != "" {
			names[i] += "/" + origin
		}
	}
	return names
}

// awaitLog waits until the chat's log is as long, and checks what it says.
func (o outsider) awaitLog(chat string, want ...string) []cloudEvent {
	o.Helper()
	var log []cloudEvent
	o.eventually(fmt.Sprintf("the log of %q has %d messages", chat, len(want)), func() bool {
		log = o.chatLog(chat)
		return len(log) >= len(want)
	})
	if got := namesOf(log); !reflect.DeepEqual(got, want) {
		o.Fatalf("the chat's log is\n %q, want\n %q", got, want)
	}
	o.checkSequence(chat)
	return log
}

func (o outsider) record(chat string) bpsim.Record {
	o.Helper()
	record, err := o.sim.Record(chat)
	o.check(err)
	return record
}

func (o outsider) inject(f bpsim.Fault) (id string) {
	o.Helper()
	id, err := o.sim.Inject(f)
	o.check(err)
	return id
}

// strikesLeft is how often a fault can still strike.
func (o outsider) strikesLeft(id string) int {
	for _, f := range o.sim.Faults() {
		if f.ID == id {
			return f.Times
		}
	}
	return 0
}

// tokenOf escapes a chat id for a subject.
func tokenOf(chat string) string {
	var b strings.Builder
	for i := range len(chat) {
		if c := chat[i]; c == '_' || c == '-' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// app is another client of the contact center: it uses no connector.
type app struct {
	outsider
	client string
}

// call makes one call of the contact center's own API.
func (a app) call(method, path string, body []byte) fields {
	a.Helper()
	address := a.http.URL + "/clientweb/api/v2/" + path + "?timestamp=1&tenantUrl=" + url.QueryEscape(tenant)
	request, err := http.NewRequestWithContext(a.ctx, method, address, bytes.NewReader(body))
	a.check(err)
	request.Header.Set("Authorization", `MOBILE-API-140-327-PLAIN appId="`+appID+`", clientId="`+a.client+`"`)
	request.Header.Set("User-Agent", "MobileClient")
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("Content-Type", "application/json; charset=UTF-8")
	response, err := a.http.Client().Do(request)
	a.check(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	a.check(err)
	if response.StatusCode != http.StatusOK {
		a.Fatalf("%s %s: %s %s", method, path, response.Status, answer)
	}
	var result fields
	if len(answer) > 0 {
		a.check(json.Unmarshal(answer, &result))
	}
	return result
}

// openElsewhere makes a chat that the connector does not know.
func (o outsider) openElsewhere(client string) (chat string) {
	o.Helper()
	answer := app{o, client}.call(http.MethodPost, "chats", o.json(fields{"from": "Eve", "parameters": fields{}}))
	return answer["chat_id"].(string)
}

// openAttachable makes one that may be attached, as its id can stand in any path.
func (o outsider) openAttachable(client string) string {
	o.Helper()
	for {
		chat := o.openElsewhere(client)
		if !strings.Contains(chat, "/") {
			return chat
		}
		app{o, client}.say(chat, fields{"event": "chat_session_end"})
	}
}

// say sends an event of the client past the connector.
func (a app) say(chat string, event fields) {
	a.Helper()
	a.call(http.MethodPost, "chats/"+url.PathEscape(chat)+"/events", a.json(fields{"events": []any{event}}))
}

// poll takes events of the chat away, until it has had so many.
func (a app) poll(chat string, count int) {
	a.Helper()
	for got := 0; got < count; {
		events, _ := a.call(http.MethodGet, "chats/"+url.PathEscape(chat)+"/events", nil)["events"].([]any)
		got += len(events)
	}
}
