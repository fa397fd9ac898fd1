package connector_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// orphanScene is a chat of which, as soon as its history has been read, a poll
// that nobody waits for takes what is said next.
type orphanScene struct {
	watched
	armed atomic.Bool
	say   func()
}

func newOrphanScene(t *testing.T) (s *orphanScene, holder *replica) {
	t.Helper()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
	s = &orphanScene{}
	intercept(r, s.serve)
	holder = r.start()
	s.watched = watchNew(r)
	return s, holder
}

func (s *orphanScene) serve(rw http.ResponseWriter, request *http.Request) bool {
	if !strings.HasSuffix(request.URL.Path, "/history") || !s.armed.CompareAndSwap(true, false) {
		return false
	}
	s.sim.ServeHTTP(rw, request)
	s.say()
	poll := request.Clone(s.ctx)
	poll.URL.Path = strings.TrimSuffix(request.URL.Path, "history") + "events"
	poll.URL.RawQuery += "&timestamp=1"
	answer := httptest.NewRecorder()
	s.sim.ServeHTTP(answer, poll)
	if !strings.Contains(answer.Body.String(), "chat_session") {
		s.Errorf("the orphaned call took nothing: %d %s", answer.Code, answer.Body)
	}
	return true
}

// What makes a holder expect an orphaned call.
var orphans = map[string]func(r *rig, w watched, holder *replica){
	"of the earlier holder": func(r *rig, _ watched, holder *replica) {
		holder.stop()
		r.start()
	},
	"of its own, which broke": func(_ *rig, w watched, _ *replica) {
		w.inject(loss("lost", 1))
		w.types()
	},
	"of a replica that woke up": func(_ *rig, w watched, _ *replica) {
		w.tellOf(time.Now())
	},
}

func TestOrphanedCallsAreOutlived(t *testing.T) {
	t.Parallel()
	for name, appears := range orphans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, holder := newOrphanScene(t)
			s.untilListening()
			s.say = func() { s.says("unheard") }
			s.armed.Store(true)
			appears(s.rig, s.watched, holder)
			s.awaitStored(s.chat, ".event.message", 1)
			s.checkGaps()
			s.checkAccount()
		})
	}
}

// What no history gives back is told with what was lost before, once.
func TestGapOfAnOrphanIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, appears := range orphans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, holder := newOrphanScene(t)
			s.signals("REQUEST_CALL")
			s.awaitStored(s.chat, ".event.signaling", 1)
			s.untilListening()
			said := make(chan time.Time, 1)
			s.say = func() {
				said <- time.Now()
				s.signals("OFFER_CALL")
			}
			s.armed.Store(true)
			appears(s.rig, s.watched, holder)
			at := <-said
			s.awaitStored(s.chat, ".session.gap", 1)
			s.says("of no account")
			s.awaitStored(s.chat, ".event.message", 1)
			s.checkGaps(schema.GapSignaling)
			if gap := s.sessions("gap")[0].(*schema.SessionGap); gap.From.After(at) || gap.To.Before(at.Truncate(time.Millisecond)) {
				t.Errorf("the gap is from %v to %v, and the orphaned call took it at %v", gap.From, gap.To, at)
			}
		})
	}
}

// tellOf has the chat's holder know of an orphaned call.
func (w watched) tellOf(lost time.Time) {
	w.Helper()
	asked, err := json.Marshal(map[string]any{"recover": true, "stray": true, "ago": time.Since(lost)})
	w.check(err)
	_, err = w.nc.RequestWithContext(w.ctx, "cc.internal.holder."+string(w.token()), asked)
	w.check(err)
}

// Who tells of an orphaned call may tell again, and so may whoever adopts its outbox entry. But
// an older one, of which no gap has told yet, is told of however late.
func TestOrphanIsToldOfTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
	r.start()
	w := watchNew(r)
	w.signals("REQUEST_CALL")
	r.awaitStored(w.chat, ".event.signaling", 1)
	lost := time.Now()
	w.tellOf(lost)
	r.awaitStored(w.chat, ".session.gap", 1)
	w.tellOf(lost)
	earlier := lost.Add(-time.Hour)
	w.tellOf(earlier)
	r.awaitStored(w.chat, ".session.gap", 2)
	r.check(r.sim.End(w.chat))
	w.awaitEnd(schema.ClosedEnded)
	w.checkGaps(schema.GapSignaling, schema.GapSignaling)
	if gap := w.sessions("gap")[1].(*schema.SessionGap); !gap.From.Before(lost) {
		t.Errorf("the gap is from %v, and the call was of %v", gap.From, earlier)
	}
}

