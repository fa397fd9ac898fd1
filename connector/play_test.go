package connector_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
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

// play is two customers' conversations, one asked for by durable commands, the
// other by live ones. Whoever asks knows nothing of processes that die: a
// durable command is published, a live one is repeated until it is answered.
type play struct {
	*rig
	durable, live *ledger
	givenUp       string // the command that is

	deaths atomic.Int32
	over   atomic.Bool

	mu      sync.Mutex
	died    chan struct{} // closed when the process of the moment is dead
	all     []message     // that CC_EVENTS has
	changed chan struct{} // closed when it gets another one
}

func newPlay(r *rig) *play {
	r.Helper()
	p := &play{rig: r, changed: make(chan struct{})}
	consumer, err := r.js.OrderedConsumer(r.ctx, "CC_EVENTS", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"cc.chat.*.>", "cc.result.>"}})
	r.check(err)
	listening, err := consumer.Consume(p.hear)
	r.check(err)
	r.Cleanup(func() { listening.Stop(); <-listening.Closed() })
	return p
}

// end is the end of a process: where, and the how manieth time that it gets there.
type end struct {
	point string
	nth   int
}

// runProcesses starts a process whenever one has come to its end, and at last
// one that lives. It returns when the first one runs.
func (p *play) runProcesses(ends []end) {
	p.Helper()
	all := make(chan struct{})
	p.Cleanup(func() { <-all }) // after that of the processes
	died := p.startProcess(ends[0])
	go func() {
		defer close(all)
		for i := range ends {
			if <-died; p.over.Load() {
				return
			}
			p.deaths.Add(1)
			died = p.startProcess(append(ends, end{})[i+1])
		}
	}()
}

func (p *play) startProcess(e end) chan struct{} {
	died, err := p.startVictim(e.point, e.nth)
	if err != nil {
		p.Error(err)
		died = make(chan struct{})
		close(died)
	}
	p.Cleanup(func() { p.over.Store(true) }) // before the process is killed
	p.mu.Lock()
	defer p.mu.Unlock()
	p.died = died
	return died
}

func (p *play) hear(msg jetstream.Msg) {
	ce, _, err := schema.Decode(msg.Headers(), msg.Data())
	if err != nil {
		p.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, message{subject: msg.Subject(), event: ce})
	close(p.changed)
	p.changed = make(chan struct{})
}

// await waits until the stream has what it is to have.
func (p *play) await(what string, holds func([]message) bool) {
	p.Helper()
	deadline := time.After(2 * patience)
	for {
		p.mu.Lock()
		all, changed := slices.Clone(p.all), p.changed
		p.mu.Unlock()
		if holds(all) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			p.Fatalf("it did not come about that %s; log:\n%s", what, p.log)
		}
	}
}

func (p *play) perform() {
	p.openDurably()
	p.openLive()
	p.agentTalks()
	p.sendDurably("hello")
	p.sendLive("hello")
	p.agentTalks()
	p.mustBeDone(p.give(p.durable, "chat.disconnect", nil)) // its answer has events
	p.ask(p.live, "chat.disconnect", nil)
	p.settle()
	p.sendFileDurably("map.pdf")
	p.answerIsLost()
	p.commandIsGivenUp()
	p.sendDurably("still there?")
	p.sendLive("still there?")
	p.mustBeDone(p.give(p.durable, "chat.end", nil))
	p.endLive()
	for _, l := range []*ledger{p.durable, p.live} {
		l.awaitEnd(schema.ClosedEnded)
	}
}

// audit closes the account.
func (p *play) audit() {
	p.Helper()
	for _, id := range slices.Concat(p.durable.commands, p.live.commands) {
		p.awaitOutcome(id)
	}
	p.eventually("no command is left", func() bool { return p.waiting() == 0 })
	for name, l := range map[string]*ledger{"durable": p.durable, "live": p.live} {
		if wrong := l.account(); len(wrong) > 0 {
			p.Errorf("the %s chat %s:\n%s\nlog:\n%s", name, l.chat, strings.Join(wrong, "\n"), p.log)
		}
	}
	for _, l := range []*ledger{p.durable, p.live} {
		for _, file := range l.awaitFiles(1) {
			p.checkFile(file, "Street 1")
		}
	}
	letters := p.deadLetters()
	if len(letters) != 1 || letters[0].Header.Get("Cc-Command-Id") != p.givenUp {
		p.Errorf("%d dead letters: %+v", len(letters), letters)
	}
}

