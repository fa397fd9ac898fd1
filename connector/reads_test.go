package connector_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// answers lets the contact center answer calls whose path ends so.
func (r *rig) answers(path, body string) {
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		if !strings.HasSuffix(request.URL.Path, path) {
			return false
		}
		_, _ = rw.Write([]byte(body))
		return true
	})
}

// inFiles are the messages of the store of files.
func (r *rig) inFiles() (all []*jetstream.RawStreamMsg) {
	r.Helper()
	stream, err := r.js.Stream(r.ctx, "OBJ_CC_FILES")
	r.check(err)
	for n := stream.CachedInfo().State.FirstSeq; n <= stream.CachedInfo().State.LastSeq; n++ {
		if msg, err := stream.GetMsg(r.ctx, n); err == nil {
			all = append(all, msg)
		}
	}
	return all
}

// fillFiles leaves no room in the store of files.
func (r *rig) fillFiles() (free func()) {
	r.Helper()
	for size := 15 << 10; size > 0; size -= 5 << 10 { // of pieces, the smaller ones into what the larger ones have left
		for {
			if _, err := r.js.Publish(r.ctx, "$O.CC_FILES.C.filler", make([]byte, size), jetstream.WithRetryAttempts(0)); err != nil {
				break
			}
		}
	}
	return func() {
		r.Helper()
		stream, err := r.js.Stream(r.ctx, "OBJ_CC_FILES")
		r.check(err)
		r.check(stream.Purge(r.ctx))
	}
}

// What the journal can hold may be too much for the bus with all that an event has beside.
func tinyBus(r *rig) { r.payload(16 << 10) }

func smallBus(r *rig) { r.payload(smallPayload) }

// Credentials that are too large for the reply lie nowhere.
func TestICECredentialsAreNeverKept(t *testing.T) {
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			o := outsider{newRig(t, bpsim.Options{}, smallBus, func(r *rig) { r.config.Mode = mode })}
			o.answers("/iceservers", `{"servers":[{"url":"turn:t","username":"u","credential":"`+strings.Repeat("c", longText)+`"}]}`)
			replica := o.start()
			failed := o.send("service.iceservers", fields{})
			o.checkFailure(failed, verdict{"unexpected_response", "", 0, false, "not_done"})
			events := o.resultEvents("cc.result.service.iceservers", failed.id())
			if len(events) != 1 || diff(events[0].data, failed.data) != "" {
				t.Errorf("the result events are %v", events)
			}
			if kept := o.inFiles(); len(kept) != 0 {
				t.Errorf("%d messages in the store of files", len(kept))
			}
			if codes := codesOf(o.rig, replica, "service.iceservers"); !slices.Equal(codes, []string{"unexpected_response"}) {
				t.Errorf("they are counted as %v", codes)
			}
		})
	}
}

// codesOf are the codes under which a command was counted.
func codesOf(r *rig, replica *replica, command string) (codes []string) {
	r.Helper()
	families, err := replica.metrics.Gather()
	r.check(err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if labels := m.GetLabel(); family.GetName() == "cc_commands_total" && labels[1].GetValue() == command {
				codes = append(codes, labels[0].GetValue())
			}
		}
	}
	return codes
}

// What a read brought expires, in the reply and in the event, which share it.
func TestReadsAreKeptForTenMinutes(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, smallBus)
	r.answers("/configuration", `{"text":"`+strings.Repeat("c", longText)+`"}`)
	r.start()
	for i := range 2 {
		reply, err := r.nc.Request("cc.service.configuration", nil, patience)
		r.check(err)
		ce, _, err := schema.Decode(reply.Header, reply.Data)
		r.check(err)
		if whole := r.resolve(ce); !strings.Contains(string(whole.Data()), "ccccc") {
			t.Errorf("the object is %.100s", whole.Data())
		}
		stored := r.stored("cc.result.service.configuration")
		if _, object, _ := schema.DataRef(ce); len(stored) != i+1 || schema.Extension(stored[i].event, schema.AttrDataRef) != "nats-object:CC_FILES/"+object {
			t.Errorf("reply and event refer to different objects, %s and %v", object, stored)
		}
	}
	kept := r.inFiles()
	for _, msg := range kept {
		if ttl, err := time.ParseDuration(msg.Header.Get(jetstream.MsgTTLHeader)); err != nil || ttl > 15*time.Minute {
			t.Errorf("%s is kept for %v, %v", msg.Subject, ttl, err)
		}
	}
	if len(kept) == 0 {
		t.Error("nothing is in the store of files")
	}
}

// When the store of files is full a read says so, soon, and everything else goes on.
func TestReadsOfAFullStore(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, smallBus, aDayToFailOver, func(r *rig) { r.config.FilesMaxBytes = 2 << 20 })}
	o.answers("/configuration", `{"text":"`+strings.Repeat("c", longText)+`"}`)
	replica := o.start()
	chat := o.openChat()
	free := o.fillFiles()
	failed := o.send("service.configuration", fields{})
	o.checkFailure(failed, verdict{"unavailable", "", 0, true, "not_done"})
	if events := o.resultEvents("cc.result.service.configuration", failed.id()); len(events) != 1 || diff(events[0].data, failed.data) != "" {
		t.Errorf("the result events are %v", events)
	}
	o.unready(replica, "too large for the bus", "OBJ_CC_FILES is full")
	o.mustSend("chat.typing", fields{"chatId": chat})
	o.push(chat, fields{"event": "chat_session_message", "party_id": "p", "msg": strings.Repeat("x", longText), "msg_id": "1"})
	free()
	o.awaitStored(chat, ".event.message", 1)
	o.eventually("the connector is ready again", func() bool { return replica.Ready() == nil })
	o.mustBeElsewhere("service.configuration")
}

