package command

import (
	"context"
	"errors"
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
		data, isRead := cmd.values.(*D)
		if !isRead { // it is a part of them that is wanted
			data = new(D)
			if err := schema.ReadData(cmd.data, data); err != nil {
				return answer{}, invalidCommand(err)
			}
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
	isClosed    bool
	credentials brightpattern.Credentials
	command     *command // that is run on it
}

// onChat runs a command on a known chat. What is remembered of the chat may be
// wrong by now: then the contact center refuses the call, and it is made anew.
func onChat[D any](run func(context.Context, *Commands, known, *D) (any, error)) call {
	return with(func(ctx context.Context, c *Commands, cmd *command, data *D) (answer, error) {
		found, err := c.know(ctx, cmd)
		if err != nil {
			return answer{}, err
		}
		result, err := run(ctx, c, knownTo(cmd, found), data)
		if isRefused(err) {
			now, differs, unread := c.Chats.KnowAnew(ctx, cmd.chat, found)
			switch {
			case errors.Is(unread, chats.ErrUnknown):
				return answer{}, unread
			case unread == nil && differs:
				found = now
				result, err = run(ctx, c, knownTo(cmd, found), data)
			}
		}
		if brightpattern.IsGone(err) {
			c.Chats.ReportMissing(cmd.chat)
		}
		return answer{reply: result, chat: cmd.chat, app: found.App.ID}, err
	})
}

// know finds the command's chat. What an answer means of a call that may have been
// made before rests on who asks: that is not what is merely remembered.
func (c *Commands) know(ctx context.Context, cmd *command) (chats.Known, error) {
	found, err := c.Chats.Know(ctx, cmd.chat)
	if err == nil && cmd.mayBeDone() {
		found, _, err = c.Chats.KnowAnew(ctx, cmd.chat, found)
	}
	return found, err
}

func knownTo(cmd *command, found chats.Known) known {
	return known{key: cmd.chat, isClosed: found.Closed, credentials: found.Credentials(), command: cmd}
}

// isRefused tells the contact center's word that it has not done what it was asked.
func isRefused(err error) bool {
	wire := wireError(err)
	return wire != nil && wire.Reason == brightpattern.ReasonRefused && (wire.IsRead || wire.Effect == brightpattern.EffectNone)
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

// bindNumber gives a command the message number that it keeps through its tries. It
// is taken only when the command is on record: one that is a repeat must leave no
// hole among the numbers, also when its replica dies.
func (c *Commands) bindNumber(ctx context.Context, chat known) (uint64, error) {
	cmd, r := chat.command, chat.command.record
	switch {
	case !cmd.isDurable():
		return c.liveNumber(ctx, chat)
	case r.Number != nil:
		return *r.Number, nil
	}
	n, err := c.Chats.BindNumber(ctx, chat.key, chat.isClosed, cmd.Key)
	if err != nil {
		return 0, err
	}
	c.Failpoints.Reach(failpoint.Numbered)
	r.Number = &n
	if cmd.isFirst && time.Since(r.LastCall) <= beginMost { // whoever finds the call finds the number, too
		return n, nil
	}
	r.LastCall = time.Now().UTC()
	return n, c.Journal.Write(ctx, r)
}

// liveNumber is the number of a live command, whose call may be made again with
// other credentials.
func (c *Commands) liveNumber(ctx context.Context, chat known) (uint64, error) {
	cmd := chat.command
	if cmd.number != nil {
		return *cmd.number, nil
	}
	n, err := c.Chats.TakeNumber(ctx, chat.key, chat.isClosed)
	if err == nil {
		cmd.number = &n
	}
	return n, err
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
