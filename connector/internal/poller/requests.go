package poller

import (
	"errors"
	"time"

	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/tracing"
	"cc-connector/connector/internal/translate"
)

// takeRequest has a chat's holder answer, if it is held here. One that is meant
// for this replica is answered also when the chat has moved on.
func (p *Poller) takeRequest(a chats.Asked) {
	h := p.held.find(a.Chat)
	switch {
	case h != nil:
		p.answers.Go(func() { h.answer(a) })
	case a.ToUs:
		a.Reply(chats.Reply{Moved: true})
	}
}

func (h *holder) answer(a chats.Asked) {
	err := h.serve(a.Request())
	reply := chats.Reply{Holder: h.poller.Self}
	switch {
	case err == nil:
	case errors.Is(err, errNotHeld) && h.hasDeparted():
		if !a.ToUs { // the next holder answers
			return
		}
		reply.Moved = true
	default:
		reply.Error = err.Error()
	}
	a.Reply(reply)
}

func (h *holder) serve(request chats.Request) error {
	switch r := request.(type) {
	case chats.WhereIs:
		return h.isHere()
	case chats.CloseNow:
		return h.closeAsAsked(r)
	case chats.LookForLosses:
		return h.lookForLosses(r)
	case chats.PollAnew:
		return h.pollAnew()
	case chats.Publish:
		return h.publishAnswer(r)
	}
	return errNotHeld
}

// isHere tells whether requests for the chat are to come to this holder: also
// the last ones, when it has said the last word.
func (h *holder) isHere() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.phase == closed && !h.departed {
		return nil
	}
	return h.checkHeld()
}

// publishAnswer publishes the events of a call's answer. When it is not known
// whether one stands in the stream, the next holder is to read it back.
func (h *holder) publishAnswer(r chats.Publish) error {
	ctx := h.poller.Traces.Within(h.lease.Context(), tracing.Place{}, r.TraceParent, r.TraceState)
	err := h.receive(ctx, r.Events, translate.FromAnswer, time.Now())
	switch {
	case errors.Is(err, errFilesLate):
		return h.leaveToHistory()
	case err != nil && !errors.Is(err, errNotHeld) && !errors.Is(err, errLeaving):
		h.lease.Drop(err)
	}
	return err
}

// leaveToHistory has the history give an answer's events back before the next
// poll. Nothing is lost with it: it has them all.
func (h *holder) leaveToHistory() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.checkHeld(); err != nil {
		return err
	}
	h.reconciliation.raise(eventMissing)
	return nil
}

// lookForLosses has the history read before the next poll, unless that was done already.
func (h *holder) lookForLosses(r chats.LookForLosses) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.checkHeld(); err != nil {
		return err
	}
	patience := h.poller.cfg.CallTimeout
	if r.Poll {
		patience = orphanPatience
	}
	now := time.Now()
	began, until := now.Add(-max(r.Since, r.Ago)), now.Add(patience-r.Ago)
	complete := h.reconciliation.completeUntil()
	h.reconciliation.answerLost(now, began, until, h.traits.signaled)
	if h.reconciliation.completeUntil().Before(complete) { // whoever comes after this holder has to know, too
		return h.writeCheckpoint(h.lease.Context(), inPassing)
	}
	return nil
}

// pollAnew cuts the poll, or the pause, for the sake of a command that found no
// such session: the next poll tells whether there is one.
func (h *holder) pollAnew() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.checkHeld(); err != nil {
		return err
	}
	if h.end.mayPollAnew(time.Now(), h.poller.cfg.Patience) {
		h.polling.cutRound()
	}
	return nil
}

func (h *holder) closeAsAsked(r chats.CloseNow) error {
	if r.Opening != h.token.Opening {
		return errors.New("the chat was opened anew")
	}
	h.askToClose(r.Reason)
	<-h.done
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.phase != closed {
		return errors.New("the chat was let go before it was closed")
	}
	return nil
}
