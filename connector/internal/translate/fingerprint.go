package translate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"cc-connector/connector/brightpattern"
)

// Fingerprint is what one spelling of an event says that it is: two events of a
// chat may share one. With its ordinal among them it makes the event's id.
type Fingerprint string

// Counts are how many events of each fingerprint a chat has had.
type Counts = map[Fingerprint]int

// identifyingFields says for each kind of event what beside name and time
// makes it the one that it is.
var identifyingFields = map[brightpattern.EventName]func(brightpattern.Event) []string{
	brightpattern.EventStatus:           func(e brightpattern.Event) []string { return []string{e.State} },
	brightpattern.EventCaseSet:          func(e brightpattern.Event) []string { return []string{caseText(e.CaseID)} },
	brightpattern.EventPartyJoined:      party,
	brightpattern.EventPartyLeft:        party,
	brightpattern.EventInfo:             func(e brightpattern.Event) []string { return []string{e.ServiceName} },
	brightpattern.EventMessage:          func(e brightpattern.Event) []string { return partyMessage(e, messageContent(e)) },
	brightpattern.EventMessageDelivered: receipt,
	brightpattern.EventMessageRead:      receipt,
	brightpattern.EventTyping:           party,
	brightpattern.EventNotTyping:        party,
	brightpattern.EventLocation: func(e brightpattern.Event) []string {
		return partyMessage(e, e.URL, number(e.Latitude), number(e.Longitude))
	},
	brightpattern.EventFile:                func(e brightpattern.Event) []string { return partyMessage(e, string(e.FileID)) },
	brightpattern.EventFormShow:            form,
	brightpattern.EventFormData:            form,
	brightpattern.EventSecureFormShow:      form,
	brightpattern.EventSecureFormData:      form,
	brightpattern.EventSecureFormCancel:    form,
	brightpattern.EventTimeoutWarning:      content,
	brightpattern.EventInactivityTimeout:   nothing,
	brightpattern.EventEnded:               nothing,
	brightpattern.EventSignaling:           func(e brightpattern.Event) []string { return partyMessage(e, Canonical(e.Data)) },
	brightpattern.EventCobrowsingRequested: func(e brightpattern.Event) []string { return []string{string(e.MessageID)} },
}

func nothing(brightpattern.Event) []string   { return nil }
func party(e brightpattern.Event) []string   { return []string{string(e.PartyID)} }
func content(e brightpattern.Event) []string { return []string{messageContent(e)} }
func form(e brightpattern.Event) []string    { return []string{string(e.FormRequestID)} }
func receipt(e brightpattern.Event) []string {
	return []string{string(e.PartyID), string(e.RefMessageID)}
}

func partyMessage(e brightpattern.Event, more ...string) []string {
	return append([]string{string(e.PartyID), string(e.MessageID)}, more...)
}

// messageContent prefers the HTML, which every message has: the plain text
// is optional, and a history may leave it out.
func messageContent(e brightpattern.Event) string {
	if e.HTML != "" {
		return "html:" + e.HTML
	}
	return "text:" + e.Text
}

func caseText(id *brightpattern.CaseID) string {
	if id == nil {
		return ""
	}
	return string(*id)
}

func number(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'g', -1, 64)
}

// FingerprintOf must be the same in every version of this program: ids rest on it.
func FingerprintOf(e brightpattern.Event) Fingerprint {
	second := ""
	if !e.Time.IsZero() {
		second = strconv.FormatInt(e.Time.Unix(), 10)
	}
	parts := []string{string(e.Name), second}
	if fields, known := identifyingFields[e.Name]; known {
		parts = append(parts, fields(e)...)
	} else {
		parts = append(parts, withoutTimestamp(e.Raw))
	}
	sum := digest(parts...)
	return Fingerprint(hex.EncodeToString(sum[:16]))
}

// mostSorted is how many values a text may have to be put into canonical form:
// sorted, each takes many times as much memory as it has bytes.
const mostSorted = 100_000

// withoutTimestamp is an unknown event in canonical form; its time, written
// in whatever unit, is already part of the fingerprint.
func withoutTimestamp(raw json.RawMessage) string {
	if brightpattern.ShapeOf(raw).Values > mostSorted {
		return string(raw)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields == nil {
		return Canonical(raw)
	}
	delete(fields, "timestamp")
	plain, err := json.Marshal(fields)
	if err != nil {
		return string(raw)
	}
	return Canonical(plain)
}

// Canonical sorts keys and drops white space, and keeps numbers as spelt; what
// is not JSON, or has too many values, stays as it is.
func Canonical(raw json.RawMessage) string {
	if brightpattern.ShapeOf(raw).Values > mostSorted {
		return string(raw)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return string(raw)
	}
	sorted, err := json.Marshal(value)
	if err != nil {
		return string(raw)
	}
	return string(sorted)
}

// CanonicalStruct is Canonical of a struct that json.Marshal has written: its members
// are only to be sorted, unless one of them holds others.
func CanonicalStruct(written []byte) string {
	members, areFlat := membersOf(written)
	if !areFlat {
		return Canonical(written)
	}
	slices.SortFunc(members, bytes.Compare)
	return "{" + string(bytes.Join(members, []byte{','})) + "}"
}

// membersOf takes an object without white space apart; false if a member holds others.
func membersOf(object []byte) (members [][]byte, areFlat bool) {
	begin, isQuoted := 1, false
	for i := 1; i < len(object); i++ {
		switch c := object[i]; {
		case c == '\\':
			i++
		case c == '"':
			isQuoted = !isQuoted
		case isQuoted:
		case c == '{', c == '[':
			return nil, false
		case c == ',', c == '}' && i > 1:
			members = append(members, object[begin:i])
			begin = i + 1
		}
	}
	return members, true
}

// digest hashes a list of strings so that no two lists share an input.
func digest(parts ...string) [sha256.Size]byte {
	size := 0
	for _, part := range parts {
		size += binary.MaxVarintLen16 + len(part)
	}
	input := make([]byte, 0, size)
	for _, part := range parts {
		input = binary.AppendUvarint(input, uint64(len(part)))
		input = append(input, part...)
	}
	return sha256.Sum256(input)
}

// ID makes a UUID out of a list of strings: the same list, the same id.
func ID(parts ...string) string {
	sum := digest(parts...)
	return uuid.NewHash(sha256.New(), uuid.Nil, sum[:], 8).String()
}

// EventID is that of the n-th event of a chat with a fingerprint, from 1 on.
func EventID(chat brightpattern.ChatID, f Fingerprint, ordinal int) string {
	return ID("event", string(chat), string(f), strconv.Itoa(ordinal))
}

// SessionID is that of a chat's session message with a sequence.
func SessionID(chat brightpattern.ChatID, sequence uint64) string {
	return ID("session", string(chat), strconv.FormatUint(sequence, 10))
}
