package command

import (
	"context"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// answer is what a successful call has to tell.
type answer struct {
	reply any       // the result; nil if the command has none
	chat  chats.Key // the chat that the command is on, or made known
	app   brightpattern.AppID
}

// call runs one valid command.
type call func(context.Context, *Commands, *command) (answer, error)

// calls says what each command does.
var calls = map[subjects.Command]call{
	"service.version":       onService(serviceVersion),
	"service.availability":  onService(serviceAvailability),
	"service.parameters":    onService(serviceParameters),
	"service.configuration": onService(serviceConfiguration),
	"service.iceservers":    onService(serviceICEServers),
	"service.schemas":       local(serviceSchemas),

	"chat.request": with(requestChat),
	"chat.active":  with(activeChat),
	"chat.attach":  with(attachChat),
	"chat.detach":  onChat(detachChat),
	"chat.end":     onChat(endChat),
	"chat.history": onChat(chatHistory),
	"chat.photo":   onChat(agentPhoto),

	"chat.send":             numbered(translate.SendMessage),
	"chat.location":         numbered(translate.SendLocation),
	"chat.navigation":       numbered(translate.SendNavigation),
	"chat.signal":           numbered(translate.SendSignal),
	"chat.file":             onChat(sendFile),
	"chat.delivered":        sending(translate.MessageDelivered),
	"chat.read":             sending(translate.MessageRead),
	"chat.typing":           sending(translate.Typing),
	"chat.nottyping":        sending(translate.NotTyping),
	"chat.disconnect":       sending(translate.Disconnect),
	"chat.form":             sending(translate.FormData),
	"chat.secureform":       sending(translate.SecureFormData),
	"chat.secureformcancel": sending(translate.SecureFormCancel),
	"chat.cobrowsing":       sending(translate.Cobrowsing),

	"case.history":  onChat(caseHistory),
	"case.close":    onChat(closeCase),
	"push.apns":     onChat(pushAPNs),
	"push.firebase": onChat(pushFirebase),
	"push.cancel":   onChat(pushCancel),
	"push.received": with(pushReceived),
}

// with gives a call its command's data as their struct.
func with[D any](run func(context.Context, *Commands, *command, *D) (answer, error)) call {
	return func(ctx context.Context, c *Commands, cmd *command) (answer, error) {
		data := new(D)
		if err := schema.ReadData(cmd.data, data); err != nil {
			return answer{}, invalidCommand(err)
		}
		return run(ctx, c, cmd, data)
	}
}

// onService runs a command that is on a launch point and no chat.
func onService(run func(context.Context, service) (any, error)) call {
	return with(func(ctx context.Context, c *Commands, _ *command, data *struct{ App string }) (answer, error) {
		app, err := c.selectApp(data.App)
		if err != nil {
			return answer{}, err
		}
		result, err := run(ctx, service{c.Client, brightpattern.Credentials{App: app.ID, Client: c.serviceClient}})
		return answer{reply: result, app: app.ID}, err
	})
}

// local runs a command that calls nobody.
func local[D any](run func(*D) (any, error)) call {
	return with(func(_ context.Context, _ *Commands, _ *command, data *D) (answer, error) {
		result, err := run(data)
		return answer{reply: result}, err
	})
}

// known is a chat that the connector knows.
type known struct {
	key         chats.Key
	entry       chats.Entry
	credentials brightpattern.Credentials
	command     *command // that is run on it
}

// onChat runs a command on a known chat.
func onChat[D any](run func(context.Context, *Commands, known, *D) (any, error)) call {
	return with(func(ctx context.Context, c *Commands, cmd *command, data *D) (answer, error) {
		found, err := c.Chats.FindKnown(ctx, cmd.chat)
		if err != nil {
			return answer{}, err
		}
		credentials, err := c.Chats.Credentials(ctx, cmd.chat, &found)
		if err != nil {
			return answer{}, err
		}
		result, err := run(ctx, c, known{cmd.chat, found, credentials, cmd}, data)
		if brightpattern.IsGone(err) {
			c.Chats.ReportMissing(cmd.chat)
		}
		return answer{reply: result, chat: cmd.chat, app: brightpattern.AppID(found.AppID)}, err
	})
}

// sending runs a command that sends one event of the client.
func sending[D any](toEvent func(*D) brightpattern.ClientEvent) call {
	return onChat(func(ctx context.Context, c *Commands, chat known, data *D) (any, error) {
		return nil, c.send(ctx, chat, toEvent(data))
	})
}

// numbered runs a command that sends one event with a message number of the
// chat. The number is bound to the command before the call, and never given twice.
func numbered[D any](toEvent func(*D, brightpattern.MessageID) brightpattern.ClientEvent) call {
	return onChat(func(ctx context.Context, c *Commands, chat known, data *D) (any, error) {
		n, err := c.bindNumber(ctx, chat)
		if err != nil {
			return nil, err
		}
		id := brightpattern.ClientMessageID(chat.key.ID, n)
		if err := c.send(ctx, chat, toEvent(data, id)); err != nil {
			return nil, err
		}
		return schema.ChatSendResult{MessageID: string(id)}, nil
	})
}

// bindNumber gives a command the message number that it keeps through its tries.
func (c *Commands) bindNumber(ctx context.Context, chat known) (uint64, error) {
	closed, cmd, r := chat.entry.ClosedAt != nil, chat.command, chat.command.record
	if !cmd.isDurable() { // it is tried once
		return c.liveNumber(ctx, chat.key, closed, cmd)
	}
	if r.Number != nil {
		return *r.Number, nil
	}
	n, err := c.Chats.TakeNumberFor(ctx, chat.key, closed, cmd.Key)
	if err != nil {
		return 0, err
	}
	c.Failpoints.Reach(failpoint.Numbered)
	r.Number, r.LastCall = &n, time.Now().UTC()
	return n, c.Journal.Write(ctx, r)
}

// send sends an event, and has the chat's holder publish what came in the
// answer, or look for what may have come in an answer that was lost.
func (c *Commands) send(ctx context.Context, chat known, event brightpattern.ClientEvent) error {
	calling, cancel := context.WithCancel(ctx)
	began := time.Now()
	events, err := c.Client.Send(calling, chat.credentials, chat.key.ID, event)
	cancel() // the chat's holder, who is to publish them, may wait for the memory that they take
	if len(events) > 0 {
		c.Chats.Deliver(ctx, chat.key, events, began)
	}
	if brightpattern.IsLostAnswer(err) {
		c.Chats.ReportLost(chat.key, began, time.Now())
	}
	return err
}
