package connector_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// begun is what stands in the connector's memory while a durable command's call is
// under way.
type begun struct {
	calling bool
	number  *uint64  // on its record
	bound   []uint64 // in the chat's count
}

// begunIn reads it. There is one record of a durable command.
func (w watched) begunIn() (found begun) {
	w.Helper()
	journal, err := w.js.KeyValue(w.ctx, w.config.Prefix.StreamName("JOURNAL"))
	w.check(err)
	keys, err := journal.Keys(w.ctx)
	w.check(err)
	for _, key := range keys {
		value, err := journal.Get(w.ctx, key)
		w.check(err)
		var record struct {
			Message uint64
			Calling bool
			Number  *uint64
		}
		if json.Unmarshal(value.Value(), &record) == nil && record.Message != 0 {
			found.calling, found.number = record.Calling, record.Number
		}
	}
	state, err := w.js.KeyValue(w.ctx, w.config.Prefix.StreamName("STATE"))
	w.check(err)
	value, err := state.Get(w.ctx, "number."+string(w.token()))
	w.check(err)
	var count struct{ Bound []struct{ Number uint64 } }
	w.check(json.Unmarshal(value.Value(), &count))
	for _, b := range count.Bound {
		found.bound = append(found.bound, b.Number)
	}
	return found
}

// holdSending has the first sending wait until it may go on. Before the first start.
func holdSending(r *rig) (called <-chan struct{}, goOn func()) {
	arrived, open := make(chan struct{}), make(chan struct{})
	var first sync.Once
	intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
		if request.Method == http.MethodPost && isEvents(request) {
			first.Do(func() { close(arrived); <-open })
		}
		return false
	})
	goOn = sync.OnceFunc(func() { close(open) })
	r.Cleanup(goOn)
	return arrived, goOn
}

// When a durable command is called it is on record, and its number is bound to it:
// on the record itself where a replica lives that would look nowhere else.
func TestDurableCommandIsCalledOnRecord(t *testing.T) {
	t.Parallel()
	for name, earlier := range map[string]bool{"this version": false, "beside an earlier one": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{})
			r.config.CallTimeout, r.client.Timeout = patience, patience
			called, goOn := holdSending(r)
			r.start().stop() // makes the streams
			if earlier {
				r.putRecord("CC_STATE", "replica.earlier", `{"maxChats":0,"chats":0,"format":3}`)
			}
			r.start()
			w := watchNew(r)
			id := w.give("chat.send", schema.ChatSend{ChatID: w.chat, Text: "x"})
			r.awaits("the command is called", called)
			found := w.begunIn()
			goOn()
			if !found.calling || !slices.Equal(found.bound, []uint64{0}) || (found.number != nil) != earlier {
				t.Errorf("it is called, and stands there as %+v", found)
			}
			if got := w.awaitResult(id); got.Error != nil {
				t.Errorf("it is answered %+v", got.Error)
			}
		})
	}
}

// What is known is not read: the first run of a durable command asks only which
// command of its chat is next.
func TestFirstRunReadsOnlyTheHead(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	w := watchNew(r)
	w.awaitResult(w.give("chat.send", schema.ChatSend{ChatID: w.chat, Text: "known by now"}))
	reads, err := r.nc.SubscribeSync("$JS.API.>")
	r.check(err)
	r.check(r.nc.Flush())
	w.awaitResult(w.give("chat.send", schema.ChatSend{ChatID: w.chat, Text: "x"}))
	asked, _, err := reads.Pending()
	r.check(err)
	for range asked {
		msg, err := reads.NextMsg(time.Second)
		r.check(err)
		about := msg.Subject + " " + string(msg.Data)
		isHead := strings.Contains(about, "MSG.GET.CC_COMMANDS") && strings.Contains(about, "next_by_subj")
		if !isHead && (strings.Contains(about, string(w.token())) || strings.Contains(about, "$KV.CC_JOURNAL.command")) {
			t.Errorf("it asks %s", about)
		}
	}
}
