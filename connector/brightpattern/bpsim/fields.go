package bpsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// fields is a JSON object that keeps the order of its keys and the spelling of
// its values: clients are promised that nothing of an event is rewritten.
type fields []field

type field struct {
	key   string
	value json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

func parseFields(raw []byte) (fields, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotObject
	}
	var fs fields
	for dec.More() {
		f, err := parseField(dec)
		if err != nil {
			return nil, errNotObject
		}
		fs = append(fs, f)
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, errNotObject
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errNotObject
	}
	return fs, nil
}

func parseField(dec *json.Decoder) (field, error) {
	key, err := dec.Token()
	if err != nil {
		return field{}, err
	}
	name, isString := key.(string)
	if !isString {
		return field{}, errNotObject
	}
	var value json.RawMessage
	err = dec.Decode(&value)
	return field{name, value}, err
}

// parseArray is strict: a null is no array.
func parseArray(raw json.RawMessage) ([]json.RawMessage, bool) {
	var items []json.RawMessage
	err := json.Unmarshal(raw, &items)
	return items, err == nil && items != nil
}

func (fs fields) get(key string) (json.RawMessage, bool) {
	for _, f := range fs {
		if f.key == key {
			return f.value, true
		}
	}
	return nil, false
}

// text is the value of a string field, else "".
func (fs fields) text(key string) string {
	value, _ := fs.get(key)
	text, _ := stringOf(value)
	return text
}

// with replaces a field where it stands, or appends it.
func (fs fields) with(key string, value json.RawMessage) fields {
	out := make(fields, 0, len(fs)+1)
	replaced := false
	for _, f := range fs {
		if f.key == key {
			f.value, replaced = value, true
		}
		out = append(out, f)
	}
	if !replaced {
		out = append(out, field{key, value})
	}
	return out
}

func (fs fields) without(key string) fields {
	out := make(fields, 0, len(fs))
	for _, f := range fs {
		if f.key != key {
			out = append(out, f)
		}
	}
	return out
}

func (fs fields) encode() json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(encode(f.key))
		b.WriteByte(':')
		b.Write(f.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func encodeEvents(events []json.RawMessage) []byte {
	var b bytes.Buffer
	b.WriteString(`{"events":[`)
	b.Write(bytes.Join(asBytes(events), []byte{','}))
	b.WriteString(`]}`)
	return b.Bytes()
}

func asBytes(events []json.RawMessage) [][]byte {
	out := make([][]byte, len(events))
	for i, e := range events {
		out[i] = e
	}
	return out
}

// encode is for values that cannot fail to encode; <, > and & stay readable.
func encode(value any) json.RawMessage {
	out, err := tryEncode(value)
	if err != nil {
		panic(err)
	}
	return out
}

func tryEncode(value any) (json.RawMessage, error) {
	if raw, isRaw := value.(json.RawMessage); isRaw {
		return raw, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

func rawNumber(digits string) json.RawMessage { return json.RawMessage(digits) }

func stringOf(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}
