package connector_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/admin"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/internal/translate"
)

// markedIDs are such that a chat's token is not its id.
func markedIDs() func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("Q7:chat no. %04d", n)
	}
}

// fill has a chat leave something in every stream, bucket and store.
func (w watched) fill() {
	w.Helper()
	w.push(w.chat, fields{"event": "chat_session_party_joined", "party_id": "p1", "type": "internal", "display_name": "Q7Agent"})
	_, err := w.sim.SendFile(w.chat, bpsim.File{Name: "Q7File.txt", Content: []byte("Q7Content")})
	w.check(err)
	w.awaitStored(w.chat, ".event.file", 1)
	w.says("Q7Long" + strings.Repeat("x", 200<<10)) // too large for a message
	w.awaitStored(w.chat, ".event.message", 1)
	w.put("Q7Object", []byte("Q7Sent"))
	w.must("chat.file", fields{"chatId": w.chat, "object": "Q7Object", "fileName": "Q7Name.pdf", "fileType": "attachment"})
	w.must("chat.send", fields{"chatId": w.chat, "text": "Q7Text"})
	if result := w.awaitResult(w.give("chat.send", fields{"text": "Q7Durable"})); result.Error != nil {
		w.Fatalf("%+v", result.Error)
	}
	letter := "cc.deadletter.chat.send." + string(w.token())
	_, err = w.js.Publish(w.ctx, letter, []byte(`{"text":"Q7Dead"}`))
	w.check(err)
}

// A chat is purged from everywhere, another one is not touched; and nothing stands
// there again, whatever replicas remember. To purge it twice is harmless.
func TestPurge(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{IDs: markedIDs()}, func(r *rig) { r.payload(128 << 10) })
	r.start()
	r.start()
	w := watched{r, r.openChat(fields{"from": "Q7Ada", "clientId": "ada@q7"})}
	w.untilListening()
	w.fill()
	other := watched{r, r.openChat(fields{"from": "Eve", "clientId": "eve"})}
	other.untilListening()
	other.says("kept")
	other.awaitStored(other.chat, ".event.message", 1)
	a := r.admin()
	if _, err := a.Purge(r.ctx, w.chat, false); !errors.Is(err, admin.ErrOpen) || len(w.sequenced()) == 0 || !w.hasToken() {
		t.Fatalf("an open chat: %v", err)
	}
	before := other.trail()
	report, err := a.Purge(r.ctx, w.chat, true)
	r.check(err)
	if len(report.Failed) > 0 || len(report.Notes) == 0 || !report.Detached {
		t.Errorf("it could not remove %q; the chat was detached: %v", report.Failed, report.Detached)
	}
	for what, least := range map[[2]string]int{
		{"CC_EVENTS", "events"}: 3, {"CC_EVENTS", "results"}: 4, {"CC_EVENTS", "session messages"}: 2, {"CC_EVENTS", "fences"}: 1,
		{"CC_FILES", "objects"}: 3, {"CC_DEADLETTER", "dead letters"}: 1, {"CC_JOURNAL", "records of commands"}: 4, {"CC_CHATS", "entries"}: 1,
		{"CC_STATE", "message numbers"}: 1, {"CC_STATE", "checkpoints"}: 1, {"CC_STATE", "close requests"}: 1, {"CC_STATE", "clients"}: 1,
	} {
		if n := countOf(report, what[0], what[1]); n < least {
			t.Errorf("of %q it says that %d were removed, want at least %d", what, n, least)
		}
	}
	r.checkNoTraces("Q7Text", "Q7Durable", "Q7Ada", "Q7Agent", "Q7File", "Q7Content", "Q7Long", "Q7Name", "Q7Object", "Q7Sent", "Q7Dead", "ada@q7", w.chat, string(w.token()))
	if after := other.trail(); !slices.Equal(after, before) {
		t.Errorf("of another chat there was %q, and is %q", before, after)
	}
	other.says("still followed")
	other.awaitStored(other.chat, ".event.message", 2)
	other.checkAccount()
	again, err := a.Purge(r.ctx, w.chat, false)
	r.check(err)
	if len(again.Removed) > 0 || len(again.Failed) > 0 {
		t.Errorf("purged once more, it removed %+v, and failed %q", again.Removed, again.Failed)
	}
	w.checkAttachedAnew()
}

