package bus

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/retry"
)

// Pull takes messages of a work queue, again and again.
type Pull struct {
	From    string                                         // the stream
	Doing   string                                         // in an operator's words
	Failing string                                         // and when it does not work
	Room    func(context.Context) int                      // waits for room or the end of ctx, and returns how much to fetch at most
	Fetch   func(room int) (jetstream.MessageBatch, error) // returns when the server says that the pull has ended
	Take    func(jetstream.Msg)                            // returns without working on the message
	Health  *Health
	Log     *slog.Logger
}

// PullWait is how long a pull stands. It ends when the server says so, not
// before: a message that is given back while the pull stands could come to it,
// and be lost to all for AckWait. It is short, because leaving waits for it.
const PullWait = 250 * time.Millisecond

const longestPullPause = 5 * time.Second

// Run pulls until ctx ends.
func (p Pull) Run(ctx context.Context) {
	pauses := retry.NewBackOff(retry.FirstPause, longestPullPause)
	trouble := &retry.Trouble{Log: p.Log, Doing: p.Doing}
	for ctx.Err() == nil {
		room := p.Room(ctx)
		if ctx.Err() != nil {
			return
		}
		err := p.once(room)
		if ctx.Err() != nil {
			return
		}
		err = explainConsumer(p.From, err)
		p.Health.pulled(p.Failing, err)
		if err != nil {
			trouble.Note(err)
			retry.Sleep(ctx, pauses.NextBackOff())
			continue
		}
		pauses.Reset()
	}
}

func (p Pull) once(room int) error {
	batch, err := p.Fetch(room)
	if err != nil {
		return err
	}
	for msg := range batch.Messages() {
		p.Take(msg)
	}
	return batch.Error()
}
