package connector_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// strayScene is a chat of which, as soon as its history has been read, a poll
// that nobody waits for takes what is said next.
type strayScene struct {
	watched
	armed atomic.Bool
	say   func()
}

func newStrayScene(r *rig) *strayScene {
	s := &strayScene{}
	intercept(r, s.serve)
	return s
}

func (s *strayScene) serve(rw http.ResponseWriter, request *http.Request) bool {
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
		s.Errorf("the stray took nothing: %d %s", answer.Code, answer.Body)
	}
	return true
}

// What makes a holder fear a stray.
var strays = map[string]func(r *rig, w watched, holder *replica){
	"of the earlier holder": func(r *rig, _ watched, holder *replica) {
		holder.stop()
		r.start()
	},
	"of its own, which broke": func(_ *rig, w watched, _ *replica) {
		w.inject(loss("lost", 1))
		w.types()
	},
	"of a replica that woke up": func(r *rig, w watched, _ *replica) {
		asked, err := json.Marshal(map[string]any{"recover": true, "stray": true})
		r.check(err)
		_, err = r.nc.RequestWithContext(r.ctx, "cc.internal.holder."+string(w.token()), asked)
		r.check(err)
	},
}

func TestStraysAreOutlived(t *testing.T) {
	t.Parallel()
	for name, appears := range strays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
			s := newStrayScene(r)
			holder := r.start()
			s.watched = watchNew(r)
			s.untilListening()
			s.say = func() { s.says("unheard") }
			s.armed.Store(true)
			appears(r, s.watched, holder)
			r.awaitStored(s.chat, ".event.message", 1)
			s.checkGaps()
			s.checkAccount()
		})
	}
}

// What no history gives back is told with what was lost before, once.
func TestGapOfAStrayIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, appears := range strays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
			s := newStrayScene(r)
			holder := r.start()
			s.watched = watchNew(r)
			s.signals("REQUEST_CALL")
			r.awaitStored(s.chat, ".event.signaling", 1)
			s.untilListening()
			said := make(chan time.Time, 1)
			s.say = func() {
				said <- time.Now()
				s.signals("OFFER_CALL")
			}
			s.armed.Store(true)
			appears(r, s.watched, holder)
			at := <-said
			r.awaitStored(s.chat, ".session.gap", 1)
			s.says("of no account")
			r.awaitStored(s.chat, ".event.message", 1)
			s.checkGaps(schema.GapSignaling)
			if gap := s.sessions("gap")[0].(*schema.SessionGap); gap.From.After(at) || gap.To.Before(at.Truncate(time.Millisecond)) {
				t.Errorf("the gap is from %v to %v, and the stray took it at %v", gap.From, gap.To, at)
			}
		})
	}
}
