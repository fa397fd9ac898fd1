package poller

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
)

// limitState sets the largest message of the bucket that checkpoints are in.
func (r *rig) limitState(most int32) {
	r.Helper()
	stream, err := r.JS.Stream(r.Ctx, "KV_"+natstest.Prefix.StreamName("STATE"))
	r.Check(err)
	config := stream.CachedInfo().Config
	config.MaxMsgSize = most
	_, err = r.JS.UpdateStream(r.Ctx, config)
	r.Check(err)
	r.Check(r.poller.Streams.Check()) // it learns of it
}

// knowing is a holder that knows of so many events.
func (r *rig) knowing(opening chats.OpeningID, events int) *holder {
	r.Helper()
	h := r.holder(opening)
	h.phase = announced
	h.chatLog.Resume(chatlog.Counts{Position: uint64(events), Sequence: uint64(events)}, memoryOf(events), 0)
	return h
}

func memoryOf(events int) *chatlog.Memory {
	seen := translate.Counts{}
	for i := range events {
		seen[translate.Fingerprint(fmt.Sprintf("%032x", i))] = 1
	}
	return chatlog.MemoryOf(seen, nil)
}

// loaded is the next holder.
func (r *rig) loaded(opening chats.OpeningID) *holder {
	r.Helper()
	h := r.holder(opening)
	r.Check(h.loadCheckpoint(r.Ctx))
	return h
}

func (r *rig) checkKnown(what string, h *holder, want *chatlog.Memory) {
	r.Helper()
	if !slices.Equal(h.chatLog.Memory().Journal(), want.Journal()) {
		r.Errorf("%s: %d bytes are known, want %d", what, len(h.chatLog.Memory().Journal()), len(want.Journal()))
	}
}

// kept are the messages that the chat's checkpoint consists of, by their keys.
func (r *rig) kept() map[string]*bus.Stored {
	r.Helper()
	keys, err := r.poller.Streams.State.Keys(r.Ctx, checkpointKey(r.chat)+".")
	r.Check(err)
	stream, err := r.JS.Stream(r.Ctx, "KV_"+natstest.Prefix.StreamName("STATE"))
	r.Check(err)
	found := map[string]*bus.Stored{}
	for _, key := range append(keys, checkpointKey(r.chat)) {
		msg, err := stream.GetLastMsgForSubject(r.Ctx, r.poller.Streams.State.Subject(key))
		r.Check(err)
		if msg.Header.Get("KV-Operation") == "" {
			found[key] = &bus.Stored{Sequence: msg.Sequence, Header: msg.Header, Data: msg.Data}
		}
	}
	return found
}

const smallBus = 16 << 10

// A chat may be of any length: its checkpoint is kept in messages that the bus
// takes, and what is sealed once is not written again.
func TestChatOfAnyLength(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limitState(smallBus)
	var before map[string]*bus.Stored
	for _, events := range []int{10, 600, 700, 5000} {
		h := r.holder("opening")
		if events > 10 {
			h = r.loaded("opening")
		}
		h.phase = announced
		h.chatLog.Resume(chatlog.Counts{Position: uint64(events), Sequence: uint64(events)}, memoryOf(events), 0)
		r.Check(h.writeCheckpoint(r.Ctx, inPassing))
		after := r.kept()
		for key, msg := range after {
			if len(msg.Data) > smallBus/2 {
				t.Errorf("%s has %d bytes", key, len(msg.Data))
			}
			if earlier := before[key]; key != checkpointKey(r.chat) && earlier != nil && earlier.Sequence != msg.Sequence {
				t.Errorf("%s was written again", key)
			}
		}
		for key := range before {
			if after[key] == nil {
				t.Errorf("%s is gone", key)
			}
		}
		if whole := len(after) == 1; whole != (events == 10) {
			t.Errorf("%d events are kept in %d messages", events, len(after))
		}
		r.checkKnown(fmt.Sprint(events, " events"), r.loaded("opening"), h.chatLog.Memory())
		before = after
	}
}

