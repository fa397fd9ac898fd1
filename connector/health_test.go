package connector_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
)

// shows waits until readiness and the metrics show a problem, in these words.
func (r *rig) shows(replica *replica, part connector.Part, name string, words ...string) {
	r.Helper()
	var seen []connector.Problem
	r.eventually(fmt.Sprintf("%s %s is shown with %q", part, name, words), func() bool {
		h := replica.Health()
		seen = h.Problems
		i := slices.IndexFunc(seen, func(p connector.Problem) bool { return p.Part == part && p.Name == name })
		return i >= 0 && !h.Ready && !seen[i].Since.IsZero() &&
			!slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(seen[i].Message, word) })
	})
	if told := replica.told(r); value(r, replica.metrics, "cc_ready") != 0 || !slices.Contains(told, string(part)+" "+name) {
		r.Errorf("of %v the metrics show %q", seen, told)
	}
}

// told are the problems that the metrics show: part and name.
func (p *replica) told(r *rig) (all []string) {
	families, err := p.metrics.Gather()
	r.check(err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "cc_problem" && m.GetGauge().GetValue() == 1 { // its labels are in the order of their names
				all = append(all, m.GetLabel()[1].GetValue()+" "+m.GetLabel()[0].GetValue())
			}
		}
	}
	return all
}

// heals waits until nothing is shown any more.
func (r *rig) heals(replica *replica) {
	r.Helper()
	r.eventually("it is ready again", func() bool { h := replica.Health(); return h.Ready && len(h.Problems) == 0 })
	if told := replica.told(r); value(r, replica.metrics, "cc_ready") != 1 || len(told) > 0 {
		r.Errorf("the metrics show %q", told)
	}
}

// Each thing that does not work is shown where it is, and as long as it is so.
func TestEachProblemIsShown(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver).provided()
	replica := r.start()
	defer replica.stop() // before the server that is started below
	if h := replica.Health(); !h.Ready || h.Replica == "" || h.Version != "0.0.0" {
		t.Errorf("a replica without chats says %+v", h)
	}
	chat := r.openChat()

	injectInto(r, bpsim.Fault{Method: bpsim.CheckAvailability, Kind: "status", Status: 403, Code: "3000"})
	r.call("service.availability", map[string]any{"app": "other"})
	r.shows(replica, "contact_center", "other", "refuses the app other", "CC_APPS")
	r.sim.ClearFaults()
	r.must("service.availability", map[string]any{"app": "other"})
	r.heals(replica)

	dead := r.streamConfig("CC_DEADLETTER")
	r.check(r.js.DeleteStream(r.ctx, dead.Name))
	r.shows(replica, "stream", dead.Name, "stream of dead letters", "is missing", "CC_PROVISION=true")
	_, err := r.js.CreateStream(r.ctx, dead)
	r.check(err)
	r.heals(replica)

	r.changeEvents(func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 2048, jetstream.DiscardNew })
	for i := range 3 {
		r.push(chat, map[string]any{"event": "chat_session_message", "party_id": "p", "msg_id": fmt.Sprint(i), "msg": strings.Repeat("x", 2000)})
	}
	r.shows(replica, "publishing", "events", "the stream CC_EVENTS is full", "raise the stream's limits")
	r.changeEvents(func(c *jetstream.StreamConfig) { c.MaxBytes = -1 })
	r.heals(replica)
	r.awaitStored(chat, ".event.message", 3)

	journal := r.streamConfig("KV_CC_JOURNAL")
	full := journal
	full.MaxBytes = 1
	_, err = r.js.UpdateStream(r.ctx, full)
	r.check(err)
	r.call("chat.typing", map[string]any{"chatId": chat})
	r.shows(replica, "stream", journal.Name, "journal of commands", "is full")
	_, err = r.js.UpdateStream(r.ctx, journal)
	r.check(err)
	r.must("chat.typing", map[string]any{"chatId": chat})
	r.heals(replica)

	restart := r.shutNATSDown()
	r.shows(replica, "nats", "", "NATS: ")
	if problems := replica.Health().Problems; len(problems) != 1 {
		t.Errorf("without NATS there are the problems %v", problems)
	}
	restart()
	r.heals(replica)

	replica.stop()
	if h := replica.Health(); h.Ready || len(h.Problems) == 0 || value(r, replica.metrics, "cc_ready") != 0 {
		t.Errorf("when it has left it says %+v", h)
	}
}

// A contact center that is away is shown by the app, when it has been for so long
// that it is no moment; and chats that wait for it are not said to stand still.
func TestContactCenterAway(t *testing.T) {
	t.Parallel()
	const pollTimeout = 600 * time.Millisecond // of which a busy machine takes a part
	r := newRig(t, bpsim.Options{Hold: pollTimeout / 3}, func(r *rig) {
		r.client.PollTimeout, r.config.CallTimeout = pollTimeout, time.Second // what is due for 3 of the one and the other stands still
		r.config.TellAfter(time.Second)
	})
	replica := r.start()
	w := watchNew(r)
	r.eventually("the chat's first poll is answered", func() bool {
		all := replica.States()
		return len(all) == 1 && !all[0].LastAnswered.IsZero()
	})
	before := len(r.log.String())
	w.inject(bpsim.Fault{Kind: "status", Status: http.StatusServiceUnavailable})
	r.shows(replica, "contact_center", "main", "for the app main succeeds", "503")
	r.eventually("the chat's pauses are long", func() bool { return replica.pauses(3 * pollTimeout) })
	if n := value(r, replica.metrics, "cc_polls_stalled"); n != 0 || strings.Contains(r.log.String()[before:], "due and is not polled") {
		t.Errorf("%v chats that wait for the contact center are said to stand still", n)
	}
	if told := replica.told(r); len(told) != 1 { // of an app that nobody calls for nothing is known
		t.Errorf("told are %q", told)
	}
	w.says("hello")
	r.sim.ClearFaults()
	r.must("chat.typing", map[string]any{"chatId": w.chat}) // any answer shows that it is there
	r.heals(replica)
}

// pauses tells whether no chat has been polled for so long.
func (p *replica) pauses(least time.Duration) bool {
	for _, s := range p.States() {
		if s.Polling || s.LastAnswered.IsZero() || time.Since(s.LastAnswered) < 2*least {
			return false
		}
	}
	return true
}

// What passes in a moment is not shown, and what stays is at once, however patient readiness is.
func TestOnlyWhatLastsIsShown(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.TellAfter(time.Hour) }).provided()
	replica := r.start()
	defer replica.stop() // before the server that is started below
	var asked, unready atomic.Int32
	end := r.beside(func() {
		if h := replica.Health(); !h.Ready {
			unready.Add(1)
		}
		asked.Add(1)
	})
	restart := r.shutNATSDown()
	before := asked.Load()
	r.eventually("readiness was asked without NATS", func() bool { return asked.Load() > before+10 })
	restart()
	end()
	if n := unready.Load(); n > 0 {
		t.Errorf("%d of %d times it was not ready, for a moment without NATS", n, asked.Load())
	}

	commands := r.streamConfig("CC_COMMANDS")
	r.check(r.js.DeleteStream(r.ctx, commands.Name))
	r.shows(replica, "stream", commands.Name, "is missing")
}

// beside does something again and again until it is ended.
func (r *rig) beside(do func()) (end func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			do()
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() { close(stop); <-ended }
}
