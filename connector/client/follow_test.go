package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/client"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// joiner follows until a chat is closed, and checks that it sees each message
// behind the entry once and in order.
type joiner struct {
	*rig
	name  string
	next  uint64
	holes []*client.Hole
	began atomic.Bool
	done  chan struct{}
}

// join follows in the background.
func (r *rig) join(name, chat string, options ...client.FollowOption) *joiner {
	j := &joiner{rig: r, name: name, next: 1, done: make(chan struct{})}
	go func() {
		defer close(j.done)
		for step, err := range r.Follow(r.Ctx, chat, options...) {
			if j.see(step, err) {
				return
			}
		}
	}()
	return j
}

// see reports whether it was the last message.
func (j *joiner) see(step client.Step, err error) (closed bool) {
	var hole *client.Hole
	switch {
	case errors.As(err, &hole):
		j.holes = append(j.holes, hole)
		j.next = hole.To + 1
	case err != nil:
		j.Errorf("%s: %v", j.name, err)
		return true
	case step.Chat != nil:
		j.next = step.Chat.Sequence + 1
		j.began.Store(true)
		return isClosed(step)
	case step.Message.Sequence != j.next:
		j.Errorf("%s sees %d, want %d", j.name, step.Message.Sequence, j.next)
	default:
		j.next++
		return isClosed(step)
	}
	return false
}

// check waits for the end of the chat, of which the last message has a sequence.
func (j *joiner) check(last uint64, holes int) {
	j.Helper()
	natstest.Receive(j.Rig, j.done)
	if j.next != last+1 || len(j.holes) != holes {
		j.Errorf("%s: the next is %d, the last was %d; %d holes, want %d", j.name, j.next, last, len(j.holes), holes)
	}
}

// finish ends the chat, and returns the sequence of its last message.
func (r *rig) finish(chat string) (last uint64) {
	r.Helper()
	r.Check(r.sim.End(chat))
	for step, err := range r.Follow(r.Ctx, chat) {
		if hole := (*client.Hole)(nil); !errors.As(err, &hole) {
			r.Check(err)
		}
		switch {
		case step.Chat != nil:
			last = step.Chat.Sequence
		case step.Message != nil:
			last = step.Message.Sequence
		}
		if isClosed(step) {
			break
		}
	}
	return last
}

func isClosed(step client.Step) (closed bool) {
	switch {
	case step.Chat != nil:
		return step.Chat.ClosedAt != nil
	case step.Message != nil:
		_, closed = step.Message.Payload.(*schema.SessionClosed)
	}
	return closed
}

// Whoever joins at whatever moment sees each message behind the entry once.
func TestFollowFromAnyMoment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	chat := r.openChat()
	var joiners []*joiner
	for i := range 60 {
		r.says(chat, fmt.Sprint(i))
		if i%6 == 0 {
			joiners = append(joiners, r.join(fmt.Sprint("joiner ", i), chat))
		}
		if i == 30 {
			r.awaitStored("cc.chat."+string(tokenOf(chat))+".event.message", 20)
		}
	}
	last := r.finish(chat)
	joiners = append(joiners, r.join("who comes when all is over", chat))
	for _, j := range joiners {
		j.check(last, 0)
	}
}

// All chats at once, also those that are opened later.
func TestFollowAll(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	next, closed := map[string]uint64{}, 0
	before := []string{r.openChat(), r.openChat(), r.openChat()}
	r.finish(before[0])
	entries, opened := 0, false
	for step, err := range r.FollowAll(r.Ctx) {
		r.Check(err)
		if step.Chat != nil {
			next[step.Chat.ChatID] = step.Chat.Sequence + 1
			if entries++; entries == len(before) && !opened {
				opened = true
				before = append(before, r.openChat())
				go func() {
					for _, chat := range before[1:] {
						_ = r.sim.End(chat)
					}
				}()
			}
			continue
		}
		m := step.Message
		if want := max(1, next[m.ChatID]); m.Sequence != want {
			t.Errorf("a chat's message %d, want %d", m.Sequence, want)
		}
		next[m.ChatID] = m.Sequence + 1
		if isClosed(step) && m.ChatID != before[0] {
			if closed++; closed == 3 {
				break
			}
		}
	}
}

