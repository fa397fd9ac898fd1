package connector_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

const (
	floodMessages = 300
	floodAhead    = 12        // without an answer: what a command's subscription has no room for is dropped
	mostHeap      = 512 << 20 // of the whole process: server, senders and connector
)

// hostile is as much JSON as the bus takes, of which each member costs something.
func hostile(room int64, beginning string) []byte {
	var b strings.Builder
	b.WriteString(`{` + beginning)
	for i := 0; b.Len() < int(room)-1024; i++ {
		fmt.Fprintf(&b, `,"a%d":1`, i)
	}
	b.WriteString(`}`)
	return []byte(b.String())
}

// A user who may ask for the version alone sends what is expensive to read. It
// is refused unread, and others are served meanwhile, on the same connection.
func TestFloodOfHostileJSON(t *testing.T) {
	o := outsider{newRig(t, bpsim.Options{}, withStranger("cc.service.version"))}
	var lost atomic.Int64
	o.start(
		nats.DisconnectErrHandler(func(*nats.Conn, error) { lost.Add(1) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { t.Errorf("the connector's connection: %v", err) }),
	)
	chat := fields{"chatId": o.openChat()}
	peak := watchHeap()
	o.floodMeanwhile(hostile(o.nc.MaxPayload(), `"specversion":"1.0"`), func() { o.mustSend("chat.typing", chat) })
	if most := peak(); most > mostHeap {
		t.Errorf("at times the heap had %d MiB", most>>20)
	}
	if lost.Load() != 0 || o.nats.NumSlowConsumers() != 0 {
		t.Errorf("the connection was lost %d times, there were %d slow consumers", lost.Load(), o.nats.NumSlowConsumers())
	}
}

// floodMeanwhile has each of many messages refused, and again and again does
// what others do.
func (o outsider) floodMeanwhile(data []byte, do func()) {
	o.Helper()
	nc := o.asStranger()
	answers, err := nc.SubscribeSync("_INBOX_" + stranger + ".flood.*")
	o.check(err)
	var sending sync.WaitGroup
	ahead := make(chan struct{}, floodAhead)
	ctx, stop := context.WithCancel(o.ctx)
	sending.Go(func() {
		for i := range floodMessages {
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				return
			}
			reply := strings.Replace(answers.Subject, "*", strconv.Itoa(i), 1)
			if err := nc.PublishMsg(&nats.Msg{Subject: "cc.service.version", Reply: reply, Data: data}); err != nil {
				o.Errorf("sending: %v", err)
				return
			}
		}
	})
	o.Cleanup(func() { stop(); nc.Close(); sending.Wait() })
	for answered := range floodMessages {
		answer, err := answers.NextMsg(patience)
		o.check(err)
		<-ahead
		if verdict := o.verdict(answer); verdict != "invalid_command not_done false" && verdict != "unavailable not_done true" {
			o.Errorf("the answer is %s", verdict)
		}
		if answered%10 == 0 {
			do()
		}
	}
}

// watchHeap is watchGoroutines for the heap.
func watchHeap() (peak func() uint64) {
	ended, most := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		seen := uint64(0)
		for {
			select {
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				seen = max(seen, m.HeapAlloc)
			case <-ended:
				most <- seen
				return
			}
		}
	}()
	return func() uint64 { close(ended); return <-most }
}

// The first thing that is wrong ends the reading, in whatever form it comes.
func TestHostileJSONIsNotReadOn(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	const room = 500 << 10 // what chat.send may need
	for beginning, field := range map[string]string{
		`"specversion":"1.0","id":"1","source":"s","type":"t"`: "a60", `"text":"x"`: `"a0"`, `"x":"specversion"`: `"x"`,
	} {
		o.mustRefuse(&nats.Msg{Subject: "cc.chat.send", Data: hostile(room, beginning)}, field)
	}
	o.mustRefuse(&nats.Msg{Subject: "cc.push.received", Data: hostile(9<<10, `"chatID":"x"`)}, "data")
	for _, nested := range []string{strings.Repeat(`[`, 65) + strings.Repeat(`]`, 65), strings.Repeat(`{"a":`, 65) + `1` + strings.Repeat(`}`, 65)} {
		o.mustRefuse(&nats.Msg{Subject: "cc.push.received", Data: []byte(`{"chatID":"x","aps":` + nested + `}`)}, "data")
	}
}
