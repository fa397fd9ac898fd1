package connector_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// moved is a contact center that knows the chat's session by another client from
// some moment on.
func moved(r *rig, to string) (now *atomic.Bool) {
	now = new(atomic.Bool)
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		if !now.Load() || request.Method != http.MethodPost || !isEvents(request) {
			return false
		}
		if strings.Contains(request.Header.Get("Authorization"), fmt.Sprintf(`clientId=%q`, to)) {
			_, _ = io.WriteString(rw, "{}")
			return true
		}
		rw.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(rw, `{"error_code":5005,"error_message":"chat session not found"}`)
		return true
	})
	return now
}

// renameClient has the chat's entry name another client, as if another replica
// had attached it just now.
func (w watched) renameClient(client string) {
	w.Helper()
	bucket, err := w.js.KeyValue(w.ctx, w.config.Prefix.StreamName("CHATS"))
	w.check(err)
	entry, err := json.Marshal(struct {
		schema.Chat
		ClientID string `json:"clientId"`
	}{w.entry(), client})
	w.check(err)
	_, err = bucket.Put(w.ctx, string(w.token()), entry)
	w.check(err)
}

// A chat that has another client by now is asked for by that one, on both lanes,
// and no message number is lost by the call that was refused.
func TestChatThatIsRememberedWrongly(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	isMoved := moved(r, "bob")
	r.start()
	w := watchNew(r)
	w.must("chat.typing", schema.ChatTyping{ChatID: w.chat}) // has it remembered
	w.renameClient("bob")
	isMoved.Store(true)
	var sent schema.ChatSendResult
	w.check(json.Unmarshal(w.must("chat.send", schema.ChatSend{ChatID: w.chat, Text: "live"}), &sent))
	if want := w.chat + ":0"; sent.MessageID != want {
		t.Errorf("the message is %s, want %s", sent.MessageID, want)
	}
	if got := w.awaitResult(w.give("chat.send", schema.ChatSend{ChatID: w.chat, Text: "durable"})); got.Error != nil {
		t.Errorf("it is not sent: %+v", got.Error)
	}
}

// A chat that the connector has forgotten is unknown, also to who remembers it.
func TestForgottenChatThatIsRemembered(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	isMoved := moved(r, "nobody")
	r.start()
	w := watchNew(r)
	w.must("chat.typing", schema.ChatTyping{ChatID: w.chat}) // has it remembered
	bucket, err := w.js.KeyValue(w.ctx, w.config.Prefix.StreamName("CHATS"))
	w.check(err)
	w.check(bucket.Purge(w.ctx, string(w.token())))
	isMoved.Store(true)
	if got := w.call("chat.typing", schema.ChatTyping{ChatID: w.chat}); got.Error == nil || got.Error.Code != schema.CodeUnknownChat {
		t.Errorf("it is answered %+v", got)
	}
}
