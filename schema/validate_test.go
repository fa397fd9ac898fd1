package schema

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// accepted has at least one set of good data for each command.
var accepted = map[string][]string{
	"service.version":       {``, ` `, `{}`, "\n{ }\n"},
	"service.availability":  {``, `{}`, `{"app":"web"}`, `{"app":""}`},
	"service.parameters":    {`{"app":"web"}`},
	"service.configuration": {`{"app":"web"}`},
	"service.iceservers":    {`{"app":"web"}`},
	"service.schemas":       {``, `{}`, `{"name":"v1/event.message.json"}`},
	"chat.request": {`{}`, ``, `{"from":"me"}`, `{"from":""}`, `{"from":"me","phoneNumber":"+1","parameters":{"a":"b","":""},"userPlatform":{"os":[1,{}]},"clientId":"c-1","app":"web"}`,
		`{"from":"me","parameters":{},"userPlatform":{},"clientId":""}`},
	"chat.active":     {`{"clientId":"webchat"}`},
	"chat.attach":     {`{"chatId":"1","clientId":"c"}`},
	"chat.detach":     {`{"chatId":"1"}`},
	"chat.history":    {`{"chatId":"1"}`},
	"chat.send":       {`{"chatId":"1","text":"hi"}`, `{"chatId":"1","html":"<b>","channel":"web"}`, `{"chatId":"1","text":"\u0000\ud83d\ude00"}`},
	"chat.delivered":  {`{"chatId":"1","messageId":"1:0"}`},
	"chat.read":       {`{"chatId":"1","messageId":"1:0"}`},
	"chat.typing":     {`{"chatId":"1"}`},
	"chat.nottyping":  {`{"chatId":"1"}`},
	"chat.disconnect": {`{"chatId":"1"}`},
	"chat.end":        {`{"chatId":"1"}`},
	"chat.form": {`{"chatId":"1","formRequestId":"2","formName":"f","data":{"a":1,"a":2}}`,
		`{"chatId":"1","formRequestId":"2","formName":"","data":{"text":"yes"}}`, `{"chatId":"1","formRequestId":"2","data":{}}`},
	"chat.secureform":       {`{"chatId":"1","formRequestId":"2","formName":"f","data":{}}`, `{"chatId":"1","formRequestId":"2","data":{}}`},
	"chat.secureformcancel": {`{"chatId":"1","formRequestId":"2"}`},
	"chat.location": {`{"chatId":"1","latitude":-90,"longitude":180}`, `{"chatId":"1","latitude":9e1,"longitude":-1.8E+2,"url":"u"}`,
		`{"chatId":"1","url":"u"}`, `{"chatId":"1","latitude":0,"longitude":0,"url":""}`},
	"chat.navigation": {`{"chatId":"1","page":"p"}`, `{"chatId":"1","page":"p","title":"t"}`},
	"chat.signal":     {`{"chatId":"1","partyId":"p","signal":{"type":"END_CALL"}}`},
	"chat.cobrowsing": {`{"chatId":"1","action":"started","providerType":"p","url":"u"}`, `{"chatId":"1","action":"ended"}`},
	"chat.file":       {`{"chatId":"1","object":"o","fileName":"f","fileType":"image"}`, `{"chatId":"1","content":"AAE=","fileName":"f","fileType":"attachment"}`},
	"chat.photo":      {`{"chatId":"1","partyId":"p"}`},
	"case.history":    {`{"chatId":"1"}`},
	"case.close":      {`{"chatId":"1"}`},
	"push.apns":       {`{"chatId":"1","deviceToken":"t"}`, `{"chatId":"1","deviceToken":"t","appBundleId":"b"}`},
	"push.firebase":   {`{"chatId":"1","deviceToken":"t"}`, `{"chatId":"1","deviceToken":"t","platform":"android"}`},
	"push.cancel":     {`{"chatId":"1"}`},
	"push.received": {`{"chatID":"1"}`, `{"chatId":"1","clientId":"c","aps":{"alert":5},"CHATID":7,"CLIENTID":[]}`,
		`{"chatID":"1","chatId":"1","x":1,"x":2}`},
}

func TestValidateAccepts(t *testing.T) {
	for i := range Commands {
		c := &Commands[i]
		if len(accepted[c.Name]) == 0 {
			t.Errorf("no data for %s", c.Name)
		}
		for _, data := range accepted[c.Name] {
			if ferr := c.Validate(json.RawMessage(data)); ferr != nil {
				t.Errorf("%s of %s: %v", c.Name, data, ferr)
			}
			into := c.NewData()
			if err := ReadData(json.RawMessage(data), into); err != nil {
				t.Errorf("%s of %s: %v", c.Name, data, err)
			}
		}
	}
}

