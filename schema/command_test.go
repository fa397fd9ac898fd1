package schema

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// published is the list of commands that other programs rely on: name, lanes
// and kinds (d durable, r read, g GETs alone, m returns a messageId, o open),
// fields (! required), fields of the result.
var published = [][4]string{
	{"service.version", "rg", "", "serverVersion"},
	{"service.availability", "rg", "app", "chat estimatedWaitTime"},
	{"service.parameters", "rg", "app", "parameters"},
	{"service.configuration", "rg", "app", "configuration"},
	{"service.iceservers", "rg", "app", "servers"},
	{"service.schemas", "rg", "name", "schemas name sha256 bytes schema"},
	{"chat.request", "d", "from phoneNumber parameters userPlatform clientId app", "chatId state estimatedWaitTime isNewChat phoneNumber clientId clientRef"},
	{"chat.active", "drg", "clientId! app", "chatId state estimatedWaitTime phoneNumber clientId clientRef"},
	{"chat.attach", "dg", "chatId! clientId! app", "chatId"},
	{"chat.detach", "d", "chatId!", ""},
	{"chat.history", "rg", "chatId!", "events"},
	{"chat.send", "dm", "chatId! text html channel", "messageId"},
	{"chat.delivered", "d", "chatId! messageId!", ""},
	{"chat.read", "d", "chatId! messageId!", ""},
	{"chat.typing", "d", "chatId!", ""},
	{"chat.nottyping", "d", "chatId!", ""},
	{"chat.disconnect", "d", "chatId!", ""},
	{"chat.end", "d", "chatId!", ""},
	{"chat.form", "d", "chatId! formRequestId! formName data!", ""},
	{"chat.secureform", "", "chatId! formRequestId! formName data!", ""},
	{"chat.secureformcancel", "d", "chatId! formRequestId!", ""},
	{"chat.location", "dm", "chatId! latitude longitude url", "messageId"},
	{"chat.navigation", "dm", "chatId! page! title", "messageId"},
	{"chat.signal", "m", "chatId! partyId! signal!", "messageId"},
	{"chat.cobrowsing", "d", "chatId! action! providerType url", ""},
	{"chat.file", "dm", "chatId! object content fileName! fileType!", "fileId messageId"},
	{"chat.photo", "rg", "chatId! partyId!", "object contentType"},
	{"case.history", "rg", "chatId!", "sessions"},
	{"case.close", "d", "chatId!", ""},
	{"push.apns", "d", "chatId! deviceToken! appBundleId", ""},
	{"push.firebase", "d", "chatId! deviceToken! platform", ""},
	{"push.cancel", "d", "chatId!", ""},
	{"push.received", "dgo", "chatID! clientId", "chatId"},
}

func TestCommandsAreThePublishedOnes(t *testing.T) {
	var got [][4]string
	for i := range Commands {
		c := &Commands[i]
		got = append(got, [4]string{c.Name, flags(c), fieldList(c), tagList(c.NewResult())})
	}
	for i := range max(len(got), len(published)) {
		if i >= len(got) || i >= len(published) || got[i] != published[i] {
			t.Fatalf("row %d:\ngot  %q\nwant %q", i, got[i:], published[i:])
		}
	}
}

func flags(c *Command) string {
	var b strings.Builder
	for _, f := range []struct {
		on     bool
		letter string
	}{{c.Durable, "d"}, {c.Read, "r"}, {c.GET, "g"}, {c.MessageID, "m"}, {c.Open, "o"}} {
		if f.on {
			b.WriteString(f.letter)
		}
	}
	return b.String()
}

func fieldList(c *Command) string {
	var names []string
	for _, f := range c.Fields {
		if f.Required {
			f.Name += "!"
		}
		names = append(names, f.Name)
	}
	return strings.Join(names, " ")
}

