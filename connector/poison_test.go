package connector_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// muchTime is for large answers on a busy machine.
func muchTime(r *rig) {
	r.config.CallTimeout, r.client.Timeout, r.client.PollTimeout = patience, patience, patience
}

func nested(levels int) string {
	return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
}

func stringOf(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// poison are events as no contact center should write them, in its words.
var poison = []string{
	`{}`, `[]`, `null`, `"x"`, `1e999`, `{"event":7}`, `{"event":""}`, `{"event":null,"timestamp":[]}`,
	nested(60), nested(9990), `[` + nested(20000) + `]`,
	`{"event":"chat_session_message","data":` + nested(20000) + `,"msg":"deep"}`,
	`{"event":"chat_session_form_show","form_request_id":123456789012345678901234567890,"form_timeout":1e999}`,
	`{"event":"chat_session_typing","timestamp":1e308}`, `{"event":"chat_session_typing","timestamp":"-1"}`,
	`{"event":"chat_session_typing","timestamp":253402300799999}`, `{"event":"chat_session_typing","timestamp":1e999}`,
	`{"event":"chat_session_status","state":` + stringOf(strings.Repeat("s", 1<<16)) + `,"ewt":"1.7e308"}`,
	`{"event":"chat_session_case_set","case_id":` + stringOf(strings.Repeat("\x01", 1<<13)) + `}`,
	`{"event":"chat_session_message","msg":"\ud800 \udc00","\udfff":1}`, "{\"event\":\"chat_session_message\",\"msg\":\"\xff\xfe\"}",
	`{"event":"chat_session_message","event":"chat_session_info","service_name":"twice"}`,
	`{"event":` + stringOf("chat_session_"+strings.Repeat("\r\n", 240)) + `}`, `{"event":` + stringOf(strings.Repeat("é", 256)) + `}`,
	`{"event":` + stringOf(strings.Repeat("long", 1000)) + `}`, `{"` + strings.Repeat("k", 1<<16) + `":1}`,
	`{"event":"chat_session_message","msg":` + stringOf(strings.Repeat("<>&", 1<<13)) + `}`,
	`{"event":"chat_session_party_joined","party_id":"loud","display_name":` + stringOf(strings.Repeat("é", 1<<19)) + `}`,
	`{"event":"chat_session_future","list":[` + strings.Repeat("1,", 110_000) + `1]}`,
	`{"event":"chat_session_location","latitude":"1e308","longitude":-1e308}`,
}

// signals are those that no history has.
var poisonedSignals = []string{
	`{"event":"chat_session_signaling","party_id":"p","data":` + stringOf(nested(10000)) + `}`,
	`{"event":"chat_session_signaling","party_id":"p","data":` + nested(20000) + `}`,
	`{"event":"chat_session_signaling","party_id":"p","data":` + nested(100) + `}`,
	`{"event":"chat_session_signaling","party_id":"p","data":"{\"type\":\"\\ud800\"}"}`,
}

func manyParties() (joined []string) {
	for i := range 120 {
		joined = append(joined, fmt.Sprintf(`{"event":"chat_session_party_joined","party_id":"p%d","display_name":"%s","type":"internal"}`, i, strings.Repeat("\\u0001", 200)))
	}
	return joined
}

const behind = `{"event":"chat_session_message","party_id":"agent","msg_id":"behind","msg":"behind"}`

func answerOf(events ...string) string { return `{"events":[` + strings.Join(events, ",") + `]}` }

// checkPoisoned sees that each event was published, and can be read.
func (w watched) checkPoisoned(want int) {
	w.Helper()
	all := w.stored(w.config.Prefix.Event(w.token(), "*"))
	if len(all) != want {
		w.Errorf("%d events are published, want %d", len(all), want)
	}
	ids := map[string]bool{}
	for _, m := range all {
		ids[m.event.ID()] = true
		ce := m.event
		if _, _, elsewhere := schema.DataRef(ce); elsewhere {
			ce = w.resolve(ce)
		}
		event, err := schema.DecodeEvent(ce)
		w.check(err)
		if raw := event.Header().Raw; len(raw) == 0 || brightpattern.ShapeOf(ce.Data()).Depth > 64 {
			w.Errorf("raw is %.200s", raw)
		}
	}
	if len(ids) != len(all) {
		w.Errorf("%d events have %d ids", len(all), len(ids))
	}
	w.checkSequence(w.chat)
	w.checkGaps()
}

// Whatever a poll brings is published, and so is what stands behind it.
func TestPoisonedPoll(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{}, aDayToFailOver, muchTime, func(r *rig) { r.config.Mode = mode })
			events := append(append(append([]string{}, poison...), poisonedSignals...), manyParties()...)
			var given atomic.Bool
			intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
				if !isEvents(request) || !given.CompareAndSwap(false, true) {
					return false
				}
				_, _ = rw.Write([]byte(answerOf(append(events, behind)...)))
				return true
			})
			replica := r.start()
			w := watchNew(r)
			w.eventually("all of them are published", func() bool {
				return len(w.stored(w.config.Prefix.Event(w.token(), "*"))) == len(events)+1
			})
			w.untilListening()
			w.says("next")
			w.eventually("the next one is published", func() bool {
				return len(w.stored(w.config.Prefix.Event(w.token(), "*"))) == len(events)+2
			})
			w.checkPoisoned(len(events) + 2)
			if n := replica.counted("cc_events_simplified_total"); n != 7 {
				t.Errorf("%v events are counted as simplified", n)
			}
			if n := strings.Count(r.log.String(), "could not be published just as it came"); n != 1 {
				t.Errorf("that was logged %d times", n)
			}
			w.checkBoundedEntry("p119")
		})
	}
}

