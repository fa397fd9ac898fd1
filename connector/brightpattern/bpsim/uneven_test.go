package bpsim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// What polls leave out the history tells, and what both tell is the same.
func TestUnevenTellings(t *testing.T) {
	w := start(t, bpsim.Options{Now: stepClock(time.Second), Uneven: true})
	c := w.client("client")
	chat := c.chat()
	var polled []map[string]any
	for i := range 8 {
		w.push(chat, fmt.Sprintf(`{"event":"chat_session_message","party_id":"p","msg_id":"%d","msg":"m","n":%d}`, i, i))
		polled = append(polled, c.poll(chat).events(t)...)
	}
	history := sortedByTime(t, c.get("chats/"+chat+"/history").events(t))
	missing := map[string]int{}
	for i, e := range history {
		if e["listed"] != true || e["party_id"] != "p" || e["msg_id"] != number(i) || e["n"] != fmt.Sprint(i) {
			t.Errorf("the history tells %v", e)
		}
		for _, field := range []string{"timestamp", "party_id"} {
			if _, told := polled[i][field]; !told {
				missing[field]++
			}
		}
		if polled[i]["msg_id"] != fmt.Sprint(i) || polled[i]["n"] != number(i) {
			t.Errorf("the poll tells %v", polled[i])
		}
	}
	if len(history) != len(polled) || missing["timestamp"] != 4 || missing["party_id"] != 4 {
		t.Errorf("of %d events, polls leave out %v", len(polled), missing)
	}
}

func number(i int) json.Number { return json.Number(fmt.Sprint(i)) }

// Polls leave out nothing without which an event means nothing.
func TestUnevenPollsTellWhoComesAndCalls(t *testing.T) {
	w := start(t, bpsim.Options{Uneven: true})
	c := w.client("client")
	chat := c.chat()
	for range 4 {
		w.push(chat, `{"event":"chat_session_party_joined","party_id":"p","type":"internal"}`)
		w.push(chat, `{"event":"chat_session_signaling","party_id":"p","data":{"type":"END_CALL"}}`)
	}
	for _, e := range c.poll(chat).events(t) {
		if e["party_id"] != "p" {
			t.Errorf("a poll tells %v", e)
		}
	}
}

// The history says in three ways that a file is the client's.
func TestUnevenFilesOfTheClient(t *testing.T) {
	w := start(t, bpsim.Options{Now: stepClock(time.Second), Uneven: true})
	c := w.client("client")
	chat := c.chat()
	file := c.upload("file", "a.png", "image/png", []byte("png")).object(t)["file_id"]
	for i := range 3 {
		c.send(chat, fmt.Sprintf(`{"event":"chat_session_file","msg_id":"%s:%d","file_id":"%s","file_name":"a.png","file_type":"image"}`, chat, i, file)).expect(t, 200, "")
	}
	ways := map[string]bool{}
	for _, e := range c.get("chats/" + chat + "/history").events(t) {
		ways[strings.Join([]string{fmt.Sprint(e["party_id"] == chat), fmt.Sprint(e["session_id"] == chat)}, " ")] = true
	}
	if len(ways) != 3 || !ways["false false"] {
		t.Errorf("party, session: %v", ways)
	}
}
