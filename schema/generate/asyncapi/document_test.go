package asyncapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// published is the document that consumers get.
func published(t *testing.T) object {
	t.Helper()
	d, known := schema.FindDocument(Path)
	if !known {
		t.Fatalf("there is no %s: run go generate ./schema", Path)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.Content))
	if err != nil {
		t.Fatal(err)
	}
	return value.(object)
}

func TestDocumentIsUpToDate(t *testing.T) {
	made, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := schema.FindDocument(Path); !bytes.Equal(d.Content, made) {
		t.Errorf("%s is not what its source makes: run go generate ./schema", Path)
	}
}

// in is the member of an object, and of what that holds.
func in(t *testing.T, o object, names ...string) object {
	t.Helper()
	for _, name := range names {
		next, isObject := o[name].(object)
		if !isObject {
			t.Fatalf("there is no object %q", strings.Join(names, " "))
		}
		o = next
	}
	return o
}

// each shows every object in a value.
func each(value any, show func(object)) {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			each(one, show)
		}
	case object:
		show(value)
		for _, member := range value {
			each(member, show)
		}
	}
}

// Nothing outside of the document is needed to read it.
func TestEveryReferenceIsWithin(t *testing.T) {
	document := published(t)
	count := 0
	each(document, func(o object) {
		target, is := o["$ref"].(string)
		if !is {
			return
		}
		count++
		pointer, within := strings.CutPrefix(target, "#/")
		if !within || len(o) != 1 {
			t.Errorf("%s is not within, or has something beside it", target)
			return
		}
		at := any(document)
		for name := range strings.SplitSeq(pointer, "/") {
			at = at.(object)[name]
			if at == nil {
				t.Fatalf("%s leads nowhere", target)
			}
		}
	})
	if count < len(schema.Commands) {
		t.Errorf("only %d references are found", count)
	}
}

// subjectsOf are all that a connector uses, by the tables.
func subjectsOf(p subjects.Prefix) (all []string) {
	const chat = "x"
	for i := range schema.Commands {
		c, name := &schema.Commands[i], subjects.Command(schema.Commands[i].Name)
		all = append(all, p.Live(name), p.Result("", name))
		if c.Noun() != "service" {
			all = append(all, p.Result(chat, name))
		}
		if c.Durable {
			token := subjects.ChatToken("")
			if c.NamesChat() {
				token = chat
			}
			all = append(all, p.Durable(name, token), p.DeadLetter(name, token))
		}
	}
	for _, event := range schema.Events {
		all = append(all, p.Event(chat, subjects.EventName(event.Name)))
	}
	for _, session := range []subjects.SessionName{subjects.Opened, subjects.Recovered, subjects.Gap, subjects.Closed} {
		all = append(all, p.Session(chat, session))
	}
	return append(all, p.Event(chat, "x"))
}

var filled = strings.NewReplacer("{chat}", "x", "{event}", "x")

