package bpsim

import (
	"encoding/json"
	"slices"
	"time"
)

// The history tells the same events otherwise than polls do: without
// signaling, client events with the chat as their party, timestamps spelled
// differently, in a scrambled order. One history has one unit, so that a stable
// sort by timestamp restores the order, as the references promise.

func (s *Server) history(c *call) answer { return okEvents(c.chat.history()) }

func (c *chat) history() []json.RawMessage {
	c.mu.Lock()
	log := slices.Clone(c.log)
	c.mu.Unlock()
	return renderHistory(log, c.id, c.historyInMillis(), c.uneven)
}

// historyInMillis alternates from chat to chat.
func (c *chat) historyInMillis() bool { return c.ordinal%2 == 0 }

type line struct {
	event json.RawMessage
	place uint32
}

func renderHistory(log []*entry, party string, millis, uneven bool) []json.RawMessage {
	lines := make([]line, 0, len(log))
	var at time.Time
	for i, e := range log {
		if e.kind == kindSignaling {
			continue
		}
		fs := e.listed(party, i, uneven)
		when, quoted, timed := e.when(fs)
		if timed { // else it stays as it is, behind its predecessor
			fs, at = fs.with("timestamp", stamp{millis, !quoted}.spell(when)), when
		}
		lines = append(lines, line{fs.encode(), place(at, millis)})
	}
	return scramble(lines)
}

// listed is the event as the history tells it, but for its time.
func (e *entry) listed(party string, turn int, uneven bool) fields {
	switch fs := mustFields(e.raw); {
	case e.client && uneven:
		return sharedBy(fs, party, turn)
	case e.client:
		return fs.with("party_id", encode(party))
	case e.whole != nil:
		return lavish(e.whole)
	default:
		return fs
	}
}

// when is the time of an event and whether polls have it quoted. A client's
// events are timed by this clock, whatever the client's says.
func (e *entry) when(fs fields) (at time.Time, quoted, timed bool) {
	if !e.ownTime {
		return e.made, spellingOf(e.kind).quoted, true
	}
	raw, there := fs.get("timestamp")
	if !there {
		return time.Time{}, false, false
	}
	at, spelling, timed := readStamp(raw)
	return at, spelling.quoted, timed
}

// place scatters the times; equal ones keep together and in order.
func place(at time.Time, millis bool) uint32 {
	value := at.Unix()
	if millis {
		value = at.UnixMilli()
	}
	return uint32(uint64(value) * 0x9E3779B97F4A7C15 >> 32)
}

func scramble(lines []line) []json.RawMessage {
	slices.SortStableFunc(lines, func(a, b line) int {
		if a.place == b.place {
			return 0
		}
		if a.place < b.place {
			return -1
		}
		return 1
	})
	out := make([]json.RawMessage, len(lines))
	for i, l := range lines {
		out[i] = l.event
	}
	return out
}
