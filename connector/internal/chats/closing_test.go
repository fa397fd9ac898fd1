package chats

import (
	"context"
	"errors"
	"testing"
	"time"

	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// A command that closes a chat is done when its holder is; what it wants is
// written down before the holder is asked.
func TestEndIsDoneWhenTheTokenIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, holder := r.replica("self"), r.replica("holder")
	key := r.open(c)
	token, err := c.currentToken(r.Ctx, key)
	r.Check(err)
	asked := make(chan Asked, 10)
	r.listen(holder, func(a Asked) {
		written, err := holder.CloseRequest(r.Ctx, token.Opening)
		if a.Request() != (CloseNow{schema.ClosedDetached, token.Opening}) || written != schema.ClosedDetached || err != nil || a.Chat != key.Token || a.ToUs {
			t.Errorf("asked is %+v, written down %q, %v", a.Request(), written, err)
		}
		asked <- a
	})
	done := make(chan error, 1)
	go func() { done <- c.CloseOpening(r.Ctx, key, schema.ClosedDetached) }()
	natstest.Receive(r.Rig, asked).Reply(Reply{Error: "not yet"})
	second := natstest.Receive(r.Rig, asked)
	r.removeToken(c, key)
	second.Reply(Reply{Holder: "holder"})
	if err := natstest.Receive(r.Rig, done); err != nil {
		t.Error(err)
	}
	if err := c.CloseOpening(r.Ctx, key, schema.ClosedDetached); err != nil {
		t.Errorf("a chat that is not polled is not closed: %v", err)
	}
}

// What is wanted stands there for a later holder, and says why by the first
// who wanted it.
func TestEndWithoutAHolderIsPending(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	key := r.open(c)
	c.cfg.CallTimeout = 100 * time.Millisecond
	token, err := c.currentToken(r.Ctx, key)
	r.Check(err)
	if reason, err := c.CloseRequest(r.Ctx, token.Opening); reason != "" || err != nil {
		t.Errorf("before anybody wants so: %q, %v", reason, err)
	}
	for _, reason := range []schema.CloseReason{schema.ClosedDetached, schema.ClosedEnded} {
		var pending *schema.Error
		if err := c.CloseOpening(r.Ctx, key, reason); !errors.As(err, &pending) || pending.Outcome != schema.OutcomeUnknown || !pending.Retryable {
			t.Errorf("it ends with %v", err)
		}
	}
	r.Check(c.requestClose(r.Ctx, token.Opening, schema.ClosedGone)) // who wants the same wants nothing new
	if reason, err := c.CloseRequest(r.Ctx, token.Opening); reason != schema.ClosedDetached || err != nil {
		t.Errorf("written down is %q, %v", reason, err)
	}
}

// An opening that came after the one to be closed is not closed.
func TestEndIsOfOneOpening(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, holder := r.replica("self"), r.replica("holder")
	key := r.open(c)
	r.listen(holder, func(a Asked) {
		r.removeToken(c, key)
		if _, err := c.PublishToken(context.WithoutCancel(r.Ctx), key, Token{Opening: "later", ChatID: key.ID}); err != nil {
			t.Error(err)
		}
		a.Reply(Reply{Error: "the chat was let go before it was closed"})
	})
	if err := c.CloseOpening(r.Ctx, key, schema.ClosedDetached); err != nil {
		t.Error(err)
	}
	token, err := c.currentToken(r.Ctx, key)
	r.Check(err)
	if reason, err := c.CloseRequest(r.Ctx, token.Opening); token.Opening != "later" || reason != "" || err != nil {
		t.Errorf("the opening %s is to be closed by %q, %v", token.Opening, reason, err)
	}
}