// The gap begins before what an orphaned call took while the history was on its way.
func TestGapOfAnOrphanBeginsBeforeIt(t *testing.T) {
	t.Parallel()
	s, holder := newOrphanScene(t)
	s.untilListening()
	said := make(chan time.Time, 1)
	s.say = func() {
		at := time.Now()
		said <- at
		s.says("unheard")
		s.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "garbage"}) // from now on
		for !time.Now().Truncate(time.Millisecond).After(at) {           // gaps are told in milliseconds
			runtime.Gosched()
		}
	}
	s.armed.Store(true)
	holder.stop()
	s.start()
	at := <-said
	s.awaitStored(s.chat, ".session.gap", 1)
	if gap := s.sessions("gap")[0].(*schema.SessionGap); gap.From.After(at) {
		t.Errorf("the gap is from %v, and it was given away at %v", gap.From, at)
	}
}

// The contact center carries a command out after its connection broke and the
// history was read: what its answer would have brought is found all the same.
func TestCommandIsCarriedOutAfterTheLook(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true, Hold: 200 * time.Millisecond}, func(r *rig) { r.config.CallTimeout = 15 * time.Second })
	sent, looked := make(chan *http.Request, 1), make(chan struct{}, 100)
	blocked, release := make(chan struct{}, 1), make(chan struct{})
	var blocking atomic.Bool
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		switch {
		case strings.HasSuffix(request.URL.Path, "/history"):
			looked <- struct{}{}
		case isEvents(request) && request.Method == http.MethodPost:
			sent <- cutOffCall(t, rw, request)
			return true
		case isEvents(request) && blocking.CompareAndSwap(true, false):
			blocked <- struct{}{}
			<-release
		}
		return false
	})
	r.start()
	w := watchNew(r)
	w.untilListening()
	r.call("chat.typing", map[string]any{"chatId": w.chat})
	request := <-sent
	<-looked
	polls := w.record().Polls
	w.until("a poll that was on its way would be gone", func(r bpsim.Record) bool { return r.Polls > polls+6 })
	blocking.Store(true)
	<-blocked
	w.says("late")
	answer := httptest.NewRecorder()
	r.sim.ServeHTTP(answer, request)
	if !strings.Contains(answer.Body.String(), "late") {
		t.Fatalf("the answer has no event: %d %s", answer.Code, answer.Body)
	}
	close(release)
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkAccount()
	w.checkGaps()
}

// cutOffCall breaks the connection of a call, and returns the call.
func cutOffCall(t *testing.T, rw http.ResponseWriter, request *http.Request) *http.Request {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		t.Error(err)
	}
	later := request.Clone(t.Context())
	later.Body = io.NopCloser(bytes.NewReader(body))
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		t.Error(err)
		return later
	}
	_ = conn.Close()
	return later
}

// The second look does not wait for a history that is away: the chat was deaf
// for it once.
func TestSecondLookLeavesNobodyDeaf(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond})
	var armed atomic.Bool
	calls := make(chan string, 1000)
	intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
		if armed.Load() && request.Method == http.MethodGet {
			calls <- request.URL.Path[strings.LastIndex(request.URL.Path, "/")+1:]
		}
		return false
	})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: http.StatusServiceUnavailable})
	w.inject(loss("lost", 1))
	armed.Store(true)
	w.says("lost")
	const enough = 8 // polls, of which the one that shows that the orphaned call is gone is among the first
	waits, tries := 0, 0
	for polls := 0; polls < enough; {
		if <-calls == "history" {
			tries++
			continue
		}
		polls++
		if tries > 1 {
			waits++
		}
		tries = 0
	}
	if waits != 1 {
		t.Errorf("%d times the history was tried again and again, and no poll was begun", waits)
	}
	w.sim.ClearFaults()
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkAccount()
}
