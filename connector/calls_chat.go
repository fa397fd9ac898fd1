package connector

import (
	"context"
	"errors"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// The calls that make a chat known, end it, or read and tell about it.

func requestChat(ctx context.Context, c *Connector, cmd *command, d *schema.ChatRequest) (answer, error) {
	app, err := c.selectApp(d.App)
	if err != nil {
		return answer{}, err
	}
	client := brightpattern.ClientID(d.ClientID)
	if client == "" {
		client = cmd.derivedClient()
	}
	chat, err := c.client.RequestChat(ctx, brightpattern.Credentials{App: app.ID, Client: client}, brightpattern.ChatRequest{
		From: d.From, PhoneNumber: d.PhoneNumber, Parameters: d.Parameters, UserPlatform: d.UserPlatform,
	})
	if err != nil {
		return answer{app: app.ID}, err
	}
	o := opening{chat: chat, app: app, client: client}
	key, err := c.makeKnown(ctx, cmd, &o)
	if err != nil {
		err = &doneError{err}
	}
	return answer{chat: key, app: app.ID, reply: schema.ChatRequestResult{
		ChatID: string(chat.ID), State: chat.State, EstimatedWaitTime: chat.EstimatedWait,
		IsNewChat: o.chat.IsNew, PhoneNumber: chat.PhoneNumber, ClientID: string(client),
	}}, err
}

func activeChat(ctx context.Context, c *Connector, cmd *command, d *schema.ChatActive) (answer, error) {
	app, err := c.selectApp(d.App)
	if err != nil {
		return answer{}, err
	}
	client := brightpattern.ClientID(d.ClientID)
	chat, err := c.client.ActiveChat(ctx, brightpattern.Credentials{App: app.ID, Client: client})
	if err != nil {
		return answer{app: app.ID}, err
	}
	key, err := c.makeKnown(ctx, cmd, &opening{chat: chat, app: app, client: client})
	return answer{chat: key, app: app.ID, reply: schema.ChatActiveResult{
		ChatID: string(chat.ID), State: chat.State, EstimatedWaitTime: chat.EstimatedWait,
		PhoneNumber: chat.PhoneNumber, ClientID: string(client),
	}}, err
}

func attachChat(ctx context.Context, c *Connector, cmd *command, d *schema.ChatAttach) (answer, error) {
	app, err := c.appOf(ctx, cmd.chat, d.App)
	if err != nil {
		return answer{}, err
	}
	return c.attach(ctx, cmd, app, brightpattern.ClientID(d.ClientID))
}

func (c *Connector) attach(ctx context.Context, cmd *command, app App, client brightpattern.ClientID) (answer, error) {
	chat := brightpattern.Chat{ID: cmd.chat.id}
	key, err := c.makeKnown(ctx, cmd, &opening{chat: chat, app: app, client: client})
	if err != nil {
		return answer{app: app.ID}, err
	}
	return answer{chat: key, app: app.ID, reply: schema.ChatAttachResult{ChatID: string(key.id)}}, nil
}

// appOf is the launch point of a chat: the one that it is known with, else
// the one that is asked for.
func (c *Connector) appOf(ctx context.Context, key chatKey, name string) (App, error) {
	found, err := c.known.find(ctx, key)
	if errors.Is(err, errUnknownChat) {
		return c.selectApp(name)
	}
	if err != nil {
		return App{}, err
	}
	if name != "" && name != found.App {
		return App{}, refuse(schema.CodeInvalidCommand, "app: the chat is known with another launch point: leave it out")
	}
	return App{Name: found.App, ID: brightpattern.AppID(found.AppID)}, nil
}

// pushReceived sees to it that the chat is polled: a push says that it has
// news. What a chat that is over had to say has been published.
func pushReceived(ctx context.Context, c *Connector, cmd *command, d *schema.PushReceived) (answer, error) {
	found, err := c.known.find(ctx, cmd.chat)
	switch {
	case errors.Is(err, errUnknownChat) && d.ClientID != "":
		app, err := c.selectApp("")
		if err != nil {
			return answer{}, err
		}
		return c.attach(ctx, cmd, app, brightpattern.ClientID(d.ClientID))
	case err != nil:
		return answer{}, err
	}
	if polled, err := c.isPolled(ctx, cmd.chat); err != nil || polled || found.isOver() {
		return answer{chat: cmd.chat, app: brightpattern.AppID(found.AppID), reply: schema.PushReceivedResult{ChatID: string(cmd.chat.id)}}, err
	}
	return c.attach(ctx, cmd, App{Name: found.App, ID: brightpattern.AppID(found.AppID)}, brightpattern.ClientID(found.ClientID))
}

func detachChat(ctx context.Context, c *Connector, chat known, _ *schema.ChatDetach) (any, error) {
	return nil, c.closeChat(ctx, chat.key, schema.ClosedDetached)
}

// endChat succeeds when the contact center has ended the session; that the
// chat is then closed is written down, should it take longer.
func endChat(ctx context.Context, c *Connector, chat known, _ *schema.ChatEnd) (any, error) {
	err := c.send(ctx, chat, brightpattern.End{})
	if err != nil && !(chat.command.mayBeDone() && isGone(err)) {
		return nil, err
	}
	err = c.closeChat(ctx, chat.key, schema.ClosedEnded)
	if err == nil {
		err = c.markEnded(ctx, chat.key)
	}
	if err != nil {
		c.log.Warn("the chat has ended, but is not closed yet", "chat", chat.key.id, "error", err)
	}
	return nil, nil
}

func isGone(err error) bool {
	var failure *brightpattern.Error
	return errors.As(err, &failure) && failure.Code == brightpattern.CodeNotFound
}

func chatHistory(ctx context.Context, c *Connector, chat known, _ *schema.ChatHistory) (any, error) {
	events, err := c.client.History(ctx, chat.entry.credentials(), chat.key.id)
	return schema.ChatHistoryResult{Events: translateHistory(chat.key.id, events)}, err
}
