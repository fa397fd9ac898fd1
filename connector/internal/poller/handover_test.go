package poller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// parts is a holder that has opened its chat, said something, and is about to
// hand it over.
func (r *rig) parts() *holder {
	r.Helper()
	h := r.holder("opening")
	h.lease, h.token.ClientID = r.lease(), "client"
	h.entry = h.token.Entry()
	r.Check(h.chatLog.Raise(r.Ctx))
	h.chatLog.KnowPast()
	r.Check(h.announce(r.Ctx, &schema.SessionOpened{ChatID: string(r.chat.ID)}))
	h.phase = announced
	r.Check(h.append(r.Ctx, func() error {
		return h.chatLog.AppendEvent(r.Ctx, typing(), translate.FromPoll, time.Now(), time.Now())
	}))
	return h
}

// types publishes an event that looks like every other one of its kind.
func (r *rig) types(h *holder) error {
	return h.chatLog.AppendEvent(r.Ctx, typing(), translate.FromPoll, time.Now(), time.Now())
}

func typing() translate.ServerEvent {
	return translate.ReadServerEvent("chat:ü/1", brightpattern.ParseEvent([]byte(`{"event":"chat_session_typing","party_id":"p"}`)))
}

// comes is the next holder, and how many messages it read back.
func (r *rig) comes() (h *holder, readBack int) {
	r.Helper()
	h = r.holder("opening")
	r.Check(h.chatLog.Raise(r.Ctx))
	r.Check(h.learnThePast(r.Ctx))
	return h, h.chatLog.Uncounted()
}

// Who takes a chat that was handed over knows all that is published, and asks
// the stream for none of it.
func TestNothingIsReadBackOfWhatWasHandedOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before := r.parts()
	before.depart(true)
	asked, err := r.NC.SubscribeSync("$JS.API.STREAM.*.*." + natstest.Prefix.StreamName("EVENTS"))
	r.Check(err)
	info, err := r.NC.SubscribeSync("$JS.API.STREAM.*." + natstest.Prefix.StreamName("EVENTS"))
	r.Check(err)
	next, _ := r.comes()
	r.Check(r.NC.Flush())
	gets, _, err := asked.Pending()
	r.Check(err)
	infos, _, err := info.Pending()
	r.Check(err)
	if gets != 1 || infos != 0 { // where the fence stands
		t.Errorf("the stream of events is asked for %d messages and %d times what it has", gets, infos)
	}
	r.checkKnown("after a hand-over", next, before.chatLog.Memory())
	if got, want := next.chatLog.Counts(), before.chatLog.Counts(); got != want || next.phase != announced || next.entry.Sequence != 1 {
		t.Errorf("the next holder has counted %+v of %+v, is in phase %d, and has an entry up to %d", got, want, next.phase, next.entry.Sequence)
	}
	if next.cameClean() {
		t.Error("that nothing is lost was not said")
	}
}

// All is read back, however orderly the hand-over was, when somebody has held
// the chat since, or a message may stand there that was not counted.
func TestAllIsReadBackOfWhatIsNotCounted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		since func(*rig, *holder)
		more  int
	}{
		"a holder has come and died": {func(r *rig, h *holder) {
			h.depart(true)
			dead, _ := r.comes()
			r.Check(dead.append(r.Ctx, func() error {
				return dead.chatLog.AppendEvent(r.Ctx, typing(), translate.FromPoll, time.Now(), time.Now())
			}))
		}, 1},
		"a publication was not confirmed": {func(r *rig, h *holder) {
			late, cancel := context.WithCancel(r.Ctx)
			cancel()
			if err := h.chatLog.AppendEvent(late, typing(), translate.FromPoll, time.Now(), time.Now()); err == nil {
				r.Error("it is confirmed")
			}
			r.stores()
			h.depart(true)
		}, 1},
		"its entry could not be written": {func(r *rig, h *holder) {
			entries, err := r.JS.Stream(r.Ctx, "KV_"+natstest.Prefix.StreamName("CHATS"))
			r.Check(err)
			as := entries.CachedInfo().Config
			none := as
			none.MaxMsgSize = 1
			_, err = r.JS.UpdateStream(r.Ctx, none)
			r.Check(err)
			h.depart(true)
			_, err = r.JS.UpdateStream(r.Ctx, as)
			r.Check(err)
		}, 2},
		"it was let go": {func(_ *rig, h *holder) { h.depart(false) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			h := r.parts()
			c.since(r, h)
			next, readBack := r.comes()
			if readBack != c.more || next.chatLog.Memory().Seen(typing().Fingerprint) == 0 {
				t.Errorf("%d messages are read back, want %d", readBack, c.more)
			}
		})
	}
}

// A holder that leaves before it knows what is published does not say that all is
// counted.
func TestALeavingTakeoverVouchesForNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dead := r.parts()
	dead.trySaveCheckpoint(r.Ctx)
	r.Check(r.types(dead)) // no checkpoint has it
	places, taken := r.poller.Places.ReadBacks, int64(0)
	for places.TryAcquire(1) {
		taken++
	}
	leaves := r.holder("opening")
	leaves.lease = dead.lease
	leaves.polling.end(replicaLeaves)
	if err := leaves.takeOver(r.Ctx); !errors.Is(err, errLeaving) {
		t.Fatalf("it is taken over: %v", err)
	}
	leaves.depart(true)
	places.Release(taken)
	next, _ := r.comes()
	if got, want := next.chatLog.Counts(), dead.chatLog.Counts(); got != want {
		t.Errorf("counted are %+v of %+v", got, want)
	}
}

// stores publishes once more what the chat has last.
func (r *rig) stores() {
	r.Helper()
	last, err := r.poller.Streams.Events.Last(r.Ctx, natstest.Prefix.Event(r.chat.Token, "typing"))
	r.Check(err)
	msg := nats.NewMsg(last.Subject)
	msg.Data = last.Data
	for key, values := range last.Header {
		if !strings.HasPrefix(key, "Nats-") {
			msg.Header[key] = values
		}
	}
	msg.Header["Cc-Sequence"] = []string{"3"}
	_, err = r.JS.PublishMsg(r.Ctx, msg)
	r.Check(err)
}
