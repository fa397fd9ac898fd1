package chats

import (
	"slices"

	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// What an entry, and a session token, hold of what the contact center says has
// bounds, so that they can be written on the smallest bus (bus.LeastPayload).
// They are in bytes as JSON writes them: a character may become six.
const (
	longestState = 256
	longestValue = 1 << 10
	mostParties  = 100
	partiesSize  = 8 << 10 // of all of them
)

// bound cuts what is too long, and keeps of the parties those who joined last,
// as many as there is room for.
func (e *Entry) bound() {
	e.State, e.CaseID = beginning(e.State, longestState), beginning(e.CaseID, longestValue)
	size := 0
	for i := len(e.Parties) - 1; i >= 0; i-- {
		party := &e.Parties[i]
		party.PartyID, party.DisplayName = beginning(party.PartyID, longestValue), beginning(party.DisplayName, longestValue)
		party.PartyType = beginning(party.PartyType, longestState)
		size += writtenSize(*party)
		if size > partiesSize || len(e.Parties)-i > mostParties {
			e.Parties = slices.Clone(e.Parties[i+1:])
			return
		}
	}
}

// beginning is that of a text, of at most so many bytes as it is written.
func beginning(s string, most int) string {
	s = translate.Cut(s, most)
	for {
		over := writtenSize(s) - len(`""`) - most
		if over <= 0 {
			return s
		}
		s = translate.Cut(s, len(s)-(over+escaped-1)/escaped)
	}
}

const escaped = 6 // bytes of a character at most, for each that it has

func writtenSize(v any) int {
	written, _ := schema.JSON(v) // of strings, which can always be written
	return len(written)
}
