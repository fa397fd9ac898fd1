package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/schema"
)

func TestAbout(t *testing.T) {
	r := newRig(t)
	about := r.check(http.StatusOK, "GET", "/console/api/about", nil)
	if about["workbench"] != false || about["prefix"] != "cc" || about["version"] != "1.2.3" || about["replica"] != "r1" || about["needsToken"] != false {
		t.Errorf("got %v", about)
	}
	commands := about["commands"].([]any)
	if len(commands) != len(schema.Commands) {
		t.Errorf("%d commands", len(commands))
	}
	durables := map[string]any{}
	for _, c := range commands {
		command := c.(map[string]any)
		durables[command["subject"].(string)] = command["durable"]
		if command["schema"] == nil {
			t.Errorf("%v has no schema", command["subject"])
		}
	}
	for subject, durable := range map[string]any{
		"cc.chat.send": "cc.durable.chat.send.<chat>", "cc.chat.request": "cc.durable.chat.request", "cc.service.version": nil,
	} {
		if durables[subject] != durable {
			t.Errorf("%s: the durable subject is %v", subject, durables[subject])
		}
	}
	if contract := r.check(http.StatusOK, "GET", "/console/api/contract", nil); contract["asyncapi"] != "3.0.0" {
		t.Error("the contract is none")
	}
	if status := r.check(http.StatusOK, "GET", "/console/api/status", nil); status["ready"] != true || status["replicas"] == nil || status["problems"] == nil {
		t.Errorf("got %v", status)
	}
}

func TestMessagesAndTheirSchemas(t *testing.T) {
	r := newRig(t)
	large := strings.Repeat("x", 100<<10)
	good, bad, long := r.said("c1", "hello"), r.publish("cc.chat.c1.event.message", schema.EventType("message"), map[string]any{"chatId": 1}), r.said("c1", large)
	ack, err := r.JS.Publish(r.Ctx, "cc.internal.events.other", []byte("the connector's own"))
	r.Check(err)
	unread, err := r.JS.Publish(r.Ctx, "cc.chat.c1.event.message", []byte(`{"specversion":"9"}`))
	r.Check(err)

	p := r.open("", "")
	for e := p.next(); e.event != "live"; e = p.next() {
		if e.id == fmt.Sprint(unread.Sequence) {
			if e.data["cloudevent"] != nil || e.data["unreadable"] == nil {
				t.Errorf("what cannot be read is told as %v", e.data)
			}
			continue
		}
		_, whole := e.data["cloudevent"].(map[string]any)["data"]
		if is := e.id == fmt.Sprint(long); is == whole || is != (e.data["truncated"] == true) {
			t.Errorf("message %s: whole %v, truncated %v", e.id, whole, e.data["truncated"])
		}
	}
	whole := r.check(http.StatusOK, "GET", fmt.Sprintf("/console/api/messages/%d", long), nil)
	if whole["cloudevent"].(map[string]any)["data"].(map[string]any)["text"] != large {
		t.Error("the message is not whole")
	}
	for _, none := range []string{fmt.Sprint(ack.Sequence), "99999", "0", "-1", "x"} {
		r.check(http.StatusNotFound, "GET", "/console/api/messages/"+none, nil)
		r.check(http.StatusNotFound, "GET", "/console/api/validate/"+none, nil)
	}
	checked := r.check(http.StatusOK, "GET", fmt.Sprintf("/console/api/validate/%d", good), nil)
	if checked["schema"] != "/schemas/v1/event.message.json" || checked["valid"] != true {
		t.Errorf("got %v", checked)
	}
	wrong := r.check(http.StatusOK, "GET", fmt.Sprintf("/console/api/validate/%d", bad), nil)
	if wrong["valid"] != false || !strings.Contains(fmt.Sprint(wrong["errors"]), "/chatId") {
		t.Errorf("got %v", wrong)
	}
	if checked["verdict"] != "valid" || wrong["verdict"] != "invalid" {
		t.Errorf("got %v, %v", checked, wrong)
	}
	if none := r.check(http.StatusOK, "GET", fmt.Sprintf("/console/api/validate/%d", unread.Sequence), nil); none["valid"] != false || none["verdict"] != "invalid" {
		t.Errorf("got %v", none)
	}
}

