package translate

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// What makes an event the one that it is, field by field. A field that is
// missing, null or an empty text tells nothing: the other side may have it.

// The fields of the events that are known.
var (
	fieldParty     = fieldOf("party_id")
	fieldMessage   = fieldOf("msg_id")
	fieldRef       = fieldOf("ref_msg_id")
	fieldHTML      = fieldOf("msg")
	fieldText      = fieldOf("msg_text")
	fieldState     = fieldOf("state")
	fieldCase      = fieldOf("case_id")
	fieldService   = fieldOf("service_name")
	fieldURL       = fieldOf("url")
	fieldLatitude  = fieldOf("latitude")
	fieldLongitude = fieldOf("longitude")
	fieldFile      = fieldOf("file_id")
	fieldForm      = fieldOf("form_request_id")
)

// partsOf are sorted.
func partsOf(e brightpattern.Event) []part {
	var l partList
	if _, known := identifyingFields[e.Name]; known {
		l.addKnown(e)
	} else {
		l.addWhole(e.Raw, e.Name != "")
	}
	slices.Sort(l.parts)
	return l.limited()
}

type partList struct{ parts []part }

func (l *partList) add(f field, value string) {
	if value != "" {
		l.parts = append(l.parts, newPart(f, value))
	}
}

func (l *partList) addKnown(e brightpattern.Event) {
	l.add(fieldParty, string(e.PartyID))
	l.add(fieldMessage, string(e.MessageID))
	l.add(fieldRef, string(e.RefMessageID))
	l.add(fieldHTML, e.HTML)
	l.add(fieldText, e.Text)
	l.add(fieldState, e.State)
	l.add(fieldService, e.ServiceName)
	l.add(fieldURL, e.URL)
	l.add(fieldLatitude, number(e.Latitude))
	l.add(fieldLongitude, number(e.Longitude))
	l.add(fieldFile, string(e.FileID))
	l.add(fieldForm, string(e.FormRequestID))
	if e.CaseID != nil { // that it is empty says that the case was cleared
		l.parts = append(l.parts, newPart(fieldCase, string(*e.CaseID)))
	}
	if e.Name == brightpattern.EventSignaling {
		l.addWhole(e.Data, false)
	}
}

// detailsOf hashes what the contact center tells of a known event more or less
// exactly, from one time to the next.
func detailsOf(e brightpattern.Event) uint32 {
	sum := digest(e.PartyType, e.FirstName, e.LastName, e.DisplayName, e.Channel, number(e.EstimatedWait),
		e.FileName, e.FileType, e.FormName, e.FormID, number(e.FormTimeout))
	return binary.BigEndian.Uint32(sum[:4])
}

// mostParts are kept of an event. Of one that has more, those with the lowest
// hashes are: of two spellings mostly the same ones.
const mostParts = 24

// limited says in one more part what the whole is, for another spelling that
// has the very same fields. The parts are sorted.
func (l *partList) limited() []part {
	if len(l.parts) <= mostParts {
		return l.parts
	}
	var fields, values []byte
	for _, p := range l.parts {
		fields = binary.BigEndian.AppendUint32(fields, uint32(p.field()))
		values = binary.BigEndian.AppendUint64(values, uint64(p))
	}
	kept := append(slices.Clone(l.parts[:mostParts]), newPart(fieldOf("the whole of", string(fields)), string(values)))
	slices.Sort(kept)
	return kept
}

// addWhole adds each value in a JSON text, by the way that leads to it. Of an
// event, its name and time are told elsewhere.
func (l *partList) addWhole(raw json.RawMessage, isNamed bool) {
	value, ok := readValue(raw)
	object, isObject := value.(map[string]any)
	switch {
	case !ok:
		l.add(fieldOf(), string(raw))
	case !isObject:
		l.add(fieldOf(), plainText(value))
	default:
		delete(object, "timestamp")
		if isNamed {
			delete(object, "event")
		}
		l.addObject(nil, object)
	}
}

// deepestPath is how far a value is looked for; what lies deeper is one value.
const deepestPath = 4

func (l *partList) addObject(path []string, object map[string]any) {
	for key, value := range object {
		way := append(slices.Clone(path), key)
		if inner, isObject := opened(value).(map[string]any); isObject && len(way) < deepestPath {
			l.addObject(way, inner)
		} else {
			l.add(fieldOf(way...), plainText(value))
		}
	}
}

// readValue reads any JSON, unless that takes too much memory.
func readValue(raw []byte) (value any, ok bool) {
	if shape := brightpattern.ShapeOf(raw); shape.Values > mostSorted || shape.Depth > schema.MaxNesting {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil || decoder.More() {
		return nil, false
	}
	return value, true
}

// opened is the object or list that a text holds, or the value itself.
func opened(value any) any {
	text, isText := value.(string)
	if trimmed := strings.TrimSpace(text); isText && trimmed != "" && strings.ContainsRune("{[", rune(trimmed[0])) {
		if inner, ok := readValue([]byte(trimmed)); ok {
			return inner
		}
	}
	return value
}

// plainText is a value whether it is told as a number or as a text, "" if it
// tells nothing.
func plainText(value any) string {
	switch value := plain(value).(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		written, _ := json.Marshal(value) // of texts, lists and objects alone
		return string(written)
	}
}

// plain makes texts of all that is neither list nor object, and leaves out
// what tells nothing.
func plain(value any) any {
	switch value := opened(value).(type) {
	case string:
		return plainNumber(value)
	case json.Number:
		return plainNumber(string(value))
	case bool:
		return strconv.FormatBool(value)
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = plain(element)
		}
		return list
	case map[string]any:
		return plainObject(value)
	}
	return nil
}

func plainObject(object map[string]any) any {
	kept := make(map[string]any, len(object))
	for key, value := range object {
		if p := plain(value); p != nil && p != "" {
			kept[key] = p
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// plainNumber spells a number that has a point or an exponent in one way.
// Whole ones stay as they are: they may be ids of any length.
func plainNumber(text string) string {
	if len(text) > 32 || !strings.ContainsAny(text, ".eE") || strings.Trim(text, "0123456789+-.eE") != "" {
		return text
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