// checkAttachedAnew: nobody opens a chat that has just been purged, as the stream would
// take its events for repeats; later it begins anew, with all of its history.
func (w watched) checkAttachedAnew() {
	w.Helper()
	attach := fields{"chatId": w.chat, "clientId": "ada@q7"}
	if result := w.call("chat.attach", attach); result.Error == nil || result.Error.Code != "unavailable" || !result.Error.Retryable {
		w.Errorf("attached at once: %+v", result)
	}
	stream, err := w.js.Stream(w.ctx, "CC_EVENTS")
	w.check(err)
	cfg := stream.CachedInfo().Config
	cfg.Duplicates = time.Second
	_, err = w.js.UpdateStream(w.ctx, cfg)
	w.check(err)
	_, err = w.admin().Purge(w.ctx, w.chat, false) // marks the chat for as long
	w.check(err)
	w.eventually("the chat can be attached again", func() bool { return w.call("chat.attach", attach).Error == nil })
	w.awaitStored(w.chat, ".session.opened", 1)
	w.says("after it")
	w.awaitStored(w.chat, ".event.message", 2)
	w.checkSequence(w.chat)
	if made, told := len(w.record().Server), len(w.stored(w.config.Prefix.Event(w.token(), "*"))); told != made {
		w.Errorf("the contact center made %d events, and %d are told", made, told)
	}
}

// A chat of which a call is under way is purged when that is over: its replica would
// write of it again.
func TestPurgeWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	held, release := make(chan struct{}, 8), make(chan struct{})
	free := sync.OnceFunc(func() { close(release) })
	r := newRig(t, bpsim.Options{IDs: markedIDs()}, func(r *rig) {
		intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
			if request.Method == http.MethodPost && isEvents(request) {
				held <- struct{}{}
				<-release
			}
			return false
		})
	})
	r.start()
	t.Cleanup(free)
	w := watched{r, r.openChat(fields{"from": "Q7Ada"})}
	w.untilListening()
	token := string(w.token())
	r.check(r.nc.PublishRequest("cc.chat.send", "ignored", []byte(`{"chatId":"`+w.chat+`","text":"Q7Live"}`)))
	w.give("chat.typing", fields{})
	for range 2 {
		<-held
	}
	w.give("chat.send", fields{"text": "Q7Waiting"})
	looks, whole := r.countAPI("CONSUMER.CREATE.KV_CC_JOURNAL"), r.countAPI("CONSUMER.CREATE.KV_CC_JOURNAL", `opt_start_seq\":1,`)
	done := make(chan error, 1)
	go func() {
		report, err := r.admin().Purge(r.ctx, w.chat, true)
		if err == nil && len(report.Failed) > 0 {
			err = fmt.Errorf("it could not remove %q", report.Failed)
		}
		done <- err
	}()
	r.eventually("the commands that wait are erased", func() bool { return len(r.waitingCommands("cc.durable.*.*."+token)) == 0 })
	r.eventually("it looks again and again whether they are over", func() bool { return looks.Load() >= 4 })
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	default:
		w.entry()
	}
	free()
	r.check(<-done)
	if n := whole.Load(); n != 1 {
		t.Errorf("it has read all of the journal %d times", n)
	}
	r.checkNoTraces("Q7", w.chat, token)
	if n := len(r.waitingCommands("cc.durable.>")); n > 0 {
		t.Errorf("%d durable commands wait", n)
	}
}

// countAPI counts the requests to JetStream of which the audit has all of these texts.
func (r *rig) countAPI(texts ...string) *atomic.Int64 {
	r.Helper()
	var count atomic.Int64
	asked, err := r.nc.Subscribe("$JS.EVENT.ADVISORY.API", func(msg *nats.Msg) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !bytes.Contains(msg.Data, []byte(text)) }) {
			count.Add(1)
		}
	})
	r.check(err)
	r.Cleanup(func() { _ = asked.Unsubscribe() })
	r.check(r.nc.Flush())
	return &count
}

// countPublished counts the messages of a subject.
func (r *rig) countPublished(subject string) *atomic.Int64 {
	r.Helper()
	var count atomic.Int64
	heard, err := r.nc.Subscribe(subject, func(*nats.Msg) { count.Add(1) })
	r.check(err)
	r.Cleanup(func() { _ = heard.Unsubscribe() })
	r.check(r.nc.Flush())
	return &count
}

// waitingCommands are the durable commands that stand in the stream.
func (r *rig) waitingCommands(filter string) map[string]uint64 {
	r.Helper()
	stream, err := r.js.Stream(r.ctx, "CC_COMMANDS")
	r.check(err)
	info, err := stream.Info(r.ctx, jetstream.WithSubjectFilter(filter))
	r.check(err)
	return info.State.Subjects
}

