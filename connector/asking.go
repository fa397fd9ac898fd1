package connector

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// How the replica that runs a command reaches the one that holds the chat;
// they may be the same. Every replica hears every request, and the holder
// alone answers. What must not be done twice is asked of one replica, after
// the holder has said which it is: that one answers also if the chat has moved
// on, and without an answer it is not asked again.

// holderRequest asks a chat's holder for one thing.
type holderRequest struct {
	Where   bool               `json:"where,omitempty"`   // say that you hold the chat, and nothing else
	To      replicaID          `json:"to,omitempty"`      // nobody else is meant
	Events  []json.RawMessage  `json:"events,omitempty"`  // publish what came in the answer to a call
	Recover bool               `json:"recover,omitempty"` // an answer was lost: look what is missing
	Stray   bool               `json:"stray,omitempty"`   // that of a poll, which may still be held
	Ago     time.Duration      `json:"ago,omitempty"`     // at least so long ago, the last of them
	Since   time.Duration      `json:"since,omitempty"`   // and so long ago the first
	Close   schema.CloseReason `json:"close,omitempty"`   // close this opening of the chat
	Opening string             `json:"opening,omitempty"`
}

type holderReply struct {
	Holder replicaID `json:"holder,omitempty"`
	Moved  bool      `json:"moved,omitempty"` // nothing was done: another replica has the chat, or will have it
	Error  string    `json:"error,omitempty"`
}

const (
	publishPatience = 5 * time.Second        // for events to be stored
	askAgain        = 500 * time.Millisecond // what may be asked twice: by then there may be a holder
)

func (c *Connector) holderSubject(token subjects.ChatToken) string {
	return c.cfg.Prefix.Internal("holder", string(token))
}

