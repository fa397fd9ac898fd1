package asyncapi

import (
	"cc-connector/schema"
	"cc-connector/subjects"
)

// chatParameter stands in an address where a chat does. It is built with a chat
// of that name, and so the address has the parameter.
const chatParameter = "{chat}"

func parameters() object {
	return object{
		"chat":  object{"description": "The chat id as one NATS token: A-Z a-z 0-9 _ - as they are, every other byte as =XX, in upper-case hex."},
		"event": object{"description": "The event's name at the contact center as one NATS token, without chat_session_, or with x_ before it where it has no such beginning."},
	}
}

// channel adds one, with the messages of these names; its operation has the
// same name, and says what the connector does there.
func (b *builder) channel(name, address, stream, doc string, messages ...string) object {
	all := object{}
	for _, message := range messages {
		all[message] = reference("messages", message)
	}
	channel := object{"address": address, "description": doc, "messages": all}
	if stream != "" {
		channel["x-stream"] = b.prefix.StreamName(stream)
	}
	if given := parametersIn(address); len(given) > 0 {
		channel["parameters"] = given
	}
	b.channels[name] = channel
	return channel
}

func parametersIn(address string) object {
	given := object{}
	for _, name := range []string{"chat", "event"} {
		if hasToken(address, "{"+name+"}") {
			given[name] = reference("parameters", name)
		}
	}
	return given
}

// operation adds what the connector does on the channel of the name.
func (b *builder) operation(name, action, tag, summary string) object {
	operation := object{
		"action": action, "channel": object{"$ref": "#/channels/" + name}, "summary": summary, "tags": []any{object{"name": tag}},
	}
	b.operations[name] = operation
	return operation
}

// addCommands adds both lanes of every command, what is answered on them, and
// where those come that are given up.
func (b *builder) addCommands() error {
	b.messages["acknowledgement"] = object{
		"name": "acknowledgement", "title": "JetStream's acknowledgement", "contentType": dataType, "payload": reference("schemas", "acknowledgement"),
		"examples": []any{object{"name": "stored", "payload": object{"stream": b.prefix.StreamName("COMMANDS"), "seq": 1}}},
	}
	b.messages["given-up"] = object{
		"name": "given-up", "title": "Command that was given up", "description": "The durable command as it came, whatever its form.",
		"traits": []any{reference("messageTraits", "given-up")},
	}
	b.channels["acknowledgement"] = object{
		"address": nil, "description": "The reply subject of who published, who may also wish for no reply.",
		"messages": object{"acknowledgement": reference("messages", "acknowledgement")},
	}
	for i := range schema.Commands {
		c := &schema.Commands[i]
		if err := b.taken(c); err != nil {
			return err
		}
		b.live(c)
		if c.Durable {
			b.durable(c)
		}
	}
	return nil
}

func (b *builder) live(c *schema.Command) {
	name, command, result := "live."+c.Name, "command."+c.Name, "result."+c.Name
	b.channel(name, b.prefix.Live(subjects.Command(c.Name)), "", "The live command "+c.Name+", by core NATS: whoever publishes with a reply subject gets the result there, in the form of the command.",
		command, command+dataForm)
	reply := "reply." + c.Name
	b.channels[reply] = object{
		"address": nil, "description": "The reply subject of who sent " + c.Name + ". A failure also shows in the headers Nats-Service-Error-Code and Nats-Service-Error.",
		"messages": object{result: reference("messages", result), result + dataForm: reference("messages", result+dataForm)},
	}
	operation := b.operation(name, "receive", "live commands", "Runs "+c.Name+" and replies.")
	operation["bindings"] = object{"nats": object{"queue": queueGroup, "bindingVersion": "0.1.0"}}
	operation["reply"] = object{"channel": object{"$ref": "#/channels/" + reply}}
}

// queueGroup is that of all replicas: one of them gets a live command.
const queueGroup = "cc-connector"

func (b *builder) durable(c *schema.Command) {
	name, command, chat := "durable."+c.Name, "command."+c.Name, subjects.ChatToken("")
	if c.NamesChat() {
		chat = chatParameter
	}
	b.channel(name, b.prefix.Durable(subjects.Command(c.Name), chat), "COMMANDS",
		"The durable command "+c.Name+": kept in the stream until it is done, and run in the order of its chat.", command, command+dataForm)
	operation := b.operation(name, "receive", "durable commands", "Runs "+c.Name+", however long that takes, and publishes the result.")
	operation["reply"] = object{"channel": object{"$ref": "#/channels/acknowledgement"}}

	letter := "deadletter." + c.Name
	b.channel(letter, b.prefix.DeadLetter(subjects.Command(c.Name), chat), "DEADLETTER", "Each durable "+c.Name+" that could not be done in time.", "given-up")
	b.operation(letter, "send", "dead letters", "Gives "+c.Name+" up.")
}

// addResults adds the two subjects on which a command's result comes.
func (b *builder) addResults() error {
	for i := range schema.Commands {
		c := &schema.Commands[i]
		name, command := "result."+c.Name, subjects.Command(c.Name)
		if err := b.published(name, schema.ResultType(c.Noun(), c.Verb())); err != nil {
			return err
		}
		b.correlate(name)
		b.channel(name, b.prefix.Result("", command), "EVENTS", "The result of "+c.Name+" where the connector knows no chat that it is on.", name, name+dataForm)
		b.operation(name, "send", "results", "Says what became of "+c.Name+".")
		if c.Noun() != "service" {
			of := name + ".of-chat"
			b.channel(of, b.prefix.Result(chatParameter, command), "EVENTS", "The result of "+c.Name+" on a chat that the connector knows, or that the command made known.", name, name+dataForm)
			b.operation(of, "send", "results", "Says what became of "+c.Name+".")
		}
	}
	return nil
}

func (b *builder) correlate(name string) {
	b.messages[name].(object)["correlationId"] = reference("correlationIds", "causation")
	b.messages[name+dataForm].(object)["correlationId"] = reference("correlationIds", "causation-data")
}

func (b *builder) addEvents() error {
	for _, info := range schema.Events {
		if err := b.event(info.Name, info.Name, info.Doc); err != nil {
			return err
		}
	}
	return b.event(string(subjects.UnknownEvent), "{event}", "An event that the connector knows no more of than its name.")
}

func (b *builder) event(event, token, doc string) error {
	name := "event." + event
	if err := b.published(name, schema.EventType(event)); err != nil {
		return err
	}
	b.channel(name, b.prefix.Event(chatParameter, subjects.EventName(token)), "EVENTS", doc, name, name+dataForm)
	b.operation(name, "send", "events", doc)
	return nil
}

func (b *builder) addSessions() error {
	for _, session := range []subjects.SessionName{subjects.Opened, subjects.Recovered, subjects.Gap, subjects.Closed} {
		name := "session." + string(session)
		if err := b.published(name, schema.SessionType(string(session))); err != nil {
			return err
		}
		doc, _ := b.messages[name].(object)["description"].(string)
		b.channel(name, b.prefix.Session(chatParameter, session), "EVENTS", doc, name, name+dataForm)
		b.operation(name, "send", "sessions", "Tells what the connector itself did with a chat.")
	}
	return nil
}