// mustBeElsewhere runs a read that has its data in the store of files.
func (o outsider) mustBeElsewhere(command string) {
	o.Helper()
	if r := o.send(command, fields{}); r.attributes["dataref"] == "" {
		o.Errorf("%s is answered %v", command, r.data)
	}
}

// A flood of reads takes a part of the store, and no more.
func TestFloodOfReads(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]func(*rig){"a small bus": smallBus, "the smallest": tinyBus} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			floodWithReads(t, size)
		})
	}
}

func floodWithReads(t *testing.T, size func(*rig)) {
	const most = 8 << 20
	o := outsider{newRig(t, bpsim.Options{}, size, aDayToFailOver, func(r *rig) { r.config.FilesMaxBytes = most })}
	o.answers("/configuration", `{"text":"`+strings.Repeat("c", longText)+`"}`)
	replica := o.start()
	chat := o.openChat()
	refused := 0
	for range 40 {
		if r := o.send("service.configuration", fields{}); len(r.failure()) > 0 {
			o.checkFailure(r, verdict{"unavailable", "", 0, true, "not_done"})
			refused++
		}
	}
	if size := o.streamState("OBJ_CC_FILES").Bytes; refused == 0 || refused == 40 || size > most/3 {
		t.Errorf("of 40 reads %d are refused, and %d of %d bytes are kept", refused, size, most)
	}
	o.push(chat, fields{"event": "chat_session_message", "party_id": "p", "msg": strings.Repeat("x", longText), "msg_id": "1"})
	o.awaitStored(chat, ".event.message", 1)
	if err := replica.Ready(); err != nil {
		t.Errorf("readiness says %v", err)
	}
}

// longest is the longest text of a result, which takes six times as much when written.
var longest = strings.Repeat("\x01", schema.MaxString)

// requests lets the contact center make a chat, and answer at length.
func (r *rig) requests() (calls *atomic.Int32) {
	calls = new(atomic.Int32)
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		if request.Method != http.MethodPost || !strings.HasSuffix(request.URL.Path, "/chats") {
			return false
		}
		calls.Add(1)
		_ = json.NewEncoder(rw).Encode(fields{"chat_id": "c1", "is_new_chat": true, "state": longest, "phone_number": longest})
		return true
	})
	return calls
}

func smallStore(r *rig) { r.config.FilesMaxBytes = 1 << 20 }

// longAttributes make an event too large of what the journal can hold.
func longAttributes(r *rig) { r.config.SchemaBaseURL = "cc-connector:/" + strings.Repeat("s", 1000) }

// What was done is on record though its result finds no room: the sender is
// told in time that it is not known, the event follows, and a repeat gets it.
func TestLargeResultThatFindsNoRoom(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, tinyBus, smallStore, longAttributes)}
	calls := o.requests()
	o.start()
	free := o.fillFiles()
	request := given{command: "chat.request", id: "1", source: "//s", data: fields{"from": "Ada"}}
	o.checkFailure(o.request(writeStructured(request)), verdict{"unavailable", "", 0, true, "unknown"})
	free()
	published := o.awaitStored("c1", ".result.chat.request", 1)
	result, err := schema.DecodeResult(o.resolve(published[0].event))
	o.check(err)
	var opened schema.ChatRequestResult
	o.check(json.Unmarshal(result.Result, &opened))
	if opened.PhoneNumber != longest || opened.ChatID != "c1" {
		t.Errorf("the result is %.200s", result.Result)
	}
	if again := o.request(writeStructured(request)); again.attributes["dataref"] == "" || calls.Load() != 1 {
		t.Errorf("after %d calls the repeat is answered %v", calls.Load(), again.data)
	}
}

// A durable command whose result finds no room waits for it, and is not run again.
func TestLargeDurableResultThatFindsNoRoom(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, tinyBus, smallStore, longAttributes)}
	calls := o.requests()
	replica := o.start()
	free := o.fillFiles()
	watched{rig: o.rig}.give("chat.request", fields{"from": "Ada"})
	o.unready(replica, "OBJ_CC_FILES is full")
	free()
	o.awaitStored("c1", ".result.chat.request", 1)
	o.eventually("it is done", func() bool { return o.waiting() == 0 })
	if n := calls.Load(); n != 1 {
		t.Errorf("%d chats were requested", n)
	}
}

// An answer that cannot be put on record is told as such, once, on either lane.
func TestResultThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{})}
	calls := o.requests()
	o.start()
	o.limitMessages("KV_CC_JOURNAL", 4<<10)
	request := given{command: "chat.request", id: "1", source: "//s", data: fields{"from": "Ada"}}
	for range 2 {
		o.checkFailure(o.request(writeStructured(request)), verdict{"unexpected_response", "", 0, false, "unknown"})
	}
	id := watched{rig: o.rig}.give("chat.request", fields{"from": "Ada"})
	if result := o.awaitResult(id); result.Error == nil || result.Error.Code != schema.CodeUnexpectedResponse || result.Error.Outcome != schema.OutcomeUnknown {
		t.Errorf("the durable one's result is %+v", result.Error)
	}
	o.eventually("it is done", func() bool { return o.waiting() == 0 })
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls for two commands", n)
	}
}
