package chats

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// How the replica that runs a command reaches the one that holds the chat;
// they may be the same. Every replica hears every request, and the holder
// alone answers. What must not be done twice is asked of one replica, after
// the holder has said which it is: that one answers also if the chat has moved
// on, and without an answer it is not asked again.

// Request asks a chat's holder for one thing: it is a WhereIs, Publish,
// LookForLosses or CloseNow.
type Request interface{ wire() wireRequest }

// WhereIs has the holder say that it holds the chat, and nothing else.
type WhereIs struct{}

// Publish has it publish what came in the answer to a call.
type Publish struct{ Events []brightpattern.Event }

// LookForLosses has it look for what is missing, because answers were lost.
type LookForLosses struct {
	Poll  bool          // that of a poll, which may still be held
	Since time.Duration // so long ago the first of them
	Ago   time.Duration // at least so long ago the last
}

// CloseNow has it close this opening of the chat.
type CloseNow struct {
	Reason  schema.CloseReason
	Opening OpeningID
}

// wireRequest is a request as it travels between replicas.
type wireRequest struct {
	Where   bool               `json:"where,omitempty"`
	To      replicas.ID        `json:"to,omitempty"` // nobody else is meant
	Events  []json.RawMessage  `json:"events,omitempty"`
	Recover bool               `json:"recover,omitempty"`
	Stray   bool               `json:"stray,omitempty"`
	Ago     time.Duration      `json:"ago,omitempty"`
	Since   time.Duration      `json:"since,omitempty"`
	Close   schema.CloseReason `json:"close,omitempty"`
	Opening OpeningID          `json:"opening,omitempty"`
}

func (WhereIs) wire() wireRequest { return wireRequest{Where: true} }
func (r LookForLosses) wire() wireRequest {
	return wireRequest{Recover: true, Stray: r.Poll, Ago: r.Ago, Since: r.Since}
}
func (r CloseNow) wire() wireRequest { return wireRequest{Close: r.Reason, Opening: r.Opening} }
func (r Publish) wire() (w wireRequest) {
	for _, event := range r.Events {
		w.Events = append(w.Events, event.Raw)
	}
	return w
}

func (w wireRequest) request() Request {
	switch {
	case w.Where:
		return WhereIs{}
	case w.Close != "":
		return CloseNow{w.Close, w.Opening}
	case w.Recover:
		return LookForLosses{Poll: w.Stray, Since: w.Since, Ago: w.Ago}
	}
	events := make([]brightpattern.Event, len(w.Events))
	for i, raw := range w.Events {
		events[i] = brightpattern.ParseEvent(raw)
	}
	return Publish{events}
}

// Reply is what a holder answers.
type Reply struct {
	Holder replicas.ID `json:"holder,omitempty"`
	Moved  bool        `json:"moved,omitempty"` // nothing was done: another replica has the chat, or will have it
	Error  string      `json:"error,omitempty"`
}

const (
	publishPatience = 5 * time.Second        // for events to be stored
	askAgain        = 500 * time.Millisecond // what may be asked twice: by then there may be a holder
)

func (c *Chats) holderSubject(token subjects.ChatToken) string {
	return c.cfg.Prefix.Internal("holder", string(token))
}

// ask returns when the chat's holder, or the replica that is meant, has
// answered. Without an answer it is not known whether it has done what is
// asked, nor whether there is a holder.
func (c *Chats) ask(ctx context.Context, key Key, request Request, to replicas.ID, patience time.Duration) (reply Reply, err error) {
	w := request.wire()
	w.To = to
	data, err := schema.JSON(w)
	if err != nil {
		return reply, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	msg, err := c.NATS.RequestWithContext(ctx, c.holderSubject(key.Token), data)
	if err != nil {
		return reply, err
	}
	if err := json.Unmarshal(msg.Data, &reply); err != nil {
		return reply, err
	}
	if reply.Error != "" {
		return reply, errors.New(reply.Error)
	}
	return reply, nil
}

// tell has the holder do what must not be done twice, whoever that is by then.
func (c *Chats) tell(ctx context.Context, key Key, request Request) error {
	ctx, cancel := context.WithTimeout(ctx, publishPatience)
	defer cancel()
	return retry.Until(ctx, 0, retry.FirstPause/10, retry.FirstPause, func(ctx context.Context) error {
		found, err := c.ask(ctx, key, WhereIs{}, "", askAgain)
		if err != nil {
			return err
		}
		reply, err := c.ask(ctx, key, request, found.Holder, publishPatience)
		switch {
		case err != nil:
			return retry.Final(err)
		case reply.Moved:
			return errors.New("the chat has moved to another replica")
		}
		return nil
	})
}

// Deliver has the holder publish the events that came in a call's answer.
// On a chat that nobody follows no events come.
func (c *Chats) Deliver(ctx context.Context, key Key, events []brightpattern.Event) {
	c.answering.Store(true)
	followed, err := c.isFollowed(ctx, key)
	if err == nil && !followed {
		return
	}
	if err := c.tell(ctx, key, Publish{events}); err != nil {
		c.Log.Warn("events in an answer did not reach the chat's holder; the history will be read", "chat", key.ID, "error", err)
		c.ReportLost(key, 0)
	}
}

// AreCallsAnswered tells whether the contact center has answered calls of this
// replica with events: old versions do.
func (c *Chats) AreCallsAnswered() bool { return c.answering.Load() }

// Asked is a request on a chat that may be held here.
type Asked struct {
	Chat subjects.ChatToken
	ToUs bool // no other replica is meant

	chats *Chats
	msg   *nats.Msg
	wire  wireRequest
}

// Request is what is asked.
func (a Asked) Request() Request { return a.wire.request() }

// Reply answers it.
func (a Asked) Reply(reply Reply) {
	data, err := schema.JSON(reply)
	if err == nil {
		err = a.msg.Respond(data)
	}
	if err != nil {
		a.chats.Log.Warn("a request on a chat could not be answered", "error", err)
	}
}

// Listen hears the requests of other replicas, and of this one. Take returns
// without working on one.
func (c *Chats) Listen(take func(Asked)) (*nats.Subscription, error) {
	return c.NATS.Subscribe(c.holderSubject("*"), func(msg *nats.Msg) {
		_, chat, err := c.cfg.Prefix.ParseInternal(msg.Subject)
		var w wireRequest
		if err != nil || json.Unmarshal(msg.Data, &w) != nil || w.To != "" && w.To != c.Self {
			return
		}
		take(Asked{Chat: subjects.ChatToken(chat), ToUs: w.To != "", chats: c, msg: msg, wire: w})
	})
}
