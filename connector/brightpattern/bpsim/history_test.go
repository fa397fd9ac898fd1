package bpsim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// stepClock goes on by a step at every look.
func stepClock(step time.Duration) func() time.Time {
	var mu sync.Mutex
	at := time.UnixMilli(1_700_000_000_123)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(step)
		return at
	}
}

// stampOf is the value, whatever its spelling, and the spelling.
func stampOf(t *testing.T, e map[string]any) (seconds int64, millis, quoted bool, value int64) {
	t.Helper()
	_, quoted = e["timestamp"].(string)
	value, err := strconv.ParseInt(fmt.Sprint(e["timestamp"]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if value >= 1e11 {
		return value / 1000, true, quoted, value
	}
	return value, false, quoted, value
}

func sortedByTime(t *testing.T, events []map[string]any) []map[string]any {
	out := slices.Clone(events)
	slices.SortStableFunc(out, func(a, b map[string]any) int {
		_, _, _, x := stampOf(t, a)
		_, _, _, y := stampOf(t, b)
		return int(x - y)
	})
	return out
}

// The first chat of a server has its history in milliseconds, the second in seconds.
func TestHistoryTellsTheSameOtherwise(t *testing.T) {
	for _, step := range []time.Duration{40 * time.Millisecond, 700 * time.Millisecond, 3 * time.Second} {
		w := start(t, bpsim.Options{Now: stepClock(step)})
		for chatNumber := range 2 {
			c := w.client(fmt.Sprint(chatNumber))
			chat := c.chat()
			var polled []map[string]any
			for i := range 20 {
				kind := []string{"message", "status", "typing", "party_left", "other"}[i%5]
				w.push(chat, fmt.Sprintf(`{"event":"chat_session_%s","n":%d}`, kind, i))
				polled = append(polled, c.poll(chat).events(t)...)
			}
			history := c.get("chats/" + chat + "/history").events(t)
			checkRespelt(t, polled, history, chatNumber == 0)
			if again := c.get("chats/" + chat + "/history").events(t); fmt.Sprint(again) != fmt.Sprint(history) {
				t.Error("the history differs from one reading to the next")
			}
		}
	}
}

func checkRespelt(t *testing.T, polled, history []map[string]any, wantMillis bool) {
	t.Helper()
	if len(history) != len(polled) {
		t.Fatalf("%d events in the history, %d polled", len(history), len(polled))
	}
	if wantMillis && fmt.Sprint(history) == fmt.Sprint(sortedByTime(t, history)) {
		t.Error("the history is in order")
	}
	for i, e := range sortedByTime(t, history) {
		seconds, millis, quoted, _ := stampOf(t, e)
		polledSeconds, _, polledQuoted, _ := stampOf(t, polled[i])
		if fmt.Sprint(e["n"]) != fmt.Sprint(i) || seconds != polledSeconds {
			t.Errorf("event %d: polled %v, history %v", i, polled[i], e)
		}
		if quoted == polledQuoted || millis != wantMillis {
			t.Errorf("event %d is spelled %v when polled, %v in the history", i, polled[i]["timestamp"], e["timestamp"])
		}
	}
}

func TestHistoryHasBothSidesButNoSignaling(t *testing.T) {
	w := start(t, bpsim.Options{Now: stepClock(time.Second)})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, `{"event":"chat_session_message","party_id":"p","msg":"hello"}`)
	w.push(chat, `{"event":"chat_session_signaling","party_id":"p","data":{"type":"END_CALL"}}`)
	c.send(chat, `{"event":"chat_session_message","msg_id":"`+chat+`:0","msg":"hi"}`).expect(t, 200, "")
	c.send(chat, `{"event":"chat_session_signaling","msg_id":"`+chat+`:1","destination_party_id":"p","data":{"type":"END_CALL"}}`).expect(t, 200, "")
	events := sortedByTime(t, c.get("chats/"+chat+"/history").events(t))
	if names(events) != "message message" {
		t.Fatalf("got %v", events)
	}
	if events[0]["party_id"] != "p" || events[1]["party_id"] != chat || events[1]["msg_id"] != chat+":0" {
		t.Errorf("got %v", events)
	}
}

func TestAnEventWithoutTimeStaysBehindItsPredecessor(t *testing.T) {
	w := start(t, bpsim.Options{Now: stepClock(time.Second)})
	c := w.client("client")
	chat := c.chat()
	for i := range 12 {
		w.push(chat, fmt.Sprintf(`{"event":"chat_session_message","n":%d}`, i))
		w.push(chat, fmt.Sprintf(`{"event":"chat_session_typing","n":%d,"timestamp":null}`, i))
	}
	events := c.get("chats/" + chat + "/history").events(t)
	for i := 0; i < len(events); i += 2 {
		if fmt.Sprint(events[i]["n"]) != fmt.Sprint(events[i+1]["n"]) || events[i]["event"] != "chat_session_message" {
			t.Errorf("%v is before %v", events[i], events[i+1])
		}
	}
}

func TestSecretsAreInTheHistoryOnly(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	c.send(chat, `{"event":"chat_session_secure_form_data","form_request_id":1,"form_name":"f","data":{"pin":"SECRET"}}`).expect(t, 200, "")
	if history := string(c.get("chats/" + chat + "/history").body); !strings.Contains(history, "SECRET") {
		t.Error("the history has dropped the data for the client")
	}
	record, err := json.Marshal(w.record(chat))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(record), "SECRET") || !strings.Contains(string(record), "secure_form_data") {
		t.Errorf("the record: %s", record)
	}
}
