package schema

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

func refOf(client string) string { return "ref-of-" + client }

func TestRequest(t *testing.T) {
	for _, c := range []struct{ command, data, want string }{
		{"service.version", ``, `{}`},
		{"service.version", ` { } `, `{}`},
		{"chat.send", `{"chatId":"1","text":"a < b","channel":"web"}`, `{"chatId":"1","text":"a < b","channel":"web"}`},
		{"chat.request", `{}`, `{}`},
		{"chat.request", `{"clientId":""}`, `{}`},
		{"chat.request", `{"clientId":"c-1","from":"Ada"}`, `{"clientRef":"ref-of-c-1","from":"Ada"}`},
		{"chat.request", `{"userPlatform":{"b":1.50,"a":[1e2]}}`, `{"userPlatform":{"b":1.50,"a":[1e2]}}`},
		{"chat.active", `{"clientId":"\u0063-1"}`, `{"clientRef":"ref-of-c-1"}`},
		{"chat.form", `{"chatId":"1","formRequestId":"2","data":{"a":"b"}}`, `{"chatId":"1","formRequestId":"2","data":{"a":"b"}}`},
		{"chat.secureform", `{"data":{"pin":"1"},"chatId":"1","formRequestId":"2","formName":"f"}`, `{"chatId":"1","formRequestId":"2","formName":"f"}`},
		{"chat.signal", `{"chatId":"1","partyId":"p","signal":{"type":"x"}}`, `{"chatId":"1","partyId":"p"}`},
		{"chat.file", `{"chatId":"1","content":"AA==","fileName":"f","fileType":"image"}`, `{"chatId":"1","fileName":"f","fileType":"image"}`},
		{"push.apns", `{"chatId":"1","deviceToken":"t","appBundleId":"b"}`, `{"chatId":"1","appBundleId":"b"}`},
		{"push.firebase", `{"deviceToken":"t","chatId":"1"}`, `{"chatId":"1"}`},
		{"push.received", `{"aps":{"alert":"news"},"chatID":"1","clientId":"c","CLIENTID":"c"}`, `{"chatID":"1","clientRef":"ref-of-c"}`},
	} {
		command, _ := LookupCommand(c.command)
		if ferr := command.Validate(json.RawMessage(c.data)); ferr != nil {
			t.Errorf("%s of %s: %v", c.command, c.data, ferr)
		}
		if got := string(command.Request(json.RawMessage(c.data), refOf)); got != c.want {
			t.Errorf("%s of %s tells %s, want %s", c.command, c.data, got, c.want)
		}
	}
}

// What no result may tell is withheld by the table; what a new field holds is
// to be thought of.
func TestWithheldFields(t *testing.T) {
	var withheld []string
	for i := range Commands {
		for _, f := range Commands[i].Fields {
			if f.Withheld || f.Kind == KindClientID {
				withheld = append(withheld, Commands[i].Name+" "+f.Name)
			}
		}
	}
	want := []string{
		"chat.request clientId", "chat.active clientId", "chat.attach clientId", "chat.secureform data", "chat.signal signal", "chat.file content",
		"push.apns deviceToken", "push.firebase deviceToken", "push.received clientId",
	}
	if !slices.Equal(withheld, want) {
		t.Errorf("withheld are %q, want %q", withheld, want)
	}
}

// FuzzRequest: of data that are accepted, the request is an object, is no
// longer than they are and a reference, and tells no client.
func FuzzRequest(f *testing.F) {
	for i, c := range Commands {
		for _, data := range accepted[c.Name] {
			f.Add(uint8(i), data)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data string) {
		c := &Commands[int(which)%len(Commands)]
		if c.Validate(json.RawMessage(data)) != nil {
			return
		}
		const ref = "a-reference"
		request := c.Request(json.RawMessage(data), func(string) string { return ref })
		var members map[string]json.RawMessage
		if err := json.Unmarshal(request, &members); err != nil || len(request) > len(data)+len(ref)+len(`{"clientRef":""}`) {
			t.Fatalf("%s of %s tells %s: %v", c.Name, data, request, err)
		}
		for name := range members {
			if field, known := c.Field(name); name != "clientRef" && (!known || field.Withheld || field.Kind == KindClientID) {
				t.Errorf("%s of %s tells %s", c.Name, data, name)
			}
		}
	})
}

// The form of what is not read is told by its headers and its beginning, as
// Decode tells it of what is sound.
func TestFormOf(t *testing.T) {
	structured, attributes := nats.Header{"content-type": {"Application/CloudEvents+JSON"}}, nats.Header{"CE-Id": {"1"}}
	for _, c := range []struct {
		header nats.Header
		data   string
		want   Form
	}{
		{nil, ``, FormPlain},
		{nil, `{"text":"x"}`, FormPlain},
		{nil, `{"text":"the \"specversion\""}`, FormPlain},
		{nats.Header{"Nats-Msg-Id": {"1"}}, `no JSON`, FormPlain},
		{structured, `no JSON`, FormStructured},
		{nats.Header{"Content-Type": {"application/cloudevents-batch+json"}}, `[]`, FormStructured},
		{nil, ` {"id":"1","specversion":"1.0"`, FormStructured},
		{attributes, `{"specversion":"1.0"}`, FormStructured},
		{attributes, `{"text":"x"}`, FormBinary},
		{attributes, `["specversion"]`, FormBinary},
		{nil, `{"data":"` + strings.Repeat("x", 1<<20) + `","specversion":"1.0"`, FormStructured},
	} {
		if got := FormOf(c.header, []byte(c.data)); got != c.want {
			t.Errorf("%v with %.50s seems %s, want %s", c.header, c.data, got, c.want)
		}
	}
	for form, mode := range map[Form]Mode{FormStructured: Structured, FormBinary: Binary, FormPlain: Binary} {
		if got := form.Mode(); got != mode {
			t.Errorf("%s is answered %s", form, got)
		}
	}
}
