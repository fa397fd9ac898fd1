package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// mostChats is how many a replica polls.
func mostChats(n int) func(*rig) { return func(r *rig) { r.config.MaxChats = n } }

// noRoom is what a command is answered that no replica has a place for.
var noRoom = verdict{"unavailable", "", 0, true, "not_done"}

// value is that of a gauge without labels.
func value(r *rig, from prometheus.Gatherer, name string) float64 {
	r.Helper()
	families, err := from.Gather()
	r.check(err)
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	r.Fatalf("there is no metric %s", name)
	return 0
}

// fill opens so many chats, and waits until they are polled.
func (o outsider) fill(n int) (chats []string) {
	o.Helper()
	for range n {
		chat := o.openChat()
		o.settled(chat)
		chats = append(chats, chat)
	}
	return chats
}

// Where no replica has a place, nothing is opened, and the contact center is
// not even asked; what is open already, and what was answered, stays true.
func TestNoRoomForAnotherChat(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, mostChats(3), aDayToFailOver)}
	replica := o.start()
	elsewhere := o.openElsewhere("eve")
	first := given{command: "chat.request", id: "first", source: "//s", data: fields{"from": "Ada", "clientId": "ada"}}
	opened := o.request(writeStructured(first)).data["chatId"].(string)
	o.settled(opened)
	o.fill(2)
	before := o.sim.Calls()
	for command, data := range map[string]fields{
		"chat.request":  {"from": "Eve"},
		"chat.active":   {"clientId": "eve"},
		"chat.attach":   {"chatId": elsewhere, "clientId": "eve"},
		"push.received": {"chatID": elsewhere, "clientId": "eve"},
	} {
		o.checkFailure(o.send(command, data), noRoom)
	}
	after := o.sim.Calls()
	for _, method := range []string{bpsim.RequestChat, bpsim.GetActiveChat, bpsim.GetHistory} {
		if after[method] != before[method] {
			t.Errorf("%s was called %d times", method, after[method]-before[method])
		}
	}
	if again := o.request(writeStructured(first)); again.status() != "ok" || again.data["chatId"] != opened {
		t.Errorf("the repeat of what was done is answered %v", again.data)
	}
	o.mustSend("push.received", fields{"chatID": opened})
	o.mustSend("chat.attach", fields{"chatId": opened, "clientId": "ada"})
	if err := replica.Ready(); err != nil {
		t.Errorf("a replica that is full, and polls every chat, says %v", err)
	}
	if most, waiting := value(o.rig, replica.metrics, "cc_chats_limit"), value(o.rig, replica.metrics, "cc_chats_waiting"); most != 3 || waiting != 0 {
		t.Errorf("the metrics say that %v chats wait for %v places", waiting, most)
	}
	o.mustSend("chat.end", fields{"chatId": opened})
	o.awaitStored(opened, ".session.closed", 1)
	o.eventually("its place is free", func() bool { return o.send("chat.request", fields{"from": "Eve"}).status() == "ok" })
}

// A durable request waits for a place, until there is one.
func TestDurableRequestWaitsForRoom(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, mostChats(1), aDayToFailOver)}
	o.start()
	chat := o.fill(1)[0]
	var refused atomic.Int32
	_, err := o.nc.Subscribe("$KV.CC_JOURNAL.>", func(msg *nats.Msg) {
		if strings.Contains(string(msg.Data), "CC_MAX_CHATS") {
			refused.Add(1)
		}
	})
	o.check(err)
	id := watched{rig: o.rig}.give("chat.request", fields{"from": "Eve"})
	o.eventually("it has been tried in vain", func() bool { return refused.Load() >= 2 })
	if n := o.sim.Calls()[bpsim.RequestChat]; n != 1 || len(o.results(id)) != 0 {
		t.Errorf("%d chats were requested for one place; results %v", n, o.results(id))
	}
	o.mustSend("chat.end", fields{"chatId": chat})
	if result := o.awaitResult(id); result.Status != schema.StatusOK {
		t.Errorf("in the end it is %+v", result.Error)
	}
}