// What cannot be checked is not called invalid.
func TestVerdictOfWhatCannotBeChecked(t *testing.T) {
	r := newRig(t)
	for why, attributes := range map[string]string{
		"it names no schema":                    ``,
		"this version does not know its schema": `"dataschema":"cc-connector:/schemas/v1/event.to_come.json",`,
		"its data lie in the object store":      `"dataschema":"cc-connector:/schemas/v1/event.message.json","dataref":"nats-object:///CC_FILES/1",`,
	} {
		ack, err := r.JS.Publish(r.Ctx, "cc.chat.c1.event.message", []byte(`{"specversion":"1.0","id":"1","source":"s",`+attributes+`"type":"t"}`))
		r.Check(err)
		got := r.check(http.StatusOK, "GET", fmt.Sprintf("/console/api/validate/%d", ack.Sequence), nil)
		if got["verdict"] != "unchecked" || got["why"] != why || got["valid"] != false {
			t.Errorf("%s: got %v", why, got)
		}
	}
}

// A message that is opened comes with what was published, character by character,
// and by the one way in which a connector may read it.
func TestMessagesAreOpenedAsTheyWerePublished(t *testing.T) {
	r := newRig(t)
	stream, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
	r.Check(err)
	cfg := stream.CachedInfo().Config
	cfg.AllowDirect = true // by an administrator
	_, err = r.JS.UpdateStream(r.Ctx, cfg)
	r.Check(err)
	direct, err := r.NC.SubscribeSync("$JS.API.DIRECT.GET.>")
	r.Check(err)
	text := `{"specversion":"1.0", "id":"1","source":"s","type":"t","data":{"b":1.0,"2":12345678901234567890}}`
	ack, err := r.JS.Publish(r.Ctx, "cc.chat.c1.event.message", []byte(text))
	r.Check(err)
	if got := r.check(http.StatusOK, "GET", fmt.Sprintf("/console/api/messages/%d", ack.Sequence), nil); got["raw"] != text {
		t.Errorf("got %v", got["raw"])
	}
	r.Check(r.NC.Flush())
	if n, _, _ := direct.Pending(); n > 0 {
		t.Error("it was read by a direct get")
	}
}

// A console that only looks has nothing done.
func TestReadOnly(t *testing.T) {
	r := newRig(t)
	sub, err := r.NC.SubscribeSync("cc.>")
	r.Check(err)
	for _, call := range []string{
		"POST /console/api/command", "POST /console/api/files", "GET /console/api/agent/chats", "POST /console/api/agent/c1/end",
		"POST /console/api/weather/rain", "POST /console/api/dead/1/put-back", "DELETE /console/api/dead/1",
	} {
		method, path, _ := strings.Cut(call, " ")
		r.check(http.StatusForbidden, method, path, map[string]any{"command": "chat.send", "data": map[string]any{"chatId": "c1", "text": "x"}})
	}
	r.Check(r.NC.Flush())
	if n, _, _ := sub.Pending(); n > 0 {
		t.Errorf("%d messages were published", n)
	}
}

func TestCommandsOfThePage(t *testing.T) {
	r := newRig(t, workbench)
	one, other := r.open("", ""), r.open("", "")
	one.upTo("live")
	other.upTo("live")
	data := map[string]any{"chatId": "c1", "text": "hello"}
	answer := r.check(http.StatusOK, "POST", "/console/api/command", map[string]any{"command": "chat.send", "lane": "live", "data": data})
	if !strings.Contains(fmt.Sprint(answer["error"]), "no connector runs") {
		t.Errorf("got %v", answer)
	}
	for _, p := range []*reading{one, other} {
		if e := p.next(); e.event != "command" || e.id != "" || e.data["subject"] != "cc.chat.send" || e.data["data"].(map[string]any)["text"] != "hello" {
			t.Errorf("a page is told %+v", e)
		}
	}
	r.check(http.StatusOK, "POST", "/console/api/command", map[string]any{"command": "chat.secureform", "data": map[string]any{
		"chatId": "c1", "formRequestId": "1", "formName": "card", "data": map[string]any{"pan": "pl4nted"}}})
	r.check(http.StatusOK, "POST", "/console/api/command", map[string]any{"command": "chat.active", "data": map[string]any{"clientId": "pl4nted"}})
	for range 2 {
		if e := other.next(); e.event != "command" || strings.Contains(e.text, "pl4nted") || !strings.Contains(e.text, "withheld") {
			t.Errorf("a page is told %s", e.text)
		}
	}
	typing, err := r.NC.SubscribeSync("cc.chat.typing")
	r.Check(err)
	r.check(http.StatusAccepted, "POST", "/console/api/command", map[string]any{"command": "chat.typing", "wait": false, "data": map[string]any{"chatId": "c1"}})
	_, err = typing.NextMsgWithContext(r.Ctx)
	r.Check(err)
	stored := r.check(http.StatusOK, "POST", "/console/api/command", map[string]any{"command": "chat.send", "lane": "durable", "chat": "c1", "data": data, "id": "mine"})
	if stored["stream"] != "CC_COMMANDS" || stored["seq"] != 1.0 {
		t.Errorf("got %v", stored)
	}
	stream, err := r.JS.Stream(r.Ctx, "CC_COMMANDS")
	r.Check(err)
	msg, err := stream.GetMsg(r.Ctx, 1)
	r.Check(err)
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	if err != nil || msg.Subject != "cc.durable.chat.send.c1" || ce.ID() != "mine" || msg.Header.Get(nats.MsgIdHdr) != "mine" {
		t.Errorf("stored is %s %v, %v", msg.Subject, ce, err)
	}
	for _, bad := range []map[string]any{{"command": "chat"}, {"command": "durable.x"}, {"command": "chat.send", "lane": "fast"}, {"command": "chat.*"}, {"command": 1}} {
		r.check(http.StatusBadRequest, "POST", "/console/api/command", bad)
	}
}

