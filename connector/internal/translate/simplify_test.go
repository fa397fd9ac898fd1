package translate

import (
	"encoding/json"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

func nested(levels int) string {
	return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
}

// What is nested too deep stands in raw as its text, which has all of it.
func TestDeepEventsAreTexts(t *testing.T) {
	for levels, simplified := range map[int]bool{schema.MaxNesting: false, schema.MaxNesting + 1: true, 9000: true, 20000: true} {
		raw := nested(levels)
		e := ReadServerEvent("K1x", wire(raw))
		if e.Simplified != simplified {
			t.Errorf("%d levels: simplified %v", levels, e.Simplified)
		}
		var text string
		if got := string(e.Data.Header().Raw); !simplified && got != raw {
			t.Errorf("%d levels: raw is %.100s", levels, got)
		} else if err := json.Unmarshal([]byte(got), &text); simplified && (err != nil || text != raw) {
			t.Errorf("%d levels: raw holds %.100s, %v", levels, text, err)
		}
	}
}

// The signal is left out: raw has it.
func TestDeepSignals(t *testing.T) {
	quoted, _ := json.Marshal(nested(10000))
	e := ReadServerEvent("K1x", wire(`{"event":"chat_session_signaling","party_id":"p","data":`+string(quoted)+`}`))
	signaling := e.Data.(*schema.Signaling)
	if !e.Simplified || signaling.Signal != nil || signaling.PartyID != "p" || signaling.Raw[0] != '{' {
		t.Errorf("simplified %v, of %q, the signal has %d bytes", e.Simplified, signaling.PartyID, len(signaling.Signal))
	}
	if _, err := json.Marshal(signaling); err != nil {
		t.Error(err)
	}
}

// No secret is told because it is too deep to be read.
func TestDeepSecrets(t *testing.T) {
	e := ReadServerEvent("K1x", wire(`{"data":`+nested(20000)+`,"event":"chat_session_secure_form_data"}`))
	if data, err := json.Marshal(e.Data); err != nil || strings.Contains(string(data), "raw") {
		t.Errorf("told is %.100s, %v", data, err)
	}
	if bare := e.Bare("reason"); strings.Contains(string(bare.Data.Header().Raw), `a`+`\"`) {
		t.Errorf("told is %.100s", bare.Data.Header().Raw)
	}
}

func TestBareEvent(t *testing.T) {
	e := ReadServerEvent("K1x", wire(`{"event":"chat_session_ended","timestamp":1614718748}`))
	bare := e.Bare("it is too large")
	if header := bare.Data.Header(); bare.Data.Name() != "unknown" || header.ChatID != "K1x" || header.Timestamp == nil ||
		string(header.Raw) != `"the event could not be published: it is too large"` {
		t.Errorf("it is %s: %+v", bare.Data.Name(), header)
	}
	if bare.Fingerprint != e.Fingerprint || bare.Ends != brightpattern.EndEnded || string(e.Data.Header().Raw) == string(bare.Data.Header().Raw) {
		t.Error("it is another event, or has changed this one")
	}
}

// A text of very many values is known by its bytes: sorting it would take many
// times as much memory.
func TestLargeUnknownEventsAreNotSorted(t *testing.T) {
	for values, sorted := range map[int]bool{mostSorted - 10: true, mostSorted + 10: false} {
		list := strings.TrimSuffix(strings.Repeat("1,", values), ",")
		one := FingerprintOf(wire(`{"event":"chat_session_future","a":[` + list + `],"b":2}`))
		same := FingerprintOf(wire(`{"event":"chat_session_future","b":2,"a":[` + list + `]}`))
		if (one == same) != sorted {
			t.Errorf("%d values: sorted %v", values, one == same)
		}
	}
}
