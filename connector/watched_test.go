package connector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// watched is an open chat, seen from both sides: what the contact center says
// that it gave away, and what the connector published.
type watched struct {
	*rig
	chat string
}

// watchNew opens a chat and waits until it is announced.
func watchNew(r *rig) watched {
	r.Helper()
	w := watched{r, r.openChat()}
	r.awaitStored(w.chat, ".session.opened", 1)
	return w
}

func (w watched) token() subjects.ChatToken {
	w.Helper()
	token, err := subjects.EscapeChat(w.chat)
	w.check(err)
	return token
}

func (w watched) record() bpsim.Record {
	w.Helper()
	record, err := w.sim.Record(w.chat)
	w.check(err)
	return record
}

// until waits for the contact center's side of the chat.
func (w watched) until(what string, holds func(bpsim.Record) bool) {
	w.Helper()
	if err := w.sim.WaitFor(w.ctx, func() bool { return holds(w.record()) }); err != nil {
		w.Fatalf("it did not come about that %s: %v; log:\n%s", what, err, w.log)
	}
}

// untilListening waits until a poll is held and nothing is left to give to it.
func (w watched) untilListening() {
	w.Helper()
	w.until("a poll is held", func(r bpsim.Record) bool { return r.Held == 1 && r.Chat.Pending == 0 })
}

// untilStruck waits until every fault has struck as often as it may.
func (w watched) untilStruck() {
	w.Helper()
	w.until("the faults have struck", func(bpsim.Record) bool { return len(w.sim.Faults()) == 0 })
}

func (w watched) inject(f bpsim.Fault) {
	w.Helper()
	injectInto(w.rig, f)
}

func injectInto(r *rig, f bpsim.Fault) {
	r.Helper()
	_, err := r.sim.Inject(f)
	r.check(err)
}

