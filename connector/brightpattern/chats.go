package brightpattern

import (
	"context"
	"encoding/json"
	"slices"
)

// ChatRequest asks for a chat.
type ChatRequest struct {
	// From becomes the scenario's variable $(item.from).
	From        string
	PhoneNumber string // optional
	// Parameters become $(item.externalChatData).
	Parameters map[string]string
	// UserPlatform is a JSON object that travels among the parameters as
	// user_platform, or nil.
	UserPlatform json.RawMessage
}

// Chat is a chat session.
type Chat struct {
	ID            ChatID
	State         string   // queued, connecting, connected, ivr, failed, completed; others occur
	EstimatedWait *float64 // seconds
	IsNew         bool     // false from ActiveChat
	PhoneNumber   string
}

// RequestChat makes a chat, or returns the client's active one, which then is
// not new. Repeating it with the same credentials is harmless.
func (c *Client) RequestChat(ctx context.Context, cred Credentials, request ChatRequest) (Chat, error) {
	const method = "requestChat"
	payload, err := request.wire()
	if err != nil {
		return Chat{}, invalid(method, err.Error())
	}
	call, err := postJSON(method, payload, "chats")
	if err != nil {
		return Chat{}, err
	}
	var chat Chat
	err = c.send(ctx, cred, call, chat.readRequested)
	return chat, err
}

func (r ChatRequest) wire() (map[string]any, error) {
	parameters := make(map[string]any, len(r.Parameters)+1)
	for name, value := range r.Parameters {
		parameters[name] = value
	}
	if r.UserPlatform != nil {
		platform, err := dataObject(r.UserPlatform)
		if err != nil {
			return nil, err
		}
		parameters["user_platform"] = platform
	}
	request := map[string]any{"parameters": parameters}
	if r.From != "" {
		request["from"] = r.From
	}
	if r.PhoneNumber != "" {
		request["phone_number"] = r.PhoneNumber
	}
	return request, nil
}

// ActiveChat is the client's active chat; a 404 means that there is none.
func (c *Client) ActiveChat(ctx context.Context, cred Credentials) (Chat, error) {
	var chat Chat
	err := c.send(ctx, cred, call{method: "getActiveChat", path: []string{"chats", "active"}}, chat.read)
	return chat, err
}

// read needs the chat's id and state; the rest may be missing.
func (chat *Chat) read(body []byte) error {
	o, ok := parseObject(body)
	switch {
	case !ok:
		return errNotJSON
	case !o.isString("chat_id"):
		return lacking("chat_id")
	case !o.isString("state"):
		return lacking("state")
	}
	*chat = Chat{
		ID:            ChatID(o.str("chat_id")),
		State:         cut(o.str("state"), maxText),
		EstimatedWait: o.number("ewt"),
		PhoneNumber:   cut(o.text("phone_number"), maxText),
	}
	return nil
}

// readRequested needs to know whether the chat is new, too.
func (chat *Chat) readRequested(body []byte) error {
	if err := chat.read(body); err != nil {
		return err
	}
	o, _ := parseObject(body)
	isNew := o.boolean("is_new_chat")
	if isNew == nil {
		return lacking("is_new_chat")
	}
	chat.IsNew = *isNew
	return nil
}

// Send sends events, in this order and in one request. It returns the server
// events that came in the answer: the server gives them nowhere else again but
// in the history.
//
// A single SharedFile with an id that is answered with status 500, and is not in
// the history, is sent once more without the id: there are servers that want it so.
func (c *Client) Send(ctx context.Context, cred Credentials, chat ChatID, events ...ClientEvent) ([]Event, error) {
	answer, err := c.sendEvents(ctx, cred, chat, events)
	file, ok := loneFile(events)
	if !ok || !isInternalError(err) {
		return answer, err
	}
	if isThere, unread := c.hasFile(ctx, cred, chat, file); isThere {
		return nil, nil
	} else if unread != nil {
		return nil, err
	}
	file.ID = ""
	answer, err = c.sendEvents(ctx, cred, chat, []ClientEvent{file})
	return answer, unknownAfterAll(err)
}

// hasFile tells whether the history has the file's message.
func (c *Client) hasFile(ctx context.Context, cred Credentials, chat ChatID, file SharedFile) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // nobody keeps the answer
	history, err := c.History(ctx, cred, chat)
	return slices.ContainsFunc(history, func(e Event) bool { return e.Tells(chat, file.ID, file.FileID) }), err
}

func loneFile(events []ClientEvent) (SharedFile, bool) {
	if len(events) != 1 {
		return SharedFile{}, false
	}
	file, ok := events[0].(SharedFile)
	return file, ok && file.ID != ""
}

func (c *Client) sendEvents(ctx context.Context, cred Credentials, chat ChatID, events []ClientEvent) ([]Event, error) {
	call, err := sendCall(chat, events)
	if err != nil {
		return nil, err
	}
	return c.events(ctx, cred, &call)
}

func sendCall(chat ChatID, events []ClientEvent) (call, error) {
	const method = "sendEvents"
	if len(events) == 0 {
		return call{}, invalid(method, "there are no events")
	}
	body := append(make([]byte, 0, len(events)*usualEvent), `{"events":[`...)
	for _, event := range events {
		f, err := event.wire()
		if err != nil {
			return call{}, invalid(method, err.Error())
		}
		body = append(append(body, f...), '}', ',')
	}
	body = append(body[:len(body)-1], ']', '}') // in place of the last comma
	return call{method: method, kind: post, path: []string{"chats", string(chat), "events"}, contentType: jsonType, body: body, limit: eventsBody}, nil
}

// History is all that was said in the session, the client's events among it.
// The order is the server's, which promises none; signaling is not in it.
func (c *Client) History(ctx context.Context, cred Credentials, chat ChatID) ([]Event, error) {
	path := []string{"chats", string(chat), "history"}
	var events []Event
	err := c.sendFor(ctx, cred, &call{method: "getHistory", path: path, limit: eventsBody}, func(f *feed) (err error) {
		var listed bool
		events, listed, err = readEvents(f)
		if err == nil && !listed {
			err = lacking("events") // an empty history would hide what was lost
		}
		return err
	})
	return events, err
}