// One that finds no place in all its time was never called.
func TestDurableRequestFindsNoRoom(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, mostChats(1), aDayToFailOver, func(r *rig) { r.config.CommandMaxAge = time.Second })}
	o.start()
	o.fill(1)
	id := watched{rig: o.rig}.give("chat.request", fields{"from": "Eve"})
	if result := o.awaitResult(id); result.Error == nil || result.Error.Code != schema.CodeExpired || result.Error.Outcome != schema.OutcomeNotDone {
		t.Errorf("the result is %+v", result.Error)
	}
	if n := o.sim.Calls()[bpsim.RequestChat]; n != 1 {
		t.Errorf("%d chats were requested for one place", n)
	}
}

// In a burst not more are let in than there are places.
func TestBurstOfRequests(t *testing.T) {
	t.Parallel()
	const places, requests = 4, 40
	o := outsider{newRig(t, bpsim.Options{}, mostChats(places), aDayToFailOver)}
	replica := o.start()
	var all sync.WaitGroup
	var ok atomic.Int32
	for range requests {
		all.Go(func() {
			answer, err := o.nc.Request("cc.chat.request", []byte(`{"from":"Eve"}`), patience)
			if err == nil && answer.Header.Get("Nats-Service-Error-Code") == "" {
				ok.Add(1)
			}
		})
	}
	all.Wait()
	if n, called := ok.Load(), o.sim.Calls()[bpsim.RequestChat]; n != places || called != places {
		t.Errorf("%d are ok, %d were called, for %d places", n, called, places)
	}
	if err := replica.Ready(); err != nil {
		t.Error(err)
	}
}

// Replicas count each other's places. When one dies, and the others have no
// place for its chats, that is told until there is one again.
func TestRoomOfReplicas(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, mostChats(2))
	o := outsider{r}
	living, dying := r.start(), r.startMortal()
	chats := o.fill(4)
	o.checkFailure(o.send("chat.request", fields{"from": "Eve"}), noRoom)
	if err := living.Ready(); err != nil {
		t.Errorf("every chat is polled, and readiness says %v", err)
	}
	dying.kill()
	r.unready(living, "open chats that nobody polls: 2", "CC_MAX_CHATS")
	if n := value(r, living.metrics, "cc_chats_waiting"); n != 2 {
		t.Errorf("the metric says that %v chats wait", n)
	}
	r.awaitLogged("open chats wait for a place")
	o.checkFailure(o.send("chat.request", fields{"from": "Eve"}), noRoom)

	r.startMortal()
	r.eventually("all is well", func() bool { return living.Ready() == nil })
	for _, chat := range chats {
		r.push(chat, fields{"event": "chat_session_message", "party_id": "p", "msg": "hello", "msg_id": "1"})
		r.awaitStored(chat, ".event.message", 1)
	}
	if n := value(r, living.metrics, "cc_chats_waiting"); n != 0 {
		t.Errorf("the metric says that %v chats wait", n)
	}
}

// Readiness costs nothing to ask.
func TestReadinessIsAskedOnceASecond(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver)
	replica := r.start()
	var mu sync.Mutex
	var asked []string
	_, err := r.nc.Subscribe("$JS.API.>", func(msg *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, msg.Subject)
	})
	r.check(err)
	r.check(r.nc.Flush())
	began := time.Now()
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			for range 50 {
				if err := replica.Ready(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	r.check(r.nc.Flush())
	seconds := int(time.Since(began)/time.Second) + 2
	mu.Lock()
	defer mu.Unlock()
	dead := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return s != "$JS.API.STREAM.INFO.CC_DEADLETTER" }) // that nothing else asks for
	if len(dead) > seconds || len(asked) > 50*seconds {
		t.Errorf("5000 questions in less than %d seconds cost %d of each stream, %d in all:\n%s", seconds, len(dead), len(asked), fmt.Sprint(asked))
	}
}
