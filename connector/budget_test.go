package connector_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// The budget of calls that follow a failure, as the README promises it.
const (
	budgetFloor = 20 // a second
	budgetBurst = 10
)

// openChats opens many chats at once, and waits until each is polled.
func openChats(r *rig, count int) []watched {
	r.Helper()
	chats := make([]watched, count)
	var opening sync.WaitGroup
	for i := range chats {
		opening.Go(func() { chats[i] = watched{r, r.openChat()} })
	}
	opening.Wait()
	for _, w := range chats {
		w.until("it is polled", func(r bpsim.Record) bool { return r.Polls > 0 })
	}
	return chats
}

// While the contact center fails, calls come no faster than the budget allows,
// however many chats there are; afterwards every chat is polled again.
func TestManyChatsDoNotStampede(t *testing.T) {
	for name, fault := range map[string]bpsim.Fault{
		"error answers":   {Kind: "status", Status: http.StatusServiceUnavailable},
		"cut connections": {Kind: "cut_before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{})
			calls := countPolls(r)
			r.start()
			const most = 200
			chats := openChats(r, most)

			injectInto(r, bpsim.Fault{Method: bpsim.PollEvents, Kind: fault.Kind, Status: fault.Status})
			injectInto(r, bpsim.Fault{Method: bpsim.GetHistory, Kind: fault.Kind, Status: fault.Status})
			calls.Store(0)
			began := time.Now()
			const enough = most + 120
			for n := calls.Load(); n < enough; n = calls.Load() { // every chat has failed, and many have tried again
				r.eventually("another poll is made", func() bool { return calls.Load() > n })
			}
			// Each chat's poll that was under way is followed by one that costs nothing.
			allowed := most + most/4 + budgetBurst + int64(1.5*budgetFloor*time.Since(began).Seconds())
			if n := calls.Load(); n > allowed {
				t.Errorf("%d polls of %d chats in %v, allowed are %d", n, most, time.Since(began), allowed)
			}

			for _, w := range chats {
				w.says("are you there?")
			}
			r.sim.ClearFaults()
			for _, w := range chats {
				r.awaitStored(w.chat, ".event.message", 1)
				w.checkAccount()
				w.checkGaps()
			}
		})
	}
}

func isHistory(request *http.Request) bool {
	return strings.HasSuffix(request.URL.Path, "/history")
}

// histories holds the histories of all chats but some, and counts how many are asked for at once.
type histories struct {
	mu      sync.Mutex
	spared  map[string]bool
	asked   map[string]bool
	now     int
	most    int
	opened  chan struct{}
	blocked bool
}

func (h *histories) hold(_ http.ResponseWriter, request *http.Request) bool {
	if !isHistory(request) {
		return false
	}
	chat := strings.Split(request.URL.Path, "/")[5]
	h.mu.Lock()
	if !h.blocked || h.spared[chat] {
		h.mu.Unlock()
		return false
	}
	h.now++
	h.asked[chat] = true
	h.most = max(h.most, h.now)
	h.mu.Unlock()
	select {
	case <-h.opened:
	case <-request.Context().Done():
	}
	h.mu.Lock()
	h.now--
	h.mu.Unlock()
	return false
}

// count tells of how many chats the history was asked for, and of how many at once at most.
func (h *histories) count() (asked, most int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.asked), h.most
}

func (h *histories) spare(chat string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spared[chat] = true
}

// Many chats are taken over while the history hangs: few ask for it at once,
// none is deaf for ever, new and live chats wait for none of them, and what
// may have been lost is found when the history is there again.
func TestTakeoverOfManyChatsIsBounded(t *testing.T) {
	t.Parallel()
	const many, atOnce = 120, 32
	held := &histories{spared: map[string]bool{}, asked: map[string]bool{}, opened: make(chan struct{})}
	r := newRig(t, bpsim.Options{}, aDayToFailOver, func(r *rig) { r.client.Timeout = 8 * time.Second })
	intercept(r, held.hold)
	first := r.start()
	chats := openChats(r, many)
	first.stop()
	for i, w := range chats {
		w.says(fmt.Sprint("while nobody listened ", i))
	}
	held.blocked = true
	r.start()
	r.eventually("every place is taken", func() bool { asked, _ := held.count(); return asked >= atOnce })

	fresh := watchNew(r)
	fresh.untilListening()
	held.spare(fresh.chat)
	fresh.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "lose", Times: 1, Chat: fresh.chat})
	fresh.says("lost, and found")
	r.awaitStored(fresh.chat, ".session.recovered", 1)
	if asked, most := held.count(); most > atOnce || asked > atOnce {
		t.Errorf("%d histories were asked for at once, %d in all, of %d places", most, asked, atOnce)
	}
	for _, w := range chats { // they are polled all the same
		r.awaitStored(w.chat, ".event.message", 1)
	}
	if asked, _ := held.count(); asked == many {
		t.Error("every chat had to wait until its history was asked for")
	}
	close(held.opened)
	for _, w := range chats {
		w.says("again")
		r.awaitStored(w.chat, ".event.message", 2)
		w.checkAccount()
		w.checkGaps()
	}
}

// A contact center that wants no history for a while is not asked again, and
// the chat is not deaf for that.
func TestHistoryHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	var asked atomic.Int64
	intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
		if isHistory(request) {
			asked.Add(1)
		}
		return false
	})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: http.StatusTooManyRequests, RetryAfter: time.Minute})
	w.inject(loss("lost", 1))
	w.says("lost")
	r.eventually("the history is refused", func() bool { return asked.Load() > 0 })
	for i := range 3 {
		w.says("after")
		r.awaitStored(w.chat, ".event.message", i+1)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the history was asked for %d times", n)
	}
	w.checkGaps()
}
