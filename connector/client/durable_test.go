package client_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/client"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
	"cc-connector/subjects"
)

func TestDoDurable(t *testing.T) {
	r := newRig(t)
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			r.config.Mode = mode
			stop := r.start()
			defer stop()
			opened, err := client.As[schema.ChatRequestResult](r.DoDurable(r.Ctx, client.NewCommand(&schema.ChatRequest{From: "Ada"})))
			r.Check(err)
			if opened.ClientID != "" || opened.ClientRef == "" {
				t.Errorf("the event tells %+v", opened)
			}
			cmd := send(opened.ChatID, "hello")
			for range 2 { // the second time it is a repeat
				sent, err := client.As[schema.ChatSendResult](r.DoDurable(r.Ctx, cmd))
				if err != nil || sent.MessageID != opened.ChatID+":0" {
					t.Errorf("%+v, %v", sent, err)
				}
			}
			if got := r.said(opened.ChatID); !slices.Equal(got, []string{"hello"}) {
				t.Errorf("the contact center has %q", got)
			}
			_, err = r.DoDurable(r.Ctx, send("nobody's", "hello"))
			r.checkFailure(err, schema.CodeUnknownChat)
			if _, err = r.DoDurable(r.Ctx, client.NewCommand(&schema.ChatActive{ClientID: "nobody"})); err == nil {
				t.Error("nobody has a chat")
			}
		})
	}
}

// doing is a durable command that somebody waits for.
type doing struct {
	*rig
	done chan error
}

func (r *rig) doing(cmd *client.Command) doing {
	d := doing{r, make(chan error, 1)}
	go func() {
		reply, err := r.DoDurable(r.Ctx, cmd)
		if sent, ok := client.As[schema.ChatSendResult](reply, err); ok == nil && !strings.Contains(sent.MessageID, ":") {
			err = errors.New("the outcome is another one's")
		}
		d.done <- err
	}()
	return d
}

func (d doing) check() {
	d.Helper()
	if err := natstest.Receive(d.Rig, d.done); err != nil {
		d.Error(err)
	}
}

// queued waits until so many durable commands wait to be run.
func (r *rig) queued(count uint64) {
	r.Helper()
	r.Eventually("commands are queued", func() bool {
		stream, err := r.JS.Stream(r.Ctx, "CC_COMMANDS")
		return err == nil && stream.CachedInfo().State.Msgs == count
	})
}

func TestWaitingOutlivesRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stop := r.start()
	chat := r.openChat()
	stop()
	first := r.doing(send(chat, "while no connector ran"))
	r.queued(1)
	stop = r.start()
	first.check()

	stop()
	second := r.doing(send(chat, "while NATS was away"))
	r.queued(1)
	r.restartNATS(func() {})
	r.start()
	second.check()
	if got := r.said(chat); !slices.Equal(got, []string{"while no connector ran", "while NATS was away"}) {
		t.Errorf("the contact center has %q", got)
	}
}

// A result that was told while its waiter was cut off, or before he came, is
// asked for. Nothing is done for that.
func TestMissedResult(t *testing.T) {
	r := newRig(t)
	r.start()
	chat := r.openChat()
	results := subjects.DefaultPrefix.Result(tokenOf(chat), "chat.send")
	cmd := send(chat, "hello")
	_, err := r.Publish(r.Ctx, cmd)
	r.Check(err)
	r.awaitStored(results, 1)
	for range 2 {
		sent, err := client.As[schema.ChatSendResult](r.Await(r.Ctx, cmd))
		if err != nil || sent.MessageID != chat+":0" {
			t.Errorf("%+v, %v", sent, err)
		}
	}
	if got := r.said(chat); !slices.Equal(got, []string{"hello"}) || r.stored(results) != 1 {
		t.Errorf("the contact center has %q, and %d results are stored", got, r.stored(results))
	}
}

// Who asks for what has not begun has it neither done out of its turn nor refused
// for good, and leaves nothing in the stream.
func TestQuestionRunsNothing(t *testing.T) {
	r := newRig(t)
	r.start()
	chat := r.openChat()
	_, err := r.sim.Inject(bpsim.Fault{Kind: "status", Status: 503, Method: "sendEvents", Body: "first"})
	r.Check(err)
	first, second := send(chat, "first"), send(chat, "second")
	for _, cmd := range []*client.Command{first, second} {
		_, err := r.Publish(r.Ctx, cmd)
		r.Check(err)
	}
	if _, err := r.Await(r.shortly(), second); !errors.Is(err, client.ErrNoAnswer) {
		t.Errorf("%v", err)
	}
	if n := r.stored("cc.*.*.result.>") + r.stored("cc.result.>"); n != 1 { // of chat.request
		t.Errorf("%d results are stored", n)
	}
	r.sim.ClearFaults()
	for _, cmd := range []*client.Command{second, first} {
		if _, err := r.Await(r.Ctx, cmd); err != nil {
			t.Error(err)
		}
	}
	if got := r.said(chat); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("the contact center has %q", got)
	}
}

