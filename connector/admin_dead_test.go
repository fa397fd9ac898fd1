package connector_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/admin"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

// Dead letters of all forms are listed, shown without what is said in them, and run
// when they are put back, each once; the recorded failures stay.
func TestDeadLettersAreSeenTo(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, func(r *rig) { r.config.CommandMaxAge = 1500 * time.Millisecond })
	heard, other := o.listen(), o.openChat()
	chats := map[string]string{"plain one": o.openChat(), "structured one": o.openChat(), "binary one": o.openChat()}
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 503})
	past := time.Now().Add(time.Second).UTC().Format(time.RFC3339Nano)
	sent := map[string]*nats.Msg{}
	for id, write := range map[string]func(given) *nats.Msg{"plain one": writePlain, "structured one": writeStructured, "binary one": writeBinary} {
		g := given{command: "chat.send", id: id, data: fields{"text": "Q7 " + id}}
		if id != "plain one" {
			g.source, g.attributes = "//s", map[string]string{"expirytime": past, "correlationid": "c"}
		}
		sent[id] = durably(write(g), chats[id])
		sent[id].Header.Set("X-Own", "Q7 header")
		o.keep(sent[id])
	}
	elsewhere := o.give("chat.typing", "elsewhere", other, fields{})
	for id := range sent {
		heard.await(id)
	}
	heard.await(elsewhere)

	a := o.admin()
	all := o.letters(a, admin.Filter{})
	if len(all) != 4 || len(o.letters(a, admin.Filter{ChatID: chats["plain one"]})) != 1 || len(o.letters(a, admin.Filter{Command: "chat.send"})) != 3 || len(o.letters(a, admin.Filter{Command: "chat.typing"})) != 1 ||
		len(o.letters(a, admin.Filter{Command: "chat.request"})) != 0 || len(o.letters(a, admin.Filter{Code: "unavailable", ChatID: other})) != 1 ||
		len(o.letters(a, admin.Filter{Code: "internal"})) != 0 || len(o.letters(a, admin.Filter{Older: time.Hour})) != 0 || len(o.letters(a, admin.Filter{Newer: time.Hour})) != 4 {
		t.Errorf("listed are %+v", all)
	}
	for _, l := range all {
		o.checkShown(a, l, sent[l.CommandID])
	}
	o.auditorReads()

	o.sim.ClearFaults()
	for _, l := range o.letters(a, admin.Filter{Command: "chat.send"}) {
		done, err := a.PutBack(o.ctx, l.Sequence)
		o.check(err)
		if done.Expired == (l.CommandID == "plain one") || done.Command != "chat.send" || done.ChatID != chats[l.CommandID] {
			t.Errorf("put back is %+v", done)
		}
		heard.mustSucceed(done.ID)
		heard.checkOnce(done.ID, l.CommandID)
		if _, err := a.PutBack(o.ctx, l.Sequence); !errors.Is(err, admin.ErrNoLetter) {
			t.Errorf("put back once more: %v", err)
		}
		if said := o.saidTexts(l.ChatID); !slices.Equal(said, []string{"Q7 " + l.CommandID}) {
			t.Errorf("the contact center got %q", said)
		}
	}
	left := o.letters(a, admin.Filter{})
	if len(left) != 1 {
		t.Fatalf("there are %+v", left)
	}
	o.check(a.Delete(o.ctx, left[0].Sequence))
	if err := a.Delete(o.ctx, left[0].Sequence); !errors.Is(err, admin.ErrNoLetter) || len(o.letters(a, admin.Filter{})) != 0 {
		t.Errorf("deleted once more: %v", err)
	}
}

func (o outsider) letters(a *admin.Admin, f admin.Filter) []admin.Letter {
	o.Helper()
	listed, err := a.Letters(o.ctx, f)
	o.check(err)
	return listed.Letters
}

// checkShown holds what is shown of a dead letter against what was sent.
func (o outsider) checkShown(a *admin.Admin, l admin.Letter, sent *nats.Msg) {
	o.Helper()
	shown, err := a.Show(o.ctx, l.Sequence, false)
	o.check(err)
	text, err := json.Marshal(shown)
	o.check(err)
	if strings.Contains(string(text), "Q7 ") {
		o.Errorf("it is shown what was said: %s", text)
	}
	if l.Code != "unavailable" || l.Message == "" || l.FirstSeen == nil || l.Age < 0 || l.Attempts < 1 {
		o.Errorf("the letter is %+v", l)
	}
	if sent == nil {
		return
	}
	want := schema.Form(strings.TrimSuffix(l.CommandID, " one"))
	if shown.Form != want || !slices.ContainsFunc(shown.Fields, func(f admin.DataField) bool { return f.Name == "text" && f.Kind == "string" }) || shown.Bytes != len(sent.Data) {
		o.Errorf("it is shown as %+v", shown)
	}
	if !slices.ContainsFunc(shown.Headers, func(h admin.Header) bool { return h.Name == "X-Own" && h.Hidden }) || want != schema.FormPlain && shown.ExpiryTime == nil {
		o.Errorf("its headers are shown as %+v", shown.Headers)
	}
	if whole, err := a.Show(o.ctx, l.Sequence, true); err != nil || whole.Data != string(sent.Data) {
		o.Errorf("all of it is shown as %+v, %v", whole, err)
	}
}

// auditorReads lists the letters without a right to change anything.
func (o outsider) auditorReads() {
	o.Helper()
	nc, js := o.as(permissions.Auditor)
	a, err := admin.Open(o.ctx, nc, js, admin.Config{Prefix: o.config.Prefix, Tenant: tenant, BaseURL: o.config.BaseURL, CallTimeout: time.Second})
	o.check(err)
	if all := o.letters(a, admin.Filter{}); len(all) != 4 {
		o.Errorf("the auditor sees %+v", all)
	}
	o.loseTheAnswer(nc, a)
}

// loseTheAnswer puts a letter back and hears nothing of it: it does not know what
// became of the command, and says so.
func (o outsider) loseTheAnswer(nc *nats.Conn, a *admin.Admin) {
	o.Helper()
	ctx, cancel := context.WithCancel(o.ctx)
	defer cancel()
	nc.SetErrorHandler(func(*nats.Conn, *nats.Subscription, error) { cancel() }) // nats-server does not let it publish
	all := o.letters(a, admin.Filter{})
	done, err := a.PutBack(ctx, all[0].Sequence)
	if err == nil || !strings.Contains(err.Error(), "not known") || !strings.Contains(err.Error(), "CC_IDEMPOTENCY_WINDOW") || done.Stored != 0 {
		o.Errorf("without an answer, put back is %+v, %v", done, err)
	}
	if left := o.letters(a, admin.Filter{}); len(left) != len(all) {
		o.Errorf("without an answer, there are %+v", left)
	}
}
