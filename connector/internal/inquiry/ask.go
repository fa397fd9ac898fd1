package inquiry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/replicas"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Why a replica tells nothing.
var (
	ErrEarlier = errors.New("it is of an earlier version, or has just ended: it does not listen to questions")
	ErrSilent  = errors.New("it does not answer in time: it is frozen, cut off from NATS, or overloaded")
)

// Asker is who asks.
type Asker struct {
	NATS     *nats.Conn
	Prefix   subjects.Prefix
	Patience time.Duration // with one answer
}

// pagesMost bounds what a replica may tell: more than a million chats.
const pagesMost = 10_000

// Chats are those that a replica holds; chat is not "": that one alone.
func (k Asker) Chats(ctx context.Context, replica replicas.ID, chat subjects.ChatToken) ([]Chat, error) {
	var all []Chat
	q := question{Chats: true, Chat: chat}
	for range pagesMost {
		a, err := k.ask(ctx, replica, q)
		if err != nil {
			return nil, err
		}
		all = append(all, a.Chats...)
		if a.Behind == "" {
			return all, nil
		}
		if a.Behind <= q.Behind {
			return nil, errAnswer
		}
		q.Behind = a.Behind
	}
	return nil, errAnswer
}

// Forget has a replica drop what it remembers of a chat that is purged.
func (k Asker) Forget(ctx context.Context, replica replicas.ID, chat subjects.ChatToken) error {
	_, err := k.ask(ctx, replica, question{Forget: chat})
	return err
}

func (k Asker) ask(ctx context.Context, replica replicas.ID, q question) (a answer, err error) {
	if q.Version = Version; len(replica) == 0 {
		return a, errAnswer
	}
	data, err := schema.JSON(q)
	if err != nil {
		return a, err
	}
	asking, cancel := context.WithTimeout(ctx, k.Patience)
	defer cancel()
	msg, err := k.NATS.RequestWithContext(asking, subjectOf(k.Prefix, replica), data)
	switch {
	case err == nil:
		return readAnswer(msg.Data)
	case ctx.Err() != nil:
		return a, context.Cause(ctx)
	case errors.Is(err, nats.ErrNoResponders):
		return a, ErrEarlier
	case errors.Is(err, context.DeadlineExceeded):
		return a, ErrSilent
	}
	return a, fmt.Errorf("it cannot be asked: %w", err)
}
