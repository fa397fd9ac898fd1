package connector_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

func TestCommandTableIsComplete(t *testing.T) {
	for i := range schema.Commands {
		name := schema.Commands[i].Name
		if _, there := rows[name]; !there {
			t.Errorf("no row says what %s does", name)
		}
	}
	for name := range rows {
		if _, known := schema.LookupCommand(name); !known {
			t.Errorf("%s is no command", name)
		}
	}
}

// oddIDs makes chat ids that test every escaping on the way. Every second one
// has a slash, which no chat may have that the connector is told of.
func oddIDs() func() string {
	var made atomic.Int64
	return func() string {
		n := made.Add(1)
		return fmt.Sprintf("chat %d.\u00e9%s*>%%", n, strings.Repeat("/", int(n%2)))
	}
}

func TestCommandsInEveryForm(t *testing.T) {
	t.Parallel()
	runRows(t, schema.Structured, messageForms)
}

// Where the events are binary, a reply has the form of its request all the same.
func TestCommandsAnsweredInBinaryMode(t *testing.T) {
	t.Parallel()
	runRows(t, schema.Binary, messageForms)
}

func runRows(t *testing.T, mode schema.Mode, forms []messageForm) {
	o := newOutsider(t, bpsim.Options{IDs: oddIDs(), Tenant: tenant}, func(r *rig) { r.config.Mode = mode })
	t.Cleanup(func() { o.checkLogKeepsSecrets() })
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, form := range forms {
				t.Run(form.name, func(t *testing.T) { trial{o.in(t), name, row, form, mode}.run() })
			}
		})
	}
}

// trial is one command in one form.
type trial struct {
	outsider
	command string
	row     row
	form    messageForm
	mode    schema.Mode
}

// attributesGiven are copied into the result. They hold what a header cannot.
var attributesGiven = map[string]string{
	"correlationid": `corr "10 %" %41 für Ä`,
	"traceparent":   "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"tracestate":    "a=1,b=2",
	"expirytime":    "2999-01-01T00:00:00Z",
}

func (x trial) run() {
	chat := x.chat()
	g := given{command: x.command, id: x.command + ` "` + x.form.name + `" 1% é`, source: "//sender/" + x.command, data: x.data(chat)}
	if x.form.attributes {
		g.attributes = attributesGiven
	}
	if x.row.prepare != nil {
		x.row.prepare(x.outsider, chat)
	}
	before, began := x.carriedOut(chat), time.Now()
	got := x.request(x.form.write(g))
	if got.status() != "ok" {
		x.Fatalf("refused: %v", got.failure())
	}
	if chat == "" && x.command == "chat.request" {
		chat, _ = got.data["result"].(fields)["chatId"].(string)
	}
	if _, isBinary := got.Header["ce-id"]; isBinary != (x.form.name != "structured") {
		x.Errorf("the reply to a %s request is %q", x.form.name, got.Header)
	}
	x.checkAttributes(got.cloudEvent, g, chat, began)
	x.checkData(got.cloudEvent.data, chat, g.data, false)
	x.checkEvent(got, chat)
	x.checkContactCenter(chat, before)

	again := x.request(x.form.write(g))
	if spec, _ := schema.LookupCommand(x.command); (again.id() == got.id()) == spec.Read { // each read has its own
		x.Errorf("a repeat has the result id %s, the first had %s", again.id(), got.id())
	}
	x.checkEvent(got, chat) // a repeat makes no second one
}

func (x trial) isOnChat() bool { return !strings.HasPrefix(x.command, "service.") }

// chat opens the chat that the command works on, if it needs one.
func (x trial) chat() string {
	switch {
	case !x.isOnChat() || x.command == "chat.request":
		return ""
	case x.command == "chat.attach":
		return x.openAttachable(x.client())
	case x.row.foreign:
		return x.openElsewhere(x.client())
	}
	return x.openChat()
}

func (x trial) client() string { return x.command + "-" + x.form.name }

func (x trial) data(chat string) fields {
	data := fields{}
	if x.row.given != nil {
		for name, value := range x.row.given(chat) {
			data[name] = value
		}
	}
	switch {
	case x.row.foreign && x.command == "chat.active":
		data["clientId"] = x.client()
	case x.row.foreign:
		data["chatId"], data["clientId"] = chat, x.client()
	case x.command == "push.received":
		data["chatID"] = chat
	case chat != "":
		data["chatId"] = chat
	}
	return data
}

func (x trial) checkAttributes(got cloudEvent, g given, chat string, began time.Time) {
	x.Helper()
	noun, verb, _ := strings.Cut(x.command, ".")
	want := map[string]string{
		"specversion": "1.0", "datacontenttype": "application/json", "id": got.id(),
		"type":          "com.brightpattern." + noun + ".result." + verb + ".v1",
		"source":        "//acme.example/app-1/commands",
		"dataschema":    "cc-connector:/schemas/v1/result." + x.command + ".json",
		"correlationid": g.id, "causationid": g.id,
		"time": got.attributes["time"],
	}
	for _, name := range []string{"correlationid", "traceparent", "tracestate"} {
		if value, given := g.attributes[name]; given {
			want[name] = value
		}
	}
	if chat != "" {
		want["subject"], want["partitionkey"] = tokenOf(chat), tokenOf(chat)
	}
	if !reflect.DeepEqual(got.attributes, want) {
		x.Errorf("attributes are\n %v, want\n %v", got.attributes, want)
	}
	at, err := time.Parse(time.RFC3339Nano, got.attributes["time"])
	if err != nil || at.Before(began.Truncate(time.Millisecond)) || at.After(time.Now()) {
		x.Errorf("time is %q (%v): not when the call ended", got.attributes["time"], err)
	}
}

