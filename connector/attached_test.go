package connector_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// sendsFile has an agent send a file.
func (w watched) sendsFile(name, content string) {
	w.Helper()
	_, err := w.sim.SendFile(w.chat, bpsim.File{Name: name, Kind: "text/plain; charset=utf-8", Content: []byte(content)})
	w.check(err)
}

// awaitFiles waits for so many events of files.
func (w watched) awaitFiles(count int) (files []*schema.File) {
	w.Helper()
	for _, m := range w.awaitStored(w.chat, ".event.file", count) {
		event, err := schema.DecodeEvent(m.event)
		w.check(err)
		files = append(files, event.(*schema.File))
	}
	return files
}

// checkFile reads the file as any reader of the bus does.
func (r *rig) checkFile(file *schema.File, content string) {
	r.Helper()
	sum := sha256.Sum256([]byte(content))
	if file.Error != "" || file.Size == nil || *file.Size != int64(len(content)) || file.SHA256 != hex.EncodeToString(sum[:]) || file.ContentType != "text/plain; charset=utf-8" {
		r.Fatalf("the event says %+v", file)
	}
	kept, err := schema.ReadObject(r.ctx, r.nc, r.config.Prefix.StreamName("FILES"), file.Object)
	r.check(err)
	if string(kept) != content {
		r.Errorf("the object holds %.100q, want %.100q", kept, content)
	}
}

// together has all that is said be given away in one answer, behind a typing.
func (w watched) together(say func()) {
	w.Helper()
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Chat: w.chat, Kind: "hang", Times: 1})
	w.types()
	w.untilStruck()
	say()
	w.sim.ClearFaults()
}

// gate is before the files of the contact center.
type gate struct {
	asked chan struct{} // a file is asked for, or brought, and kept back
	open  chan struct{} // closed when files go through
}

// gateFiles shuts it before those that are asked for. Before the first start.
func gateFiles(r *rig) gate { return gateCalls(r, "/files/") }

// gateCalls shuts it before calls with this in their path.
func gateCalls(r *rig, part string) gate {
	g := gate{make(chan struct{}, 1000), make(chan struct{})}
	intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
		if !strings.Contains(request.URL.Path, part) {
			return false
		}
		g.asked <- struct{}{}
		select {
		case <-g.open:
			return false
		case <-request.Context().Done():
			return true
		}
	})
	return g
}

// However an event of a file reaches the connector, the file is kept, and
// fetched once.
func TestFilesThatAgentsSend(t *testing.T) {
	t.Parallel()
	for way, say := range map[string]func(w watched, say func()){
		"poll": watched.together,
		"send": func(w watched, say func()) {
			w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "hang"})
			w.until("the poll hangs", func(r bpsim.Record) bool { return r.Held == 0 })
			say()
			w.must("chat.typing", map[string]any{"chatId": w.chat})
			w.sim.ClearFaults()
		},
		"history": func(w watched, say func()) { w.inject(loss("lost", 1)); say() },
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{AnswerSends: true})
			r.start()
			w := watchNew(r)
			w.untilListening()
			say(w, func() { w.sendsFile("label.txt", "Street 1"); w.says("here it is") })
			w.awaitStored(w.chat, ".event.message", 1)
			r.checkFile(w.awaitFiles(1)[0], "Street 1")
			if trail := w.trail(); !slices.Contains(trail, "file/"+way) {
				t.Errorf("the chat's messages are %q", trail)
			}
			w.checkAccount()
			w.checkGaps()
			w.checkFetched(1)
		})
	}
}

func (w watched) checkFetched(want int) {
	w.Helper()
	if n := w.record().Calls[bpsim.GetFile]; n != want {
		w.Errorf("files are fetched %d times, want %d", n, want)
	}
}

// A chat that was made elsewhere has files in its history, and the poll that
// gives them away once more brings nothing new.
func TestFilesOfAnAttachedChat(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	w := watched{o.rig, o.openAttachable("ada")}
	w.says("hello")
	w.sendsFile("label.txt", "Street 1")
	if r := o.send("chat.attach", fields{"chatId": w.chat, "clientId": "ada"}); r.status() != "ok" {
		t.Fatalf("got %v", r.data)
	}
	w.until("all was given away", func(r bpsim.Record) bool { return r.Chat.Pending == 0 })
	w.says("at last")
	w.awaitStored(w.chat, ".event.message", 2)
	o.checkFile(w.awaitFiles(1)[0], "Street 1")
	w.checkFetched(1)
	w.checkAccount()
}

