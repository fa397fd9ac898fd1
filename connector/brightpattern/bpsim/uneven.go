package bpsim

import (
	"encoding/json"
	"slices"
	"strconv"
)

// With Options.Uneven the two tellings of an event differ as much as the
// references allow: a poll may leave out its time and its party, and the
// history tells all of it, and more, with numbers as texts and the other way
// round. What a client must not do without, polls never leave out.

// sparse is what a poll tells of an event: of four, one has no time, one no
// party, and one neither.
func sparse(fs fields, turn int) fields {
	kind := fs.text("event")
	if turn%2 == 1 {
		fs = fs.without("timestamp")
	}
	if turn%4 >= 2 && !slices.Contains([]string{kindJoined, kindLeft, kindSignaling}, kind) {
		fs = fs.without("party_id")
	}
	return fs
}

// lavish is what the history tells of it.
func lavish(fs fields) fields {
	out := make(fields, 0, len(fs)+1)
	for _, f := range fs {
		if f.key != "event" && f.key != "timestamp" {
			f.value = otherwise(f.key, f.value)
		}
		out = append(out, f)
	}
	return out.with("listed", json.RawMessage("true"))
}

// otherwise tells a number as a text, and an id that is a number in a text as
// a number.
func otherwise(key string, value json.RawMessage) json.RawMessage {
	text, quoted := stringOf(value)
	if !quoted {
		if _, err := strconv.ParseFloat(string(value), 64); err == nil {
			return encode(string(value))
		}
		return value
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err == nil && strconv.FormatUint(n, 10) == text && slices.Contains([]string{"msg_id", "form_request_id", "ewt"}, key) {
		return json.RawMessage(text)
	}
	return value
}

// sharedBy is how the history says that a client's event is the client's: of a
// file it may say so by the session's id, or not at all.
func sharedBy(fs fields, party string, turn int) fields {
	switch {
	case fs.text("event") != kindFile || turn%3 == 0:
		return fs.with("party_id", encode(party))
	case turn%3 == 1:
		return fs.with("session_id", encode(party))
	}
	return fs
}
