package client

import (
	"context"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// begin tells the entries, and finds out where in the stream to go on: behind the
// earliest of the entries' places. What is opened from here on stands behind the
// stream's end as it is now, which is read first. A chat without a place, or with
// one in a stream that was lost, is read from the beginning; where all chats are
// followed, the whole stream is, once for all of them.
func (f *follower) begin(ctx context.Context) (err error) {
	if f.own == nil {
		return f.client.entries(ctx, f.chat, f.tellEntry)
	}
	end, err := f.own.end(ctx)
	if err != nil {
		return err
	}
	f.own.after = end
	var placeless []subjects.ChatToken
	err = f.client.entries(ctx, f.chat, func(chat subjects.ChatToken, entry *schema.Chat) error {
		switch place := entry.StreamSequence; {
		case entry.ClosedAt != nil && f.chat == "": // all is told, unless it was attached again just now
		case place == 0 || place > end:
			placeless = append(placeless, chat)
		default:
			f.own.after = min(f.own.after, place)
		}
		return f.tellEntry(chat, entry)
	})
	switch {
	case err != nil:
		return err
	case f.chat == "" && len(placeless) > 0:
		f.whole = true
		f.own.after, f.own.past = 0, end
	case f.chat != "" && (len(placeless) > 0 || f.next[f.chat] == 0): // or it has no entry yet
		return f.mend(ctx, f.chat, endless, end)
	}
	return nil
}

func (f *follower) tellEntry(chat subjects.ChatToken, entry *schema.Chat) error {
	f.next[chat] = entry.Sequence + 1
	return f.give(Step{Chat: entry}, nil)
}

// introduce tells the entry of a chat that was not known when the loop began.
func (f *follower) introduce(ctx context.Context, chat subjects.ChatToken) error {
	var found *schema.Chat
	err := untilDone(ctx, func(ctx context.Context) error {
		return f.client.entries(ctx, chat, func(_ subjects.ChatToken, entry *schema.Chat) error {
			found = entry
			return nil
		})
	})
	if err != nil || found == nil {
		return err
	}
	return f.tellEntry(chat, found)
}

const endless = ^uint64(0)

// isForgotten tells, where the stream is read from its beginning, a message that
// was there before of a chat that had no entry then. If the entry just was not
// there yet, the chat is told as soon as there is more of it.
func (f *follower) isForgotten(m *Message, known bool) bool {
	return f.own != nil && f.whole && !known && m.Position <= f.own.past
}

// mend tells what the stream has of a chat up to a sequence and a place. What it
// does not have stays a hole.
func (f *follower) mend(ctx context.Context, chat subjects.ChatToken, before, place uint64) error {
	if f.own == nil {
		return nil
	}
	earlier := &ownConsumer{client: f.client, filters: f.client.sequenced(chat)}
	defer earlier.stop()
	for {
		msg, err := earlier.until(ctx, place)
		if err != nil || msg == nil {
			return err
		}
		m, _ := Decode(msg)
		switch {
		case m == nil: // it is told in its turn
			continue
		case m.Sequence >= before:
			return nil
		}
		if err := f.pass(ctx, chat, m); err != nil {
			return err
		}
	}
}
