package poller

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/natstest"
	"cc-connector/subjects"
)

// Who lacks chats asks for no more than it lacks, and comes first.
func TestAppetite(t *testing.T) {
	for _, c := range []struct {
		share, held, going, room int
		most                     int
		priority                 uint8
	}{
		{100, 0, 0, 100, tokensPerPull, priorityLacking},
		{10, 7, 0, 100, 3, priorityLacking},
		{10, 7, 0, 2, 2, priorityLacking},
		{10, 12, 5, 100, 3, priorityLacking},
		{10, 10, 0, 100, tokensPerPull, priorityUsual},
		{10, 12, 0, 5, 5, priorityUsual},
	} {
		hs := newHeld(1000)
		hs.setShare(c.share)
		hs.going = c.going
		for i := range c.held {
			hs.add(&holder{chat: chats.Key{Token: subjects.ChatToken(fmt.Sprint(i))}})
		}
		if most, priority := hs.appetite(c.room); most != c.most || priority != c.priority {
			t.Errorf("%+v: pulls %d with priority %d", c, most, priority)
		}
	}
}

// A token goes to a pull of one that lacks chats, however long others wait.
func TestTokensGoToThoseThatLackThem(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	consumer := r.Streams().Holders
	for n := range 10 {
		var batches [2]jetstream.MessageBatch
		for _, priority := range []uint8{priorityUsual, priorityLacking} {
			var err error
			batches[priority], err = consumer.Fetch(1, jetstream.FetchMaxWait(time.Minute), jetstream.FetchPriorityGroup(bus.HoldersGroup), jetstream.FetchPrioritized(priority))
			r.Check(err)
		}
		for waiting := 0; waiting < 2; {
			info, err := consumer.Info(r.Ctx)
			r.Check(err)
			waiting = info.NumWaiting
		}
		subject := natstest.Prefix.Internal("session", fmt.Sprint(n))
		_, err := r.JS.Publish(r.Ctx, subject, nil)
		r.Check(err)
		select {
		case msg := <-batches[priorityLacking].Messages():
			r.Check(msg.Nak()) // as one that gives it back
		case <-batches[priorityUsual].Messages():
			t.Fatal("the token went to one that lacks none")
		case <-r.Ctx.Done():
			t.Fatal(r.Ctx.Err())
		}
		r.Check((<-batches[priorityUsual].Messages()).Term()) // nobody else is there: it does not wait
	}
}
