package connector_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

// Text that encoding/json forgives, and other readers do not.

// halving writes half of a surrogate pair, and a byte that is no UTF-8, into
// the contact center's answers, where marks stand for them.
type halving struct{ http.Handler }

const (
	halfMark = "@half@"
	byteMark = "@byte@"
)

func (h halving) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	h.Handler.ServeHTTP(answer, r)
	maps.Copy(w.Header(), answer.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.Code)
	body := bytes.ReplaceAll(answer.Body.Bytes(), []byte(halfMark), []byte(`\ud83d`))
	_, _ = io.Copy(w, bytes.NewReader(bytes.ReplaceAll(body, []byte(byteMark), []byte("\xff"))))
}

var (
	escapedBackslash = regexp.MustCompile(`\\\\`)
	surrogatePair    = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
	surrogate        = regexp.MustCompile(`\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)
)

// strictly reads JSON as databases and the readers of other languages do.
func strictly(data []byte) error {
	switch rest := surrogatePair.ReplaceAll(escapedBackslash.ReplaceAll(data, nil), nil); {
	case !utf8.Valid(data):
		return errors.New("it is no UTF-8")
	case !json.Valid(data):
		return errors.New("it is no JSON")
	case surrogate.Match(rest):
		return errors.New("half of a surrogate pair stands in it")
	}
	return nil
}

func TestTextThatStrictReadersRefuse(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, func(r *rig) { r.through(halving{r.sim}) })}
	o.start()
	a, chat := o.listen(), o.openChat()
	text := "a" + halfMark + "b" + byteMark + "c"
	o.push(chat, fields{"event": "chat_session_message", "party_id": "p" + halfMark, "msg_id": "1", "msg": text, "msg_text": text, "new" + halfMark: []any{text, 1.50}})
	o.push(chat, fields{"event": "chat_session_new" + halfMark, "text": text})
	o.push(chat, fields{"event": "chat_session_signaling", "party_id": "p", "msg_id": "2", "data": fields{"type": "OFFER_CALL", "sdp": text}})
	log := o.awaitLog(chat, "session.opened", "event.message/poll", "event.new=EF=BF=BD/poll", "event.signaling/poll")
	const want = "a\ufffdb\ufffdc"
	if got := log[1].data; got["html"] != want || got["text"] != want || got["partyId"] != "p\ufffd" || got["raw"].(fields)["msg"] != want {
		t.Errorf("the message is %v", got)
	}
	if got := log[3].data["signal"].(fields)["sdp"]; got != want {
		t.Errorf("the signal is %q", got)
	}
	o.mustSend("chat.history", fields{"chatId": chat})
	o.check(o.sim.SetCase(chat, "case "+halfMark))
	o.awaitStored(chat, ".event.case_set", 1)
	o.mustSend("case.history", fields{"chatId": chat})
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 400, Code: "5003", Message: text, Times: 1})
	if failed := o.send("chat.typing", fields{"chatId": chat}); !strings.Contains(failed.failure()["message"].(string), want) {
		t.Errorf("the error is %v", failed.failure())
	}
	o.commandsInHalves(a, chat)
	for _, msg := range append(o.kept("cc.chat.*.>"), o.kept("cc.result.>")...) {
		if err := strictly(msg.Data); err != nil {
			t.Errorf("%s: %v: %.500s", msg.Subject, err, msg.Data)
		}
	}
}

// commandsInHalves: what a command says is told, and said, in whole characters.
func (o outsider) commandsInHalves(a *answers, chat string) {
	o.Helper()
	plain := &nats.Msg{Subject: "cc.chat.send", Data: []byte(`{"chatId":"` + chat + `","text":"a\ud83d"}`)}
	r := o.request(plain)
	o.mustAsk("a message", r.cloudEvent, fields{"chatId": chat, "text": "a\ufffd"})
	form := `{"specversion":"1.0","id":"1\ud83d","source":"//s","type":"t","correlationid":"c\udc00","data":` +
		`{"chatId":"` + chat + `","formRequestId":"7","data":{"\ud83d":["\udc00","\ud83d\ude00",1.50]}}}`
	durable := durably(&nats.Msg{Subject: "cc.chat.form", Data: []byte(form)}, chat)
	o.keep(durable)
	got := a.await("1\ufffd")
	o.mustAsk("a form", got, fields{"chatId": chat, "formRequestId": "7", "data": fields{"\ufffd": []any{"\ufffd", "\U0001f600", 1.5}}})
	if got.attributes["correlationid"] != "c\ufffd" {
		o.Errorf("correlationid is %q", got.attributes["correlationid"])
	}
	for _, said := range o.record(chat).Client {
		if err := strictly(said.Event); err != nil {
			o.Errorf("the contact center is told %s: %v", said.Event, err)
		}
	}
}

// Reading strictly finds what it is meant to find.
func TestStrictly(t *testing.T) {
	for text, fine := range map[string]bool{
		`{"a":"\ud83d\ude00"}`: true, `"\\ud83d"`: true, `"\\\ud83d"`: false, `"\ud83d"`: false, `"\ude00\ud83d"`: false, `{"\udfff":1}`: false,
		"\"\xff\"": false, `{`: false, `"\u0000"`: true, `{"a":1e999,"a":2}`: true, `"\ud83d\ud83d\ude00"`: false,
	} {
		if err := strictly([]byte(text)); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
}
