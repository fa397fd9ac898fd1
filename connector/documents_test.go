package connector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

// oneDocument is what service.schemas tells of the one that its row asks for.
func oneDocument(string) fields {
	d, _ := schema.FindDocument("v1/event.message.json")
	var content any
	_ = json.Unmarshal(d.Content, &content) // the comparison finds out
	return fields{"name": d.Path, "sha256": d.SHA256, "bytes": len(d.Content), "schema": content}
}

// askForSchemas is what somebody gets who may do no more than read. On a busy
// machine the smallest bus takes long for the largest document: who is told so asks again.
func (r *rig) askForSchemas(nc *nats.Conn, data string) (result schema.ServiceSchemasResult) {
	r.Helper()
	told := r.askOnceForSchemas(nc, data)
	for deadline := time.Now().Add(patience); told.Error != nil && told.Error.Retryable && time.Now().Before(deadline); {
		told = r.askOnceForSchemas(nc, data)
	}
	if told.Error != nil {
		r.Fatalf("%s is answered %+v", data, told.Error)
	}
	r.check(json.Unmarshal(told.Result, &result))
	return result
}

func (r *rig) askOnceForSchemas(nc *nats.Conn, data string) (told schema.Result) {
	r.Helper()
	reply, err := nc.Request("cc.service.schemas", []byte(data), patience)
	r.check(err)
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	r.check(err)
	payload := ce.Data()
	if bucket, object, elsewhere := schema.DataRef(ce); elsewhere {
		payload, err = schema.ReadObject(r.ctx, nc, bucket, object)
		r.check(err)
	}
	r.check(json.Unmarshal(payload, &told))
	return told
}

// A reader gets every document over NATS alone: on the smallest bus, in both
// modes, while the contact center is away and every call's place is taken.
func TestSchemasForReaders(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			o := newOutsider(t, bpsim.Options{}, tinyBus, func(r *rig) { r.config.Mode, r.config.MaxCalls, r.client.Timeout = mode, 1, patience })
			defer o.takeEveryPlace()()
			nc, _ := o.as(permissions.Consumer)
			list := o.askForSchemas(nc, "").Schemas
			if want := len(schema.Documents()); len(list) != want {
				t.Fatalf("%d documents are listed, want %d", len(list), want)
			}
			for _, info := range list {
				o.checkDocument(info, o.askForSchemas(nc, `{"name":"`+info.Name+`"}`))
			}
			for _, e := range o.stored("cc.result.service.schemas") {
				if _, _, elsewhere := schema.DataRef(e.event); elsewhere || len(e.event.Data()) > 1<<10 {
					t.Errorf("an event repeats the documents: %.200s", e.event.Data())
				}
			}
		})
	}
}

// takeEveryPlace has a call hang that is the only one at once.
func (o outsider) takeEveryPlace() (free func()) {
	o.Helper()
	hanging := o.inject(bpsim.Fault{Method: bpsim.GetVersion, Kind: "hang", Times: 1})
	o.check(o.nc.Publish("cc.service.version", nil))
	o.eventually("it is under way", func() bool { return o.strikesLeft(hanging) == 0 })
	return o.sim.ClearFaults
}

func (o outsider) checkDocument(info schema.SchemaInfo, got schema.ServiceSchemasResult) {
	o.Helper()
	d, _ := schema.FindDocument(info.Name)
	if got.Name != info.Name || got.SHA256 != info.SHA256 || info != d.Info() {
		o.Errorf("%+v is listed, %s %s told", info, got.Name, got.SHA256)
	}
	if difference := diff(got.Schema, json.RawMessage(d.Content)); difference != "" {
		o.Errorf("%s: %.300s", info.Name, difference)
	}
}

// Nobody is called for a document, and one that there is not is refused by the field.
func TestSchemasCallNobody(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	intercept(o.rig, func(http.ResponseWriter, *http.Request) bool {
		t.Error("the contact center is called")
		return false
	})
	for _, name := range []string{"v1/none.json", "event.message", "../v1/event.message.json", "v1/event.message.json/", "cc-connector:/schemas/v1/event.message.json"} {
		o.mustRefuse(&nats.Msg{Subject: "cc.service.schemas", Data: o.json(fields{"name": name})}, "name")
	}
	if found := o.mustSend("service.schemas", fields{"name": "v1/event.message.json"}); found["schema"] == nil {
		t.Errorf("got %v", found)
	}
}

// On a bus that is too small for a document, whoever asks for it is told of the
// same object: however many ask, that leaves room for what else is read.
func TestSchemasAreKeptOnce(t *testing.T) {
	t.Parallel()
	const asked = `{"name":"v1/asyncapi.json"}`
	o := newOutsider(t, bpsim.Options{}, tinyBus, func(r *rig) { r.config.FilesMaxBytes = 16 << 20 })
	o.answers("/configuration", `{"text":"`+strings.Repeat("c", longText)+`"}`)
	nc, _ := o.as(permissions.Consumer)
	o.askForSchemas(nc, asked)
	for range 4 {
		if told := o.askOnceForSchemas(nc, asked); told.Error != nil {
			t.Errorf("the answer is %+v", told.Error)
		}
	}
	names := 0
	for _, msg := range o.inFiles() {
		if strings.HasPrefix(msg.Subject, "$O.CC_FILES.M.") {
			names++
		}
	}
	if names == 0 || names > 2 { // another one where a window of time has ended
		t.Errorf("%d objects are kept", names)
	}
	o.mustBeElsewhere("service.configuration")
}

func (o outsider) nextCode(codes <-chan string) string {
	o.Helper()
	select {
	case code := <-codes:
		return code
	case <-time.After(patience):
		o.Fatal("a question is not answered")
	}
	return ""
}

// However often readers ask for the largest document at once, that takes the
// memory of a few answers, no place of those who send other commands, and no
// more than its part of the stream of events. (The heap is the whole process's:
// no other test runs meanwhile.)
func TestFloodOfQuestionsForSchemas(t *testing.T) {
	const questions = 1000
	o := newOutsider(t, bpsim.Options{})
	chat := fields{"chatId": o.openChat()}
	nc, _ := o.as(permissions.Consumer)
	codes, inbox := make(chan string, questions), nc.NewInbox()
	_, err := nc.Subscribe(inbox+".*", func(reply *nats.Msg) { codes <- reply.Header.Get(micro.ErrorCodeHeader) })
	o.check(err)
	peak, began := watchHeap(), time.Now()
	for i := range questions {
		o.check(nc.PublishRequest("cc.service.schemas", fmt.Sprint(inbox, ".", i), []byte(`{"name":"v1/asyncapi.json"}`)))
	}
	tally := map[string]int{}
	for answered := range questions {
		if answered%100 == 0 {
			o.mustSend("chat.typing", chat)
		}
		tally[o.nextCode(codes)]++
	}
	if tally[""] == 0 || tally[""]+tally["unavailable"] != questions {
		t.Errorf("the answers are %v", tally)
	}
	if most := peak(); most > mostHeap/2 {
		t.Errorf("at times the heap had %d MiB", most>>20)
	}
	most := 40 + int(2*time.Since(began).Seconds()) + 1
	if got := len(o.stored("cc.result.service.schemas")); got == 0 || got > most {
		t.Errorf("of %d questions %d results are stored, want at most %d", questions, got, most)
	}
}
