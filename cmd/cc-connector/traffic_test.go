package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// traffic is what agents and customers do while the world goes wrong.
type traffic struct {
	*world
	seed    uint64
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	load    load
}

func newTraffic(w *world, seed uint64) *traffic {
	ctx, stop := context.WithCancel(context.Background())
	t := &traffic{world: w, seed: seed, ctx: ctx, stop: stop}
	w.Cleanup(t.end)
	return t
}

func (t *traffic) end() {
	t.stop()
	t.running.Wait()
}

// load says how much there is to do.
type load struct {
	chats     int           // open at once
	agents    time.Duration // between two events, over all chats
	text      int           // bytes of an agent's message
	customers int           // who send live commands, one after the other
	durable   int           // who send durable ones
	lifetime  time.Duration // after about which a chat ends; 0: with the storm
}

// begin opens the chats and lets everybody talk until end.
func (t *traffic) begin(l load) {
	t.Helper()
	t.load = l
	t.refill()
	t.every(l.agents, func(dice *rand.Rand) { t.agentActs(dice) })
	for range l.customers {
		t.every(10*time.Millisecond, func(dice *rand.Rand) { t.customerActs(dice) })
	}
	for range l.durable {
		t.every(10*time.Millisecond, func(dice *rand.Rand) { t.durableActs(dice) })
	}
	if l.lifetime > 0 {
		t.every(l.lifetime/time.Duration(l.chats), func(dice *rand.Rand) { t.replaceChat(dice) })
	}
}

// refill opens chats until there are as many as there should be.
func (t *traffic) refill() {
	t.Helper()
	for range t.load.chats - len(t.openChats()) {
		t.running.Go(func() { t.openChat(t.ctx) })
	}
	await(t.T, "the chats are open", func() bool { return len(t.openChats()) >= t.load.chats })
}

// every does something again and again, never twice at once.
func (t *traffic) every(pause time.Duration, do func(*rand.Rand)) {
	t.seed++
	dice := rand.New(rand.NewPCG(t.seed, 2))
	t.running.Go(func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-t.ctx.Done():
				return
			case <-tick.C:
				do(dice)
			}
		}
	})
}

// talk is a chat as agents and customers know it.
type talk struct {
	*world
	id        string
	signaling bool // it has a call, too
	said      atomic.Int64
	over      atomic.Bool
	live      sync.Mutex // one customer at a time
	lasting   sync.Mutex // the same for durable commands
}

func (c *talk) nextID() string { return fmt.Sprint(c.said.Add(1)) }

func (c *talk) push(event map[string]any) {
	if err := c.sim.Push(c.id, event); err != nil && !errors.Is(err, bpsim.ErrOver) {
		c.Error(err)
	}
}

func (c *talk) end() {
	c.over.Store(true)
	if err := c.sim.End(c.id); err != nil && !errors.Is(err, bpsim.ErrOver) {
		c.Error(err)
	}
}

func (w *world) openChats() (open []*talk) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.chats {
		if !c.over.Load() {
			open = append(open, c)
		}
	}
	return open
}

func (t *traffic) pick(dice *rand.Rand) *talk {
	open := t.openChats()
	if len(open) == 0 {
		return nil
	}
	return open[dice.IntN(len(open))]
}

// send remembers a command before anybody can have got it.
func (t *traffic) remember(cmd *sentCommand) *sentCommand {
	cmd.id = uuid.NewString()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = append(t.sent, cmd)
	return cmd
}

