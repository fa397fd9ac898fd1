package bpsim

import (
	"encoding/json"
	"strings"
)

// rule describes one field of a request's JSON. What has no rule is refused:
// in a client under development it is a typing error.
type rule struct {
	field    string
	required bool
	holds    func(json.RawMessage) bool
	wants    string
}

func must(field string, c check) rule { return rule{field, true, c.holds, c.wants} }
func may(field string, c check) rule  { return rule{field, false, c.holds, c.wants} }

type check struct {
	wants string
	holds func(json.RawMessage) bool
}

var (
	aString         = check{"must be a string", isString}
	aFilledString   = check{"must be a string that is not empty", isFilledString}
	aStringOrNumber = check{"must be a string or a number", isStringOrNumber}
	anObject        = check{"must be an object", isObject}
	anArray         = check{"must be an array", func(raw json.RawMessage) bool { _, ok := parseArray(raw); return ok }}
)

func isString(raw json.RawMessage) bool {
	_, ok := stringOf(raw)
	return ok
}

func isFilledString(raw json.RawMessage) bool {
	s, ok := stringOf(raw)
	return ok && s != ""
}

func isStringOrNumber(raw json.RawMessage) bool {
	var n json.Number
	return isFilledString(raw) || raw[0] != '"' && string(raw) != "null" && json.Unmarshal(raw, &n) == nil
}

func isObject(raw json.RawMessage) bool {
	_, err := parseFields(raw)
	return err == nil
}

func oneOf(values ...string) check {
	return check{"must be one of " + strings.Join(values, ", "), func(raw json.RawMessage) bool {
		s, _ := stringOf(raw)
		for _, v := range values {
			if s == v {
				return true
			}
		}
		return false
	}}
}

// breach names the first field that breaks the rules, or is "".
func breach(fs fields, rules []rule) string {
	for _, r := range rules {
		value, there := fs.get(r.field)
		switch {
		case !there && r.required:
			return r.field + " is missing"
		case there && !r.holds(value):
			return r.field + " " + r.wants
		}
	}
	return unknownField(fs, rules)
}

func unknownField(fs fields, rules []rule) string {
	for _, f := range fs {
		if !hasRule(rules, f.key) {
			return "there is a field that the API does not have here"
		}
	}
	return ""
}

func hasRule(rules []rule, field string) bool {
	for _, r := range rules {
		if r.field == field {
			return true
		}
	}
	return false
}