// Every required field is missed, every string's type is checked, nothing unknown passes.
func TestValidateEveryField(t *testing.T) {
	for i := range Commands {
		c := &Commands[i]
		for _, f := range c.Fields {
			without := members(t, accepted[c.Name][0])
			delete(without, f.Name)
			grouped := slices.Contains(slices.Concat(slices.Concat(c.OneOf, c.Together)...), f.Name)
			needed := f.Required || grouped && members(t, accepted[c.Name][0])[f.Name] != nil
			if ferr := c.Validate(object(t, without)); needed != (ferr != nil && ferr.Field == f.Name) || !needed && ferr != nil {
				t.Errorf("%s without %s: %v", c.Name, f.Name, ferr)
			}
			for _, bad := range []string{`null`, `true`, `[]`, `["x"]`} {
				with := members(t, accepted[c.Name][0])
				with[f.Name] = json.RawMessage(bad)
				if ferr := c.Validate(object(t, with)); ferr == nil || ferr.Field != f.Name {
					t.Errorf("%s with %s %s: %v", c.Name, f.Name, bad, ferr)
				}
			}
		}
		with := members(t, accepted[c.Name][0])
		with["extra"] = json.RawMessage(`1`)
		if ferr := c.Validate(object(t, with)); c.Open != (ferr == nil) || ferr != nil && ferr.Field != `"extra"` {
			t.Errorf("%s with an extra field: %v", c.Name, ferr)
		}
	}
}