func (p *play) openDurably() {
	p.Helper()
	id := watched{p.rig, ""}.give("chat.request", map[string]any{"from": "Ada"})
	opened := p.opened(p.awaitOutcome(id))
	if !opened.IsNewChat {
		p.Errorf("the chat that the command made is not new: %+v", opened)
	}
	p.durable = p.follows(opened.ChatID, id)
}

// openLive repeats the request of a customer who was not told that there is a chat.
func (p *play) openLive() {
	p.Helper()
	nobody := newLedger(watched{p.rig, ""})
	data := map[string]any{"from": "Bob", "clientId": "bob"}
	result := p.ask(nobody, "chat.request", data)
	for result.Status != schema.StatusOK {
		result = p.ask(nobody, "chat.request", data)
	}
	opened := p.opened(result)
	if !opened.IsNewChat && len(nobody.commands) == 1 {
		p.Errorf("the chat that the command made is not new: %+v", opened)
	}
	p.live = p.follows(opened.ChatID, nobody.commands...)
}

func (p *play) opened(result schema.Result) (opened schema.ChatRequestResult) {
	p.Helper()
	if result.Status != schema.StatusOK {
		p.Fatalf("no chat: %+v; log:\n%s", result.Error, p.log)
	}
	p.check(json.Unmarshal(result.Result, &opened))
	return opened
}

func (p *play) follows(chat string, commands ...string) *ledger {
	l := newLedger(watched{p.rig, chat})
	l.lossy, l.commands = true, commands
	return l
}

