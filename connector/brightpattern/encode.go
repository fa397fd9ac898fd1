package brightpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
)

// fields are an event on its way out: its JSON, but for the brace at the end.
type fields []byte

func event(name EventName) fields { return with(make(fields, 0, usualEvent), "event", name) }

const usualEvent = 256 // bytes of an event on its way out; larger ones grow

// with adds a field, the empty text too.
func with[S ~string](f fields, key string, value S) fields {
	return appendQuoted(f.name(key), string(value))
}

// opt adds a field unless it is empty.
func opt[S ~string](f fields, key string, value S) fields {
	if value == "" {
		return f
	}
	return with(f, key, value)
}

// raw adds a field whose value is JSON.
func (f fields) raw(key string, value json.RawMessage) fields { return append(f.name(key), value...) }

// name is for names that need no escaping.
func (f fields) name(key string) fields {
	between := byte(',')
	if len(f) == 0 {
		between = '{'
	}
	return append(append(append(f, between, '"'), key...), '"', ':')
}

// appendQuoted writes a text as encode does.
func appendQuoted(b []byte, s string) []byte {
	if isPlain(s) && strings.IndexByte(s, lineSeparatorLead) < 0 {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, _ := encode(s) // a text can always be written
	return append(b, quoted...)
}

// lineSeparatorLead begins the two line separators of Unicode, which are written as escapes.
const lineSeparatorLead = '\xe2'

func (m Message) wire() (fields, error) {
	f := opt(opt(event(EventMessage), "msg_id", m.ID), "channel", m.Channel)
	if m.HTML != "" {
		return with(f, "msg", m.HTML), nil
	}
	return with(with(f, "msg", textToHTML.Replace(m.Text)), "msg_text", m.Text), nil
}

// textToHTML shows plain text as it was meant. "\r\n" stands before its parts
// so that it becomes one break.
var textToHTML = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	"\r\n", "<br>", "\r", "<br>", "\n", "<br>",
)

func (d Delivered) wire() (fields, error) {
	return with(event(EventMessageDelivered), "ref_msg_id", d.Ref), nil
}

func (r Read) wire() (fields, error) {
	return with(event(EventMessageRead), "ref_msg_id", r.Ref), nil
}

func (Typing) wire() (fields, error)             { return event(EventTyping), nil }
func (NotTyping) wire() (fields, error)          { return event(EventNotTyping), nil }
func (CobrowsingRejected) wire() (fields, error) { return event(EventCobrowsingRejected), nil }
func (CobrowsingEnded) wire() (fields, error)    { return event(EventCobrowsingEnded), nil }
func (Disconnect) wire() (fields, error)         { return event(EventDisconnect), nil }
func (End) wire() (fields, error)                { return event(EventEnd), nil }

// Degrees are sent as strings, the reference's form.
func (l Location) wire() (fields, error) {
	f := opt(opt(event(EventLocation), "msg_id", l.ID), "url", l.URL)
	switch place := l.Place; {
	case place == nil && l.URL == "":
		return nil, errors.New("a location has neither a place nor a url")
	case place == nil:
		return f, nil
	case !finite(place.Latitude) || !finite(place.Longitude):
		return nil, errors.New("latitude or longitude is not a number")
	default:
		return with(with(f, "latitude", decimal(place.Latitude)), "longitude", decimal(place.Longitude)), nil
	}
}

func finite(f float64) bool    { return !math.IsNaN(f) && !math.IsInf(f, 0) }
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (s SharedFile) wire() (fields, error) {
	f := with(opt(event(EventFile), "msg_id", s.ID), "file_id", s.FileID)
	return with(with(f, "file_name", s.FileName), "file_type", orDefault(s.FileType, "attachment")), nil
}

func (d FormData) wire() (fields, error) {
	return formData(EventFormData, d.FormRequestID, d.FormName, d.Data)
}

func (d SecureFormData) wire() (fields, error) {
	return formData(EventSecureFormData, d.FormRequestID, d.FormName, d.Data)
}

func formData(name EventName, id FormRequestID, form string, data json.RawMessage) (fields, error) {
	if data == nil {
		data = json.RawMessage("{}")
	}
	data, err := dataObject(data)
	return with(with(event(name), "form_request_id", id), "form_name", form).raw("data", data), err
}

func (c SecureFormCancel) wire() (fields, error) {
	return with(event(EventSecureFormCancel), "form_request_id", c.FormRequestID), nil
}

func (s Signal) wire() (fields, error) {
	data, err := dataObject(s.Data)
	f := with(opt(event(EventSignaling), "msg_id", s.ID), "destination_party_id", s.Destination)
	return f.raw("data", data), err
}

func (c CobrowsingStarted) wire() (fields, error) {
	f := with(event(EventCobrowsingStarted), "provider_type", c.ProviderType)
	return with(f, "cobrowsing_url", c.URL), nil
}

func (n Navigation) wire() (fields, error) {
	f := opt(event(EventNavigation), "msg_id", n.ID)
	return with(with(f, "title", n.Title), "page", n.Page), nil
}

// dataObject refuses, without repeating any of it, what is not a JSON object.
func dataObject(raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.ToValidUTF8(raw, []byte("\ufffd"))
	if _, ok := parseObject(raw); !ok {
		return nil, errors.New("data is not a JSON object")
	}
	return raw, nil
}