func members(t *testing.T, data string) map[string]json.RawMessage {
	t.Helper()
	m := map[string]json.RawMessage{}
	if err := ReadData(json.RawMessage(data), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func object(t *testing.T, m map[string]json.RawMessage) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestValidateRefuses(t *testing.T) {
	for _, c := range []struct{ command, data, field string }{
		{"chat.send", ``, "chatId"},
		{"chat.send", `null`, "data"},
		{"chat.send", `"x"`, "data"},
		{"chat.send", `[]`, "data"},
		{"chat.send", `{"chatId":"1"`, "data"},
		{"chat.send", `{"chatId":"1","text":"a"}{}`, "data"},
		{"chat.send", "{\"chatId\":\"1\",\"text\":\"\xff\"}", "data"},
		{"chat.send", `{"chatId":"1"}`, "text"},
		{"chat.send", `{"chatId":"1","text":"a","html":"a"}`, "html"},
		{"chat.send", `{"chatId":"1","text":"a","html":""}`, "html"},
		{"chat.send", `{"chatId":"1","text":""}`, "text"},
		{"chat.send", `{"chatId":"1","html": "" }`, "html"},
		{"chat.send", `{"chatId": "","text":"a"}`, "chatId"},
		{"chat.send", `{"chatId":1,"text":"a"}`, "chatId"},
		{"chat.send", `{"chatId":"1","chatId":"1","text":"a"}`, "chatId"},
		{"chat.send", `{"chatid":"1","text":"a"}`, `"chatid"`},
		{"chat.send", `{"chatId":"1","text":"a","te\nxt":"a"}`, `"te\nxt"`},
		{"chat.send", `{"chatId":"1","text":"a","":"a"}`, `""`},
		{"chat.send", `{"chatId":"1","text":"a","` + strings.Repeat("é", 40) + `":"a"}`, `"` + strings.Repeat(`\u00e9`, 32) + `"…`},
		{"chat.request", `{"from":"m","clientId":"WebChat"}`, "clientId"},
		{"chat.request", `{"from":"m","clientId":"a\nb"}`, "clientId"},
		{"chat.request", `{"from":"m","clientId":"a\"b"}`, "clientId"},
		{"chat.request", `{"from":"m","parameters":{"a":1}}`, "parameters"},
		{"chat.request", `{"from":"m","parameters":{"a":"1","a":"2"}}`, "parameters"},
		{"chat.request", `{"from":"m","parameters":[]}`, "parameters"},
		{"chat.request", `{"from":"m","userPlatform":"x"}`, "userPlatform"},
		{"chat.active", `{"clientId":"WebChat"}`, "clientId"},
		{"chat.active", `{"clientId":""}`, "clientId"},
		{"chat.attach", `{"chatId":"1","clientId":"WebChat"}`, "clientId"},
		{"chat.form", `{"chatId":"1","formRequestId":7,"formName":"f","data":{}}`, "formRequestId"},
		{"chat.form", `{"chatId":"1","formRequestId":"7","formName":"f","data":"{}"}`, "data"},
		{"chat.location", `{"chatId":"1","latitude":"1","longitude":1}`, "latitude"},
		{"chat.location", `{"chatId":"1","latitude":90.0001,"longitude":1}`, "latitude"},
		{"chat.location", `{"chatId":"1","latitude":-91,"longitude":1}`, "latitude"},
		{"chat.location", `{"chatId":"1","latitude":1e999,"longitude":1}`, "latitude"},
		{"chat.location", `{"chatId":"1","latitude":1,"longitude":180.5}`, "longitude"},
		{"chat.location", `{"chatId":"1","latitude":1,"longitude":-1e3}`, "longitude"},
		{"chat.location", `{"chatId":"1"}`, "latitude"},
		{"chat.location", `{"chatId":"1","url":""}`, "latitude"},
		{"chat.location", `{"chatId":"1","url": "" }`, "latitude"},
		{"chat.location", `{"chatId":"1","latitude":1}`, "longitude"},
		{"chat.location", `{"chatId":"1","latitude":1,"url":"u"}`, "longitude"},
		{"chat.location", `{"chatId":"1","longitude":1,"url":"u"}`, "latitude"},
		{"chat.location", `{"chatId":"1","latitude":null,"longitude":null,"url":"u"}`, "latitude"},
		{"chat.form", `{"chatId":"1","formRequestId":"7","formName":7,"data":{}}`, "formName"},
		{"chat.form", `{"chatId":"1","formRequestId":"7","formName":""}`, "data"},
		{"chat.signal", `{"chatId":"1","partyId":"p","signal":{}}`, "signal"},
		{"chat.signal", `{"chatId":"1","partyId":"p","signal":{"type":1}}`, "signal"},
		{"chat.signal", `{"chatId":"1","partyId":"p","signal":"{\"type\":\"x\"}"}`, "signal"},
		{"chat.cobrowsing", `{"chatId":"1","action":"begun"}`, "action"},
		{"chat.file", `{"chatId":"1","fileName":"f","fileType":"image"}`, "object"},
		{"chat.file", `{"chatId":"1","object":"o","content":"AA==","fileName":"f","fileType":"image"}`, "content"},
		{"chat.file", `{"chatId":"1","content":"A","fileName":"f","fileType":"image"}`, "content"},
		{"chat.file", `{"chatId":"1","content":"","fileName":"f","fileType":"image"}`, "content"},
		{"chat.file", `{"chatId":"1","object":"o","fileName":"f","fileType":"movie"}`, "fileType"},
		{"push.firebase", `{"chatId":"1","deviceToken":"t","platform":""}`, "platform"},
		{"push.received", `{"aps":{}}`, "chatID"},
		{"push.received", `{"chatID":""}`, "chatID"},
		{"push.received", `{"chatId":""}`, "chatID"},
		{"push.received", `{"chatId":5}`, "chatId"},
		{"push.received", `{"chatID":"1","chatId":"2"}`, "chatId"},
		{"push.received", `{"chatID":"1","chatID":"1"}`, "chatID"},
		{"push.received", `{"chatID":"1","clientId":"WebChat"}`, "clientId"},
	} {
		command, _ := LookupCommand(c.command)
		if ferr := command.Validate(json.RawMessage(c.data)); ferr == nil || ferr.Field != c.field {
			t.Errorf("%s of %s: %v, want it to name %s", c.command, c.data, ferr, c.field)
		}
	}
}

func TestValidateLimits(t *testing.T) {
	plain := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	wide := func(n int) string { return `"` + strings.Repeat("\\u20ac", n/3) + strings.Repeat("x", n%3) + `"` }
	coded := func(n int) string { return `"` + base64.StdEncoding.EncodeToString(make([]byte, n)) + `"` }
	framed := func(n int) string { return `{"type":"x","y":` + plain(n-len(`{"type":"x","y":""}`)) + `}` }
	entry := func(n int) string { return `{"k":` + plain(n) + `}` }
	named := func(n int) string { return `{` + plain(n) + `:""}` }
	many := func(n int) string {
		entries := make([]string, n)
		for i := range entries {
			entries[i] = fmt.Sprintf(`"k%d":""`, i)
		}
		return `{` + strings.Join(entries, ",") + `}`
	}
	for _, c := range []struct {
		command, field string
		limit          int
		value          func(int) string
	}{
		{"chat.send", "text", 65536, plain},
		{"chat.send", "text", 65536, wide},
		{"chat.send", "html", 65536, plain},
		{"chat.send", "channel", 1024, plain},
		{"chat.send", "chatId", 256, plain},
		{"chat.send", "chatId", 256, wide},
		{"chat.signal", "signal", 65536, framed},
		{"chat.signal", "partyId", 256, plain},
		{"chat.file", "content", 262144, coded},
		{"chat.file", "fileName", 1024, plain},
		{"chat.request", "parameters", 4096, entry},
		{"chat.request", "parameters", 1024, named},
		{"chat.request", "parameters", 64, many},
		{"chat.request", "userPlatform", 65536, framed},
		{"chat.request", "clientId", 256, plain},
		{"chat.request", "from", 1024, plain},
		{"chat.form", "data", 65536, framed},
		{"chat.form", "formRequestId", 256, plain},
		{"chat.delivered", "messageId", 256, plain},
		{"push.apns", "deviceToken", 4096, plain},
		{"push.apns", "appBundleId", 1024, plain},
		{"push.received", "chatID", 256, plain},
	} {
		command, _ := LookupCommand(c.command)
		for extra, fine := range map[int]bool{-1: true, 0: true, 1: false} {
			data := members(t, accepted[c.command][0])
			for _, group := range command.OneOf {
				for _, name := range group {
					if name != c.field && strings.Contains(strings.Join(group, " "), c.field) {
						delete(data, name)
					}
				}
			}
			data[c.field] = json.RawMessage(c.value(c.limit + extra))
			ferr := command.Validate(object(t, data))
			if fine != (ferr == nil) || ferr != nil && ferr.Field != c.field {
				t.Errorf("%s: %s of %d%+d: %v", c.command, c.field, c.limit, extra, ferr)
			}
		}
	}
}

func TestWithChat(t *testing.T) {
	for _, c := range []struct{ command, data, chat, want, field string }{
		{"chat.typing", ``, "a\"b", `{"chatId":"a\"b"}`, ""},
		{"chat.typing", `{}`, "1", `{"chatId":"1"}`, ""},
		{"chat.send", ` { "text":"x"}`, "1", `{"chatId":"1", "text":"x"}`, ""},
		{"chat.send", `{"chatId":"1","text":"x"}`, "1", `{"chatId":"1","text":"x"}`, ""},
		{"chat.send", `{"chatId":"2","text":"x"}`, "1", ``, "chatId"},
		{"chat.send", `{"chatId":1,"text":"x"}`, "1", ``, "chatId"},
		{"chat.send", `[]`, "1", ``, "data"},
		{"chat.send", `{"chatId":"1","chatId":"1"}`, "1", ``, "chatId"},
		{"push.received", `{"aps":{}}`, "1", `{"chatID":"1","aps":{}}`, ""},
		{"push.received", `{"chatId":"1"}`, "1", `{"chatId":"1"}`, ""},
		{"push.received", `{"chatID":"1","chatId":"2"}`, "1", ``, "chatId"},
		{"chat.request", `{"from":"m"}`, "", `{"from":"m"}`, ""},
	} {
		command, _ := LookupCommand(c.command)
		got, ferr := command.WithChat(json.RawMessage(c.data), c.chat)
		if c.field != "" {
			if ferr == nil || ferr.Field != c.field {
				t.Errorf("%s of %s: %v", c.command, c.data, ferr)
			}
			continue
		}
		if ferr != nil || string(got) != c.want {
			t.Errorf("%s of %s: %s, %v", c.command, c.data, got, ferr)
		}
	}
}

// What anybody may send costs no more than its size.
func TestValidateEndsEarly(t *testing.T) {
	deep := strings.Repeat(`{"type":`, MaxDepth) + `"x"` + strings.Repeat(`}`, MaxDepth)
	many := `{"chatID":"1"` + strings.Repeat(`,"x":1`, MaxMembers) + `}`
	entries := `{"from":"x","parameters":{"a":"1"` + strings.Repeat(`,"b":"1"`, 1000) + `}}`
	for _, c := range []struct{ command, data, field string }{
		{"chat.signal", `{"chatId":"1","partyId":"2","signal":{"type":"x","y":` + deep + `}}`, "data"},
		{"chat.send", `{"type":` + deep + `}`, "data"},
		{"push.received", many, "data"},
		{"chat.request", entries, "parameters"},
		{"chat.send", `{"a":1,"chatId":5}`, `"a"`},
		{"chat.send", `{"chatId":5,"a":1}`, "chatId"},
	} {
		command, _ := LookupCommand(c.command)
		if ferr := command.Validate(json.RawMessage(c.data)); ferr == nil || ferr.Field != c.field {
			t.Errorf("%s of %.60s: %v, want it to name %s", c.command, c.data, ferr, c.field)
		}
	}
}
