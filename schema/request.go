package schema

import "encoding/json"

// Request is what a result tells of a command's data, so that the stream has
// what the customer's side said and asked: the fields that the table lists, as
// they came, but none that is Withheld. A clientId is told to nobody: its
// reference, that refOf makes, stands there as clientRef. The data must be ones
// that [Command.Validate] has accepted.
func (c *Command) Request(data json.RawMessage, refOf func(clientID string) string) json.RawMessage {
	request := []byte{'{'}
	eachMemberOf(data, func(m member) bool {
		if field, known := c.Field(m.name); known && !field.Withheld {
			request = append(request, field.told(m, refOf)...)
		}
		return true
	})
	if last := len(request) - 1; request[last] == ',' {
		request = request[:last]
	}
	return append(request, '}')
}

// told is a member as a request has it, with a comma behind it; nothing for a
// clientId that is empty.
func (f Field) told(m member, refOf func(string) string) []byte {
	name, value := m.name, []byte(m.value)
	if f.Kind == KindClientID {
		client, _ := text(m.value)
		if client == "" {
			return nil
		}
		name = "clientRef"
		value, _ = JSON(refOf(client)) // a string can always be written
	}
	return append(append([]byte(`"`+name+`":`), value...), ',')
}
