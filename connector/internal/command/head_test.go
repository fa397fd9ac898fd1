package command

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/natstest"
	"cc-connector/subjects"
)

// backlog is a stream of durable commands, of which others' wait.
type backlog struct {
	*natstest.Rig
	*Commands
}

func newBacklog(t testing.TB, others int) backlog {
	t.Helper()
	r := natstest.New(t)
	b := backlog{r, &Commands{
		Needs: Needs{Streams: r.Streams(), Log: natstest.Log()}, cfg: Config{Prefix: natstest.Prefix, CallTimeout: time.Minute},
	}}
	b.keepOthers(others)
	b.sync()
	return b
}

// keepOthers keeps commands of a chat each.
func (b backlog) keepOthers(count int) {
	b.Helper()
	for i := range count {
		b.keep("chat.send", subjects.ChatToken(fmt.Sprint("other-", i)))
		if i%1000 == 0 { // the client holds so many
			b.sync()
		}
	}
}

func (b backlog) keep(name subjects.Command, chat subjects.ChatToken) {
	b.Helper()
	_, err := b.JS.PublishMsgAsync(&nats.Msg{Subject: natstest.Prefix.Durable(name, chat), Data: []byte(`{}`)})
	b.Check(err)
}

// sync returns when all that is kept is in the stream, and known to be.
func (b backlog) sync() {
	b.Helper()
	select {
	case <-b.JS.PublishAsyncComplete():
	case <-b.Ctx.Done():
		b.Fatal("the commands are not stored")
	}
	_, err := b.Commands.Streams.Commands.Info(b.Ctx)
	b.Check(err)
}

// The head of a chat is its lowest command that is not known to be done, whatever it
// is to do, and however many wait of others.
func TestHeadIsTheLowestCommand(t *testing.T) {
	t.Parallel()
	for _, others := range []int{1, fewBehind + 1} {
		b := newBacklog(t, 1)
		b.keep("push.cancel", "K1") // 2
		b.keepOthers(others)
		for _, name := range []subjects.Command{"chat.send", "case.close", "chat.attach"} {
			b.keep(name, "K1")
			b.keep(name, "K2")
		}
		b.sync()
		next := uint64(2 + others + 1)
		for behind, want := range map[uint64]uint64{0: 2, 1: 2, 2: next, next: next + 2, next + 1: next + 2, next + 4: 0, next + 5000: 0} {
			if head, err := b.headOf(b.Ctx, "K1", behind); head != want || err != nil {
				t.Errorf("behind %d it is %d, %v, want %d", behind, head, err, want)
			}
		}
		if head, err := b.headOf(b.Ctx, "K3", 0); head != 0 || err != nil {
			t.Errorf("without a command it is %d, %v", head, err)
		}
	}
}

// The head of a chat while 20,000 commands of others wait, and of a chat of which a
// command was done when there were so many. A look from there on is what it saves.
func BenchmarkHead(b *testing.B) {
	r := newBacklog(b, 20_000)
	last := r.Commands.Streams.Commands.CachedInfo().State.LastSeq
	r.keep("chat.send", "K1")
	r.sync()
	for _, done := range []uint64{0, 1, last / 2, last - fewBehind} {
		for name, look := range map[string]func(context.Context, subjects.ChatToken, uint64) (uint64, error){"head": r.headOf, "look from there on": r.firstOf} {
			b.Run(fmt.Sprintf("behind %d, %s", done, name), func(b *testing.B) {
				for range b.N {
					if head, err := look(r.Ctx, "K1", done); head != last+1 || err != nil {
						b.Fatal(head, err)
					}
				}
			})
		}
	}
}
