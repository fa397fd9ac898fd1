package connector_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

// A strict reader of CloudEvents, written from the JSON format and the NATS
// protocol binding: what it accepts, every conforming consumer accepts.

func readCloudEvent(header nats.Header, payload []byte) (cloudEvent, error) {
	e, err := readStructured(header, payload)
	if !strings.HasPrefix(header.Get("Content-Type"), "application/cloudevents") {
		e, err = readBinary(header, payload)
	}
	if err != nil {
		return e, err
	}
	return e, e.checkAttributes()
}

func readStructured(header nats.Header, payload []byte) (cloudEvent, error) {
	e := cloudEvent{attributes: map[string]string{}}
	if got := header.Values("Content-Type"); len(got) != 1 || got[0] != "application/cloudevents+json" {
		return e, fmt.Errorf("Content-Type is %q", got)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return e, err
	}
	for name, raw := range members {
		if name == "data" {
			if err := json.Unmarshal(raw, &e.data); err != nil {
				return e, fmt.Errorf("data: %w", err)
			}
			continue
		}
		var value string
		if err := json.Unmarshal(raw, &value); err != nil {
			return e, fmt.Errorf("attribute %q: %w", name, err)
		}
		e.attributes[name] = value
	}
	return e, nil
}

func readBinary(header nats.Header, payload []byte) (cloudEvent, error) {
	e := cloudEvent{attributes: map[string]string{}}
	for name, values := range header {
		attribute, isOne := strings.CutPrefix(name, "ce-")
		if !isOne {
			if strings.HasPrefix(strings.ToLower(name), "ce-") {
				return e, fmt.Errorf("header %q is not in lower case", name)
			}
			continue
		}
		if len(values) != 1 {
			return e, fmt.Errorf("header %q has %d values", name, len(values))
		}
		value, err := percentDecoded(values[0])
		if err != nil {
			return e, fmt.Errorf("header %q: %w", name, err)
		}
		e.attributes[attribute] = value
	}
	if e.attributes["dataref"] != "" && len(payload) == 0 { // they are elsewhere
		return e, nil
	}
	if err := json.Unmarshal(payload, &e.data); err != nil {
		return e, fmt.Errorf("payload: %w", err)
	}
	return e, nil
}

// percentDecoded refuses whatever the binding wants to be encoded.
func percentDecoded(s string) (string, error) {
	var out []byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ' || c > '~' || c == '"':
			return "", fmt.Errorf("byte %#x stands unencoded", c)
		case c == '%' && i+2 < len(s):
			decoded, err := hex.DecodeString(s[i+1 : i+3])
			if err != nil {
				return "", err
			}
			out, i = append(out, decoded...), i+2
		case c == '%':
			return "", errors.New("ends within an encoded byte")
		default:
			out = append(out, c)
		}
	}
	if !utf8.Valid(out) {
		return "", errors.New("is not UTF-8")
	}
	return string(out), nil
}

func (e cloudEvent) checkAttributes() error {
	for name, value := range e.attributes {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return fmt.Errorf("%q is no attribute's name", name)
		}
		if value == "" {
			return fmt.Errorf("attribute %s is empty", name)
		}
		if strings.ContainsFunc(value, unicode.IsControl) {
			return fmt.Errorf("attribute %s has control characters", name)
		}
	}
	for _, name := range []string{"id", "source", "type"} {
		if e.attributes[name] == "" {
			return fmt.Errorf("attribute %s is missing", name)
		}
	}
	for name, want := range map[string]string{"specversion": "1.0", "datacontenttype": "application/json"} {
		if got := e.attributes[name]; got != want {
			return fmt.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"time", "recordedtime"} {
		if value, given := e.attributes[name]; given {
			if _, err := time.Parse(time.RFC3339Nano, value); err != nil {
				return err
			}
		}
	}
	return nil
}
