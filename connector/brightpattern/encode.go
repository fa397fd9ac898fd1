package brightpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
)

// fields are an event on its way out.
type fields map[string]any

func event(name EventName) fields { return fields{"event": name} }

// with adds a field, the empty value too.
func (f fields) with(key string, value any) fields {
	f[key] = value
	return f
}

// opt adds a field unless it is empty.
func opt[S ~string](f fields, key string, value S) fields {
	if value != "" {
		f[key] = value
	}
	return f
}

func (m Message) wire() (fields, error) {
	f := opt(opt(event(EventMessage), "msg_id", m.ID), "channel", m.Channel)
	if m.HTML != "" {
		return f.with("msg", m.HTML), nil
	}
	return f.with("msg", textToHTML.Replace(m.Text)).with("msg_text", m.Text), nil
}

// textToHTML shows plain text as it was meant. "\r\n" stands before its parts
// so that it becomes one break.
var textToHTML = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	"\r\n", "<br>", "\r", "<br>", "\n", "<br>",
)

func (d Delivered) wire() (fields, error) {
	return event(EventMessageDelivered).with("ref_msg_id", d.Ref), nil
}

func (r Read) wire() (fields, error) {
	return event(EventMessageRead).with("ref_msg_id", r.Ref), nil
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
		return f.with("latitude", decimal(place.Latitude)).with("longitude", decimal(place.Longitude)), nil
	}
}

func finite(f float64) bool    { return !math.IsNaN(f) && !math.IsInf(f, 0) }
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (s SharedFile) wire() (fields, error) {
	f := opt(event(EventFile), "msg_id", s.ID).with("file_id", s.FileID)
	return f.with("file_name", s.FileName).with("file_type", orDefault(s.FileType, "attachment")), nil
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
	return event(name).with("form_request_id", id).with("form_name", form).with("data", data), err
}

func (c SecureFormCancel) wire() (fields, error) {
	return event(EventSecureFormCancel).with("form_request_id", c.FormRequestID), nil
}

func (s Signal) wire() (fields, error) {
	data, err := dataObject(s.Data)
	f := opt(event(EventSignaling), "msg_id", s.ID).with("destination_party_id", s.Destination)
	return f.with("data", data), err
}

func (c CobrowsingStarted) wire() (fields, error) {
	f := event(EventCobrowsingStarted).with("provider_type", c.ProviderType)
	return f.with("cobrowsing_url", c.URL), nil
}

func (n Navigation) wire() (fields, error) {
	f := opt(event(EventNavigation), "msg_id", n.ID)
	return f.with("title", n.Title).with("page", n.Page), nil
}

// dataObject refuses, without repeating any of it, what is not a JSON object.
func dataObject(raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.ToValidUTF8(raw, []byte("\ufffd"))
	if _, ok := parseObject(raw); !ok {
		return nil, errors.New("data is not a JSON object")
	}
	return raw, nil
}