// askHolder returns when the chat's holder has done what is asked. Without an
// answer it is not known whether it has, nor whether there is a holder.
func (c *Connector) askHolder(ctx context.Context, key chatKey, request holderRequest, patience time.Duration) (reply holderReply, err error) {
	data, err := json.Marshal(request)
	if err != nil {
		return reply, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	msg, err := c.nc.RequestWithContext(ctx, c.holderSubject(key.token), data)
	if err != nil {
		return reply, err
	}
	if err := json.Unmarshal(msg.Data, &reply); err != nil {
		return reply, err
	}
	switch {
	case reply.Moved:
		return reply, errMoved
	case reply.Error != "":
		return reply, errors.New(reply.Error)
	}
	return reply, nil
}

// tellHolder has the holder do what must not be done twice, whoever that is by then.
func (c *Connector) tellHolder(ctx context.Context, key chatKey, request holderRequest) error {
	ctx, cancel := context.WithTimeout(ctx, publishPatience)
	defer cancel()
	_, err := backoff.Retry(ctx, func() (holderReply, error) {
		found, err := c.askHolder(ctx, key, holderRequest{Where: true}, askAgain)
		if err != nil {
			return found, err
		}
		request.To = found.Holder
		reply, err := c.askHolder(ctx, key, request, publishPatience)
		if err != nil && !errors.Is(err, errMoved) {
			return reply, backoff.Permanent(err)
		}
		return reply, err
	}, backoff.WithBackOff(newBackOff(firstPause/10, firstPause)), backoff.WithMaxElapsedTime(0))
	return err
}

// handOver has the holder publish the events that came in a call's answer.
// On a chat that nobody follows no events come.
func (c *Connector) handOver(ctx context.Context, key chatKey, events []brightpattern.Event) {
	followed, err := c.isFollowed(ctx, key)
	if err == nil && !followed {
		return
	}
	var request holderRequest
	for _, event := range events {
		request.Events = append(request.Events, event.Raw)
	}
	if err := c.tellHolder(ctx, key, request); err != nil {
		c.log.Warn("events in an answer did not reach the chat's holder; the history will be read", "chat", key.id, "error", err)
		c.reportLostAnswer(key, 0)
	}
}

// reportLostAnswer has the holder look for events that may have been lost
// with the answer to a call. It is noted until the holder knows, so that
// another replica sees to it if this one dies.
func (c *Connector) reportLostAnswer(key chatKey, ago time.Duration) {
	lost := time.Now().Add(-ago)
	c.report(key, owedLook, lost, lost)
}

// reportStray has the chat's next holder know of this one's poll, which has
// been given up and may still be held.
func (h *holder) reportStray() {
	if !h.calm && !h.pollBegan.IsZero() {
		h.report(h.chat, owedStray, h.pollBegan, time.Now())
	}
}

func (c *Connector) report(key chatKey, what noteKind, first, latest time.Time) {
	owed := note{what, string(key.token)}
	if c.notes.add(owed, first, latest) {
		c.tellLater(key, owed)
	}
}

// tellLater tells the chat's holder of a loss that this replica has entered.
func (c *Connector) tellLater(key chatKey, owed note) {
	tell := func() {
		noted, err := c.tellLostAnswer(key, owed)
		c.notes.leave(owed, err == nil)
		if err != nil {
			c.log.Warn("the chat's holder could not be told that an answer was lost; another replica will", "chat", key.id, "noted", noted, "error", err)
		}
	}
	if !c.asides.run(tell) { // leaving
		tell()
	}
}

// tellLostAnswer notes the loss whatever else ends; the telling ends when this
// replica leaves.
func (c *Connector) tellLostAnswer(key chatKey, owed note) (noted bool, err error) {
	write := func() bool {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.work), startWithin)
		defer cancel()
		return c.notes.write(ctx, owed) == nil
	}
	noted = write()
	_, err = backoff.Retry(c.intake, func() (struct{}, error) {
		noted = noted || write()
		first, latest := c.notes.span(owed)
		followed, err := c.isFollowed(c.work, key)
		if err == nil && followed {
			_, err = c.askHolder(c.work, key, holderRequest{Recover: true, Stray: owed.what == owedStray, Ago: time.Since(latest), Since: time.Since(first)}, askAgain)
		}
		if err == nil {
			c.notes.settle(owed, latest)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(newBackOff(firstPause, 5*time.Second)), backoff.WithMaxElapsedTime(0))
	return noted, err
}

// listenForRequests answers other replicas, and this one, for the chats held here.
func (c *Connector) listenForRequests() (*nats.Subscription, error) {
	return c.nc.Subscribe(c.holderSubject("*"), func(msg *nats.Msg) {
		subject, err := c.cfg.Prefix.Parse(msg.Subject)
		if err != nil {
			return
		}
		h := c.held.find(subjects.ChatToken(subject.Internal[len("holder."):]))
		var request holderRequest
		if err := json.Unmarshal(msg.Data, &request); err != nil || request.To != "" && request.To != c.replica {
			return
		}
		switch {
		case h != nil:
			c.asides.run(func() { h.answer(msg, request) })
		case request.To != "":
			c.replyTo(msg, holderReply{Moved: true})
		}
	})
}

func (h *holder) answer(msg *nats.Msg, request holderRequest) {
	reply := holderReply{Holder: h.replica}
	err := h.serveRequest(request)
	switch {
	case errors.Is(err, errDeparted) && request.To == "": // the next holder answers
		return
	case errors.Is(err, errDeparted):
		reply.Moved = true
	case err != nil:
		reply.Error = err.Error()
	}
	h.replyTo(msg, reply)
}

func (c *Connector) replyTo(msg *nats.Msg, reply holderReply) {
	data, err := json.Marshal(reply)
	if err == nil {
		err = msg.Respond(data)
	}
	if err != nil {
		c.log.Warn("a request on a chat could not be answered", "error", err)
	}
}

func (h *holder) serveRequest(request holderRequest) error {
	switch {
	case request.Where:
		return h.isHere()
	case request.Close != "":
		return h.closeAsAsked(request)
	case request.Recover:
		return h.lookForLosses(request)
	}
	return h.receiveAnswer(request)
}

// isHere tells whether requests for the chat are to come to this holder.
func (h *holder) isHere() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over && !h.departed {
		return nil
	}
	return h.checkHeld()
}

// receiveAnswer publishes the events of a call's answer. When it is not known
// whether one stands in the stream, the next holder is to read it back.
func (h *holder) receiveAnswer(request holderRequest) error {
	events := make([]brightpattern.Event, len(request.Events))
	for i, raw := range request.Events {
		events[i] = brightpattern.ParseEvent(raw)
	}
	err := h.receive(h.lease.ctx, events, originSend, time.Now())
	if err != nil && !errors.Is(err, errNotHeld) && !errors.Is(err, errDeparted) {
		h.lease.cancel(err)
	}
	return err
}

// lookForLosses reads the history before the next poll, unless it was read
// after the call could be given anything more, and a gap told that has it.
func (h *holder) lookForLosses(request holderRequest) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.checkHeld(); err != nil {
		return err
	}
	patience := h.cfg.CallTimeout
	if request.Stray {
		patience = strayPatience
	}
	now := time.Now()
	began, until := now.Add(-max(request.Since, request.Ago)), now.Add(patience-request.Ago)
	if h.compared.After(until) && !(h.signaled && began.Before(h.comparedSince)) {
		return nil
	}
	h.raiseDoubt(mayHaveLost)
	h.doubtSince = minTime(h.doubtSince, began)
	if until.After(now) {
		h.expectStray(until)
	}
	return nil
}

func (h *holder) closeAsAsked(request holderRequest) error {
	if request.Opening != h.token.Opening {
		return errNotHeld
	}
	h.askToClose(request.Close)
	<-h.done
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.over {
		return errNotHeld
	}
	return nil
}
