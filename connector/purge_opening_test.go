package connector_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/admin"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/internal/chats"
	"cc-connector/schema"
)

// A chat.attach that is under way while its chat is purged does not open it. If the
// chat is opened all the same, the purge leaves it whole, and says so.
func TestPurgeOfAChatThatIsBeingOpened(t *testing.T) {
	t.Parallel()
	held := &histories{spared: map[string]bool{}, asked: map[string]bool{}, opened: make(chan struct{})}
	r := newRig(t, bpsim.Options{IDs: markedIDs()}, func(r *rig) {
		r.client.Timeout, r.config.CallTimeout = patience/3, patience/3
		intercept(r, held.hold)
	})
	r.start()
	refused, opened := watched{r, r.openChat(fields{"clientId": "ada"})}, watched{r, r.openChat(fields{"clientId": "eve"})}
	for _, w := range []watched{refused, opened} {
		w.awaitStored(w.chat, ".session.opened", 1)
		w.must("chat.detach", fields{"chatId": w.chat})
	}
	held.block()
	reply := refused.attachLate("ada")
	opened.attachLate("eve")
	r.eventually("both histories are asked for", func() bool { asked, _ := held.count(); return asked == 2 })
	ends, broken := refused.purgeBeside(), opened.purgeBeside()
	data, err := json.Marshal(chats.Token{Opening: chats.NewOpeningID(), ChatID: brightpattern.ChatID(opened.chat), ClientID: "eve", App: "main", AppID: appID, OpenedAt: time.Now()})
	r.check(err)
	_, err = r.js.Publish(r.ctx, r.config.Prefix.Internal("session", string(opened.token())), data)
	r.check(err)
	close(held.opened)

	if result := reply(); result.Error == nil || result.Error.Code != "unavailable" || !result.Error.Retryable {
		t.Errorf("the chat is attached: %+v", result)
	}
	if end := <-ends; end.err != nil || len(end.report.Failed) > 0 {
		t.Errorf("the purge comes to %v, and failed %q", end.err, end.report.Failed)
	}
	r.checkNoTraces(refused.chat, string(refused.token()))
	if end := <-broken; !errors.Is(end.err, admin.ErrReopened) || countOf(end.report, "CC_EVENTS", "session messages") > 0 {
		t.Errorf("the purge of a chat that was opened comes to %v, and removed %v", end.err, end.report.Removed)
	}
	if marks := r.keysOf("KV_CC_STATE", "$KV.CC_STATE.purged.*"); len(marks) != 1 {
		t.Errorf("marked are %q, want the one chat of which something was removed", marks)
	}
	r.awaitStored(opened.chat, ".session.opened", 2)
	opened.checkSequence(opened.chat)
}

// block holds the histories from now on.
func (h *histories) block() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.blocked = true
}

// attachLate attaches the chat; the reply may come late.
func (w watched) attachLate(client string) (reply func() schema.Result) {
	w.Helper()
	inbox, err := w.nc.SubscribeSync(nats.NewInbox())
	w.check(err)
	data, err := json.Marshal(fields{"chatId": w.chat, "clientId": client})
	w.check(err)
	w.check(w.nc.PublishRequest("cc.chat.attach", inbox.Subject, data))
	return func() schema.Result {
		w.Helper()
		msg, err := inbox.NextMsg(patience)
		w.check(err)
		ce, _, err := schema.Decode(msg.Header, msg.Data)
		w.check(err)
		result, err := schema.DecodeResult(ce)
		w.check(err)
		return *result
	}
}

// purged is what a purge came to.
type purged struct {
	report admin.Purged
	err    error
}

// purgeBeside begins to purge a closed chat, and returns when it has found no token,
// and tells the replicas.
func (w watched) purgeBeside() <-chan purged {
	w.Helper()
	begun := make(chan struct{}, 64)
	asked, err := w.nc.Subscribe("cc.internal.replica.*", func(msg *nats.Msg) {
		if strings.Contains(string(msg.Data), `"forget":"`+string(w.token())+`"`) {
			begun <- struct{}{}
		}
	})
	w.check(err)
	w.check(w.nc.Flush())
	w.Cleanup(func() { _ = asked.Unsubscribe() })
	ended, a := make(chan purged, 1), w.admin()
	go func() {
		report, err := a.Purge(w.ctx, w.chat, false)
		ended <- purged{report, err}
	}()
	w.awaits("the purge is under way", begun)
	return ended
}
