package translate

import (
	"slices"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// What a chat's history tells. It has every event but signaling, of both
// sides, and promises no order.

// Missing returns the server events of a history that are missing among the
// published ones, in the order in which they are to be published: by time,
// equal times as listed, those without a time behind their predecessor.
func Missing(chat brightpattern.ChatID, published []Likeness, history []brightpattern.Event) []brightpattern.Event {
	var events []brightpattern.Event
	var listed []Likeness
	for _, event := range InTimeOrder(history) {
		if !event.IsFromClient(chat) {
			events, listed = append(events, event), append(listed, LikenessOf(event))
		}
	}
	var missing []brightpattern.Event
	for _, i := range unmatched(published, listed) {
		missing = append(missing, events[i])
	}
	return missing
}

// InTimeOrder restores the order that a history does not promise.
func InTimeOrder(history []brightpattern.Event) []brightpattern.Event {
	type timed struct {
		event brightpattern.Event
		at    time.Time
	}
	var latest time.Time
	list := make([]timed, len(history))
	for i, event := range history {
		if !event.Time.IsZero() {
			latest = event.Time
		}
		list[i] = timed{event, latest}
	}
	slices.SortStableFunc(list, func(a, b timed) int { return a.at.Compare(b.at) })
	sorted := make([]brightpattern.Event, len(list))
	for i, t := range list {
		sorted[i] = t.event
	}
	return sorted
}

// HasEventBefore tells whether the chat is older than a command of which an
// earlier try may have made it.
func HasEventBefore(history []brightpattern.Event, begun time.Time) bool {
	return slices.ContainsFunc(history, func(event brightpattern.Event) bool {
		return !event.Time.IsZero() && event.Time.Before(begun.Truncate(time.Second))
	})
}

// NextNumber is above every message number below most that the history shows.
func NextNumber(chat brightpattern.ChatID, history []brightpattern.Event, most uint64) uint64 {
	next := uint64(0)
	for _, event := range history {
		if n, ours := brightpattern.ParseClientMessageID(chat, event.MessageID); ours && n >= next && n < most {
			next = n + 1
		}
	}
	return next
}

// LastState is the last one that the history tells of, "" if it tells of none.
func LastState(history []brightpattern.Event) string {
	state := ""
	for _, event := range InTimeOrder(history) {
		if event.Name == brightpattern.EventStatus {
			state = Cut(event.State, schema.MaxString)
		}
	}
	return state
}

// HasSent tells whether the history has the client's message, which may be a file's.
func HasSent(chat brightpattern.ChatID, history []brightpattern.Event, id brightpattern.MessageID, file brightpattern.FileID) bool {
	return slices.ContainsFunc(history, func(event brightpattern.Event) bool { return event.Tells(chat, id, file) })
}
