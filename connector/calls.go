package connector

import (
	"context"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// answer is what a successful call has to tell.
type answer struct {
	reply     any     // the result; nil if the command has none
	published any     // what the result event has instead, where the reply is for nobody else
	chat      chatKey // the chat that the command is on, or made known
	app       brightpattern.AppID
}

// call runs one valid command.
type call func(context.Context, *Connector, *command) (answer, error)

// calls says what each command does.
var calls = map[subjects.Command]call{
	"service.version":       onService(serviceVersion),
	"service.availability":  onService(serviceAvailability),
	"service.parameters":    onService(serviceParameters),
	"service.configuration": onService(serviceConfiguration),
	"service.iceservers":    hidden(onService(serviceICEServers), schema.ServiceICEServersResult{}),

	"chat.request": with(requestChat),
	"chat.active":  with(activeChat),
	"chat.attach":  with(attachChat),
	"chat.detach":  onChat(detachChat),
	"chat.end":     onChat(endChat),
	"chat.history": onChat(chatHistory),

	"chat.send":             numbered(sendMessage),
	"chat.location":         numbered(sendLocation),
	"chat.navigation":       numbered(sendNavigation),
	"chat.signal":           numbered(sendSignal),
	"chat.delivered":        sending(messageDelivered),
	"chat.read":             sending(messageRead),
	"chat.typing":           sending(typing),
	"chat.nottyping":        sending(notTyping),
	"chat.disconnect":       sending(disconnect),
	"chat.form":             sending(formData),
	"chat.secureform":       sending(secureFormData),
	"chat.secureformcancel": sending(secureFormCancel),
	"chat.cobrowsing":       sending(cobrowsing),

	"case.history":  onChat(caseHistory),
	"case.close":    onChat(closeCase),
	"push.apns":     onChat(pushAPNs),
	"push.firebase": onChat(pushFirebase),
	"push.cancel":   onChat(pushCancel),
	"push.received": with(pushReceived),
}

// with gives a call its command's data as their struct.
func with[D any](run func(context.Context, *Connector, *command, *D) (answer, error)) call {
	return func(ctx context.Context, c *Connector, cmd *command) (answer, error) {
		data := new(D)
		if err := schema.ReadData(cmd.data, data); err != nil {
			return answer{}, invalidCommand(err)
		}
		return run(ctx, c, cmd, data)
	}
}

// service is a launch point as the service commands see it.
type service struct {
	client      *brightpattern.Client
	credentials brightpattern.Credentials
}

// onService runs a command that is on a launch point and no chat.
func onService(run func(context.Context, service) (any, error)) call {
	return with(func(ctx context.Context, c *Connector, _ *command, data *struct{ App string }) (answer, error) {
		app, err := c.selectApp(data.App)
		if err != nil {
			return answer{}, err
		}
		result, err := run(ctx, service{c.client, brightpattern.Credentials{App: app.ID, Client: c.serviceClient}})
		return answer{reply: result, app: app.ID}, err
	})
}

// hidden replaces the result in the event, which everybody may read.
func hidden(run call, published any) call {
	return func(ctx context.Context, c *Connector, cmd *command) (answer, error) {
		a, err := run(ctx, c, cmd)
		a.published = published
		return a, err
	}
}

// known is a chat that the connector knows.
type known struct {
	key     chatKey
	entry   entry
	command *command // that is run on it
}

// onChat runs a command on a known chat.
func onChat[D any](run func(context.Context, *Connector, known, *D) (any, error)) call {
	return with(func(ctx context.Context, c *Connector, cmd *command, data *D) (answer, error) {
		found, err := c.known.find(ctx, cmd.chat)
		if err != nil {
			return answer{}, err
		}
		result, err := run(ctx, c, known{cmd.chat, found, cmd}, data)
		return answer{reply: result, chat: cmd.chat, app: brightpattern.AppID(found.AppID)}, err
	})
}

// sending runs a command that sends one event of the client.
func sending[D any](translate func(*D) brightpattern.ClientEvent) call {
	return onChat(func(ctx context.Context, c *Connector, chat known, data *D) (any, error) {
		return nil, c.send(ctx, chat, translate(data))
	})
}

// numbered runs a command that sends one event with a message number of the
// chat. The number is bound to the command before the call, and never given twice.
func numbered[D any](translate func(*D, brightpattern.MessageID) brightpattern.ClientEvent) call {
	return onChat(func(ctx context.Context, c *Connector, chat known, data *D) (any, error) {
		n, err := c.bindNumber(ctx, chat)
		if err != nil {
			return nil, err
		}
		id := brightpattern.ClientMessageID(chat.key.id, n)
		if err := c.send(ctx, chat, translate(data, id)); err != nil {
			return nil, err
		}
		return schema.ChatSendResult{MessageID: string(id)}, nil
	})
}

// bindNumber gives a command the message number that it keeps through its tries.
func (c *Connector) bindNumber(ctx context.Context, chat known) (uint64, error) {
	closed, cmd, r := chat.entry.ClosedAt != nil, chat.command, chat.command.record
	if !cmd.isDurable() { // it is tried once
		return c.numbers.take(ctx, chat.key, closed)
	}
	if r.Number != nil {
		return *r.Number, nil
	}
	n, err := c.numbers.takeFor(ctx, chat.key, closed, cmd.key())
	if err != nil {
		return 0, err
	}
	c.cfg.rehearsal.reach(pointNumbered)
	r.Number, r.LastCall = &n, time.Now().UTC()
	return n, c.journal.write(ctx, cmd.key(), r)
}

// send sends an event, and has the chat's holder publish what came in the
// answer, or look for what may have come in an answer that was lost.
func (c *Connector) send(ctx context.Context, chat known, event brightpattern.ClientEvent) error {
	events, err := c.client.Send(ctx, chat.entry.credentials(), chat.key.id, event)
	if len(events) > 0 {
		c.answering.Store(true)
		c.handOver(ctx, chat.key, events)
	}
	if isLostAnswer(err) {
		c.reportLostAnswer(chat.key, 0)
	}
	return err
}

// selectApp refuses a launch point that is not configured.
func (c *Connector) selectApp(name string) (App, error) {
	app, found := c.cfg.app(name)
	if !found {
		return App{}, refuse(schema.CodeInvalidCommand, "app: names no configured launch point: leave it out for the default one, or use a name of CC_APPS")
	}
	return app, nil
}
