package connector_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// vanish deletes a stream, and returns when there is another one, and the
// replicas are ready by themselves.
func (r *rig) vanish(name string, replicas ...*replica) {
	r.Helper()
	old, err := r.js.Stream(r.ctx, name)
	r.check(err)
	r.check(r.js.DeleteStream(r.ctx, name))
	r.eventually(name+" is made again", func() bool {
		s, err := r.js.Stream(r.ctx, name)
		return err == nil && s.CachedInfo().Created.After(old.CachedInfo().Created)
	})
	for _, replica := range replicas {
		r.eventually("it is ready again without "+name, func() bool { return replica.Ready() == nil })
	}
}

// One stream after the other is deleted under two connectors. Each is made
// again; chats, commands and message numbers go on, and no event is published
// twice or lost.
func TestEachStreamIsMadeAgainWhenItVanishes(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	first, second := r.start(), r.start()
	o := outsider{r}
	chats := []watched{watchNew(r), watchNew(r), watchNew(r)}
	sent := 0
	goOn := func(when string) {
		for _, w := range chats {
			w.untilListening()
			w.says(when)
			r.eventually("what was said "+when+" is published", func() bool {
				return slices.ContainsFunc(w.stored(w.config.Prefix.Event(w.token(), "message")), func(m message) bool {
					return strings.Contains(string(m.event.Data()), when)
				})
			})
			r.eventually("its entry is there "+when, func() bool { return w.hasEntry() })
			if id := w.sends("again"); id != fmt.Sprint(w.chat, ":", sent) {
				t.Errorf("%s the message is %s, want number %d", when, id, sent)
			}
		}
		a := o.listen() // to the stream that is there now
		a.mustSucceed(o.give("chat.typing", "durable "+when, chats[0].chat, fields{}))
		sent++
	}
	goOn("before")
	for _, name := range r.streamNames() {
		r.vanish(name, first, second)
		goOn("without " + name)
	}
	for _, w := range chats {
		w.untilListening()
		w.checkGaps()
		if n := len(w.stored(w.config.Prefix.Event(w.token(), "message"))); n == 0 {
			t.Error("nothing is left of a chat")
		}
		w.checkNoHole()
	}
	if said := r.log.String(); !strings.Contains(said, "is made again") {
		t.Error("nobody tells of it")
	}
}

func (w watched) hasEntry() bool {
	w.Helper()
	bucket, err := w.js.KeyValue(w.ctx, w.config.Prefix.StreamName("CHATS"))
	if err != nil {
		return false
	}
	_, err = bucket.Get(w.ctx, string(w.token()))
	return err == nil
}

// checkNoHole proves that the sequences of what is stored follow each other,
// wherever they begin, and that no event stands there twice.
func (w watched) checkNoHole() {
	w.Helper()
	all := w.sequences()
	for i := 1; i < len(all); i++ {
		if all[i] != all[i-1]+1 {
			w.Errorf("sequences are %v; log:\n%s", all, w.log)
			break
		}
	}
	_, published := w.gists()
	slices.Sort(published)
	if n := len(slices.Compact(slices.Clone(published))); n != len(published) {
		w.Errorf("events are published twice: %v", published)
	}
}

// emptyDisk returns what starts the server again with nothing in its store.
func (r *rig) emptyDisk() (restart func()) {
	r.Helper()
	options := &server.Options{
		Host: "127.0.0.1", Port: r.nats.Addr().(*net.TCPAddr).Port, JetStream: true, StoreDir: r.TempDir(), NoSigs: true, NoLog: true,
	}
	return r.endNATS(options)
}

// NATS comes back with an empty disk, after a while in which the connectors can
// or cannot be sure of their chats. All is made again, the open chats go on from
// what is known, and what came meanwhile is found in their histories.
func TestNATSComesBackEmpty(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failover time.Duration
		replicas int
		lost     bool // the chats are let go before
	}{
		"soon, one replica": {24 * time.Hour, 1, false}, "late, one replica": {2 * time.Second, 1, true}, "late, two replicas": {2 * time.Second, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 500 * time.Millisecond}, failOverAfter(c.failover))
			var replicas []*replica
			for range c.replicas {
				replica := r.start()
				defer replica.stop() // before the server that is started below
				replicas = append(replicas, replica)
			}
			plain, calling := watchNew(r), watchNew(r)
			for i := range 3 {
				plain.says(fmt.Sprint("before ", i))
				calling.says(fmt.Sprint("before ", i))
			}
			calling.signals("REQUEST_CALL")
			plain.awaitStored(plain.chat, ".event.message", 3)
			calling.awaitStored(calling.chat, ".event.signaling", 1)
			if id := plain.sends("hello"); id != plain.chat+":0" {
				t.Errorf("the first message is %s", id)
			}
			before := plain.sequences()
			restart := r.emptyDisk()
			if c.lost {
				r.eventually("the chats are let go", func() bool {
					return strings.Count(r.log.String(), "could not be confirmed in time") >= 2
				})
			}
			for _, replica := range replicas {
				r.unready(replica, "NATS")
			}
			plain.says("meanwhile")
			calling.says("meanwhile")
			restart()
			for _, replica := range replicas {
				r.eventually("it is ready by itself", func() bool { return replica.Ready() == nil })
			}
			plain.says("later")
			calling.says("later")
			r.awaitStored(plain.chat, ".event.message", 2)
			r.awaitStored(calling.chat, ".event.message", 2)
			r.eventually("the entry is there", plain.hasEntry)
			if id := plain.sends("again"); id != plain.chat+":1" {
				t.Errorf("the second message is %s", id)
			}
			r.check(r.sim.End(plain.chat))
			plain.awaitEnd(schema.ClosedEnded)
			r.check(r.sim.End(calling.chat))
			calling.awaitEnd(schema.ClosedEnded)
			if after := plain.sequences(); after[0] != before[len(before)-1]+1 {
				t.Errorf("sequences were %v, and are %v", before, after)
			}
			plain.checkNoHole()
			calling.checkNoHole()
			plain.checkGaps()
			if gaps := calling.gaps(); len(gaps) != 1 || gaps[0] != schema.GapSignaling {
				t.Errorf("the chat that has had signaling has the gaps %v", gaps)
			}
			for _, text := range r.texts(plain.chat) {
				if strings.HasPrefix(text, "before") {
					t.Errorf("%q is published again", text)
				}
			}
		})
	}
}

// With streams that an administrator makes, readiness names all that is missing.
func TestMissingStreamsAreNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}).provided()
	replica := r.start()
	r.check(r.js.DeleteStream(r.ctx, "CC_DEADLETTER"))
	r.check(r.js.DeleteStream(r.ctx, "OBJ_CC_FILES"))
	r.check(r.js.DeleteStream(r.ctx, "KV_CC_JOURNAL"))
	r.unready(replica, "CC_DEADLETTER is missing", "OBJ_CC_FILES is missing", "KV_CC_JOURNAL is missing", "cc-connector streams")
	if names := r.streamNames(); len(names) != 5 {
		t.Errorf("there are %v", names)
	}
}

// Somebody makes a stream of his own in the place of one that has vanished.
func TestForeignStreamInTheConnectorsPlace(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}).provided()
	replica := r.start()
	r.check(r.js.DeleteStream(r.ctx, "CC_DEADLETTER"))
	_, err := r.js.CreateStream(r.ctx, jetstream.StreamConfig{Name: "CC_DEADLETTER", Subjects: []string{"cards.>"}})
	r.check(err)
	r.unready(replica, "CC_DEADLETTER is not the connector's")
}
