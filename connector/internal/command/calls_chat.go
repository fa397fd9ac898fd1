package command

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// The calls that make a chat known, end it, or read and tell about it.

// opening is the chat that the command has found or made.
func (c *command) opening(chat brightpattern.Chat, app chats.App, client brightpattern.ClientID) chats.Opening {
	o := chats.Opening{
		Chat: chat, App: app, Client: client, Cause: c.ID, Correlation: c.Correlation,
		Requested: c.Command == "chat.request", MayBeDone: c.mayBeDone(),
	}
	if c.record != nil {
		o.Begun = c.record.FirstSeen
	}
	return o
}

// takeRoom refuses, before any call, to open a chat that nobody could poll. One
// that is polled has its place, and so may one that an earlier try has made.
func (c *Commands) takeRoom(ctx context.Context, cmd *command, chat chats.Key) (leave func(), err error) {
	leave, err = c.Room.Take(ctx)
	if !errors.Is(err, replicas.ErrFull) {
		return leave, err
	}
	if cmd.mayBeDone() {
		return func() {}, nil
	}
	if chat.Token != "" {
		polled, err := c.Chats.IsPolled(ctx, chat)
		if err != nil || polled {
			return func() {}, err
		}
	}
	return nil, unavailable("every replica polls as many chats as it may (CC_MAX_CHATS): try again when one has ended, or there is another replica")
}

func requestChat(ctx context.Context, c *Commands, cmd *command, d *schema.ChatRequest) (answer, error) {
	app, err := c.selectApp(d.App)
	if err != nil {
		return answer{}, err
	}
	client := brightpattern.ClientID(d.ClientID)
	if client == "" {
		client = c.clientFor(cmd)
	}
	leave, err := c.takeRoom(ctx, cmd, chats.Key{})
	if err != nil {
		return answer{app: app.ID}, err
	}
	defer leave()
	chat, err := c.Client.RequestChat(ctx, brightpattern.Credentials{App: app.ID, Client: client}, brightpattern.ChatRequest{
		From: d.From, PhoneNumber: d.PhoneNumber, Parameters: d.Parameters, UserPlatform: d.UserPlatform,
	})
	if err != nil {
		return answer{app: app.ID}, err
	}
	opening := cmd.opening(chat, app, client)
	opening.OwnClient = d.ClientID == ""
	key, isNew, err := c.Chats.Open(ctx, opening)
	if err != nil {
		err = &doneError{err}
	}
	return answer{chat: key, app: app.ID, reply: schema.ChatRequestResult{
		ChatID: string(chat.ID), State: chat.State, EstimatedWaitTime: chat.EstimatedWait,
		IsNewChat: isNew, PhoneNumber: chat.PhoneNumber, ClientID: string(client), ClientRef: string(c.Clients.Ref(client)),
	}}, err
}

// newRecord is that of a command which is about to begin. The client of a
// chat.request that names none stands in it.
func (c *Commands) newRecord(cmd *command, message uint64) *journal.Record {
	r := journal.NewRecord(cmd.Identity, cmd.fingerprint(), message)
	from := c.Publisher.Position()
	r.From = &from
	if request, is := cmd.values.(*schema.ChatRequest); is && request.ClientID == "" {
		r.Client = c.deriveClient(cmd)
	}
	return r
}

// deriveClient makes a repeat of a chat.request reach the same chat, even when
// the first one is forgotten.
func (c *Commands) deriveClient(cmd *command) brightpattern.ClientID {
	if c.Clients.EarlierLives() { // which may go on with the command
		return cmd.earlierClient()
	}
	return c.Clients.Derive(cmd.Source, cmd.ID)
}

// clientFor is the client of a chat.request that names none: the one on its
// record, if it has one. An earlier version wrote none.
func (c *Commands) clientFor(cmd *command) brightpattern.ClientID {
	switch {
	case cmd.record == nil:
		return c.deriveClient(cmd)
	case cmd.record.Client == "":
		return cmd.earlierClient()
	}
	return cmd.record.Client
}

func activeChat(ctx context.Context, c *Commands, cmd *command, d *schema.ChatActive) (answer, error) {
	app, err := c.selectApp(d.App)
	if err != nil {
		return answer{}, err
	}
	leave, err := c.takeRoom(ctx, cmd, chats.Key{})
	if err != nil {
		return answer{app: app.ID}, err
	}
	defer leave()
	client := brightpattern.ClientID(d.ClientID)
	chat, err := c.Client.ActiveChat(ctx, brightpattern.Credentials{App: app.ID, Client: client})
	if err != nil {
		return answer{app: app.ID}, err
	}
	key, _, err := c.Chats.Open(ctx, cmd.opening(chat, app, client))
	return answer{chat: key, app: app.ID, reply: schema.ChatActiveResult{
		ChatID: string(chat.ID), State: chat.State, EstimatedWaitTime: chat.EstimatedWait,
		PhoneNumber: chat.PhoneNumber, ClientID: string(client), ClientRef: string(c.Clients.Ref(client)),
	}}, err
}

func attachChat(ctx context.Context, c *Commands, cmd *command, d *schema.ChatAttach) (answer, error) {
	app, err := c.appOf(ctx, cmd.chat, d.App)
	if err != nil {
		return answer{}, err
	}
	return c.attach(ctx, cmd, app, brightpattern.ClientID(d.ClientID))
}

func (c *Commands) attach(ctx context.Context, cmd *command, app chats.App, client brightpattern.ClientID) (answer, error) {
	leave, err := c.takeRoom(ctx, cmd, cmd.chat)
	if err != nil {
		return answer{app: app.ID}, err
	}
	defer leave()
	chat := brightpattern.Chat{ID: cmd.chat.ID}
	key, _, err := c.Chats.Open(ctx, cmd.opening(chat, app, client))
	if err != nil {
		return answer{app: app.ID}, err
	}
	return answer{chat: key, app: app.ID, reply: schema.ChatAttachResult{ChatID: string(key.ID)}}, nil
}