func (w watched) checkBoundedEntry(last string) {
	w.Helper()
	w.eventually("the entry has who joined last", func() bool {
		parties := w.entry().Parties
		return len(parties) > 0 && parties[len(parties)-1].PartyID == last
	})
	e := w.entry()
	if written, err := json.Marshal(e); err != nil || len(written) > 64<<10 || len(e.Parties) > 100 {
		w.Errorf("the entry has %d bytes and %d parties, %v", len(written), len(e.Parties), err)
	}
}

// counted is the sum of a counter over its labels.
func (r *replica) counted(name string) (sum float64) {
	families, err := r.metrics.Gather()
	if err != nil {
		return -1
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			sum += metric.GetCounter().GetValue()
		}
	}
	return sum
}

// A history of such events is published once, by whoever comes first, and
// keeps nobody from going on.
func TestPoisonedHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver, muchTime)
	events := append([]string{}, poison...)
	var poisoned atomic.Bool
	var reads atomic.Int64
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		if !poisoned.Load() || !strings.HasSuffix(request.URL.Path, "/history") {
			return false
		}
		reads.Add(1)
		_, _ = rw.Write([]byte(answerOf(append(events, behind)...)))
		return true
	})
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	poisoned.Store(true)
	w.inject(loss("lost", 1))
	w.types()
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.checkPoisoned(len(events) + 1)
	w.checkRecovered(len(events) + 1)
	first.stop()
	r.start()
	w.untilListening()
	before := reads.Load()
	w.tellOf(time.Now())
	w.eventually("the next replica has read the history", func() bool { return reads.Load() > before })
	w.untilListening()
	w.signals("REQUEST_CALL") // not in the history
	r.awaitStored(w.chat, ".event.signaling", 1)
	w.checkRecovered(len(events) + 1)
	if all := w.stored(w.config.Prefix.Event(w.token(), "*")); len(all) != len(events)+2 {
		t.Errorf("%d events are published, want %d", len(all), len(events)+2)
	}
	w.checkSequence(w.chat)
	w.checkHistory(len(events) + 1)
}

