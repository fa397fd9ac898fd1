package chats

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/tracing"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// How the replica that runs a command reaches the one that holds the chat;
// they may be the same. Every replica hears every request, and the holder
// alone answers. What must not be done twice is asked of one replica, after
// the holder has said which it is: that one answers also if the chat has moved
// on, and without an answer it is not asked again.

// Request asks a chat's holder for one thing: it is a WhereIs, Publish,
// LookForLosses, PollAnew or CloseNow.
type Request interface{ wire() wireRequest }

// WhereIs has the holder say that it holds the chat, and nothing else.
type WhereIs struct{}

// Publish has it publish what came in the answer to a call.
type Publish struct {
	Events []brightpattern.Event

	// The trace that they belong to (W3C Trace Context).
	TraceParent string
	TraceState  string
}

// LookForLosses has it look for what is missing, because answers were lost.
type LookForLosses struct {
	Poll  bool          // that of a poll, which may still be held
	Since time.Duration // so long ago the first of them
	Ago   time.Duration // at least so long ago the last
}

// PollAnew has it cut its poll and poll again, because a command was told that
// there is no such session.
type PollAnew struct{}

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
	Texts   []string           `json:"texts,omitempty"` // the events, if one is nested too deep to stand in Events
	Anew    bool               `json:"anew,omitempty"`  // with Where: that is what an earlier version does
	Recover bool               `json:"recover,omitempty"`
	Stray   bool               `json:"stray,omitempty"`
	Ago     time.Duration      `json:"ago,omitempty"`
	Since   time.Duration      `json:"since,omitempty"`
	Close   schema.CloseReason `json:"close,omitempty"`
	Opening OpeningID          `json:"opening,omitempty"`

	// The trace that events belong to (W3C Trace Context).
	TraceParent string `json:"traceParent,omitempty"`
	TraceState  string `json:"traceState,omitempty"`
}

func (WhereIs) wire() wireRequest  { return wireRequest{Where: true} }
func (PollAnew) wire() wireRequest { return wireRequest{Where: true, Anew: true} }
func (r LookForLosses) wire() wireRequest {
	return wireRequest{Recover: true, Stray: r.Poll, Ago: r.Ago, Since: r.Since}
}
func (r CloseNow) wire() wireRequest { return wireRequest{Close: r.Reason, Opening: r.Opening} }

// wire has all events as texts if one does not go otherwise; replicas of an
// earlier version take that one for an event that is a string.
func (r Publish) wire() (w wireRequest) {
	tooDeep := false
	for _, event := range r.Events {
		raw := event.Raw
		if isTooDeep(event) {
			raw, _ = schema.JSON(string(raw)) // a string can always be written
			tooDeep = true
		}
		w.Events, w.Texts = append(w.Events, raw), append(w.Texts, string(event.Raw))
	}
	if !tooDeep {
		w.Texts = nil
	}
	w.TraceParent, w.TraceState = r.TraceParent, r.TraceState
	return w
}

func isTooDeep(e brightpattern.Event) bool {
	return brightpattern.ShapeOf(e.Raw).Depth > schema.MaxNesting
}

func (w wireRequest) request() Request {
	switch {
	case w.Anew:
		return PollAnew{}
	case w.Where:
		return WhereIs{}
	case w.Close != "":
		return CloseNow{w.Close, w.Opening}
	case w.Recover:
		return LookForLosses{Poll: w.Stray, Since: w.Since, Ago: w.Ago}
	}
	var events []brightpattern.Event
	for _, text := range w.Texts {
		events = append(events, brightpattern.ParseEvent(json.RawMessage(text)))
	}
	if events == nil {
		for _, raw := range w.Events {
			events = append(events, brightpattern.ParseEvent(raw))
		}
	}
	return Publish{Events: events, TraceParent: w.TraceParent, TraceState: w.TraceState}
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

// Deliver has the holder publish the events that came in the answer to a call
// that was begun then.
// On a chat that nobody follows no events come. An event that no request can
// hold is given back by the history, as what was lost is.
func (c *Chats) Deliver(ctx context.Context, key Key, events []brightpattern.Event, began time.Time) {
	c.answering.Store(true)
	followed, err := c.isFollowed(ctx, key)
	if err == nil && !followed {
		return
	}
	parent, state := tracing.Carry(ctx)
	for part := range parts(events, c.NATS.MaxPayload()/grown) {
		if err := c.tell(ctx, key, Publish{part, parent, state}); err != nil {
			c.Log.Warn("events in an answer did not reach the chat's holder; the history will be read", "chat", key.ID, "error", err)
			c.ReportLost(key, began, time.Now())
			return
		}
	}
}

// grown is more than how many times its size an event takes in a request: one
// that is nested too deep is written as a text, twice, and half of it may be quotes.
const grown = 5

// parts are events that fit into one request: at most size bytes, or one event.
func parts(events []brightpattern.Event, size int64) iter.Seq[[]brightpattern.Event] {
	return func(yield func([]brightpattern.Event) bool) {
		first, sum := 0, int64(0)
		for i, event := range events {
			if sum += int64(len(event.Raw)); i > first && sum > size {
				if !yield(events[first:i]) {
					return
				}
				first, sum = i, int64(len(event.Raw))
			}
		}
		if first < len(events) {
			yield(events[first:])
		}
	}
}

// ReportMissing has the holder find out whether there is still a session, as a
// command was told that there is none. The command does not wait for that.
func (c *Chats) ReportMissing(key Key) {
	c.tellers.Go(func() {
		followed, err := c.isFollowed(c.Life.Intake, key)
		if err == nil && followed {
			err = retry.Until(c.Life.Intake, publishPatience, retry.FirstPause, retry.FirstPause, func(ctx context.Context) error {
				_, err := c.ask(ctx, key, PollAnew{}, "", askAgain)
				return err
			})
		}
		if err != nil {
			c.Log.Debug("the chat's holder does not know that a command found no session", "chat", key.ID, "error", err)
		}
	})
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
	reply.Error = beginning(reply.Error, longestValue)
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
		if !c.Guard.MayReply(msg.Reply) {
			c.Guard.Ignore(metrics.IgnoredReply, "")
			return
		}
		_, chat, err := c.cfg.Prefix.ParseInternal(msg.Subject)
		var w wireRequest
		if err != nil || json.Unmarshal(msg.Data, &w) != nil || w.To != "" && w.To != c.Self {
			return
		}
		take(Asked{Chat: subjects.ChatToken(chat), ToUs: w.To != "", chats: c, msg: msg, wire: w})
	})
}