// pushReceived sees to it that the chat is polled: a push says that it has
// news. What a chat that is over had to say has been published.
func pushReceived(ctx context.Context, c *Commands, cmd *command, d *schema.PushReceived) (answer, error) {
	client := brightpattern.ClientID(d.ClientID)
	found, err := c.Chats.FindKnown(ctx, cmd.chat)
	switch {
	case errors.Is(err, chats.ErrUnknown) && client != "":
		app, err := c.appOfNew(cmd.chat, "")
		if err != nil {
			return answer{}, err
		}
		return c.attach(ctx, cmd, app, client)
	case err != nil:
		return answer{}, err
	}
	if polled, err := c.Chats.IsPolled(ctx, cmd.chat); err != nil || polled || found.IsOver() {
		return answer{chat: cmd.chat, app: brightpattern.AppID(found.AppID), reply: schema.PushReceivedResult{ChatID: string(cmd.chat.ID)}}, err
	}
	credentials, err := c.Chats.Credentials(ctx, cmd.chat, &found)
	if err == nil {
		client = credentials.Client
	} else if !errors.Is(err, chats.ErrUnknown) || client == "" {
		return answer{}, err
	}
	return c.attach(ctx, cmd, chats.App{Name: found.App, ID: brightpattern.AppID(found.AppID)}, client)
}

func detachChat(ctx context.Context, c *Commands, chat known, _ *schema.ChatDetach) (any, error) {
	return nil, c.Chats.CloseOpening(ctx, chat.key, schema.ClosedDetached)
}

// endChat succeeds when the contact center has ended the session; that the
// chat is then closed is written down, should it take longer.
func endChat(ctx context.Context, c *Commands, chat known, _ *schema.ChatEnd) (any, error) {
	err := c.send(ctx, chat, brightpattern.End{})
	if err != nil && !(chat.command.mayBeDone() && brightpattern.IsGone(err)) {
		return nil, err
	}
	err = c.Chats.CloseOpening(ctx, chat.key, schema.ClosedEnded)
	if err == nil {
		err = c.Chats.MarkEnded(ctx, chat.key)
	}
	if err != nil {
		c.logOf(chat.command.Identity).Warn("the chat has ended, but is not closed yet", "error", err)
	}
	return nil, nil
}

func chatHistory(ctx context.Context, c *Commands, chat known, _ *schema.ChatHistory) (any, error) {
	events, err := c.Client.History(ctx, chat.credentials, chat.key.ID)
	return schema.ChatHistoryResult{Events: translate.History(chat.key.ID, events)}, err
}

// beginTransfer waits for a place, but not for long: the command keeps its place
// among all meanwhile.
func (c *Commands) beginTransfer(ctx context.Context) (t transfer, end func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if end, err = c.admission.enterMoving(ctx); err != nil {
		return t, nil, unavailable("too many files are on their way: try again later")
	}
	return transfer{c.Client, c.Publisher, c.cfg.FileMaxBytes}, end, nil
}

func agentPhoto(ctx context.Context, c *Commands, chat known, d *schema.ChatPhoto) (any, error) {
	transfer, end, err := c.beginTransfer(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	name := bus.ObjectName("photo-" + chat.command.Result)
	return transfer.photo(ctx, chat.credentials, chat.key.ID, brightpattern.PartyID(d.PartyID), name)
}

// sendFile uploads a file and sends a message that tells of it. One that an
// earlier try has uploaded may be dropped by now: then it is uploaded anew.
func sendFile(ctx context.Context, c *Commands, chat known, d *schema.ChatFile) (any, error) {
	cmd := chat.command
	hadFile := cmd.isDurable() && cmd.record.FileID != ""
	sent, err := c.tellOfFile(ctx, chat, d)
	if wire := wireError(err); hadFile && wire != nil && wire.Code == brightpattern.CodeFileNotFound {
		cmd.record.FileID = ""
		sent, err = c.tellOfFile(ctx, chat, d)
	}
	return sent, err
}

func (c *Commands) tellOfFile(ctx context.Context, chat known, d *schema.ChatFile) (any, error) {
	file, err := c.uploaded(ctx, chat, d)
	if err != nil {
		return nil, err
	}
	n, err := c.bindNumber(ctx, chat)
	if err != nil {
		return nil, err
	}
	id := brightpattern.ClientMessageID(chat.key.ID, n)
	if err := c.send(ctx, chat, translate.SendFile(d, id, file)); err != nil {
		return nil, err
	}
	return sentResult(id, file), nil
}

// uploaded is the command's file at the contact center: that of an earlier try,
// if there is one. A durable command's is on record, and the time of the call that
// tells of it, before anybody is told: a look for it goes by both.
func (c *Commands) uploaded(ctx context.Context, chat known, d *schema.ChatFile) (brightpattern.FileID, error) {
	r := chat.command.record
	if chat.command.isDurable() && r.FileID != "" {
		return r.FileID, nil
	}
	file, err := c.upload(ctx, chat, d)
	if err != nil || !chat.command.isDurable() {
		return file, err
	}
	c.Failpoints.Reach(failpoint.Uploaded)
	r.FileID, r.LastCall = file, time.Now().UTC()
	return file, c.Journal.Write(ctx, r)
}

func (c *Commands) upload(ctx context.Context, chat known, d *schema.ChatFile) (brightpattern.FileID, error) {
	transfer, end, err := c.beginTransfer(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	return transfer.upload(ctx, chat.credentials, d)
}