// Two commands under one id: the second is refused, and who waits for the first
// is not told so.
func TestConflict(t *testing.T) {
	r := newRig(t)
	stop := r.start()
	chat := r.openChat()
	stop()
	mine, other := send(chat, "mine"), client.NewCommand(&schema.ChatTyping{ChatID: chat})
	other.ID = mine.ID
	waiting := r.doing(mine)
	r.queued(1)
	r.start()
	waiting.check()
	_, err := r.Do(r.Ctx, other)
	r.checkFailure(err, schema.CodeCommandConflict)
	third := send(chat, "other")
	third.ID = mine.ID
	_, err = r.Await(r.Ctx, third)
	r.checkFailure(err, schema.CodeCommandConflict)
	if _, err := r.Await(r.Ctx, mine); err != nil {
		t.Error(err)
	}
}

// The second one of two in the queue learns of it by its own event.
func TestConflictInTheQueue(t *testing.T) {
	r := newRig(t)
	stop := r.start()
	chat := r.openChat()
	stop()
	mine, other := send(chat, "mine"), client.NewCommand(&schema.ChatTyping{ChatID: chat})
	other.ID = mine.ID
	first := r.doing(mine)
	r.queued(1)
	msg, err := r.Message(other, true)
	r.Check(err)
	msg.Header.Del("Nats-Msg-Id") // as after the stream has forgotten it
	_, err = r.JS.PublishMsg(r.Ctx, msg)
	r.Check(err)
	r.start()
	first.check()
	_, err = r.Await(r.Ctx, other)
	r.checkFailure(err, schema.CodeCommandConflict)
}

// A message that is refused under its id, which is another command's, is told by
// its place in the stream of commands.
func TestOwnRefusal(t *testing.T) {
	r := newRig(t)
	stop := r.start()
	chat := r.openChat()
	stop()
	cmd := send(chat, "hello")
	waiting := r.doing(cmd)
	r.queued(1)
	stream, err := r.JS.Stream(r.Ctx, "CC_COMMANDS")
	r.Check(err)
	place := stream.CachedInfo().State.LastSeq
	for _, at := range []uint64{place * 10, place} {
		r.Check(r.NC.Publish(subjects.DefaultPrefix.Result(tokenOf(chat), "chat.send"), fmt.Appendf(nil, `{"specversion":"1.0","id":"1","source":"/s",
			"type":"com.brightpattern.chat.result.send.v1","causationid":"CC_COMMANDS:%d:2026-01-01T00:00:00Z","correlationid":%q,
			"data":{"command":"chat.send","status":"error","error":{"code":"command_conflict","message":"%d","retryable":false,"outcome":"not_done"}}}`, at, cmd.ID, at)))
	}
	err = natstest.Receive(r.Rig, waiting.done)
	r.checkFailure(err, schema.CodeCommandConflict)
	if !strings.HasSuffix(err.Error(), fmt.Sprintf(": %d", place)) {
		t.Errorf("another message's refusal is taken: %v", err)
	}
}

// What others publish where results are is nobody's outcome.
func TestForgedResults(t *testing.T) {
	r := newRig(t)
	stop := r.start()
	chat := r.openChat()
	stop()
	cmd := send(chat, "hello")
	cmd.Correlation = "ours" // and another command's, too
	waiting := r.doing(cmd)
	r.queued(1)
	subject := subjects.DefaultPrefix.Result(tokenOf(chat), "chat.send")
	for _, data := range []string{
		"", "nonsense", `{"specversion":"1.0"}`, `{"command":"chat.send","status":"ok","result":{"messageId":"forged"}}`,
		`{"specversion":"1.0","id":"1","source":"/s","type":"com.brightpattern.chat.result.send.v1","causationid":"another","correlationid":"ours","data":{"command":"chat.send","status":"ok","result":{"messageId":"forged"}}}`,
		`{"specversion":"1.0","id":"1","source":"/s","type":"com.brightpattern.chat.result.read.v1","causationid":"` + cmd.ID + `","correlationid":"ours","data":{"command":"chat.read","status":"ok"}}`,
		`{"specversion":"1.0","id":"1","source":"/s","type":"com.brightpattern.chat.result.send.v1","causationid":"` + cmd.ID + `","correlationid":"question:x","data":{"command":"chat.send","status":"error","error":{"code":"expired","outcome":"not_done"}}}`,
		// Anybody's conflict, as earlier versions of the connector name it.
		`{"specversion":"1.0","id":"1","source":"/s","type":"com.brightpattern.chat.result.send.v1","causationid":"` + cmd.ID + `","correlationid":"ours","data":{"command":"chat.send","status":"error","error":{"code":"command_conflict","outcome":"not_done"}}}`,
	} {
		r.Check(r.NC.Publish(subject, []byte(data)))
	}
	r.start()
	waiting.check()
	if got := r.said(chat); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("the contact center has %q", got)
	}
}
