package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
)

// correlated are the results of all that was sent under an id.
func (a *answers) correlated(id string) (found []cloudEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.all {
		if e.attributes["correlationid"] == id {
			found = append(found, e)
		}
	}
	return found
}

// checkConflict waits for the result that tells a durable message that its id was
// another's: by the message's own place it is found, and by nothing else.
func (a *answers) checkConflict(ack *jetstream.PubAck, g given) {
	a.Helper()
	place := fmt.Sprintf("%s:%d:", ack.Stream, ack.Sequence)
	var own []cloudEvent
	a.eventually("the message's own result is there", func() bool {
		own = slices.DeleteFunc(a.correlated(g.id), func(e cloudEvent) bool { return !strings.HasPrefix(e.attributes["causationid"], place) })
		return len(own) > 0
	})
	if len(own) != 1 || !isConflict(own[0]) || own[0].data["command"] != g.command {
		a.Errorf("%v is answered %v", g, own)
	}
}

// An identity is used for one command, one chat and one set of data, on both lanes.
func TestConflicts(t *testing.T) {
	t.Parallel()
	for _, firstLive := range []bool{false, true} {
		t.Run(fmt.Sprint("first live ", firstLive), func(t *testing.T) {
			t.Parallel()
			o := newOutsider(t, bpsim.Options{})
			a, chat, other := o.listen(), o.openChat(), o.openChat()
			if firstLive {
				o.request(writePlain(given{command: "chat.send", id: "same", data: fields{"chatId": chat, "text": "first"}}))
			} else {
				o.give("chat.send", "same", chat, fields{"text": "first"})
			}
			first := a.await("same")
			wrong := []given{
				{command: "chat.send", data: fields{"chatId": chat, "text": "second"}},
				{command: "chat.send", data: fields{"chatId": other, "text": "first"}},
				{command: "chat.typing", data: fields{"chatId": chat}},
				{command: "chat.request", data: fields{"from": "Ada"}},
			}
			for i, g := range wrong {
				g.id = "same"
				if e := o.request(writePlain(g)); !isConflict(e.cloudEvent) {
					t.Errorf("live, %v is answered %v", g, e.data)
				}
				chat, _ := g.data["chatId"].(string)
				if text, there := g.data["text"]; there { // the others are the same wrong ones again
					g.data["text"] = text.(string) + ", durably"
				}
				a.checkConflict(o.keep(durably(writePlain(g), chat)), g)
				a.eventually("each has a result", func() bool { return len(a.correlated("same")) >= 3+2*i })
				a.awaitIdle()
			}
			for _, e := range a.correlated("same") {
				if e.id() != first.id() && !isConflict(e) {
					t.Errorf("a result is %v", e.data)
				}
			}
			if n := len(a.correlated("same")); n != 9 {
				t.Errorf("%d results", n)
			}
			a.checkOnce("same") // nobody who waits for the first one's is told another's
			if said := append(o.saidTexts(chat), o.saidNames(other)...); !slices.Equal(said, []string{"first"}) {
				t.Errorf("the contact center got %q", said)
			}
			if n := o.sim.Calls()[bpsim.RequestChat]; n != 2 {
				t.Errorf("%d chats were requested", n)
			}
			if e := o.request(writePlain(given{command: "chat.send", id: "same", data: fields{"chatId": chat, "text": "first"}})); e.id() != first.id() || e.status() != "ok" {
				t.Errorf("the true repeat is answered %v", e.data)
			}
		})
	}
}