// openChat asks for a chat until there is one. A repeat reaches the same chat.
func (t *traffic) openChat(ctx context.Context) {
	cmd := t.remember(&sentCommand{name: "chat.request"})
	for ctx.Err() == nil {
		result := t.ask(context.WithoutCancel(ctx), cmd, map[string]any{"from": customerName})
		if result != nil {
			t.answered(cmd, *result)
		}
		if result == nil || result.Error != nil {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		var made schema.ChatRequestResult
		if err := json.Unmarshal(result.Result, &made); err != nil {
			t.Error(err)
			return
		}
		t.mu.Lock()
		t.clients = append(t.clients, made.ClientID)
		t.chats = append(t.chats, &talk{world: t.world, id: made.ChatID, signaling: len(t.chats)%6 == 5})
		t.mu.Unlock()
		return
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

const replyPatience = 15 * time.Second // more than a call may take

// ask sends a live command and returns what is answered; nil: nothing.
func (t *traffic) ask(ctx context.Context, cmd *sentCommand, data any) *schema.Result {
	t.mu.Lock()
	cmd.asked++
	t.mu.Unlock()
	body, err := json.Marshal(data)
	if err != nil {
		t.Error(err)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, replyPatience)
	defer cancel()
	msg := &nats.Msg{Subject: subjects.DefaultPrefix.Live(subjects.Command(cmd.name)), Data: body, Header: nats.Header{nats.MsgIdHdr: {cmd.id}}}
	reply, err := t.nc.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return nil
	}
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	if err != nil {
		t.Errorf("a reply cannot be read: %v", err)
		return nil
	}
	result, err := schema.DecodeResult(ce)
	if err != nil {
		t.Errorf("a reply is no result: %v", err)
		return nil
	}
	return result
}

// agentActs has the contact center say something, now and then twice the same in a breath.
func (t *traffic) agentActs(dice *rand.Rand) {
	chat := t.pick(dice)
	if chat == nil {
		return
	}
	event := chat.event(dice, t.load.text)
	chat.push(event)
	if event["msg_id"] == nil && dice.IntN(3) == 0 {
		chat.push(event)
	}
}

func (c *talk) event(dice *rand.Rand, text int) map[string]any {
	switch n := dice.IntN(20); {
	case n < 10:
		return map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": c.nextID(), "msg": agentText + strings.Repeat("x", text)}
	case n < 13:
		return map[string]any{"event": "chat_session_typing", "party_id": "agent"}
	case n < 14:
		return map[string]any{"event": "chat_session_not_typing", "party_id": "agent"}
	case n < 15:
		return map[string]any{"event": "chat_session_status", "state": "connected", "ewt": fmt.Sprint(dice.IntN(9))}
	case n < 16:
		return map[string]any{"event": "chat_session_party_joined", "party_id": c.nextID(), "display_name": agentName, "type": "internal"}
	case n < 17:
		return map[string]any{"event": "chat_session_party_left", "party_id": c.nextID()}
	case n < 18:
		return map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": c.nextID(), "msg": agentText + "timeless", "timestamp": nil}
	case c.signaling:
		return map[string]any{"event": "chat_session_signaling", "party_id": "agent", "msg_id": c.nextID(), "data": map[string]any{"type": "ICE_CANDIDATE"}}
	}
	return map[string]any{"event": "vendor_novelty", "party_id": "agent", "novelty": c.nextID()}
}

// customerActs sends one live command and waits for its reply. Who gets none
// asks again under the same id.
func (t *traffic) customerActs(dice *rand.Rand) {
	chat := t.pick(dice)
	if chat == nil || !chat.live.TryLock() {
		return
	}
	defer chat.live.Unlock()
	cmd, data := t.command(dice, chat)
	for answers := 1 + dice.IntN(2); answers > 0 && t.ctx.Err() == nil; { // some ask twice although they were answered
		result := t.ask(context.WithoutCancel(t.ctx), cmd, data)
		if result == nil {
			pause(t.ctx, 50*time.Millisecond)
			continue
		}
		t.answered(cmd, *result)
		answers--
	}
}

func (t *traffic) answered(cmd *sentCommand, result schema.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	cmd.replies = append(cmd.replies, result)
}

// command makes one of the kinds that may come on both lanes.
func (t *traffic) command(dice *rand.Rand, chat *talk) (*sentCommand, map[string]any) {
	mark := customerText + uuid.NewString()
	switch n := dice.IntN(10); {
	case n < 7:
		return t.remember(&sentCommand{name: "chat.send", chat: chat.id, mark: mark}), map[string]any{"chatId": chat.id, "text": mark}
	case n < 8:
		return t.remember(&sentCommand{name: "chat.location", chat: chat.id, mark: mark}),
			map[string]any{"chatId": chat.id, "latitude": 1, "longitude": 2, "url": mark}
	case n < 9:
		return t.remember(&sentCommand{name: "chat.typing", chat: chat.id}), map[string]any{"chatId": chat.id}
	}
	return t.confide(dice, chat)
}

// confide makes a command that tells what nobody else is to know.
func (t *traffic) confide(dice *rand.Rand, chat *talk) (*sentCommand, map[string]any) {
	if dice.IntN(2) == 0 {
		return t.remember(&sentCommand{name: "push.firebase", chat: chat.id}), map[string]any{"chatId": chat.id, "deviceToken": deviceToken}
	}
	return t.remember(&sentCommand{name: "chat.form", chat: chat.id}),
		map[string]any{"chatId": chat.id, "formRequestId": "1", "formName": formName, "data": map[string]string{"card": formValue}}
}

// durableActs publishes one durable command and goes on when it is stored.
func (t *traffic) durableActs(dice *rand.Rand) {
	chat := t.pick(dice)
	if chat == nil || !chat.lasting.TryLock() {
		return
	}
	defer chat.lasting.Unlock()
	cmd, data := t.command(dice, chat)
	body, err := json.Marshal(data)
	if err != nil {
		t.Error(err)
		return
	}
	token, err := subjects.EscapeChat(chat.id)
	if err != nil {
		t.Error(err)
		return
	}
	cmd.durable = true
	for {
		msg := nats.NewMsg(subjects.DefaultPrefix.Durable(subjects.Command(cmd.name), token))
		msg.Data = body
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), requestPatience)
		ack, err := t.js.PublishMsg(ctx, msg, jetstream.WithMsgID(cmd.id))
		cancel()
		if err == nil {
			t.mu.Lock()
			cmd.place = ack.Sequence
			t.mu.Unlock()
			return
		}
		if t.ctx.Err() != nil && !t.nc.IsConnected() {
			return
		}
		pause(context.Background(), 50*time.Millisecond)
	}
}

// replaceChat ends a chat, by either side, and opens another.
func (t *traffic) replaceChat(dice *rand.Rand) {
	chat := t.pick(dice)
	if chat == nil {
		return
	}
	chat.live.Lock() // the customer has the last word, or none
	if dice.IntN(2) == 0 || !t.customerEnds(chat) {
		chat.end()
	}
	chat.live.Unlock()
	t.openChat(t.ctx)
}

func (t *traffic) customerEnds(chat *talk) bool {
	cmd := t.remember(&sentCommand{name: "chat.end", chat: chat.id})
	result := t.ask(context.WithoutCancel(t.ctx), cmd, map[string]any{"chatId": chat.id})
	if result == nil {
		return false
	}
	t.answered(cmd, *result)
	if result.Error != nil {
		return false
	}
	chat.over.Store(true)
	return true
}