// What is there of a chat that nobody knows is removed, also where no connector runs;
// an open one cannot be detached then. What another chat needs stays.
func TestPurgeOfAnUnknownChat(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{IDs: markedIDs()})
	replica := r.start()
	w := watched{r, r.openChat(fields{"clientId": "ada"})}
	w.untilListening()
	first, second := r.openChat(fields{"clientId": "eve"}), r.openChat(fields{"clientId": "joe"})
	r.sendsFiles(first, second)
	r.must("chat.detach", fields{"chatId": first})
	r.call("chat.send", fields{"chatId": "Q7:unknown", "text": "Q7Stray"})
	replica.stop()
	a := r.admin()
	if _, err := a.Purge(r.ctx, w.chat, true); !errors.Is(err, admin.ErrNobody) || !w.hasToken() {
		t.Errorf("an open chat that nobody can detach: %v", err)
	}
	r.purgesNothingBesideEarlier(a, first)
	r.keepsWhatOthersNeed(a, first)
	for _, key := range []string{"number.", "checkpoint.", "owed.x.look."} {
		r.plant("CC_STATE", key+tokenOf("Q7:unknown"), `{}`)
	}
	r.plant("CC_CHATS", tokenOf("Q7:unknown"), `not JSON`)
	late := r.plantLate("CC_STATE", "checkpoint."+tokenOf("Q7:unknown"))
	marks := r.countPublished("$KV.CC_STATE.purged.*")
	report, err := a.Purge(r.ctx, "Q7:unknown", false)
	r.check(err)
	r.eventually("each pass has marked the chat anew", func() bool { return marks.Load() >= 4 })
	if len(report.Failed) > 0 || countOf(report, "CC_EVENTS", "results") != 1 || countOf(report, "CC_STATE", "outbox entries") != 1 || countOf(report, "CC_CHATS", "entries") != 1 {
		t.Errorf("it removed %+v, and failed %q", report.Removed, report.Failed)
	}
	r.awaits("a checkpoint was written late", late)
	r.checkNoTraces("Q7:unknown", tokenOf("Q7:unknown"), "Q7Stray")
	if _, err := a.Purge(r.ctx, "", false); err == nil || len(w.sequenced()) == 0 {
		t.Errorf("without an id: %v", err)
	}
}

// purgesNothingBesideEarlier: one of an earlier version would attach the chat at once.
func (r *rig) purgesNothingBesideEarlier(a *admin.Admin, chat string) {
	r.Helper()
	r.recordReplica("earlier")
	if report, err := a.Purge(r.ctx, chat, false); !errors.Is(err, admin.ErrEarlier) || len(report.Removed) > 0 {
		r.Errorf("beside a replica of an earlier version it comes to %v, and removed %+v", err, report.Removed)
	}
	state, err := r.js.KeyValue(r.ctx, "CC_STATE")
	r.check(err)
	r.check(state.Purge(r.ctx, "replica.earlier"))
}

// sendsFiles has two chats send files; the first one names also what is another chat's.
func (r *rig) sendsFiles(first, second string) {
	r.Helper()
	send := func(chat, object string) {
		r.put(object, []byte("content"))
		r.must("chat.file", fields{"chatId": chat, "object": object, "fileName": "f.pdf", "fileType": "attachment"})
	}
	for _, object := range []string{"brochure", "waiting", "given up", uuid.NewString(), translate.ID("a message of another chat")} {
		send(first, object)
	}
	send(second, "brochure")
}

// keepsWhatOthersNeed purges a chat of which another one has sent the same file, or is
// still to send it, and has the same client.
func (r *rig) keepsWhatOthersNeed(a *admin.Admin, chat string) {
	r.Helper()
	r.plant("CC_CHATS", "same", `{"clientRef":"shared"}`)
	r.plant("CC_CHATS", tokenOf(chat), `{"clientRef":"shared"}`)
	r.plant("CC_STATE", "client.shared", `{"clientId":"x"}`)
	for subject, object := range map[string]string{"cc.durable": "waiting", "cc.deadletter": "given up"} {
		_, err := r.js.Publish(r.ctx, subject+".chat.file.another", []byte(`{"object":"`+object+`","fileName":"f","fileType":"attachment"}`))
		r.check(err)
	}
	report, err := a.Purge(r.ctx, chat, false)
	r.check(err)
	if n := countOf(report, "CC_FILES", "objects"); n != 1 || len(r.traces("client.shared")) != 1 || len(report.Failed) > 0 {
		r.Errorf("it removed %+v, and failed %q", report.Removed, report.Failed)
	}
	r.checkNoTraces(chat, tokenOf(chat))
}

// plantLate writes a key once more when it has been purged, as a holder does that was
// slow.
func (r *rig) plantLate(bucket, key string) (written <-chan struct{}) {
	r.Helper()
	done := make(chan struct{})
	plant := sync.OnceFunc(func() {
		r.plant(bucket, key, "{}")
		close(done)
	})
	asked, err := r.nc.Subscribe("$JS.EVENT.ADVISORY.API", func(msg *nats.Msg) {
		if bytes.Contains(msg.Data, []byte("STREAM.PURGE")) && bytes.Contains(msg.Data, []byte(key)) {
			plant()
		}
	})
	r.check(err)
	r.Cleanup(func() { _ = asked.Unsubscribe() })
	r.check(r.nc.Flush())
	return done
}

func (r *rig) plant(bucket, key, value string) {
	r.Helper()
	kv, err := r.js.KeyValue(r.ctx, bucket)
	r.check(err)
	_, err = kv.PutString(r.ctx, key, value)
	r.check(err)
}
