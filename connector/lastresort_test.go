package connector_test

import (
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/internal/translate"
)

// limitMessages sets the largest message of a stream.
func (r *rig) limitMessages(stream string, bytes int32) {
	r.Helper()
	config := r.streamConfig(stream)
	config.MaxMsgSize = bytes
	_, err := r.js.UpdateStream(r.ctx, config)
	r.check(err)
}

func soonOver(r *rig) {
	r.config.CommandMaxAge = 1500 * time.Millisecond
}

// What JetStream will never keep of a command does not hold up its chat: the
// command is acknowledged, its result says so and whether it was called, and
// the next one runs.
func TestLastResort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil, mend func(outsider)
		outcome     string
	}{
		"the dead letter is too large for its stream": {
			spoil:   func(o outsider) { o.limitMessages("CC_DEADLETTER", 100) },
			outcome: "not_done",
		},
		"the stream of dead letters is gone": {
			spoil:   func(o outsider) { o.check(o.js.DeleteStream(o.ctx, "CC_DEADLETTER")) },
			outcome: "not_done",
		},
		"the stream of dead letters is full": {
			spoil: func(o outsider) {
				config := o.streamConfig("CC_DEADLETTER")
				config.MaxBytes = 100
				_, err := o.js.UpdateStream(o.ctx, config)
				o.check(err)
			},
			outcome: "not_done",
		},
		"the record is too large for the journal": {
			spoil:   func(o outsider) { o.limitMessages("KV_CC_JOURNAL", 100) },
			mend:    func(o outsider) { o.limitMessages("KV_CC_JOURNAL", -1) },
			outcome: "not_done",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver, soonOver).provided()}
			o.start()
			a, chat := o.listen(), o.openChat()
			o.injectOn(chat, bpsim.SendEvents, statusFault(503, ""), 0)
			c.spoil(o)
			e := a.await(o.give("chat.send", "stuck", chat, fields{"text": "x"}))
			if e.failure()["code"] != "internal" || e.failure()["outcome"] != c.outcome {
				t.Errorf("the answer is %v", e.data)
			}
			o.sim.ClearFaults()
			if c.mend != nil {
				c.mend(o)
			}
			a.mustSucceed(o.give("chat.send", "next", chat, fields{"text": "y"}))
			a.checkOnce("stuck", "next")
		})
	}
}

// Nor does a command that was refused: its result says for what, if the journal
// has room for nothing.
func TestLastResortOfARefusal(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver, soonOver, func(r *rig) { r.config.CallTimeout = time.Second })}
	o.start()
	a, chat := o.listen(), o.openChat()
	config := o.streamConfig("KV_CC_JOURNAL")
	full := config
	full.MaxBytes = 100
	_, err := o.js.UpdateStream(o.ctx, full)
	o.check(err)
	checkRefused(a.await(o.give("chat.send", "refused", chat, fields{"text": 1})), o, "text")
	_, err = o.js.UpdateStream(o.ctx, config)
	o.check(err)
	a.mustSucceed(o.give("chat.send", "next", chat, fields{"text": "y"}))
	a.checkOnce("refused", "next")
}

// A command whose record nobody can read may have been carried out.
func TestLastResortWithoutARecord(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver, soonOver)}
	o.start()
	a, chat := o.listen(), o.openChat()
	journal, err := o.js.KeyValue(o.ctx, "CC_JOURNAL")
	o.check(err)
	_, err = journal.Put(o.ctx, "command."+translate.ID("result", "", "unreadable"), []byte("not JSON"))
	o.check(err)
	e := a.await(o.give("chat.typing", "unreadable", chat, fields{}))
	if e.failure()["code"] != "internal" || e.failure()["outcome"] != "unknown" {
		t.Errorf("the answer is %v", e.data)
	}
	a.mustSucceed(o.give("chat.send", "next", chat, fields{"text": "y"}))
	a.checkOnce("unreadable", "next")
}

// An outcome that the stream of events will never take is not told; the
// command goes all the same.
func TestResultThatIsNeverTaken(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver, func(r *rig) { r.config.CommandMaxAge = 2 * time.Second })}
	replica := o.start()
	a, chat := o.listen(), o.openChat()
	o.limitMessages("CC_EVENTS", 100)
	o.give("chat.send", "untold", chat, fields{"text": "x"})
	o.unready(replica, "CC_EVENTS", "max_msg_size")
	o.eventually("none is left", func() bool { return o.waiting() == 0 })
	o.limitMessages("CC_EVENTS", -1)
	a.await(o.give("chat.send", "told", chat, fields{"text": "z"})) // perhaps beside it
	if said := o.saidTexts(chat); len(said) != 2 || !strings.Contains(o.log.String(), "cannot be published") {
		t.Errorf("the contact center got %q; log:\n%s", said, o.log)
	}
}

// Until an operator's time is over, a command waits for a dead letter; and the
// letter of one that was written by hand is written like any other.
func TestDeadLetterWaitsForItsStream(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver, func(r *rig) { r.config.CommandMaxAge = 5 * time.Second }).provided()}
	o.start()
	a, chat, hand := o.listen(), o.openChat(), o.byHand()
	o.injectOn(chat, bpsim.SendEvents, statusFault(503, ""), 0)
	config := o.streamConfig("CC_DEADLETTER")
	o.check(o.js.DeleteStream(o.ctx, "CC_DEADLETTER"))
	hand.Publish("cc.durable.chat.typing."+tokenOf(chat), "NATS/1.0\r\nNats-Msg-Id: odd\r\na name: 1\r\n(x)\\: 2\r\nX-Own: kept\r\n\r\n", "{}")
	hand.Flush()
	o.eventually("it waits", func() bool { return strings.Contains(o.log.String(), "cannot be given up yet") })
	_, err := o.js.CreateStream(o.ctx, config)
	o.check(err)
	if e := a.await("odd"); e.failure()["code"] != "unavailable" {
		t.Errorf("the answer is %v", e.data)
	}
	if l := o.letter("odd"); l.Header.Get("X-Own") != "kept" {
		t.Errorf("the letter is %v", l.Header)
	}
	a.checkOnce("odd")
}

// A command whose headers leave no room for those of a dead letter is refused,
// also where some of them cannot be written again.
func TestHeadersTooLongForADeadLetter(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, aDayToFailOver)
	a, chat := o.listen(), o.openChat()
	msg := durably(writePlain(given{command: "chat.typing", id: "long", data: fields{}}), chat)
	msg.Header["X-Long"] = []string{strings.Repeat("x", 64<<10-200)}
	if _, err := o.js.PublishMsg(o.ctx, msg); err != nil {
		t.Fatal(err)
	}
	checkRefused(a.await("long"), o, "data")
	hand := o.byHand()
	hand.Publish(msg.Subject, "NATS/1.0\r\nNats-Msg-Id: longer\r\na name: 1\r\nX-Long: "+strings.Repeat("x", 64<<10-200)+"\r\n\r\n", "{}")
	hand.Flush()
	checkRefused(a.await("longer"), o, "data")
	a.checkOnce("long", "longer")
}