func (w watched) says(text string) {
	w.Helper()
	w.push(w.chat, map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": text, "msg": text})
}

func (w watched) types() {
	w.Helper()
	w.push(w.chat, map[string]any{"event": "chat_session_typing", "party_id": "agent"})
}

func (w watched) signals(kind string) {
	w.Helper()
	w.push(w.chat, map[string]any{"event": "chat_session_signaling", "party_id": "agent", "msg_id": kind, "data": map[string]any{"type": kind}})
}

// awaitEnd waits until the chat is closed and nobody is to poll it any more.
func (w watched) awaitEnd(reason schema.CloseReason) {
	w.Helper()
	w.awaitStored(w.chat, ".session.closed", 1)
	w.eventually("the session token is gone", func() bool { return !w.hasToken() })
	closed := w.sessions("closed")
	if len(closed) != 1 || closed[0].(*schema.SessionClosed).Reason != reason {
		w.Errorf("closed is %+v, want one for %s", closed, reason)
	}
	all := w.sequenced()
	if last := all[len(all)-1]; !strings.HasSuffix(last.subject, ".session.closed") {
		w.Errorf("%s follows session.closed", last.subject)
	}
}

// entry is the chat's entry in the bucket of chats.
func (w watched) entry() schema.Chat {
	w.Helper()
	bucket, err := w.js.KeyValue(w.ctx, w.config.Prefix.StreamName("CHATS"))
	w.check(err)
	value, err := bucket.Get(w.ctx, string(w.token()))
	w.check(err)
	var chat schema.Chat
	w.check(json.Unmarshal(value.Value(), &chat))
	return chat
}

func (w watched) hasToken() bool {
	w.Helper()
	stream, err := w.js.Stream(w.ctx, w.config.Prefix.StreamName("SESSIONS"))
	w.check(err)
	_, err = stream.GetLastMsgForSubject(w.ctx, w.config.Prefix.Internal("session", string(w.token())))
	if err != nil && err != jetstream.ErrMsgNotFound {
		w.Fatal(err)
	}
	return err == nil
}

// sequenced are the chat's events and session messages.
func (w watched) sequenced() []message {
	w.Helper()
	return slices.DeleteFunc(w.stored(w.of(w.chat)), func(m message) bool {
		return strings.Contains(m.subject, ".result.")
	})
}

func (w watched) sessions(name string) []schema.Session {
	w.Helper()
	var found []schema.Session
	for _, m := range w.stored(w.config.Prefix.Session(w.token(), subjects.SessionName(name))) {
		payload, err := schema.DecodeSession(m.event)
		w.check(err)
		found = append(found, payload)
	}
	return found
}

func (w watched) gaps() []schema.GapReason {
	w.Helper()
	var reasons []schema.GapReason
	for _, gap := range w.sessions("gap") {
		reasons = append(reasons, gap.(*schema.SessionGap).Reason)
	}
	return reasons
}

func (w watched) checkGaps(want ...schema.GapReason) {
	w.Helper()
	if got := w.gaps(); !slices.Equal(got, want) {
		w.Errorf("gaps %v, want %v; log:\n%s", got, want, w.log)
	}
}

// checkRecovered compares how many events each session.recovered tells of.
func (w watched) checkRecovered(want ...int) {
	w.Helper()
	var got []int
	for _, s := range w.sessions("recovered") {
		recovered := s.(*schema.SessionRecovered)
		got = append(got, recovered.Events)
		if recovered.From == nil || recovered.To == nil || recovered.To.Before(recovered.From.Time) {
			w.Errorf("recovered from %v to %v", recovered.From, recovered.To)
		}
	}
	if !slices.Equal(got, want) {
		w.Errorf("recovered %v events, want %v", got, want)
	}
}

// trail tells subject ends and origins in the order of the chat: "message/poll",
// "session.closed".
func (w watched) trail() []string {
	w.Helper()
	var trail []string
	for _, m := range w.sequenced() {
		_, name, isEvent := strings.Cut(m.subject, ".event.")
		if isEvent {
			name += "/" + schema.Extension(m.event, schema.AttrOrigin)
		} else {
			_, rest, _ := strings.Cut(m.subject, ".session.")
			name = "session." + rest
		}
		trail = append(trail, name)
	}
	return trail
}

func (w watched) checkTrail(want ...string) {
	w.Helper()
	if got := w.trail(); !slices.Equal(got, want) {
		w.Errorf("the chat's messages are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// gist tells what an event says, however it is spelt.
func gist(raw json.RawMessage) string {
	e := brightpattern.ParseEvent(raw)
	return fmt.Sprintf("%s of %q: %q %q %s", e.Name, e.PartyID, e.MessageID, e.HTML, e.State)
}

// checkAccount proves that each event that the contact center made was
// published once, in order, and under an id of its own.
func (w watched) checkAccount() {
	w.Helper()
	made, published := w.gists()
	if !slices.Equal(made, published) {
		w.Errorf("published\n%s\nthe contact center made\n%s\nlog:\n%s", strings.Join(published, "\n"), strings.Join(made, "\n"), w.log)
	}
	w.checkSequence(w.chat)
}

// checkAccountUnordered is checkAccount where two ways lead to the connector.
func (w watched) checkAccountUnordered() {
	w.Helper()
	made, published := w.gists()
	slices.Sort(made)
	slices.Sort(published)
	if !slices.Equal(made, published) {
		w.Errorf("published\n%s\nthe contact center made\n%s\nlog:\n%s", strings.Join(published, "\n"), strings.Join(made, "\n"), w.log)
	}
	w.checkSequence(w.chat)
}

func (w watched) gists() (made, published []string) {
	w.Helper()
	for _, e := range w.record().Server {
		made = append(made, gist(e.Event))
	}
	ids := map[string]bool{}
	for _, m := range w.stored(w.config.Prefix.Event(w.token(), "*")) {
		event, err := schema.DecodeEvent(m.event)
		w.check(err)
		published = append(published, gist(event.Header().Raw))
		if ids[m.event.ID()] {
			w.Errorf("two events have the id %s", m.event.ID())
		}
		ids[m.event.ID()] = true
	}
	return made, published
}

// countPolls counts the polls that arrive, those of a session that is over
// too, of which the contact center keeps no record. Before the first start.
func countPolls(r *rig) *atomic.Int64 {
	var polls atomic.Int64
	intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
		if request.Method == http.MethodGet && isEvents(request) {
			polls.Add(1)
		}
		return false
	})
	return &polls
}

func isEvents(request *http.Request) bool {
	return strings.HasSuffix(request.URL.Path, "/events")
}

// intercept lets a test answer a call instead of the simulator: handle
// reports whether it did. Before the first start.
func intercept(r *rig, handle func(http.ResponseWriter, *http.Request) bool) {
	r.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, request *http.Request) {
		if !handle(rw, request) {
			r.sim.ServeHTTP(rw, request)
		}
	})
}