// There is a channel for every subject and no other, and an operation on each.
func TestEverySubjectHasItsChannel(t *testing.T) {
	document := published(t)
	want, used := subjectsOf(subjects.DefaultPrefix), map[string]bool{}
	for name, operation := range in(t, document, "operations") {
		used[in(t, operation.(object), "channel")["$ref"].(string)] = true
		if name == "" {
			t.Error("an operation has no name")
		}
	}
	var got []string
	for name, channel := range in(t, document, "channels") {
		address, is := channel.(object)["address"].(string)
		if !is { // who asks says where the answer goes
			continue
		}
		got = append(got, filled.Replace(address))
		if !used["#/channels/"+name] {
			t.Errorf("nothing is done on %s", name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the channels are\n%q, want\n%q", got, want)
	}
}

// Each live command is answered, and taken by one of all replicas.
func TestEveryLiveCommandIsAnswered(t *testing.T) {
	document := published(t)
	for i := range schema.Commands {
		name := schema.Commands[i].Name
		operation := in(t, document, "operations", "live."+name)
		if queue := in(t, operation, "bindings", "nats")["queue"]; operation["action"] != "receive" || queue != "cc-connector" {
			t.Errorf("%s: %v in the queue group %v", name, operation["action"], queue)
		}
		reply := in(t, operation, "reply", "channel")["$ref"]
		if messages := in(t, document, "channels", "reply."+name, "messages"); reply != "#/channels/reply."+name || messages["result."+name] == nil {
			t.Errorf("%s is answered on %v with %v", name, reply, messages)
		}
	}
}

// Every message has examples, and each is of the schemas of its payload and its headers.
func TestExamplesAreWhatTheSchemasSay(t *testing.T) {
	document := published(t)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("cc:asyncapi", document); err != nil {
		t.Fatal(err)
	}
	for name, message := range in(t, document, "components", "messages") {
		if name == "given-up" { // it is as it came
			continue
		}
		payload, err := compiler.Compile("cc:asyncapi#/components/messages/" + name + "/payload")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all, _ := message.(object)["examples"].([]any)
		if len(all) == 0 {
			t.Errorf("%s has no example", name)
		}
		for _, example := range all {
			if err := payload.Validate(example.(object)["payload"]); err != nil {
				t.Errorf("an example of %s: %v", name, err)
			}
			checkHeaders(t, compiler, name, message.(object), example.(object)["headers"])
		}
	}
}

func checkHeaders(t *testing.T, compiler *jsonschema.Compiler, name string, message object, headers any) {
	t.Helper()
	given, _ := message["traits"].([]any)
	for _, trait := range given {
		rule, err := compiler.Compile("cc:asyncapi" + trait.(object)["$ref"].(string) + "/headers")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if headers == nil {
			headers = object{}
		}
		if err := rule.Validate(headers); err != nil {
			t.Errorf("the headers of an example of %s: %v", name, err)
		}
	}
}

// A payload of another type than its schema says is refused: the references
// lead to the right schemas.
func TestSchemasAreTheDocuments(t *testing.T) {
	document := published(t)
	for _, d := range schema.Documents() {
		if d.Path == Path {
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(d.Path, "v1/"), ".json")
		var want object
		if err := json.Unmarshal(d.Content, &want); err != nil {
			t.Fatal(err)
		}
		got := in(t, document, "components", "schemas", name)
		if fmt.Sprint(got["title"], got["description"], got["required"]) != fmt.Sprint(want["title"], want["description"], want["required"]) {
			t.Errorf("%s is another schema", name)
		}
	}
}

// What a sender may say of a command beside its data is told in both forms.
func TestAttributesOfCommandsAreTold(t *testing.T) {
	document := published(t)
	envelope := in(t, document, "components", "schemas", "command", "properties")
	headers := in(t, document, "components", "messageTraits", "command", "headers", "properties")
	for _, name := range []string{
		"specversion", "id", "source", "type", schema.AttrCorrelationID, schema.AttrExpiryTime, schema.AttrTraceParent, schema.AttrTraceState, schema.AttrQuestion,
	} {
		if envelope[name] == nil || headers["ce-"+name] == nil {
			t.Errorf("%s: %v, and as a header %v", name, envelope[name], headers["ce-"+name])
		}
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("cc:asyncapi", document); err != nil {
		t.Fatal(err)
	}
	command, err := compiler.Compile("cc:asyncapi#/components/schemas/command")
	if err != nil {
		t.Fatal(err)
	}
	for value, fine := range map[any]bool{true: true, "true": true, 1: false} {
		asked := object{"specversion": "1.0", "id": "1", "source": "s", "type": "t", schema.AttrQuestion: value}
		if err := command.Validate(asked); fine != (err == nil) {
			t.Errorf("a question marked by %v: %v", value, err)
		}
	}
}

func TestMovedReferences(t *testing.T) {
	got := moved(object{"a": []any{object{"$ref": "#/$defs/b"}}, "c": object{"$ref": "#/$defs/b", "description": "d", "allOf": []any{1.0}}}, "#/x")
	want := object{"a": []any{object{"$ref": "#/x/$defs/b"}}, "c": object{"description": "d", "allOf": []any{1.0, object{"$ref": "#/x/$defs/b"}}}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
