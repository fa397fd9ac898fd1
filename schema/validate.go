package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Validate judges a command's data before anything is called: the first field
// that is unknown, repeated, of the wrong form or too long, or else one that is
// missing, is named in the error, its value never. Empty data count as an empty
// object. Nil: the data are fine, and fit the command's struct (see [Command.NewData]).
func (c *Command) Validate(data json.RawMessage) *FieldError {
	values := map[string]json.RawMessage{}
	_, ferr := c.each(data, func(m member) *FieldError {
		values[m.name] = m.value
		return c.checkMember(m)
	})
	if ferr != nil {
		return ferr
	}
	return c.checkPresence(values)
}

// WithChat adds to the data the chat that the subject names. Data that name
// another chat are refused; those that name none, or the same, come back with
// the chat in them. Other errors are left to [Command.Validate].
func (c *Command) WithChat(data json.RawMessage, chatID string) (json.RawMessage, *FieldError) {
	field, ok := c.Field("chatId")
	named := false
	count, ferr := c.each(data, func(m member) *FieldError {
		if m.name != field.Name && m.name != field.Alias {
			return nil
		}
		if given, ok := text(m.value); !ok || given != chatID {
			return &FieldError{m.name, "must be the chat that the subject names"}
		}
		named = true
		return nil
	})
	if ferr != nil {
		return nil, ferr
	}
	if named || !ok {
		return data, nil
	}
	return addString(data, field.Name, chatID, count == 0), nil
}

// ChatIn is the chat that data name, which may be refused for something else; "" if none.
func (c *Command) ChatIn(data json.RawMessage) string {
	field, ok := c.Field("chatId")
	if !ok {
		return ""
	}
	names, seen := map[string]string{}, 0
	eachMember(data, func(m member) bool {
		if id, ok := text(m.value); ok && id != "" && len(id) <= MaxID {
			names[m.name] = id
		}
		seen++
		return seen < MaxMembers
	})
	if id := names[field.Name]; id != "" {
		return id
	}
	return names[field.Alias]
}

// addString puts a member into an object, before the others.
func addString(object json.RawMessage, name, value string, empty bool) json.RawMessage {
	quoted, _ := JSON(value) // a string can always be written
	out := append([]byte(`{"`+name+`":`), quoted...)
	if empty {
		return append(out, '}')
	}
	rest := bytes.TrimLeft(object, " \t\r\n")[1:]
	return append(append(out, ','), rest...)
}

// each shows the members of data until one is refused, by take or because it
// is unknown or repeated, and counts them.
func (c *Command) each(data json.RawMessage, take func(member) *FieldError) (count int, ferr *FieldError) {
	if len(bytes.TrimSpace(data)) == 0 {
		return 0, nil
	}
	if depth(data) > MaxDepth {
		return 0, errTooDeep
	}
	seen := map[string]bool{}
	isObject := eachMember(data, func(m member) bool {
		if count++; count > MaxMembers {
			ferr = &FieldError{"data", fmt.Sprintf("has too many fields: at most %d", MaxMembers)}
			return false
		}
		_, known := c.Field(m.name)
		if known && seen[m.name] {
			ferr = &FieldError{m.name, "is given more than once"}
			return false
		}
		seen[m.name] = true
		if ferr = c.checkKnown(m.name, known); ferr == nil {
			ferr = take(m)
		}
		return ferr == nil
	})
	if !isObject {
		return 0, errNotObject
	}
	return count, ferr
}

func (c *Command) checkKnown(name string, known bool) *FieldError {
	if known || c.Open {
		return nil
	}
	return &FieldError{foreignName(name), "is not a field of " + c.Name + ": " + c.knownFields()}
}

func (c *Command) checkMember(m member) *FieldError {
	field, known := c.Field(m.name)
	if !known {
		return nil
	}
	field.Name = m.name // as the sender spells it
	return checks[field.Kind](field, m.value)
}

func (c *Command) knownFields() string {
	if len(c.Fields) == 0 {
		return "it has none"
	}
	names := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		names[i] = f.Name
	}
	return "it has " + strings.Join(names, ", ")
}

func (c *Command) checkPresence(values map[string]json.RawMessage) *FieldError {
	for _, f := range c.Fields {
		if ferr := checkAlias(f, values); ferr != nil {
			return ferr
		}
	}
	for _, rule := range []struct {
		groups [][]string
		check  func([]string, map[string]json.RawMessage) *FieldError
	}{{c.OneOf, exactlyOne}, {c.Together, together}, {c.AnyOf, atLeastOne}} {
		for _, group := range rule.groups {
			if ferr := rule.check(group, values); ferr != nil {
				return ferr
			}
		}
	}
	return nil
}

// checkAlias also sees to it that a required field is there and not empty.
func checkAlias(f Field, values map[string]json.RawMessage) *FieldError {
	value, given := values[f.Name]
	alias, aliased := values[f.Alias]
	if aliased = aliased && f.Alias != ""; aliased && !given {
		value = alias
	}
	if f.Required && !given && !aliased {
		return &FieldError{f.Name, "is missing: give " + f.describe()}
	}
	if f.Required && string(value) == `""` {
		return &FieldError{f.Name, "is empty: give " + f.describe()}
	}
	if given && aliased && !sameText(value, alias) {
		return &FieldError{f.Alias, "must be the same as " + f.Name + ", or left out"}
	}
	return nil
}

func sameText(a, b json.RawMessage) bool {
	left, _ := text(a)
	right, _ := text(b)
	return left == right
}

// given are the fields of a group that are there.
func given(group []string, values map[string]json.RawMessage) (names []string) {
	for _, name := range group {
		if _, ok := values[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// together misses the rest of a group of which something is there.
func together(group []string, values map[string]json.RawMessage) *FieldError {
	there := given(group, values)
	if len(there) == 0 || len(there) == len(group) {
		return nil
	}
	missing := slices.DeleteFunc(slices.Clone(group), func(name string) bool { return slices.Contains(there, name) })
	return &FieldError{missing[0], "is missing: give " + strings.Join(group, " and ") + ", or none of them"}
}

func atLeastOne(group []string, values map[string]json.RawMessage) *FieldError {
	for _, name := range given(group, values) {
		if string(values[name]) != `""` {
			return nil
		}
	}
	return &FieldError{group[0], "is missing: give " + strings.Join(group, ", or ") + ", or both"}
}

func exactlyOne(group []string, values map[string]json.RawMessage) *FieldError {
	given := given(group, values)
	either := strings.Join(group, " or ")
	switch {
	case len(given) == 0:
		return &FieldError{group[0], "is missing: give either " + either}
	case len(given) > 1:
		return &FieldError{given[1], "cannot stand beside " + given[0] + ": give either " + either}
	case string(values[given[0]]) == `""`:
		return &FieldError{given[0], "is empty: leave the command out, or give it a content"}
	}
	return nil
}
