package brightpattern_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// JSON with patterns, as the literal data have it.

func encode(v any) json.RawMessage {
	if raw, isRaw := v.(json.RawMessage); isRaw {
		return raw
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

func decode[T any](t *testing.T, raw json.RawMessage) (out T) {
	t.Helper()
	if len(raw) == 0 {
		return out
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return out
}

func object(key string, value json.RawMessage) json.RawMessage {
	return json.RawMessage(`{` + strconv.Quote(key) + `:` + string(value) + `}`)
}

func list(items ...json.RawMessage) json.RawMessage {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return json.RawMessage(`[` + strings.Join(texts, ",") + `]`)
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return []byte(err.Error())
	}
	return b.Bytes()
}

func values(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out any
	err := dec.Decode(&out)
	return out, err
}

func withName(fields json.RawMessage, name string) json.RawMessage {
	return changed(fields, func(event map[string]any) { event["event"] = name })
}

// withTime is the event as a server tells it again: a time that can be read
// may be spelled in another way (if a spelling is given), a missing one is added.
func withTime(event json.RawMessage, spelling string) json.RawMessage {
	return changed(event, func(event map[string]any) {
		given, there := event["timestamp"]
		digits := fmt.Sprint(given)
		switch seconds, err := strconv.ParseInt(digits, 10, 64); {
		case !there:
			event["timestamp"] = "{timestamp}"
		case err == nil && spelling != "":
			if seconds >= 1e11 {
				seconds /= 1000
			}
			event["timestamp"] = fmt.Sprintf(spelling, strconv.FormatInt(seconds, 10))
		}
	})
}

func changed(raw json.RawMessage, change func(map[string]any)) json.RawMessage {
	value, err := values(raw)
	if err != nil {
		panic(err)
	}
	change(value.(map[string]any))
	return encode(value)
}

// literal puts plain values where patterns stand.
func literal(raw json.RawMessage) json.RawMessage {
	value, err := values(raw)
	if err != nil {
		panic(err)
	}
	return encode(literally(value))
}

func literally(value any) any {
	switch value := value.(type) {
	case string:
		if value == "{timestamp}" {
			return "1614718748"
		}
		if p := patternForm.FindStringSubmatch(value); p != nil && p[1] == "number" {
			return p[2]
		}
	case []any:
		for i := range value {
			value[i] = literally(value[i])
		}
	case map[string]any:
		for key := range value {
			if value[key] = literally(value[key]); strings.HasSuffix(key, "?") {
				delete(value, key)
			}
		}
	}
	return value
}

// match holds JSON against an expectation with patterns.
func match(want, got json.RawMessage) error {
	wanted, err := values(want)
	if err != nil {
		return fmt.Errorf("expectation: %w", err)
	}
	have, err := values(got)
	if err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	return matchValue("", wanted, have)
}

func matchValue(at string, want, got any) error {
	fits := false
	switch want := want.(type) {
	case map[string]any:
		if got, isObject := got.(map[string]any); isObject {
			return matchObject(at, want, got)
		}
	case []any:
		if got, isArray := got.([]any); isArray {
			return matchArray(at, want, got)
		}
	case string:
		fits = matchString(want, got)
	case json.Number:
		have, isNumber := got.(json.Number)
		fits = isNumber && sameNumber(want.String(), have.String())
	default:
		fits = want == got
	}
	if !fits {
		return fmt.Errorf("%s is %s, want %s", at, encode(got), encode(want))
	}
	return nil
}

func matchObject(at string, want, got map[string]any) error {
	others, anyOthers := want["{any}"]
	for key, value := range got {
		expected, there := want[key]
		if !there {
			expected, there = want[key+"?"]
		}
		if !there {
			expected, there = others, anyOthers
		}
		if !there {
			return fmt.Errorf("%s.%s is there, want none", at, key)
		}
		if err := matchValue(at+"."+key, expected, value); err != nil {
			return err
		}
	}
	for key := range want {
		_, there := got[key]
		if !there && key != "{any}" && !strings.HasSuffix(key, "?") {
			return fmt.Errorf("%s.%s is missing", at, key)
		}
	}
	return nil
}

func matchArray(at string, want, got []any) error {
	if len(want) > 0 {
		if mode := arrayModes[fmt.Sprint(want[0])]; mode != nil {
			return mode(at, want[1:], got)
		}
	}
	if len(want) != len(got) {
		return fmt.Errorf("%s has %d elements, want %d", at, len(got), len(want))
	}
	for i := range want {
		if err := matchValue(fmt.Sprintf("%s[%d]", at, i), want[i], got[i]); err != nil {
			return err
		}
	}
	return nil
}

var arrayModes map[string]func(at string, want, got []any) error

func init() {
	arrayModes = map[string]func(at string, want, got []any) error{
		"{each}":      matchEach,
		"{among}":     func(at string, want, got []any) error { return matchSome(at, want, got, true) },
		"{somewhere}": func(at string, want, got []any) error { return matchSome(at, want, got, false) },
	}
}

func matchEach(at string, want, got []any) error {
	for i := range got {
		if err := matchValue(fmt.Sprintf("%s[%d]", at, i), want[0], got[i]); err != nil {
			return err
		}
	}
	return nil
}

func matchSome(at string, want, got []any, inOrder bool) error {
	from := 0
	for _, expected := range want {
		var problems []error
		found := slices.IndexFunc(got[from:], func(value any) bool {
			err := matchValue(at+"[]", expected, value)
			problems = append(problems, err)
			return err == nil
		})
		if found < 0 {
			return fmt.Errorf("%s lacks %s: %w", at, encode(expected), errors.Join(problems...))
		}
		if inOrder {
			from += found + 1
		}
	}
	return nil
}

var patternForm = regexp.MustCompile(`^\{([A-Za-z0-9_/;=.|-][A-Za-z0-9_/;=.| -]*?)(?: (-?[0-9.]+))?\}$`)

func matchString(want string, got any) bool {
	p := patternForm.FindStringSubmatch(want)
	if p == nil {
		return want == got
	}
	text := fmt.Sprint(got) // of a json.Number its digits
	if fits := patterns[p[1]]; fits != nil {
		return fits(got, text, p[2])
	}
	return strings.Contains(p[1], "|") && slices.Contains(strings.Split(p[1], "|"), text)
}

var patterns = map[string]func(got any, text, argument string) bool{
	"anything": func(any, string, string) bool { return true },
	"string":   func(got any, text, _ string) bool { _, isString := got.(string); return isString && text != "" },
	"ewt": func(_ any, text, _ string) bool {
		_, err := strconv.ParseFloat(text, 64)
		return text == "" || err == nil
	},
	"number": func(_ any, text, argument string) bool { return sameNumber(text, argument) },
	"seconds": func(_ any, text, _ string) bool {
		n, err := strconv.ParseInt(text, 10, 64)
		return err == nil && n > 1e9 && n < 1e11
	},
	"timestamp": func(_ any, text, _ string) bool {
		n, err := strconv.ParseInt(text, 10, 64)
		return err == nil && n > 1e9
	},
	"time": func(_ any, text, argument string) bool {
		n, err := strconv.ParseInt(text, 10, 64)
		if n >= 1e11 {
			n /= 1000
		}
		return err == nil && strconv.FormatInt(n, 10) == argument
	},
}

func sameNumber(a, b string) bool {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}
