package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// planted takes the place of values. It stands in no name, so that no error has a reason to tell it.
const (
	planted       = "pl4ntedvalue"
	plantedNumber = "90817263544"
)

// mostRecord is more than the attributes of a command can make of a record.
const mostRecord = 32 << 10

// writers write results in each mode. Nothing is connected any more, so what
// would go to the object store cannot be written.
func writers(f *testing.F) []*Commands {
	r := natstest.New(f)
	var all []*Commands
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		streams := r.Streams(func(c *bus.Config) { c.Mode = mode })
		all = append(all, withTeller(&Commands{
			Needs: Needs{
				Publisher: r.Publisher(streams), Guard: intake.NewGuard("a.b", nil, natstest.Log()), Log: natstest.Log(),
				Naming: translate.Naming{Prefix: "a.b", Tenant: "acme.example", SchemaBase: "cc-connector:/schemas"},
			},
			cfg: Config{Prefix: "a.b", Apps: []chats.App{{Name: "main", ID: "app 1"}}},
		}))
	}
	r.NC.Close()
	r.Server.Shutdown()
	return all
}

// FuzzReadCommand gives every command any header and any data. It never
// panics, its result can always be written, and no error tells a value.
func FuzzReadCommand(f *testing.F) {
	for i := range schema.Commands {
		for _, data := range seedsOf(&schema.Commands[i]) {
			for _, mask := range []uint64{1, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0xffffffffffffffff, 0x123456789abcdef0} {
				f.Add(uint8(i), "Nats-Msg-Id: 1", data, mask)
			}
			f.Add(uint8(i), "Content-Type: application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"/s","type":"t","correlationid":"c","data":`+data+`}`, uint64(0xfffffffffffffff0))
			f.Add(uint8(i), "ce-specversion: 1.0\r\nCE-ID: a%20b\r\nce-source: /s\r\nce-type: t\r\nce-expirytime: 2026-01-01T00:00:00Z", data, uint64(0xffffffffffffffe0))
		}
	}
	f.Add(uint8(11), "ce-id: \xff\r\nce-id: 2\r\nNats-Msg-Id: \xff", `{"specversion":"0.3","chatId":"\ud800"}`, uint64(3))
	f.Add(uint8(11), "", `{"chatId":"a.b *>=é\u0000","text":"hi"}`, uint64(0))
	f.Add(uint8(32), "", `{"aps":{"alert":"news"},"chatID":"`+strings.Repeat("é", 128)+`"}`, uint64(0))
	f.Add(uint8(2), "traceparent: x\r\nContent-Type: text/xml", `{"chatId":"`+strings.Repeat("é", 200)+`"}`, uint64(0))
	f.Add(uint8(0), "Nats-Msg-Id: 1", `{"specversion":"1.0","a0":1,"a1":1,"x":"`+strings.Repeat("&", 9000)+`"}`, uint64(0))
	f.Add(uint8(11), "ce-specversion: 1.0\r\nce-id: 1\r\nce-type: t\r\nce-source: x:"+strings.Repeat("&", 1100)+"\r\nStatus: 404", `{}`, uint64(0))
	f.Add(uint8(32), "Nats-Stream: A_B_EVENTS\r\nNats-Subject: a.b.result.chat.send", `{"chatID":"..","type":"com.brightpattern.chat.event.message.v1"}`, uint64(0))
	f.Add(uint8(11), "Nats-Msg-Id: 1\r\nTraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=b", `{"chatId":"x\ud800","text":"\\\ud800\udc00\udc00\u0000"}`, uint64(0))
	f.Add(uint8(6), "Content-Type: application/cloudevents+json", `{"specversion":"1.0","id":"\udfff","source":"/s","type":"t","correlationid":"\ud800","data":{"userPlatform":{"\ud800":["\udc00",1e999]}}}`, uint64(0))
	f.Add(uint8(10), "", `{"chatId":"a/b","clientId":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)+`}`, uint64(0))
	all := writers(f)
	f.Fuzz(func(t *testing.T, which uint8, header, data string, mask uint64) {
		spec := &schema.Commands[int(which)%len(schema.Commands)]
		h, err := nats.DecodeHeadersMsg([]byte("NATS/1.0\r\n" + header + "\r\n\r\n"))
		if err != nil {
			h = nats.Header{header: {data}, strings.ToUpper(data): {header}}
		}
		checkRead(t, all, spec, h, []byte(data))

		h, data = plantHeader(h, mask), plant(data, mask)
		if hasPlantedName(h, data) {
			return
		}
		if failure := checkRead(t, all, spec, h, []byte(data)); failure != nil {
			for _, value := range []string{planted, plantedNumber} {
				if strings.Contains(failure.Message, value) {
					t.Errorf("%s: the error tells a value: %s", spec.Name, failure.Message)
				}
			}
		}
	})
}

// seedsOf makes data of a command: all fields, the least, and none.
func seedsOf(spec *schema.Command) []string {
	values := map[schema.Kind]any{
		schema.KindStringMap: map[string]string{"topic": "parcel"}, schema.KindObject: map[string]any{"type": "OFFER_CALL", "n": 1},
		schema.KindBase64: "AAAA", schema.KindLatitude: 48.2, schema.KindLongitude: -16.4,
	}
	all, least := map[string]any{}, map[string]any{}
	for _, field := range spec.Fields {
		value, ok := values[field.Kind]
		if !ok {
			value = "K1x"
		}
		if len(field.Enum) > 0 {
			value = field.Enum[0]
		}
		if all[field.Name] = value; field.Required {
			least[field.Name] = value
		}
	}
	return []string{mustEncode(all), mustEncode(least), "", mustEncode(all)[1:]}
}

func mustEncode(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// checkRead reads a command, and writes it down as succeeded, failed and refused.
func checkRead(t *testing.T, writers []*Commands, spec *schema.Command, h nats.Header, data []byte) *schema.Error {
	t.Helper()
	cmd, failure := read(spec, arrival{header: h, data: data, id: uuid.NewString()})
	if cmd.ID == "" || cmd.Correlation == "" {
		t.Errorf("the command has no identity: %+v", cmd)
	}
	checkChat(t, cmd.chat)
	if record, err := schema.JSON(journal.NewRecord(cmd.Identity, cmd.fingerprint(), 1)); err != nil || len(record) > mostRecord {
		t.Errorf("its record has %d bytes, %v", len(record), err)
	}
	if failure == nil && spec.NamesChat() && cmd.chat.Token == "" {
		t.Errorf("%s is taken, but is on no chat: %q", spec.Name, data)
	}
	busy := unread(spec, arrival{header: h, id: uuid.NewString()})
	request := checkRequest(t, cmd, failure)
	for _, c := range writers {
		checkResult(t, c, cmd.Identity, failed(failure))
		checkResult(t, c, cmd.Identity, outcome{Outcome: journal.Outcome{ChatID: cmd.chat.ID, App: "\xff app", Request: request, Result: json.RawMessage(`{"n":1}`)}})
		checkResult(t, c, busy.Identity, failed(unavailable("busy")))
	}
	return failure
}

// checkRequest is what a result says that the command asked for: nothing, if it
// was not understood.
func checkRequest(t *testing.T, cmd *command, failure *schema.Error) json.RawMessage {
	t.Helper()
	if cmd.understood != (failure == nil) {
		t.Errorf("%s is understood: %v, and refused: %v", cmd.Command, cmd.understood, failure)
	}
	if !cmd.understood {
		return nil
	}
	return cmd.spec.Request(cmd.data, func(string) string { return "a-reference" })
}

// Half of a surrogate pair, as JSON escapes it, and what looks like one.
var (
	backslash = regexp.MustCompile(`\\\\`)
	wholePair = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
	halfPair  = regexp.MustCompile(`\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)
)

