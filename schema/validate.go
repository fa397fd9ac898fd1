package schema

import (
	"bytes"
	"encoding/json"
	"strings"
)

var errNotObject = &FieldError{"data", "must be one JSON object in UTF-8"}

// Validate judges a command's data before anything is called: the first field
// that is unknown, repeated, of the wrong form, too long or missing is named in
// the error, its value never. Empty data count as an empty object. Nil: the data
// are fine, and fit the command's struct (see [Command.NewData]).
func (c *Command) Validate(data json.RawMessage) *FieldError {
	members, ferr := c.members(data)
	if ferr != nil {
		return ferr
	}
	for _, m := range members {
		if ferr := c.checkMember(m); ferr != nil {
			return ferr
		}
	}
	return c.checkPresence(members)
}

// WithChat adds to the data the chat that the subject names. Data that name
// another chat are refused; those that name none, or the same, come back with
// the chat in them. Other errors are left to [Command.Validate].
func (c *Command) WithChat(data json.RawMessage, chatID string) (json.RawMessage, *FieldError) {
	field, ok := c.Field("chatId")
	members, ferr := c.members(data)
	if ferr != nil || !ok {
		return data, ferr
	}
	named := false
	for _, m := range members {
		if m.name != field.Name && m.name != field.Alias {
			continue
		}
		if given, ok := text(m.value); !ok || given != chatID {
			return nil, &FieldError{m.name, "must be the chat that the subject names"}
		}
		named = true
	}
	if named {
		return data, nil
	}
	return addString(data, field.Name, chatID, len(members) == 0), nil
}

// addString puts a member into an object, before the others.
func addString(object json.RawMessage, name, value string, empty bool) json.RawMessage {
	quoted, _ := json.Marshal(value) // a string can always be written
	out := append([]byte(`{"`+name+`":`), quoted...)
	if empty {
		return append(out, '}')
	}
	rest := bytes.TrimLeft(object, " \t\r\n")[1:]
	return append(append(out, ','), rest...)
}

// members reads the data; a known field that stands twice is refused.
func (c *Command) members(data json.RawMessage) ([]member, *FieldError) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	members, ok := splitObject(data)
	if !ok {
		return nil, errNotObject
	}
	known := members
	if c.Open {
		known = nil
		for _, m := range members {
			if _, ok := c.Field(m.name); ok {
				known = append(known, m)
			}
		}
	}
	if name, twice := repeated(known); twice {
		return nil, &FieldError{c.nameOf(name), "is given more than once"}
	}
	return members, nil
}

// nameOf quotes names that are not the command's own.
func (c *Command) nameOf(name string) string {
	if _, known := c.Field(name); known {
		return name
	}
	return foreignName(name)
}

func (c *Command) checkMember(m member) *FieldError {
	field, known := c.Field(m.name)
	if !known && c.Open {
		return nil
	}
	if !known {
		return &FieldError{foreignName(m.name), "is not a field of " + c.Name + ": " + c.knownFields()}
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

func (c *Command) checkPresence(members []member) *FieldError {
	values := make(map[string]json.RawMessage, len(members))
	for _, m := range members {
		values[m.name] = m.value
	}
	for _, f := range c.Fields {
		if ferr := checkAlias(f, values); ferr != nil {
			return ferr
		}
	}
	for _, group := range c.OneOf {
		if ferr := exactlyOne(group, values); ferr != nil {
			return ferr
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

func exactlyOne(group []string, values map[string]json.RawMessage) *FieldError {
	var given []string
	for _, name := range group {
		if _, ok := values[name]; ok {
			given = append(given, name)
		}
	}
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