// checkHistory sees that a command can tell of all of it.
func (w watched) checkHistory(want int) {
	w.Helper()
	reply, err := w.nc.RequestMsg(&nats.Msg{Subject: "cc.chat.history", Data: []byte(`{"chatId":"` + w.chat + `"}`)}, patience)
	w.check(err)
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	w.check(err)
	result, err := schema.DecodeResult(w.resolve(ce))
	w.check(err)
	var history schema.ChatHistoryResult
	w.check(json.Unmarshal(result.Result, &history))
	if len(history.Events) != want {
		w.Errorf("%d events are told, want %d", len(history.Events), want)
	}
}

// A history that unpacks to millions of events is none; the chat goes on.
func TestHistoryThatUnpacksToMillions(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write([]byte(`{"events":[1` + strings.Repeat(",1", 8<<20) + `]}`))
	_ = zip.Close()
	r := newRig(t, bpsim.Options{}, aDayToFailOver, muchTime)
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		if !strings.HasSuffix(request.URL.Path, "/history") {
			return false
		}
		rw.Header().Set("Content-Encoding", "gzip")
		_, _ = rw.Write(packed.Bytes())
		return true
	})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(loss("lost", 1))
	w.says("lost")
	w.untilStruck()
	w.says("next")
	r.awaitStored(w.chat, ".event.message", 1)
	r.awaitStored(w.chat, ".session.gap", 1)
	w.checkGaps(schema.GapHistoryUnreadable)
	if failed := r.call("chat.history", map[string]any{"chatId": w.chat}); failed.Error == nil || failed.Error.Code != schema.CodeUnexpectedResponse {
		t.Errorf("the history is told: %+v", failed.Error)
	}
}

// What large answers take of the memory is given back when what they brought is
// published, or told: here there is room for one.
func TestLargeAnswersOneAfterTheOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver, muchTime, func(r *rig) { r.client.Memory = 1 })
	large := func(n int64) string {
		return answerOf(fmt.Sprintf(`{"event":"chat_session_message","party_id":"p","msg_id":"%d","msg":"%s"}`, n, strings.Repeat("x", 1<<20)))
	}
	const each = 3
	var polls atomic.Int64
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		isHistory := strings.HasSuffix(request.URL.Path, "/history")
		if !isHistory && (!isEvents(request) || polls.Add(1) > each) {
			return false
		}
		_, _ = rw.Write([]byte(large(min(polls.Load(), each))))
		return true
	})
	r.start()
	w := watchNew(r)
	r.awaitStored(w.chat, ".event.message", each)
	for range each {
		w.untilListening()
		w.inject(loss("lost", 1))
		w.types()
		w.untilStruck()
	}
	for range each {
		w.checkHistory(1)
	}
	w.signals("REQUEST_CALL")
	r.awaitStored(w.chat, ".event.signaling", 1)
	if all := w.stored(w.config.Prefix.Event(w.token(), "message")); len(all) != each {
		t.Errorf("%d messages are published, want %d", len(all), each)
	}
	w.checkSequence(w.chat)
}

// What the stream does not take any more for its size, since somebody changed
// that, loses nothing of its content.
func TestEventThatTheStreamRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver)
	r.start()
	w := watchNew(r)
	w.untilListening()
	stream, err := r.js.Stream(r.ctx, r.config.Prefix.StreamName("EVENTS"))
	r.check(err)
	config := stream.CachedInfo().Config
	config.MaxMsgSize = 16 << 10
	_, err = r.js.UpdateStream(r.ctx, config)
	r.check(err)
	w.says(strings.Repeat("x", 100<<10))
	w.says("next")
	r.awaitStored(w.chat, ".event.message", 2)
	w.checkTrail("session.opened", "message/poll", "message/poll")
	large := r.resolve(w.stored(w.config.Prefix.Event(w.token(), "message"))[0].event)
	message, err := schema.DecodeEvent(large)
	r.check(err)
	if text := message.(*schema.Message).HTML; len(text) != 100<<10 {
		t.Errorf("of the text %d bytes are left", len(text))
	}
	w.checkSequence(w.chat)
	w.checkGaps()
}
