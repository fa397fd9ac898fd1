package bpsim

import (
	"encoding/json"
	"hash/fnv"
	"strconv"
	"time"
)

// stamp is how a timestamp is spelled: the references use all four forms.
type stamp struct {
	millis bool
	quoted bool
}

// spellings are those of polls; a kind that is not listed has one by its hash.
var spellings = map[string]stamp{
	"chat_session_message":         {millis: false, quoted: true}, // as captured
	"chat_session_status":          {millis: true, quoted: true},
	"chat_session_party_joined":    {millis: true, quoted: false},
	"chat_session_party_left":      {millis: false, quoted: false},
	"chat_session_typing":          {millis: true, quoted: true},
	"chat_session_not_typing":      {millis: false, quoted: false},
	"chat_session_ended":           {millis: true, quoted: false},
	"chat_session_case_set":        {millis: false, quoted: true},
	"chat_session_message_read":    {millis: true, quoted: false},
	"chat_session_file":            {millis: false, quoted: false},
	"chat_session_form_show":       {millis: true, quoted: true},
	"chat_session_timeout_warning": {millis: false, quoted: true},
}

func spellingOf(kind string) stamp {
	if s, listed := spellings[kind]; listed {
		return s
	}
	h := fnv.New32a()
	h.Write([]byte(kind))
	sum := h.Sum32()
	return stamp{millis: sum&1 != 0, quoted: sum&2 != 0}
}

func (s stamp) spell(at time.Time) json.RawMessage {
	value := at.Unix()
	if s.millis {
		value = at.UnixMilli()
	}
	digits := strconv.FormatInt(value, 10)
	if s.quoted {
		digits = `"` + digits + `"`
	}
	return json.RawMessage(digits)
}

// millisFrom is the value from which on a timestamp is in milliseconds.
const millisFrom = 100_000_000_000

// readStamp reads any spelling; !ok: it is none, and stays as it is.
func readStamp(raw json.RawMessage) (at time.Time, s stamp, ok bool) {
	digits, quoted := stringOf(raw)
	if !quoted {
		digits = string(raw)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return time.Time{}, stamp{}, false
	}
	s = stamp{millis: n >= millisFrom, quoted: quoted}
	if s.millis {
		return time.UnixMilli(n), s, true
	}
	return time.Unix(n, 0), s, true
}
