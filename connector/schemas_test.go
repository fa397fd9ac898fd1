package connector_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// schemas are the published ones, by their path.
var schemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	all := map[string]*jsonschema.Schema{}
	for _, d := range schema.Documents() {
		content, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.Content))
		if err == nil {
			err = c.AddResource(d.Path, content)
		}
		if err != nil {
			return nil, err
		}
		if members, _ := content.(map[string]any); members["$schema"] == nil {
			continue // it describes something else
		}
		if all[d.Path], err = c.Compile(d.Path); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// checkSchema holds a CloudEvent of the connector against the published schemas:
// that of the envelope, and the one that its dataschema names.
func (r *rig) checkSchema(ce event.Event) {
	r.Helper()
	msg, err := schema.Encode(ce, schema.Structured)
	r.check(err)
	r.checkFits("v1/envelope.json", msg.Data)
	if _, _, elsewhere := schema.DataRef(ce); elsewhere {
		return
	}
	at := strings.LastIndex(ce.DataSchema(), "/v1/")
	if at < 0 {
		r.Errorf("%s names the schema %q", ce.Type(), ce.DataSchema())
		return
	}
	r.checkFits(ce.DataSchema()[at+1:], ce.Data())
}

// judge is checkSchema for what a test reads back from a stream, however often.
func (r *rig) judge(ce event.Event) {
	r.Helper()
	_, before := r.judged.LoadOrStore(ce.Source()+" "+ce.ID(), true)
	if !before && schema.IsOwnType(ce.Type()) && !strings.Contains(ce.Type(), ".internal.") {
		r.checkSchema(ce)
	}
}

func (r *rig) checkFits(path string, data []byte) {
	r.Helper()
	all, err := schemas()
	r.check(err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	r.check(err)
	if all[path] == nil {
		r.Errorf("there is no schema %s", path)
	} else if err := all[path].Validate(value); err != nil {
		r.Errorf("%s: %.2000s: %v", path, data, err)
	}
}

// last are the events that end a session.
var last = []string{schema.EventEnded, schema.EventInactivityTimeout}

// wireEvents are events as the contact center spells them, of each other kind at least one.
func wireEvents(t *testing.T) (all []map[string]any) {
	t.Helper()
	files, err := filepath.Glob("internal/translate/testdata/translate/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		var translation struct {
			Name string
			Wire any
		}
		if err != nil || json.Unmarshal(content, &translation) != nil {
			t.Fatalf("%s: %v", file, err)
		}
		wire, isObject := translation.Wire.(map[string]any)
		if isObject && !slices.Contains(last, translation.Name) {
			all = append(all, wire)
		}
	}
	return all
}

// Whatever the connector publishes and replies is what the schemas describe, in
// both modes: every event, session messages, results that are good, refused and
// failed, and the entry of the chat.
func TestWhateverIsPublishedFitsItsSchema(t *testing.T) {
	t.Parallel()
	for i, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.Mode = mode })
			r.start()
			w := watchNew(r)
			r.converse(w)
			for _, e := range wireEvents(t) {
				r.push(w.chat, e)
			}
			r.push(w.chat, map[string]any{"event": "chat_session_" + last[i], "msg": "It is over."})
			r.awaitStored(w.chat, ".session.closed", 1)
			r.checkAllKinds(last[1-i])
			entry, err := schema.JSON(w.entry())
			r.check(err)
			r.checkFits("v1/chat.json", entry)
		})
	}
}

func (r *rig) converse(w watched) {
	r.Helper()
	for command, data := range map[string]map[string]any{
		"service.version": {}, "service.availability": {}, "service.parameters": {}, "service.configuration": {}, "service.iceservers": {},
		"chat.send": {"chatId": w.chat, "text": "a < b"}, "chat.typing": {"chatId": w.chat}, "chat.history": {"chatId": w.chat},
		"chat.location": {"chatId": w.chat, "latitude": 1, "longitude": 2}, "push.received": {"chatId": w.chat, "aps": 1},
		"chat.form": {"chatId": w.chat, "formRequestId": "1", "data": map[string]any{"text": "yes"}},
		"chat.read": {"chatId": w.chat}, "chat.end": {"chatId": "nobody"}, "case.history": {"chatId": w.chat}, "case.close": {"chatId": w.chat},
	} {
		body, err := json.Marshal(data)
		r.check(err)
		reply, err := r.nc.RequestMsg(&nats.Msg{Subject: "cc." + command, Data: body}, patience)
		r.check(err)
		ce, _, err := schema.Decode(reply.Header, reply.Data)
		r.check(err)
		r.checkSchema(ce)
	}
}

// checkAllKinds reads all that is published; each kind of event but one must be there.
func (r *rig) checkAllKinds(but string) {
	r.Helper()
	var types []string
	for _, filter := range []string{"cc.chat.*.>", "cc.result.>"} {
		for _, m := range r.stored(filter) { // holds each against its schema
			types = append(types, m.event.Type())
		}
	}
	for _, info := range schema.Events {
		if !slices.Contains(types, schema.EventType(info.Name)) && info.Name != but {
			r.Errorf("no event %s was published", info.Name)
		}
	}
	for _, name := range []string{"opened", "closed"} {
		if !slices.Contains(types, schema.SessionType(name)) {
			r.Errorf("no session message %s was published", name)
		}
	}
}