// agentTalks says things of which some look all alike, and waits until they are told.
func (p *play) agentTalks() {
	p.Helper()
	for _, l := range []*ledger{p.durable, p.live} {
		l.push(l.chat, map[string]any{"event": "chat_session_party_joined", "party_id": uuid.NewString(), "type": "internal", "display_name": "Alice"})
		at := time.Now().UnixMilli()
		for range 3 {
			l.push(l.chat, map[string]any{"event": "chat_session_typing", "party_id": "agent", "timestamp": at})
		}
		l.push(l.chat, map[string]any{"event": "chat_session_status", "state": "connected"})
		l.push(l.chat, map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": uuid.NewString(), "msg": "hello"})
		l.sendsFile("label.txt", "Street 1")
		l.push(l.chat, map[string]any{"event": "chat_session_dance", "party_id": "agent"})
	}
	p.settle()
}

// settle waits until all is told that the contact center has made.
func (p *play) settle() {
	p.Helper()
	for _, l := range []*ledger{p.durable, p.live} {
		made := len(l.record().Server)
		p.await("all that was made is told", func(all []message) bool {
			told := 0
			for _, m := range all {
				if strings.HasPrefix(m.subject, "cc.chat."+string(l.token())+".event.") {
					told++
				}
			}
			return told >= made
		})
	}
}

func (p *play) answerIsLost() {
	p.Helper()
	p.durable.inject(bpsim.Fault{Kind: "lose", Method: bpsim.PollEvents, Chat: p.durable.chat, Times: 1})
	p.agentTalks()
}

// give publishes a durable command and returns its id.
func (p *play) give(l *ledger, command string, data map[string]any) string {
	p.Helper()
	if data == nil {
		data = map[string]any{}
	}
	id := l.give(command, data)
	l.commands = append(l.commands, id)
	return id
}

func (p *play) awaitOutcome(id string) (found schema.Result) {
	p.Helper()
	p.await("the command has a result", func(all []message) bool {
		for _, m := range all {
			if result, err := schema.DecodeResult(m.event); err == nil && schema.Extension(m.event, schema.AttrCausationID) == id {
				found = *result
				return true
			}
		}
		return false
	})
	return found
}

func (p *play) mustBeDone(id string) schema.Result {
	p.Helper()
	result := p.awaitOutcome(id)
	if result.Status != schema.StatusOK {
		p.Errorf("the durable %s failed: %+v", result.Command, result.Error)
	}
	return result
}

func (p *play) sendDurably(text string) {
	p.Helper()
	l := p.durable
	l.texts = append(l.texts, text)
	p.numbered(l, text, p.mustBeDone(p.give(l, "chat.send", map[string]any{"text": text})))
}

func (p *play) sendFileDurably(name string) {
	p.Helper()
	l := p.durable
	l.texts = append(l.texts, name)
	p.numbered(l, name, p.mustBeDone(p.give(l, "chat.file", inline([]byte("a map"), name))))
}

func (p *play) sendLive(text string) {
	p.Helper()
	l := p.live
	l.texts = append(l.texts, text)
	result := p.ask(l, "chat.send", map[string]any{"text": text})
	if result.Status != schema.StatusOK {
		l.doubtful[text] = true
		l.skipped++
	}
	p.numbered(l, text, result)
}

func (p *play) numbered(l *ledger, text string, result schema.Result) {
	p.Helper()
	if result.Status == schema.StatusOK {
		var sent schema.ChatSendResult
		p.check(json.Unmarshal(result.Result, &sent))
		l.numbers[text] = sent.MessageID
	}
}

// ask sends a live command again and again, until somebody tells its outcome.
// If that is not known, a replica that has died is the only excuse.
func (p *play) ask(l *ledger, command string, data map[string]any) (result schema.Result) {
	p.Helper()
	fields := map[string]any{}
	if l.chat != "" {
		fields["chatId"] = l.chat
	}
	for k, v := range data {
		fields[k] = v
	}
	msg, id := nats.NewMsg(p.config.Prefix.Live(subjects.Command(command))), uuid.NewString()
	msg.Header.Set(nats.MsgIdHdr, id)
	var err error
	msg.Data, err = json.Marshal(fields)
	p.check(err)
	l.commands = append(l.commands, id)
	p.eventually(command+" is answered", func() bool {
		reply, err := p.request(msg)
		if err != nil {
			return false
		}
		ce, _, err := schema.Decode(reply.Header, reply.Data)
		p.check(err)
		decoded, err := schema.DecodeResult(ce)
		p.check(err)
		result = *decoded
		return true
	})
	l.told[id] = result
	return result
}

// request ends also when the process that may have the command dies.
func (p *play) request(msg *nats.Msg) (*nats.Msg, error) {
	p.mu.Lock()
	died := p.died
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.ctx, patience/2)
	answered := make(chan struct{})
	defer close(answered)
	go func() {
		defer cancel()
		select {
		case <-died:
		case <-answered:
		}
	}()
	return p.nc.RequestMsgWithContext(ctx, msg)
}

// endLive ends a session, also one of which nobody knows whether it has ended.
func (p *play) endLive() {
	p.Helper()
	for {
		result := p.ask(p.live, "chat.end", nil)
		if result.Error == nil || result.Error.Code == schema.CodeNotFound {
			return
		}
		if result.Error.Outcome != schema.OutcomeUnknown {
			p.Fatalf("chat.end: %+v", result.Error)
		}
	}
}

// commandIsGivenUp has a command fail until its time is over.
func (p *play) commandIsGivenUp() {
	p.Helper()
	l := p.durable
	l.inject(bpsim.Fault{Kind: "status", Status: http.StatusServiceUnavailable, Method: bpsim.SendEvents, Chat: l.chat})
	p.givenUp = uuid.NewString()
	l.skipped++
	l.commands = append(l.commands, p.givenUp)
	msg := nats.NewMsg(p.config.Prefix.Durable("chat.send", l.token()))
	for name, value := range map[string]string{
		"ce-specversion": "1.0", "ce-type": "send", "ce-source": "test", "ce-id": p.givenUp,
		"ce-expirytime": time.Now().Add(1500 * time.Millisecond).Format(time.RFC3339Nano),
	} {
		msg.Header[name] = []string{value}
	}
	msg.Data = []byte(`{"text":"given up"}`)
	_, err := p.js.PublishMsg(p.ctx, msg)
	p.check(err)
	if result := p.awaitOutcome(p.givenUp); result.Error == nil {
		p.Errorf("the command that was to be given up is answered %+v", result)
	}
	p.sim.ClearFaults()
}
