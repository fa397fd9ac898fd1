package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// Pull takes messages of a work queue, again and again.
type Pull struct {
	JetStream jetstream.JetStream
	Queue     jetstream.Consumer
	Doing     string                                // in an operator's words
	Failing   string                                // and when it does not work
	Room      func(context.Context) int             // waits for room or the end of ctx, and returns how much to ask for at most
	Request   func(room int) (most int, g Priority) // what is asked for, where there is room for some
	Take      func(*nats.Msg)                       // returns without working on the message
	Health    *Health
	Log       *slog.Logger
}

// Priority is how urgent a pull is, where the consumer has a group for that.
type Priority struct {
	Group string `json:"group,omitempty"`
	Level uint8  `json:"priority,omitempty"` // 0 is served first
}

// PullWait is how long a pull stands. It ends when the server says so, not
// before: a message that is given back while the pull stands could come to it,
// and be lost to all for AckWait. It is short, because leaving waits for it.
const PullWait = 250 * time.Millisecond

const (
	longestPullPause = 5 * time.Second
	wordsMost        = 8 // of the server during one pull
)

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
		err = explainConsumer(p.Queue.CachedInfo().Stream, err)
		p.Health.pulled(p.Queue.CachedInfo().Stream, p.Failing, err)
		if err != nil {
			trouble.Note(err)
			retry.Sleep(ctx, pauses.NextBackOff())
			continue
		}
		pauses.Reset()
		trouble.Over()
	}
}

// pullRequest is JetStream's, as it travels.
type pullRequest struct {
	Batch   int           `json:"batch"`
	Expires time.Duration `json:"expires"`
	Priority
}

func (p Pull) once(room int) error {
	most, priority := p.Request(room)
	// A channel: the library's own ways to wait for a message hear the server's
	// word in it, too.
	answers := make(chan *nats.Msg, most+wordsMost)
	nc := p.JetStream.Conn()
	inbox := nc.NewInbox()
	sub, err := nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	cut := nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	defer nc.RemoveStatusListener(cut)
	body, err := schema.JSON(pullRequest{most, PullWait, priority})
	if err != nil {
		return err
	}
	info := p.Queue.CachedInfo()
	if err := nc.PublishRequest(apiSubject(p.JetStream, apiNext, info.Stream, info.Name), inbox, body); err != nil {
		return err
	}
	return p.takeAll(answers, cut, most)
}

// takeAll takes what comes until the pull has ended. The server's word is not
// waited for when the connection is cut, or it says nothing at all.
func (p Pull) takeAll(answers <-chan *nats.Msg, cut <-chan nats.Status, most int) error {
	silence := time.NewTimer(PullWait + AnswerPatience)
	defer silence.Stop()
	for taken := 0; taken < most; {
		select {
		case msg := <-answers:
			if !IsDelivered(msg) {
				if ended, err := readWord(msg.Header); ended {
					return err
				}
				continue
			}
			p.Take(msg)
			taken++
		case <-cut:
			p.takeRest(answers)
			return nil
		case <-silence.C:
			p.takeRest(answers)
			return nats.ErrTimeout
		}
	}
	return nil
}

// IsDelivered tells a message that a consumer hands out, whatever its headers
// say, from all others.
func IsDelivered(msg *nats.Msg) bool { return strings.HasPrefix(msg.Reply, ackPrefix) }

// takeRest takes what came before the connection was cut.
func (p Pull) takeRest(answers <-chan *nats.Msg) {
	for {
		select {
		case msg := <-answers:
			if IsDelivered(msg) {
				p.Take(msg)
			}
		default:
			return
		}
	}
}

// endings are why a pull ends, by the server's status and the beginning of its
// description; nil where that is in order.
var endings = []struct {
	status, description string
	err                 error
}{
	{"404", "", nil}, // no messages
	{"408", "", nil}, // its time is over
	{"409", "batch completed", nil},
	{"409", "message size exceeds maxbytes", nil},
	{"409", "consumer deleted", jetstream.ErrConsumerDeleted},
	{"409", "leadership change", nil}, // the next pull goes to another server
	{"409", "server shutdown", nil},
	{"503", "", nats.ErrNoResponders},
}

// readWord reads what the server says during a pull.
func readWord(header nats.Header) (ended bool, err error) {
	status, description := header.Get("Status"), header.Get("Description")
	if status == "100" { // it is there
		return false, nil
	}
	for _, e := range endings {
		if status == e.status && strings.HasPrefix(strings.ToLower(description), e.description) {
			return true, e.err
		}
	}
	if status == "" {
		return true, errors.New("the server answers a pull with what is no message of a consumer")
	}
	return true, fmt.Errorf("the server refuses a pull: %s %s", status, description)
}