// checkStrict reads JSON as readers do that forgive nothing.
func checkStrict(t *testing.T, data []byte) {
	t.Helper()
	rest := data
	if bytes.Contains(data, []byte(`\u`)) {
		rest = wholePair.ReplaceAll(backslash.ReplaceAll(data, nil), nil)
	}
	if !utf8.Valid(data) || !json.Valid(data) || halfPair.Match(rest) {
		t.Errorf("strict readers do not take %q", data)
	}
}

// checkChat: the token leads back to the id, and is one token.
func checkChat(t *testing.T, chat chats.Key) {
	t.Helper()
	if chat == (chats.Key{}) {
		return
	}
	back, err := subjects.Unescape(string(chat.Token))
	if err != nil || back != string(chat.ID) || len(chat.ID) > schema.MaxID {
		t.Errorf("the chat %q has the token %q, which is %q, %v", chat.ID, chat.Token, back, err)
	}
}

// checkResult writes a result and reads it as its receiver does.
func checkResult(t *testing.T, c *Commands, of journal.Identity, o outcome) {
	t.Helper()
	form := schema.FormStructured // the other mode than the event's, where there are two
	if c.Publisher.Mode() == schema.Structured {
		form = schema.FormPlain
	}
	r, err := c.build(t.Context(), of, o, form)
	if err != nil {
		t.Errorf("the result of %+v cannot be written: %v", of, err)
		return
	}
	checkEvent(t, c, of, o, r)
	checkReply(t, r, form)
}