// checkData compares the data of a reply, or of an event that everybody reads.
func (x trial) checkData(data fields, chat string, given fields, public bool) {
	x.Helper()
	want := fields{"command": x.command, "status": "ok", "request": x.told(given, chat)}
	if chat != "" {
		want["chatId"] = chat
	}
	if x.row.result != nil {
		want["result"] = x.row.result(chat)
	}
	got := x.copyOf(data)
	if request, there := got["request"].(fields); there && given["clientId"] != nil {
		x.checkClientRef(request, given["clientId"])
	}
	if result, there := got["result"].(fields); there && x.row.loose != nil {
		x.row.loose(result)
	}
	if x.command == "chat.active" {
		want["result"].(fields)["clientId"] = x.client()
	}
	if public && x.row.silent != nil {
		x.row.silent(want["result"].(fields))
	}
	if difference := diff(got, want); difference != "" {
		x.Errorf("data: %s", difference)
	}
}

// withheld is what no result tells of a command's data.
var withheld = map[string][]string{
	"chat.secureform": {"data"}, "chat.file": {"content"}, "chat.signal": {"signal"}, "push.apns": {"deviceToken"}, "push.firebase": {"deviceToken"}, "push.received": {"aps"},
}

// told is what a result says that the command asked for, but for the client.
func (x trial) told(given fields, chat string) fields {
	told := fields{}
	for name, value := range given {
		if name != "clientId" && !slices.Contains(withheld[x.command], name) {
			told[name] = value
		}
	}
	switch { // the subject names it
	case x.command == "push.received":
		told["chatID"] = chat
	case x.isOnChat() && x.command != "chat.request" && x.command != "chat.active":
		told["chatId"] = chat
	}
	return told
}

// checkClientRef takes the reference away that stands for a client.
func (x trial) checkClientRef(request fields, client any) {
	x.Helper()
	if ref, _ := request["clientRef"].(string); ref == "" || ref == client {
		x.Errorf("for the client stands %q", ref)
	}
	delete(request, "clientRef")
}

// checkEvent compares what everybody may read with the reply.
func (x trial) checkEvent(r reply, chat string) {
	x.Helper()
	subject := "cc.result." + x.command
	if chat != "" {
		subject = "cc.chat." + tokenOf(chat) + ".result." + x.command
	}
	events := x.resultEvents(subject, r.id())
	if len(events) != 1 {
		x.Fatalf("%d result events on %s, want 1", len(events), subject)
	}
	want := x.copyOf(r.data)
	if x.row.silent != nil {
		x.row.silent(want["result"].(fields))
	}
	if difference := diff(events[0].data, want); difference != "" {
		x.Errorf("the event's data: %s", difference)
	}
	attributes := events[0].attributes
	if x.row.silent != nil {
		attributes["time"] = r.attributes["time"] // it was written apart
	}
	if !reflect.DeepEqual(attributes, r.attributes) {
		x.Errorf("the event's attributes are\n %v, want\n %v", attributes, r.attributes)
	}
	for _, msg := range x.kept(subject) {
		if _, isBinary := msg.Header["ce-id"]; isBinary != (x.mode == schema.Binary) {
			x.Errorf("an event is not in %s mode: %q", x.mode, msg.Header)
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Nats-") {
			x.Errorf("the reply has the header %s", name)
		}
	}
}

// carriedOut is how often the contact center has carried the command's method out.
func (x trial) carriedOut(chat string) int {
	if chat == "" {
		return x.sim.Calls()[x.row.method]
	}
	return x.record(chat).Calls[x.row.method]
}

func (x trial) checkContactCenter(chat string, before int) {
	x.Helper()
	switch made := x.carriedOut(chat) - before; {
	case x.command == "chat.request":
		if made := x.record(chat).Calls[x.row.method]; made != 1 {
			x.Errorf("%d calls of %s, want 1", made, x.row.method)
		}
	case x.command == "chat.attach": // whoever polls then reads it, too
		if made < 1 {
			x.Errorf("the history was not read")
		}
	case x.row.method != "" && made != 1:
		x.Errorf("%d calls of %s, want 1", made, x.row.method)
	}
	if chat == "" {
		return
	}
	record := x.record(chat)
	if x.row.recorded != nil {
		if wrong := x.row.recorded(x.outsider, chat, record); wrong != nil {
			x.Errorf("at the contact center: %v", wrong)
		}
	}
	x.checkSaid(chat, record)
}

// checkSaid compares what the client said, in the contact center's account.
func (x trial) checkSaid(chat string, record bpsim.Record) {
	x.Helper()
	want := []any{}
	if x.row.event != nil {
		want = append(want, x.row.event(chat))
	}
	said := []any{}
	for _, e := range record.Client {
		event := x.object(e.Event)
		delete(event, "file_id") // the contact center's own
		said = append(said, event)
	}
	if difference := diff(said, want); difference != "" {
		x.Errorf("the client's events: %s", difference)
	}
}

func (o outsider) checkLogKeepsSecrets() {
	log := o.log.String()
	for _, secret := range []string{secretText[:7], secretToken, secretData, "simulated", "L\u00f6velace"} {
		if strings.Contains(log, secret) {
			o.Errorf("the log holds %q", secret)
		}
	}
}

func (o outsider) object(raw json.RawMessage) (object fields) {
	o.Helper()
	o.check(json.Unmarshal(raw, &object))
	return object
}

func (o outsider) copyOf(data fields) fields { return o.object(o.json(data)) }

// diff compares two values as JSON and shows both if they differ.
func diff(got, want any) string {
	g, w := string(mustJSON(got)), string(mustJSON(want))
	if g == w {
		return ""
	}
	return fmt.Sprintf("got\n %s, want\n %s", g, w)
}