// What the stream's limits have taken is told as a hole, and then it goes on.
func TestFollowWhatIsEvicted(t *testing.T) {
	r := newRig(t)
	r.start()
	chat := r.openChat()
	for i := range 20 {
		r.says(chat, fmt.Sprint(i))
	}
	r.awaitStored("cc.chat."+string(tokenOf(chat))+".event.message", 20)
	entry, err := r.Entry(r.Ctx, chat)
	r.Check(err)
	stream, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
	r.Check(err)
	r.Check(stream.Purge(r.Ctx, jetstream.WithPurgeSubject("cc.chat."+string(tokenOf(chat))+".>")))
	j := r.join("after the eviction", chat)
	r.Eventually("it has read the entry", j.began.Load)
	r.says(chat, "more")
	last := r.finish(chat)
	j.check(last, 1)
	if len(j.holes) == 1 && (j.holes[0].From != entry.Sequence+1 || j.holes[0].To != 21 || j.holes[0].ChatID != chat) {
		t.Errorf("the hole is %+v, and the entry told up to %d", j.holes[0], entry.Sequence)
	}
}

// A restart of NATS, and a stream that is lost and made again, are sat out.
func TestFollowingOutlivesNATS(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	chat := r.openChat()
	j := r.join("who is there all the time", chat)
	r.says(chat, "before")
	r.awaitStored("cc.chat."+string(tokenOf(chat))+".event.message", 1)
	r.restartNATS(func() { r.says(chat, "meanwhile") })
	r.Eventually("the event is stored", func() bool {
		stream, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
		return err == nil && stream.CachedInfo().State.Msgs > 4
	})
	r.Check(r.JS.DeleteStream(r.Ctx, "CC_EVENTS"))
	r.Eventually("the stream is made again", func() bool {
		_, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
		return err == nil
	})
	r.says(chat, "in the new stream")
	late := r.join("who comes then", chat)
	last := r.finish(chat)
	natstest.Receive(r.Rig, j.done)
	natstest.Receive(r.Rig, late.done)
	for _, who := range []*joiner{j, late} {
		if who.next != last+1 {
			t.Errorf("%s: the next is %d, the last was %d", who.name, who.next, last)
		}
	}
}

// Who may make no consumer is given one.
func TestFollowFromAGivenConsumer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	chat := r.openChat()
	r.says(chat, "before")
	r.awaitStored("cc.chat."+string(tokenOf(chat))+".event.message", 1)
	filters := []string{"cc.chat.*.>", "cc.result.>"}
	push, err := r.JS.CreatePushConsumer(r.Ctx, "CC_EVENTS", jetstream.ConsumerConfig{Durable: "push", DeliverSubject: "to.me", AckPolicy: jetstream.AckExplicitPolicy, FilterSubjects: filters})
	r.Check(err)
	pull, err := r.JS.CreateConsumer(r.Ctx, "CC_EVENTS", jetstream.ConsumerConfig{Durable: "pull", AckPolicy: jetstream.AckExplicitPolicy, FilterSubjects: filters})
	r.Check(err)
	joiners := []*joiner{r.join("pushed", chat, client.FromPushConsumer(push)), r.join("pulled", chat, client.FromConsumer(pull))}
	for i := range 20 {
		r.says(chat, fmt.Sprint(i))
	}
	last := r.finish(chat)
	for _, j := range joiners {
		j.check(last, 0)
	}
	for _, name := range []string{"push", "pull"} {
		r.Eventually("nothing is left to acknowledge but the last", func() bool {
			info, err := r.consumer(name)
			return err == nil && info.NumAckPending <= 1
		})
	}
}

func (r *rig) consumer(name string) (*jetstream.ConsumerInfo, error) {
	if name == "push" {
		consumer, err := r.JS.PushConsumer(r.Ctx, "CC_EVENTS", name)
		if err != nil {
			return nil, err
		}
		return consumer.CachedInfo(), nil
	}
	consumer, err := r.JS.Consumer(r.Ctx, "CC_EVENTS", name)
	if err != nil {
		return nil, err
	}
	return consumer.CachedInfo(), nil
}

// The end of the context is the last that is told.
func TestFollowingEndsWithTheContext(t *testing.T) {
	r := newRig(t)
	r.start()
	ctx, cancel := context.WithCancel(r.Ctx)
	var last error
	for step, err := range r.Follow(ctx, r.openChat()) {
		if step.Message != nil || step.Chat != nil {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the last error is %v", last)
	}
	cancel()
	for _, err := range r.Follow(r.Ctx, "") {
		if err == nil {
			t.Error("a chat without an id is followed")
		}
	}
}
