package client_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/client"
	"cc-connector/schema"
)

// An entry's place may be missing, or be one in a stream that was lost since.
func TestFollowWithoutAPlace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stop := r.start()
	chat := r.openChat()
	for i := range 10 {
		r.says(chat, fmt.Sprint(i))
	}
	r.awaitStored("cc.chat."+string(tokenOf(chat))+".event.message", 10)
	stop()
	var joiners []*joiner
	for name, place := range map[string]uint64{"none": 0, "behind the stream's end": 1 << 40, "of another message": r.stored("cc.>")} {
		r.rewriteEntry(chat, func(entry *schema.Chat) { entry.Sequence, entry.StreamSequence = 3, place })
		j := r.join(name, chat)
		r.Eventually("it has read the entry", j.began.Load)
		joiners = append(joiners, j)
	}
	r.start()
	r.says(chat, "more")
	last := r.finish(chat)
	for _, j := range joiners {
		j.check(last, 0)
	}
}

// A closed chat that was attached again, which its entry does not tell yet, is
// told at once.
func TestFollowWhatIsAttachedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stop := r.start()
	chat := r.openChat()
	for i := range 3 {
		r.says(chat, fmt.Sprint(i))
	}
	r.awaitStored("cc.chat."+string(tokenOf(chat))+".event.message", 3)
	stop()
	r.rewriteEntry(chat, func(entry *schema.Chat) {
		entry.Sequence, entry.StreamSequence, entry.ClosedAt = 1, 1, &entry.OpenedAt
	})
	next := uint64(2)
	for step, err := range r.Follow(r.Ctx, chat) {
		r.Check(err)
		if step.Message == nil {
			continue
		}
		if step.Message.Sequence != next {
			t.Errorf("message %d, want %d", step.Message.Sequence, next)
		}
		if said, ok := step.Message.Payload.(*schema.Message); ok && said.MessageID == "2" {
			break
		}
		next++
	}
}

// Chats without a place are told by one reading of the stream, and a chat that is
// forgotten is not.
func TestFollowAllWithoutPlaces(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	chats := r.placeless(4)
	bucket, err := r.JS.KeyValue(r.Ctx, "CC_CHATS")
	r.Check(err)
	r.Check(bucket.Delete(r.Ctx, string(tokenOf(chats[0])))) // its messages come first
	r.Check(r.evict(chats[1]))
	made, err := r.NC.SubscribeSync("$JS.EVENT.ADVISORY.CONSUMER.CREATED.CC_EVENTS.>")
	r.Check(err)
	r.Check(r.NC.Flush())
	next, holes := map[string]uint64{chats[1]: 2, chats[2]: 2, chats[3]: 2}, 0
	for step, err := range r.FollowAll(r.Ctx) {
		if hole := (*client.Hole)(nil); errors.As(err, &hole) && hole.ChatID == chats[1] {
			holes, next[chats[1]] = holes+1, hole.To+1
			continue
		}
		r.Check(err)
		if step.Chat != nil {
			continue
		}
		m := step.Message
		if m.Sequence != next[m.ChatID] {
			t.Errorf("message %d of %s, want %d", m.Sequence, m.ChatID, next[m.ChatID])
		}
		next[m.ChatID] = m.Sequence + 1
		if said, ok := m.Payload.(*schema.Message); ok && said.MessageID == "hello" && m.ChatID == chats[3] {
			break
		}
	}
	r.Check(r.NC.Flush())
	if n, _, _ := made.Pending(); n != 1 || holes != 1 {
		t.Errorf("%d consumers were made, and %d holes told", n, holes)
	}
}

// placeless are chats with two messages each, of which the entries tell no place.
func (r *rig) placeless(count int) (chats []string) {
	r.Helper()
	stop := r.start()
	for i := range count {
		chat := r.openChat()
		chats = append(chats, chat)
		r.says(chat, "first")
		r.says(chat, "hello")
		r.awaitStored("cc.chat.*.event.message", uint64(2*i+2))
	}
	stop()
	for _, chat := range chats {
		r.rewriteEntry(chat, func(entry *schema.Chat) { entry.Sequence, entry.StreamSequence = 1, 0 })
	}
	return chats
}

// evict takes all but the last of a chat's messages from the stream, as its limits may.
func (r *rig) evict(chat string) error {
	stream, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
	if err != nil {
		return err
	}
	return stream.Purge(r.Ctx, jetstream.WithPurgeSubject("cc.chat."+string(tokenOf(chat))+".>"), jetstream.WithPurgeKeep(1))
}

func (r *rig) rewriteEntry(chat string, change func(*schema.Chat)) {
	r.Helper()
	bucket, err := r.JS.KeyValue(r.Ctx, "CC_CHATS")
	r.Check(err)
	entry, err := r.Entry(r.Ctx, chat)
	r.Check(err)
	change(entry)
	data, err := schema.JSON(entry)
	r.Check(err)
	_, err = bucket.Put(r.Ctx, string(tokenOf(chat)), data)
	r.Check(err)
}
