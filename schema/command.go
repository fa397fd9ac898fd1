package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Command describes one command: the single truth about its name, its lanes and its data.
type Command struct {
	Name       string // "chat.send"
	Method     string // the protocol's method, or what stands for one in the reference
	Durable    bool   // also taken on the durable lane
	Read       bool   // only reads: not recorded, a repeat reads again
	GET        bool   // all its calls are GETs: a failed one has changed nothing
	MessageID  bool   // takes a message number and returns a messageId
	Repeatable bool   // carrying it out twice comes to the same as once
	Open       bool   // fields that are not listed are fine
	Local      bool   // the connector knows the answer: nobody is called
	Fields     []Field
	OneOf      [][]string // of each group exactly one field must be there
	AnyOf      [][]string // of each group at least one
	Together   [][]string // the fields of a group are there or not, all of them

	data   func() any // a pointer to its empty data struct
	result func() any // a pointer to its empty result struct, nil if it has none
}

// Noun is what the command is about, "chat".
func (c *Command) Noun() string {
	noun, _, _ := strings.Cut(c.Name, ".")
	return noun
}

// Verb is what is to be done, "send".
func (c *Command) Verb() string {
	_, verb, _ := strings.Cut(c.Name, ".")
	return verb
}

// Field returns the field of that name or alias.
func (c *Command) Field(name string) (Field, bool) {
	i := slices.IndexFunc(c.Fields, func(f Field) bool {
		return f.Name == name || f.Alias != "" && f.Alias == name
	})
	if i < 0 {
		return Field{}, false
	}
	return c.Fields[i], true
}

// NamesChat reports whether the data name a chat, and so the durable subject too.
func (c *Command) NamesChat() bool {
	_, ok := c.Field("chatId")
	return ok
}

// NewData returns a pointer to an empty struct of the command's data.
func (c *Command) NewData() any { return c.data() }

// NewResult returns a pointer to an empty struct of the command's result, nil if it has none.
func (c *Command) NewResult() any {
	if c.result == nil {
		return nil
	}
	return c.result()
}

// ReadData reads data that [Command.Validate] has accepted into the command's
// struct; empty data are an empty object.
func ReadData(data json.RawMessage, into any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	if json.Unmarshal(data, into) != nil {
		return &FieldError{"data", "does not fit the command"} // the JSON reader's own error may quote values
	}
	return nil
}

// LookupCommand returns the command of that name.
func LookupCommand(name string) (*Command, bool) {
	c, ok := commandsByName[name]
	return c, ok
}

var commandsByName = func() map[string]*Command {
	byName := make(map[string]*Command, len(Commands))
	for i := range Commands {
		byName[Commands[i].Name] = &Commands[i]
	}
	return byName
}()