// What comes before a file does not wait for it; what comes after it does, and
// so stays in order; other chats, and what is asked of this one, go on.
func TestSlowFileHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.FileTimeout = time.Hour })
	g := gateFiles(r)
	r.start()
	slow, other := watchNew(r), watchNew(r)
	slow.together(func() {
		slow.says("before")
		slow.sendsFile("a.txt", "one")
		slow.sendsFile("b.txt", "two")
		slow.says("after")
	})
	<-g.asked
	<-g.asked
	slow.awaitStored(slow.chat, ".event.message", 1)
	for range 3 {
		other.says("hello")
		slow.sends("are you there?")
	}
	other.awaitStored(other.chat, ".event.message", 3)
	slow.must("chat.history", map[string]any{"chatId": slow.chat})
	slow.checkTrail("session.opened", "typing/poll", "message/poll")
	close(g.open)
	slow.awaitStored(slow.chat, ".event.message", 2)
	slow.checkTrail("session.opened", "typing/poll", "message/poll", "file/poll", "file/poll", "message/poll")
	for i, content := range []string{"one", "two"} {
		r.checkFile(slow.awaitFiles(2)[i], content)
	}
	slow.checkAccount()
	other.checkAccount()
	slow.checkWellBehaved()
}

// An event waits for its file only so long, several ones together no longer,
// and what comes later is not told.
func TestEventWaitsForItsFileOnlySoLong(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.FileTimeout = 2 * time.Second })
	g := gateFiles(r)
	replica := r.start()
	w := watchNew(r)
	w.together(func() {
		for range 6 {
			w.sendsFile("a.txt", "text")
		}
		w.says("after")
	})
	w.awaitStored(w.chat, ".event.message", 1)
	for _, file := range w.awaitFiles(6) {
		if file.Error != schema.CodeTimeout && file.Error != schema.CodeUnavailable || file.Object != "" || file.FileName != "a.txt" {
			t.Errorf("the event says %+v", file)
		}
	}
	close(g.open)
	w.sendsFile("b.txt", "text")
	r.checkFile(w.awaitFiles(7)[6], "text")
	w.checkAccount()
	if n := replica.counted("cc_files_fetched_total"); n != 7 {
		t.Errorf("%v files are counted", n)
	}
}

// A store of files that is full costs the file, and holds nothing up.
func TestFileThatFindsNoRoom(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, smallStore)
	r.start()
	w := watchNew(r)
	free := r.fillFiles()
	w.sendsFile("a.txt", strings.Repeat("x", 10_000))
	w.says("after")
	w.awaitStored(w.chat, ".event.message", 1)
	if file := w.awaitFiles(1)[0]; file.Error != schema.CodeUnavailable || file.Object != "" {
		t.Errorf("the event says %+v", file)
	}
	free()
	w.sendsFile("b.txt", "text")
	r.checkFile(w.awaitFiles(2)[1], "text")
	w.checkAccount()
}

// A replica falls silent while it fetches a file: the next one tells the event,
// and has the file.
func TestDeathWhileAFileIsFetched(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	g := gateFiles(r)
	first := r.startMortal()
	w := watchNew(r)
	w.together(func() { w.says("before"); w.sendsFile("a.txt", "text"); w.says("after") })
	<-g.asked
	w.awaitStored(w.chat, ".event.message", 1)
	first.kill()
	close(g.open)
	r.start()
	w.awaitStored(w.chat, ".event.message", 2)
	w.checkTrail("session.opened", "typing/poll", "message/poll", "file/history", "message/history", "session.recovered")
	r.checkFile(w.awaitFiles(1)[0], "text")
	w.checkAccount()
	w.checkGaps()
}

// A replica that leaves does not wait for a file, and the file is not lost.
func TestLeavingWhileAFileIsFetched(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver, func(r *rig) { r.config.FileTimeout = time.Hour })
	g := gateFiles(r)
	first := r.start()
	w := watchNew(r)
	w.together(func() { w.says("before"); w.sendsFile("a.txt", "text"); w.says("after") })
	<-g.asked
	w.awaitStored(w.chat, ".event.message", 1)
	first.stop() // which does not come to its end by the gate
	close(g.open)
	r.start()
	w.awaitStored(w.chat, ".event.message", 2)
	w.checkTrail("session.opened", "typing/poll", "message/poll", "file/history", "message/history", "session.recovered")
	r.checkFile(w.awaitFiles(1)[0], "text")
	w.checkAccount()
	w.checkGaps()
}