// checkReply reads a reply as who has sent a request of the form.
func checkReply(t *testing.T, r result, form schema.Form) {
	t.Helper()
	ce, got, err := schema.Decode(r.reply.Header, r.reply.Data)
	if err != nil || "result:"+ce.ID() != r.id || (got == schema.FormStructured) != (form == schema.FormStructured) {
		t.Errorf("the reply to a %s one is %s, %v: %s", form, got, err, r.reply.Data)
	}
	if form != schema.FormStructured && !bytes.Equal(ce.Data(), r.reply.Data) {
		t.Errorf("the payload is %s, the data are %s", r.reply.Data, ce.Data())
	}
}

func checkEvent(t *testing.T, c *Commands, of journal.Identity, o outcome, r result) {
	t.Helper()
	checkStrict(t, r.event.Data)
	ce, _, err := schema.Decode(r.event.Header, r.event.Data)
	if err != nil {
		t.Fatalf("the result of %+v cannot be read: %v", of, err)
	}
	if why := c.Guard.Judge(r.event.Header, r.event.Data); why == "" {
		t.Errorf("the result of %+v would be a command", of)
	}
	if result, err := schema.DecodeResult(ce); err != nil || result.Command != string(of.Command) || (result.Error == nil) != (o.Error == nil) {
		t.Errorf("the result of %+v is read as %+v, %v", of, result, err)
	}
	if got := schema.Extension(ce, schema.AttrCausationID); got != of.ID {
		t.Errorf("causationid is %q, the command's id %q", got, of.ID)
	}
	if parsed, err := c.cfg.Prefix.Parse(r.event.Subject); err != nil || parsed.Kind != subjects.KindResult || parsed.Command != of.Command {
		t.Errorf("the result goes to %q: %+v, %v", r.event.Subject, parsed, err)
	}
}

// plant puts a planted value in the place of the leaves of the JSON, each as
// two bits of the mask say: kept, right or of a wrong type. Behind what is no
// JSON it puts one, too.
func plant(data string, mask uint64) string {
	decoder := json.NewDecoder(strings.NewReader(data))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return data + `,"` + planted
	}
	return mustEncode(plantIn(value, &mask))
}

func plantIn(value any, mask *uint64) any {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			value[name] = plantIn(value[name], mask)
		}
		return value
	case []any:
		for i := range value {
			value[i] = plantIn(value[i], mask)
		}
		return value
	}
	instead := []any{value, planted, []any{planted}, json.Number(plantedNumber)}[*mask&3]
	*mask >>= 2
	return instead
}

func plantHeader(h nats.Header, mask uint64) nats.Header {
	changed := nats.Header{}
	for i, name := range slices.Sorted(maps.Keys(h)) {
		changed[name] = h[name]
		if mask>>(i%64)&1 == 1 {
			changed[name] = []string{planted}
		}
	}
	return changed
}

// hasPlantedName: names are told in errors on purpose.
func hasPlantedName(h nats.Header, data string) bool {
	for name := range h {
		if strings.Contains(strings.ToLower(name), planted) || strings.Contains(name, plantedNumber) {
			return true
		}
	}
	for _, value := range []string{planted, plantedNumber} {
		if i := strings.Index(data, value); i >= 0 && strings.Contains(data[i:], `":`) && strings.Contains(data, value+`":`) {
			return true
		}
	}
	return false
}

