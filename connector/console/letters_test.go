package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// letter stores a dead letter as the connector does.
func (r *rig) letter(command, data string, header ...string) uint64 {
	r.Helper()
	msg := nats.NewMsg("cc.deadletter." + command)
	msg.Data = []byte(data)
	msg.Header.Set("Cc-Command-Id", "1")
	msg.Header.Set("Cc-Error-Code", "server_error")
	msg.Header.Set("Cc-Error-Message", "it failed")
	msg.Header.Set("Cc-Attempts", "3")
	for i := 0; i < len(header); i += 2 {
		msg.Header.Set(header[i], header[i+1])
	}
	ack, err := r.JS.PublishMsg(r.Ctx, msg)
	r.Check(err)
	return ack.Sequence
}

// Who may look at what customers write may not have what stands for them elsewhere.
func TestDeadLettersTellNoSecrets(t *testing.T) {
	r := newRig(t)
	const planted = "pl4nted"
	structured := `{"specversion":"1.0","id":"1","source":"s","type":"com.brightpattern.chat.command.chat.active","authtoken":"` + planted + `","data":{"clientId":"` + planted + `"}}`
	for command, data := range map[string]string{
		"push.apns.c1":         `{"chatId":"c1","deviceToken":"` + planted + `"}`,
		"chat.active":          structured,
		"chat.file.c1":         `{"chatId":"c1","fileName":"a.txt","content":"` + planted + `"}`,
		"chat.send.c1":         `{"chatId":"c1","text":"hello","password":"` + planted + `"}`,
		"chat.attach":          `"` + planted + `"`,
		"chat.unheardof":       `{"x":"` + planted + `"}`,
		"chat.attach.too.many": `{"clientId":"` + planted + `"}`,
	} {
		seq := r.letter(command, data, "Authorization", "Bearer "+planted)
		status, shown, _ := r.call("GET", fmt.Sprintf("/console/api/dead/%d", seq), nil)
		if text := fmt.Sprint(shown); status != http.StatusOK || strings.Contains(text, planted) || !strings.Contains(text, "Authorization") {
			t.Errorf("%s: %d %s", command, status, text)
		}
	}
	if shown := r.check(http.StatusOK, "GET", fmt.Sprintf("/console/api/dead/%d", r.letter("chat.send.c1", `{"text":"hello","chatId":"c1"}`)), nil); shown["data"] != `{"chatId":"c1","text":"hello"}` {
		t.Errorf("got %v", shown)
	}
}

// However many there are, some are told at a time.
func TestManyDeadLettersAreToldInParts(t *testing.T) {
	r := newRig(t)
	for range 5 {
		r.letter("chat.send.c1", `{}`)
	}
	for query, want := range map[string]string{
		"?most=2": "[1 2] true 5", "?most=2&after=2": "[3 4] true 5", "?most=2&after=4": "[5] false 5", "?most=5": "[1 2 3 4 5] false 5", "?after=5": "[] false 5", "": "[1 2 3 4 5] false 5",
	} {
		got := r.check(http.StatusOK, "GET", "/console/api/dead"+query, nil)
		var sequences []any
		for _, l := range got["letters"].([]any) {
			sequences = append(sequences, l.(map[string]any)["seq"])
		}
		if text := fmt.Sprint(sequences, got["more"], got["total"]); text != want {
			t.Errorf("%s: got %s, want %s", query, text, want)
		}
	}
	for _, bad := range []string{"?most=0", "?most=201", "?most=x", "?after=x", "?after=-1"} {
		r.check(http.StatusBadRequest, "GET", "/console/api/dead"+bad, nil)
	}
}

// Whatever other stream is missing, a message is opened, and a dead letter: by one
// request for its stream, and one for it.
func TestWhatIsOpenedNeedsItsStreamAlone(t *testing.T) {
	r := newRig(t, workbench)
	message, letter := r.said("c1", "hello"), r.letter("chat.send.c1", `{}`)
	r.Check(r.JS.DeleteStream(r.Ctx, "OBJ_CC_FILES"))
	r.Check(r.JS.DeleteConsumer(r.Ctx, "CC_COMMANDS", "runners"))
	asked, err := r.NC.SubscribeSync("$JS.API.>")
	r.Check(err)
	r.Check(r.NC.Flush())
	opened := fmt.Sprintf("/console/api/messages/%d", message)
	r.check(http.StatusOK, "GET", opened, nil)
	r.checkAsked(asked, "STREAM.INFO.CC_EVENTS", "STREAM.MSG.GET.CC_EVENTS")
	r.check(http.StatusOK, "GET", strings.Replace(opened, "messages", "validate", 1), nil)
	r.checkAsked(asked, "STREAM.INFO.CC_EVENTS", "STREAM.MSG.GET.CC_EVENTS")
	dead := fmt.Sprintf("/console/api/dead/%d", letter)
	r.check(http.StatusOK, "GET", dead, nil)
	r.checkAsked(asked, "STREAM.INFO.CC_DEADLETTER", "STREAM.MSG.GET.CC_DEADLETTER")
	r.check(http.StatusOK, "GET", "/console/api/dead?most=1", nil)
	r.check(http.StatusBadGateway, "POST", dead+"/put-back", nil) // to a stream that nobody takes from
	r.check(http.StatusOK, "DELETE", dead, nil)
}

func (r *rig) checkAsked(asked *nats.Subscription, want ...string) {
	r.Helper()
	r.Check(r.NC.Flush())
	for _, subject := range want {
		if msg, err := asked.NextMsgWithContext(r.Ctx); err != nil || msg.Subject != "$JS.API."+subject {
			r.Errorf("asked is %v, %v, want %s", msg, err, subject)
		}
	}
	if n, _, err := asked.Pending(); n > 0 {
		r.Errorf("%d more requests, %v", n, err)
	}
}
