package connector_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Ids that no subject, no URL path and no header value would take as they are.
var oddChatIDs = map[string]string{
	"of all sorts": "a.b c/=ü%%>*%d", // %% is a percent sign
	"dots":         "..%d",
	"a subject":    "cc.chat.*.>%d",
	"a path":       "../../chats/active?x=%d#y",
	"escaped":      "%%2F=2F%d",
	"quotes":       "\"'\\\t%d",
	"plain":        "A_b-%d",
}

func TestOddChatIDs(t *testing.T) {
	t.Parallel()
	for name, format := range oddChatIDs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			r := newRig(t, bpsim.Options{Script: "echo", Hold: time.Minute, IDs: func() string { n++; return fmt.Sprintf(format, n) }}, aDayToFailOver)
			first := r.start()
			w := watchNew(r)
			r.awaitStored(w.chat, ".event.status", 1)
			w.checkReceipts(w.sends("hello"), 1)
			w.untilListening()
			first.stop()
			r.start()
			w.untilListening()
			w.checkReceipts(w.sends("again"), 2)
			w.checkNames()
			r.must("chat.end", map[string]any{"chatId": w.chat})
			w.awaitEnd(schema.ClosedEnded)
			w.checkAccount()
		})
	}
}

// checkReceipts compares what the agent's receipts refer to with the id that
// the command returned.
func (w watched) checkReceipts(id string, count int) {
	w.Helper()
	if want := fmt.Sprintf("%s:%d", w.chat, count-1); id != want {
		w.Errorf("messageId is %q, want %q", id, want)
	}
	for _, ending := range []string{".event.message_delivered", ".event.message_read"} {
		receipts := w.awaitStored(w.chat, ending, count)
		var receipt struct{ RefMessageID string }
		w.check(json.Unmarshal(receipts[count-1].event.Data(), &receipt))
		if receipt.RefMessageID != id {
			w.Errorf("%s refers to %q, want %q", ending, receipt.RefMessageID, id)
		}
	}
}

// checkNames: wherever the chat is named as a token, it is the same one, and
// gives the id back.
func (w watched) checkNames() {
	w.Helper()
	if id, err := subjects.Unescape(string(w.token())); err != nil || id != w.chat {
		w.Errorf("the token %s stands for %q (%v), want %q", w.token(), id, err, w.chat)
	}
	if entry := w.entry(); entry.ChatID != w.chat {
		w.Errorf("the entry is of %q", entry.ChatID)
	}
	for _, m := range w.stored("cc.>") {
		if strings.HasPrefix(m.subject, "cc.internal.") {
			continue
		}
		parsed, err := w.config.Prefix.Parse(m.subject)
		if err != nil || parsed.Chat != w.token() {
			w.Errorf("subject %s: %v", m.subject, err)
		}
		if m.event.Subject() != string(w.token()) || schema.Extension(m.event, schema.AttrPartitionKey) != string(w.token()) {
			w.Errorf("%s is about %q", m.subject, m.event.Subject())
		}
		var data struct{ ChatID string }
		w.check(json.Unmarshal(m.event.Data(), &data))
		if data.ChatID != w.chat {
			w.Errorf("%s has the chatId %q", m.subject, data.ChatID)
		}
		if err := m.event.Validate(); err != nil {
			w.Errorf("%s: %v", m.subject, err)
		}
	}
}