// FuzzExplain gives every command any failure of a call: the result can be
// written, says something, and repeats nothing where that could be a secret.
func FuzzExplain(f *testing.F) {
	for i := range schema.Commands {
		f.Add(uint8(i), "5005", "told "+planted, 404, "refused", false)
		f.Add(uint8(i), "", "\xff\r\n\x00"+planted, 406, "refused", true)
	}
	for _, code := range schema.ErrorCodes {
		f.Add(uint8(3), code.WireCode, "", 500, "refused", false)
	}
	for _, reason := range []string{"unreachable", "timeout", "cut", "unreadable", "canceled", "invalid"} {
		f.Add(uint8(7), "", "", 0, reason, true)
	}
	all := writers(f)
	f.Fuzz(func(t *testing.T, which uint8, code, message string, status int, reason string, unknown bool) {
		spec := &schema.Commands[int(which)%len(schema.Commands)]
		cmd := &command{spec: spec, Identity: journal.Identity{Command: subjects.Command(spec.Name), ID: "1", Result: "2", Correlation: "1"}}
		wire := &brightpattern.Error{
			Method: "m", Status: status, Code: brightpattern.Code(code), Message: message, Reason: brightpattern.Reason(reason), Effect: brightpattern.EffectNone,
		}
		if unknown {
			wire.Effect = brightpattern.EffectUnknown
		}
		for _, err := range []error{wire, fmt.Errorf("wrapped: %w", wire), &doneError{wire}} {
			failure := explain(spec, err)
			checkFailure(t, failure)
			checkResult(t, all[0], cmd.Identity, failed(failure))
			if carriesSecrets[spec.Name] && len(message) > 3 && strings.Contains(failure.Message, message) && !strings.Contains(meaningOf(failure, status), message) {
				t.Errorf("%s repeats what it was told: %q", spec.Name, failure.Message)
			}
		}
	})
}

// meaningOf is what an error says without the contact center's words.
func meaningOf(failure *schema.Error, status int) string {
	return meanings[failure.Code] + " (HTTP status " + strconv.Itoa(status) + ")"
}

func checkFailure(t *testing.T, failure *schema.Error) {
	t.Helper()
	if _, known := meanings[failure.Code]; !known || failure.Message == "" {
		t.Errorf("the error says nothing: %+v", failure)
	}
	if failure.Outcome != schema.OutcomeNotDone && failure.Outcome != schema.OutcomeUnknown {
		t.Errorf("the outcome is %q", failure.Outcome)
	}
	if strings.ContainsAny(oneLine(failure.Message), "\r\n\x00") {
		t.Errorf("%q cannot stand in a header", oneLine(failure.Message))
	}
}

// FuzzWithoutClient: whatever a record of another version has, no client is
// made public by it.
func FuzzWithoutClient(f *testing.F) {
	for _, seed := range []string{`{"chatId":"1","clientId":"pl4ntedvalue","new":[1]}`, `{"clientId":7}`, `{"CLIENTID":"pl4ntedvalue"}`, `null`, `[]`, `{"clientId":"x","clientRef":"r"}`} {
		f.Add([]byte(seed))
	}
	r := natstest.New(f)
	streams := r.Streams()
	c := withTeller(&Commands{Needs: Needs{Clients: clients.New(streams.State, replicas.NewRegistry(streams.State, "self", time.Second, &bus.Health{}, natstest.Log()), streams.Keeps, natstest.Log())}})
	r.Check(c.Clients.Look(r.Ctx))
	f.Fuzz(func(t *testing.T, whole []byte) {
		var open map[string]json.RawMessage
		if err := json.Unmarshal(c.withoutClient(whole), &open); err != nil {
			t.Fatalf("%s becomes unreadable: %v", whole, err)
		}
		for name := range open {
			if strings.EqualFold(name, "clientId") {
				t.Errorf("%s still has the client", whole)
			}
		}
		var client struct{ ClientID, ClientRef string }
		if json.Unmarshal(whole, &client) == nil && client.ClientID != "" && client.ClientRef == "" && string(open["clientRef"]) != strconv.Quote(string(c.Clients.Ref(brightpattern.ClientID(client.ClientID)))) {
			t.Errorf("%s becomes %s", whole, open)
		}
	})
}