// As long as one message holds all, it is one that earlier versions read; and
// what those write over it is read.
func TestCheckpointsOfTwoVersions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.knowing("opening", 20)
	r.Check(h.writeCheckpoint(r.Ctx, inPassing))
	type earlierCheckpoint struct {
		Position, Sequence uint64
		Seen               translate.Counts
		Untaken            translate.Counts `json:",omitempty"`
		Opening            chats.OpeningID
	}
	read, revision, err := bus.Load[earlierCheckpoint](r.Ctx, r.poller.Streams.State, checkpointKey(r.chat))
	r.Check(err)
	if len(read.Seen) != 20 || read.Sequence != 20 {
		t.Errorf("an earlier version reads %+v", read)
	}
	read.Seen["imported"], read.Untaken = 2, translate.Counts{"imported": 1}
	_, err = bus.Save(r.Ctx, r.poller.Streams.State, checkpointKey(r.chat), map[string]any{
		"position": 22, "sequence": 22, "seen": read.Seen, "untaken": read.Untaken, "opening": "opening",
	}, revision, 0)
	r.Check(err)
	r.checkKnown("what an earlier version wrote", r.loaded("opening"), chatlog.MemoryOf(read.Seen, read.Untaken))
}

// While an earlier version runs, a checkpoint of which a part is sealed also tells
// what that version knows events by, as far as one message holds it.
func TestSealedCheckpointForAnEarlierVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limitState(smallBus)
	r.Check(r.poller.Streams.State.Put(r.Ctx, "replica.earlier", []byte(`{"maxChats":20000,"chats":17,"format":1}`), 0))
	r.Check(r.poller.Registry.Look(r.Ctx))
	for _, events := range []int{200, 5000} {
		h, all := r.knowing("opening", events), events == 200
		r.Check(h.writeCheckpoint(r.Ctx, inPassing))
		found, err := r.poller.findCheckpoint(r.Ctx, r.chat)
		r.Check(err)
		if len(found.Seen) == events != all {
			t.Errorf("of %d events %d are told", events, len(found.Seen))
		}
	}
}

// What was sealed in a bucket that is lost is written again.
func TestSealedCheckpointIsPutBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limitState(smallBus)
	h := r.knowing("opening", 1000)
	r.Check(h.writeCheckpoint(r.Ctx, inPassing))
	for key := range r.kept() {
		r.Check(r.poller.Streams.State.Purge(r.Ctx, key))
	}
	r.Check(h.restoreEstate(r.Ctx, lost{state: true}))
	r.checkKnown("what is put back", r.loaded("opening"), h.chatLog.Memory())
}

// The next holder knows which gaps are told, also when the stream has forgotten.
func TestToldGapsAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.knowing("opening", 1)
	missing := gap{second(1), second(5)}
	h.reconciliation.told.tell(missing)
	r.Check(h.writeCheckpoint(r.Ctx, inPassing))
	if again := r.loaded("opening").reconciliation.told.tell(missing); len(again) != 0 {
		t.Errorf("it is told again: %v", again)
	}
}

// A holder that dies between a segment and the checkpoint, and one that has been
// overtaken, break nothing that another one has written.
func TestSegmentsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limitState(smallBus)
	first := r.knowing("opening", 600)
	r.Check(first.writeCheckpoint(r.Ctx, inPassing))
	overtaken, next := r.loaded("opening"), r.loaded("opening")
	for h, events := range map[*holder]int{overtaken: 1000, next: 1400} {
		h.phase = announced
		h.chatLog.Resume(chatlog.Counts{Position: uint64(events), Sequence: uint64(events)}, memoryOf(events), 0)
	}
	unwritten := overtaken.checkpoint(inPassing)
	r.Check(overtaken.fit(r.Ctx, &unwritten, 0))
	r.checkKnown("without the checkpoint", r.loaded("opening"), memoryOf(600))
	r.Check(next.writeCheckpoint(r.Ctx, inPassing))
	if err := overtaken.writeCheckpoint(r.Ctx, inPassing); err == nil {
		t.Error("the overtaken holder has written its checkpoint")
	}
	r.checkKnown("the next holder's", r.loaded("opening"), memoryOf(1400))
	if err := r.poller.Health.Check(); err != nil && strings.Contains(err.Error(), "written down") {
		t.Errorf("that a holder was overtaken is told as a fault: %v", err)
	}
}

