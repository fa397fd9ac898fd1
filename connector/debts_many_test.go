package connector_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

// goneOwes has a replica that is no more owe live commands that were begun, and
// returns their ids.
func (o outsider) goneOwes(chat string, count int) (ids []string) {
	o.Helper()
	for i := range count {
		command, place := "chat.request", ""
		if i%2 == 0 {
			command, place = "chat.typing", `"chatId":"`+chat+`",`
		}
		id := fmt.Sprint("debt ", i)
		result := resultOf("", id)
		_, err := o.js.PublishMsgAsync(&nats.Msg{Subject: "$KV.CC_JOURNAL.command." + result, Data: []byte(`{"command":"` + command + `","id":"` + id +
			`","result":"` + result + `","correlationId":"` + id + `",` + place + `"fingerprint":"f","run":"r","replica":"gone","firstSeen":"` + earlierTime + `","from":0}`)})
		o.check(err)
		ids = append(ids, id)
	}
	o.awaits("they are on record", o.js.PublishAsyncComplete())
	o.putRecord("CC_STATE", "owed.gone.commands.live", `{"v":1,"journal":0}`)
	return ids
}

// A replica dies that owes thousands of outcomes, on no more than two subjects. Each
// is told once; they are settled a few at a time; and of each as much is asked as
// where there are few.
func TestThousandsOfDebts(t *testing.T) {
	t.Parallel()
	const many, atOnce, questions = 2000, 16, 4
	o := outsider{newRig(t, bpsim.Options{})}
	var settling, most, asked atomic.Int64
	o.config.At(func(point string) {
		switch point {
		case "Recorded":
			if now := settling.Add(1); now > most.Load() {
				most.Store(now) // it may be a few too low
			}
		case "ResultPublished":
			settling.Add(-1)
		}
	})
	o.start()
	a, chat := o.listen(), o.openChat()
	o.settled(chat)
	settling.Store(0)
	most.Store(0)
	watching := o.watch(func(msg *nats.Msg) {
		if strings.Contains(msg.Subject, "MSG.GET.CC_EVENTS") && strings.Contains(string(msg.Data), ".result.") {
			asked.Add(1)
		}
	})
	ids := o.goneOwes(chat, many)
	o.untilNothingIsOwedBy("gone")
	watching.end()
	if n := asked.Load(); n == 0 || n > questions*many {
		t.Errorf("the stream of events is asked %d times for the results of %d commands", n, many)
	}
	if n := most.Load(); n < 2 || n > atOnce {
		t.Errorf("%d are settled at once", n)
	}
	a.checkOnce(ids...)
	for _, id := range ids {
		checkDied(o, a.await(id))
	}
}