// Nor does it leave to the history what that does not have: this is told at
// once, and in its order.
func TestLeavingWithWhatNoHistoryHas(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver, func(r *rig) { r.config.FileTimeout = time.Hour })
	g := gateFiles(r)
	first := r.start()
	w := watchNew(r)
	w.together(func() { w.sendsFile("a.txt", "text"); w.signals("OFFER_CALL"); w.says("after") })
	<-g.asked
	first.stop()
	close(g.open)
	w.checkTrail("session.opened", "typing/poll", "file/poll", "signaling/poll", "message/poll")
	if file := w.awaitFiles(1)[0]; file.Error != schema.CodeUnavailable || file.Object != "" {
		t.Errorf("the event says %+v", file)
	}
	r.start()
	w.untilListening()
	w.says("at last")
	w.awaitStored(w.chat, ".event.message", 2)
	w.checkAccount()
	w.checkGaps()
}

// Nor what the history may not have much longer, for the session has ended.
func TestLeavingWithTheEndOfASession(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver, func(r *rig) { r.config.FileTimeout = time.Hour })
	g := gateFiles(r)
	first := r.start()
	w := watchNew(r)
	w.together(func() { w.sendsFile("a.txt", "text"); w.check(w.sim.End(w.chat)) })
	<-g.asked
	w.check(w.sim.Forget(w.chat))
	first.stop()
	close(g.open)
	w.checkTrail("session.opened", "typing/poll", "file/poll", "ended/poll")
	r.start()
	w.awaitEnd(schema.ClosedEnded)
	w.checkAccount()
	w.checkGaps()
}

// inTheAnswer has what is said come in the answer to a command, while a poll
// waits to be given what is said after it.
func (w watched) inTheAnswer(say func(), command string, after func()) {
	w.Helper()
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "hang"})
	w.until("the poll hangs", func(r bpsim.Record) bool { return r.Held == 0 })
	say()
	w.must(command, map[string]any{"chatId": w.chat})
	after()
	w.sim.ClearFaults()
}

// Who runs a command is not kept waiting by a slow file in the answer: the
// history gives the answer's events back, and nobody fears for others.
func TestSlowFileInTheAnswerToASend(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true}, func(r *rig) { r.config.FileTimeout = time.Hour })
	g := gateFiles(r)
	r.start()
	w := watchNew(r)
	w.inTheAnswer(func() { w.says("before"); w.sendsFile("a.txt", "text") }, "chat.typing", func() { w.signals("OFFER_CALL") })
	close(g.open)
	r.checkFile(w.awaitFiles(1)[0], "text")
	w.untilListening()
	w.says("at last")
	w.awaitStored(w.chat, ".event.message", 2)
	w.checkTrail("session.opened", "signaling/poll", "message/history", "file/history", "message/poll")
	w.checkAccountUnordered()
	w.checkGaps()
}

// What ends the session goes out without the file.
func TestSlowFileInAnAnswerThatEndsTheSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true}, func(r *rig) { r.config.FileTimeout = time.Hour })
	gateFiles(r)
	r.start()
	w := watchNew(r)
	w.inTheAnswer(func() { w.sendsFile("a.txt", "text") }, "chat.end", func() {})
	w.awaitEnd(schema.ClosedEnded)
	w.checkTrail("session.opened", "file/send", "ended/send", "session.closed")
	w.checkAccount()
	w.checkGaps()
}

// However an answer came, while it waits for its files the memory for answers
// is the other chats'.
func TestSlowFileTakesNoMemoryFromOthers(t *testing.T) {
	t.Parallel()
	for way, said := range map[string]func(outsider, func(watched)) watched{
		"poll": func(o outsider, say func(watched)) watched {
			w := watchNew(o.rig)
			w.together(func() { say(w) })
			return w
		},
		"history": func(o outsider, say func(watched)) watched {
			w := watched{o.rig, o.openAttachable("ada")}
			say(w)
			o.mustSend("chat.attach", fields{"chatId": w.chat, "clientId": "ada"})
			return w
		},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			var g gate
			o := newOutsider(t, bpsim.Options{}, func(r *rig) {
				r.config.FileTimeout, r.client.Memory = time.Hour, 1
				g = gateFiles(r)
			})
			other := watchNew(o.rig)
			slow := said(o, func(w watched) { w.says(strings.Repeat("x", 2<<20)); w.sendsFile("a.txt", "text") })
			<-g.asked
			for range 2 {
				other.says(strings.Repeat("x", 50<<10))
			}
			other.awaitStored(other.chat, ".event.message", 2)
			close(g.open)
			o.checkFile(slow.awaitFiles(1)[0], "text")
		})
	}
}