// A reply is what the connector says.
func TestReplyIsShown(t *testing.T) {
	r := newRig(t, workbench)
	_, err := r.NC.Subscribe("cc.service.version", func(msg *nats.Msg) {
		_ = msg.Respond([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"application/json","data":{"status":"ok"}}`))
	})
	r.Check(err)
	answer := r.check(http.StatusOK, "POST", "/console/api/command", map[string]any{"command": "service.version", "data": map[string]any{}})
	ce, _ := answer["cloudevent"].(map[string]any)
	if ce["type"] != "t" || ce["data"].(map[string]any)["status"] != "ok" {
		t.Errorf("got %v", answer)
	}
}

func TestFileOfThePage(t *testing.T) {
	r := newRig(t, workbench)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "../../plan.txt")
	r.Check(err)
	_, _ = part.Write([]byte("the content"))
	r.Check(w.Close())
	request, err := http.NewRequestWithContext(r.Ctx, "POST", r.server.URL+"/console/api/files", &form)
	r.Check(err)
	request.Header.Set("X-Console", "1")
	request.Header.Set("Content-Type", w.FormDataContentType())
	got, err := http.DefaultClient.Do(request)
	r.Check(err)
	defer got.Body.Close()
	var put struct{ Object, FileName, FileType string }
	r.Check(json.NewDecoder(got.Body).Decode(&put))
	if put.FileName != "plan.txt" || put.FileType != "attachment" {
		t.Errorf("got %+v", put)
	}
	content, err := schema.ReadObject(r.Ctx, r.NC, "CC_FILES", put.Object)
	if err != nil || string(content) != "the content" {
		t.Errorf("stored is %q, %v", content, err)
	}
	r.check(http.StatusBadRequest, "POST", "/console/api/files", map[string]any{})
}

func TestDeadLettersOfThePage(t *testing.T) {
	r := newRig(t, workbench)
	for _, id := range []string{"one", "two"} {
		msg := nats.NewMsg("cc.deadletter.chat.send.c1")
		msg.Data = []byte(`{"text":"` + id + `"}`)
		msg.Header.Set("Cc-Command-Id", id)
		msg.Header.Set("Cc-Error-Code", "server_error")
		msg.Header.Set("Cc-Error-Message", "it failed")
		msg.Header.Set("Cc-Attempts", "3")
		_, err := r.JS.PublishMsg(r.Ctx, msg)
		r.Check(err)
	}
	whole := r.check(http.StatusOK, "GET", "/console/api/dead/1", nil)
	if whole["data"] != `{"text":"one"}` {
		t.Errorf("got %v", whole)
	}
	r.check(http.StatusOK, "POST", "/console/api/dead/1/put-back", map[string]any{})
	stream, err := r.JS.Stream(r.Ctx, "CC_COMMANDS")
	r.Check(err)
	if stream.CachedInfo().State.Msgs != 1 {
		t.Error("the command does not stand in its queue")
	}
	r.check(http.StatusOK, "DELETE", "/console/api/dead/2", nil)
	r.check(http.StatusNotFound, "DELETE", "/console/api/dead/2", nil)
	if list := r.check(http.StatusOK, "GET", "/console/api/dead", nil); fmt.Sprint(list) != "map[letters:[] more:false total:0]" {
		t.Errorf("left are %v", list)
	}
}