func tagList(s any) string {
	if s == nil {
		return ""
	}
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(s).Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// The structs and the table are two spellings of one thing.
func TestDataStructsFitTheTable(t *testing.T) {
	kinds := map[Kind]reflect.Type{
		KindString: reflect.TypeFor[string](), KindID: reflect.TypeFor[string](), KindClientID: reflect.TypeFor[string](),
		KindEnum: reflect.TypeFor[string](), KindStringMap: reflect.TypeFor[map[string]string](),
		KindObject: reflect.TypeFor[json.RawMessage](), KindBase64: reflect.TypeFor[[]byte](),
		KindLatitude: reflect.TypeFor[*float64](), KindLongitude: reflect.TypeFor[*float64](),
	}
	for i := range Commands {
		c := &Commands[i]
		data := reflect.TypeOf(c.NewData()).Elem()
		if want := strings.ToLower(strings.ReplaceAll(c.Name, ".", "")); strings.ToLower(data.Name()) != want {
			t.Errorf("%s has the struct %s", c.Name, data.Name())
		}
		if data.NumField() != len(c.Fields) {
			t.Errorf("%s has %d fields, its struct %d", c.Name, len(c.Fields), data.NumField())
			continue
		}
		for j, f := range c.Fields {
			tag := f.Name
			if !f.Required {
				tag += ",omitempty"
			}
			if got := data.Field(j); got.Tag.Get("json") != tag || got.Type != kinds[f.Kind] {
				t.Errorf("%s: %s %s is tagged %s", c.Name, got.Name, got.Type, got.Tag)
			}
		}
	}
}

func TestTableIsSound(t *testing.T) {
	for i := range Commands {
		c := &Commands[i]
		if c.Method == "" || c.Noun()+"."+c.Verb() != c.Name {
			t.Errorf("%s: method %q, noun %q, verb %q", c.Name, c.Method, c.Noun(), c.Verb())
		}
		if found, ok := LookupCommand(c.Name); !ok || found != c {
			t.Errorf("%s is not found", c.Name)
		}
		for _, f := range c.Fields {
			if f.Doc == "" || checks[f.Kind] == nil || (f.Kind == KindEnum) != (f.Enum != nil) {
				t.Errorf("%s: %+v", c.Name, f)
			}
		}
		for _, group := range slices.Concat(c.OneOf, c.AnyOf, c.Together) {
			for _, name := range group {
				if f, ok := c.Field(name); !ok || f.Required {
					t.Errorf("%s: %s stands in a group", c.Name, name)
				}
			}
		}
	}
	if _, ok := LookupCommand("chat.sing"); ok {
		t.Error("chat.sing was found")
	}
}

func TestNamesChat(t *testing.T) {
	var without []string
	for i := range Commands {
		if !Commands[i].NamesChat() {
			without = append(without, Commands[i].Name)
		}
	}
	want := []string{"service.version", "service.availability", "service.parameters", "service.configuration", "service.iceservers",
		"service.schemas", "chat.request", "chat.active"}
	if !slices.Equal(without, want) {
		t.Errorf("%q name no chat", without)
	}
}

func TestErrorCodes(t *testing.T) {
	wire := strings.Fields("1000 2000 2001 2002 2003 2004 3000 5000 5001 5003 5004 5005 5006 5500 5501 5502 5509 5511 5558 5601 5602 5603 5955")
	var numbered []string
	seen := map[ErrorCode]bool{}
	for _, c := range ErrorCodes {
		if c.Meaning == "" || seen[c.Code] {
			t.Errorf("%+v", c)
		}
		seen[c.Code] = true
		if strings.HasPrefix(string(c.Code), "chat_session_") != (c.WireCode != "") {
			t.Errorf("%s has the wire code %q", c.Code, c.WireCode)
		}
		if c.WireCode != "" {
			numbered = append(numbered, c.WireCode)
		}
	}
	slices.Sort(numbered)
	if !slices.Equal(numbered, wire) {
		t.Errorf("wire codes %q", numbered)
	}
	if len(ErrorCodes) != 32 {
		t.Errorf("%d codes", len(ErrorCodes))
	}
}