// What is kept of a closed chat expires as a whole, and what was kept of it
// before is gone; when it is attached again all of it stays.
func TestSegmentsExpireWithTheCheckpoint(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limitState(smallBus)
	h := r.knowing("first", 600)
	r.Check(h.writeCheckpoint(r.Ctx, inPassing))
	open := r.kept()
	h.phase = closed
	r.Check(h.writeCheckpoint(r.Ctx, atClose))
	over := r.kept()
	for key, msg := range over {
		if msg.Header.Get(jetstream.MsgTTLHeader) == "" {
			t.Errorf("%s stays for ever", key)
		}
		if open[key] != nil && key != checkpointKey(r.chat) {
			t.Errorf("%s is still there", key)
		}
	}
	again := r.loaded("second")
	r.checkKnown("the closed chat", again, h.chatLog.Memory())
	again.phase = announced
	r.Check(again.writeCheckpoint(r.Ctx, inPassing))
	for key, msg := range r.kept() {
		if over[key] == nil && msg.Header.Get(jetstream.MsgTTLHeader) != "" {
			t.Errorf("%s of the chat that is open again expires", key)
		}
		if over[key] != nil && key != checkpointKey(r.chat) {
			r.Check(r.poller.Streams.State.Purge(r.Ctx, key)) // as it expires
		}
	}
	r.checkKnown("the chat that is open again", r.loaded("second"), h.chatLog.Memory())
}

// A segment that is lost takes nothing with it but what was in it and before.
func TestLostSegment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limitState(smallBus)
	h := r.knowing("opening", 1000)
	r.Check(h.writeCheckpoint(r.Ctx, inPassing))
	var last segment
	found := r.kept()
	r.Check(json.Unmarshal(found[h.segments().prefix+string(h.saved.Before)].Data, &last))
	r.Check(r.poller.Streams.State.Purge(r.Ctx, h.segments().prefix+string(last.Before)))
	next := r.loaded("opening")
	if got, all := len(next.chatLog.Memory().Journal()), len(h.chatLog.Memory().Journal()); got <= len(last.Journal) || got >= all {
		t.Errorf("%d of %d bytes are known", got, all)
	}
	if next.chatLog.Counts().Sequence != 1000 {
		t.Errorf("the sequence goes on from %d", next.chatLog.Counts().Sequence)
	}
	next.phase = announced
	r.Check(next.writeCheckpoint(r.Ctx, inPassing))
	r.checkKnown("what is left", r.loaded("opening"), next.chatLog.Memory())
}

// That a checkpoint cannot be written is told, until it is or the chat is let
// go; and it is tried again though nothing new has come.
func TestReadinessTellsOfACheckpointThatIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.poller.Health.Serve(true)
	h, none := r.knowing("opening", 3), 0
	h.lease = r.lease()
	r.Check(h.chatLog.Raise(r.Ctx))
	r.limitState(100)
	h.trySaveCheckpoint(r.Ctx)
	if err := r.poller.Health.Check(); err == nil || !strings.Contains(err.Error(), "1 chats cannot be written down") {
		t.Errorf("ready says %v", err)
	}
	r.limitState(-1)
	h.tend(r.Ctx, r.poller.retention(), jetstream.StreamState{}, &none)
	r.Check(r.poller.Health.Check())
	r.limitState(100)
	h.trySaveCheckpoint(r.Ctx)
	r.poller.Health.LetGo(string(r.chat.Token))
	r.Check(r.poller.Health.Check())
}
