package connector_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

var (
	hostileMessages = flag.Int("hostile.messages", hostileSize, "how many messages TestHostileCommander sends")
	hostileSeed     = flag.Uint64("hostile.seed", 1, "what TestHostileCommander sends")
)

const (
	hostileBatch   = 50   // sent before the connector has to answer one
	hostileWaiting = 200  // durable ones that may wait
	hostileShare   = 1000 // of so many, others must get one command of each kind done meanwhile
	hostileHeap    = 128 << 20
)

// Somebody who may publish commands, and nothing else, publishes whatever can
// be put on a wire. Two chats go on meanwhile, and those who talk in them
// notice nothing; nothing stays, and nothing is lost.
func TestHostileCommander(t *testing.T) {
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.client.MaxPolls = 256 })
	peace := startPeace(r)
	peace.talk(r) // once before, so that there is something to compare with
	before := takeStock()
	t.Logf("-hostile.seed=%d -hostile.messages=%d", *hostileSeed, *hostileMessages)
	strays := peace.watchAims(r)

	flood, ended := newFlood(r, peace), make(chan error, 1)
	go func() { ended <- flood.run(*hostileMessages) }()
	err := peace.talkUntil(r, ended)
	r.check(err)
	peace.check(r)
	for _, s := range strays {
		if n, _, _ := s.Pending(); n > 0 {
			t.Errorf("%d answers to live commands went to %s", n, s.Subject)
		}
	}
	r.eventually("no durable command is left", func() bool { return r.streamState("CC_COMMANDS").Msgs == 0 })
	r.check(peace.replica.Ready())
	if now := takeStock(); now.heap > before.heap+hostileHeap {
		t.Errorf("the heap has grown from %d to %d bytes", before.heap, now.heap)
	}
}

// peace are two chats, and those who talk in them.
type peace struct {
	replica       *replica
	chats         []watched
	live          *nats.Conn
	durable       jetstream.JetStream
	results       *nats.Subscription
	lost, dropped *atomic.Int64 // connections, and messages that the connector was too slow for
	served        map[string]int
	said          int
}

func startPeace(r *rig) *peace {
	p := &peace{lost: new(atomic.Int64), dropped: new(atomic.Int64), served: map[string]int{}}
	p.replica = r.start(
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				p.lost.Add(1)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrSlowConsumer) {
				p.dropped.Add(1)
			}
		}))
	p.chats = []watched{watchNew(r), watchNew(r)}
	p.live, _ = r.as(permissions.CommanderLive)
	_, p.durable = r.as(permissions.CommanderDurable)
	var err error
	p.results, err = r.connect().SubscribeSync("cc.chat.*.result.chat.send")
	r.check(err)
	r.check(p.results.SetPendingLimits(-1, -1))
	return p
}

// talkUntil has both sides of the chats talk for as long as the flood lasts.
func (p *peace) talkUntil(r *rig, ended <-chan error) error {
	for {
		p.talk(r)
		select {
		case err := <-ended:
			return err
		default:
		}
	}
}

// talk is one round: in each chat the agent says something, and the customer, on both lanes.
func (p *peace) talk(r *rig) {
	r.Helper()
	for _, w := range p.chats {
		p.said++
		w.says(fmt.Sprint("agent ", p.said))
		p.sendLive(w)
		p.sendDurable(w)
	}
}

func (p *peace) text(lane string) string { return fmt.Sprint("customer ", lane, " ", p.said) }

func (p *peace) sendLive(w watched) {
	w.Helper()
	answer, err := p.live.Request("cc.chat.send", mustJSON(fields{"chatId": w.chat, "text": p.text("live")}), patience)
	w.check(err)
	ce, _, err := schema.Decode(answer.Header, answer.Data)
	w.check(err)
	p.count(w, "live", ce.Data())
}

func (p *peace) sendDurable(w watched) {
	w.Helper()
	id := uuid.NewString()
	_, err := p.durable.Publish(w.ctx, "cc.durable.chat.send."+tokenOf(w.chat), mustJSON(fields{"text": p.text("durable")}), jetstream.WithMsgID(id))
	w.check(err)
	for {
		msg, err := p.results.NextMsg(patience)
		if err != nil {
			w.Fatalf("the result of a durable command: %v; log:\n%.4000s", err, w.log)
		}
		ce, _, err := schema.Decode(msg.Header, msg.Data)
		if err == nil && schema.Extension(ce, schema.AttrCausationID) == id {
			p.count(w, "durable", ce.Data())
			return
		}
	}
}

func (p *peace) count(w watched, lane string, data []byte) {
	w.Helper()
	var result schema.Result
	if err := json.Unmarshal(data, &result); err != nil || result.Status != schema.StatusOK {
		w.Errorf("a well-behaved %s command is answered %s", lane, data)
		return
	}
	p.served[lane]++
}

// check is what must hold when the flood is over.
func (p *peace) check(r *rig) {
	r.Helper()
	for lane, n := range p.served {
		r.Logf("%d %s commands were served meanwhile", n, lane)
		if n < *hostileMessages/hostileShare {
			r.Errorf("only %d %s commands were served meanwhile", n, lane)
		}
	}
	if lost, dropped, slow := p.lost.Load(), p.dropped.Load(), r.nats.NumSlowConsumers(); lost+dropped+slow > 0 {
		r.Errorf("the connector has lost its connection %d times, and was too slow %d times; NATS counts %d who were", lost, dropped, slow)
	}
	for _, w := range p.chats {
		w.awaitStored(w.chat, ".event.message", len(w.record().Server)-1)
		w.untilListening()
		w.checkAccount()
		w.checkGaps()
	}
}

// flood is the hostile side: two connections, one for each lane.
type flood struct {
	*marksman
	rig   *rig
	wires map[lane]*wire
	pace  *nats.Conn
}

func newFlood(r *rig, p *peace) *flood {
	f := &flood{rig: r, pace: p.live, wires: map[lane]*wire{}}
	f.marksman = &marksman{
		Rand: rand.New(rand.NewPCG(*hostileSeed, 0)), limit: int(p.live.MaxPayload()), own: []string{hostileChat(r)},
	}
	for _, w := range p.chats {
		f.watched = append(f.watched, w.chat)
		for _, m := range (outsider{r}).kept("cc.chat." + tokenOf(w.chat) + ".>") {
			f.copies = append(f.copies, copyOf(m))
		}
	}
	return f
}

// hostileChat is one of the hostile side's own, for a start.
func hostileChat(r *rig) string { return r.openChat(map[string]any{"clientId": "hostile-0"}) }

func copyOf(m *jetstream.RawStreamMsg) copied {
	c := copied{payload: m.Data}
	for name, values := range m.Header {
		for _, value := range values {
			c.header = append(c.header, name+": "+value)
		}
	}
	return c
}

// watchAims hears where answers to live commands must not go.
func (p *peace) watchAims(r *rig) (all []*nats.Subscription) {
	r.Helper()
	nc := r.connect()
	for _, subject := range []string{"*.*.aimed", "*.*.*.aimed", "*.aimed", "cc.chat.aimed.event.message"} {
		sub, err := nc.SubscribeSync(subject)
		r.check(err)
		all = append(all, sub)
	}
	r.check(nc.Flush())
	return all
}

func (f *flood) run(messages int) (err error) {
	defer func() {
		for _, w := range f.wires {
			_ = w.Close()
		}
	}()
	for sent := 0; sent < messages && err == nil; sent += hostileBatch {
		err = f.batch()
	}
	return err
}

// batch is sent at once; then the connector has to answer.
func (f *flood) batch() error {
	for range hostileBatch {
		s := f.next()
		if err := f.send(s); err != nil {
			return fmt.Errorf("%.200q: %w", s.wire(), err)
		}
	}
	for _, w := range f.wires {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if _, err := f.pace.Request("cc.chat.typing", []byte("hostile"), patience); err != nil {
		return fmt.Errorf("the connector does not answer any more: %w", err)
	}
	return f.awaitDrained()
}

func (f *flood) send(s shot) (err error) {
	w := f.wires[s.lane]
	if w == nil {
		if w, err = dialWire(f.rig, map[lane]permissions.Role{liveLane: permissions.CommanderLive, durableLane: permissions.CommanderDurable}[s.lane]); err != nil {
			return err
		}
		f.wires[s.lane] = w
	}
	_, err = w.Write(s.wire())
	return err
}

// awaitDrained lets the connector work off what is durable.
func (f *flood) awaitDrained() error {
	stream, err := f.rig.js.Stream(f.rig.ctx, "CC_COMMANDS")
	if err != nil {
		return err
	}
	first, since := uint64(0), time.Now()
	for {
		info, err := stream.Info(f.rig.ctx, jetstream.WithSubjectFilter(">"))
		switch {
		case err != nil:
			return err
		case info.State.Msgs <= hostileWaiting:
			return nil
		case info.State.FirstSeq != first:
			first, since = info.State.FirstSeq, time.Now()
		case time.Since(since) > patience:
			return fmt.Errorf("durable commands stay, from %d on: %v; log:\n%.4000s", first, info.State.Subjects, f.rig.log)
		}
	}
}

// wire is a connection to NATS on which any bytes can be written.
type wire struct {
	net.Conn
	lines *bufio.Reader
}

func dialWire(r *rig, role permissions.Role) (*wire, error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.nats.ClientURL(), "nats://"))
	if err != nil {
		return nil, err
	}
	w := &wire{conn, bufio.NewReader(conn)}
	_, err = fmt.Fprintf(conn, "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":false,\"user\":%q,\"pass\":%q}\r\n", permissions.UserName(r.config.Prefix, role), password)
	if err == nil {
		err = w.flush()
	}
	return w, err
}

// flush returns when the server has taken all that was written. What it refuses
// it says, and goes on; where it closes the connection, a shot was no message.
func (w *wire) flush() error {
	if _, err := io.WriteString(w, "PING\r\n"); err != nil {
		return err
	}
	said := ""
	for {
		line, err := w.lines.ReadString('\n')
		switch {
		case err != nil:
			return fmt.Errorf("%w after %q", err, said)
		case line == "PONG\r\n":
			return nil
		case line == "PING\r\n":
			_, err = io.WriteString(w, "PONG\r\n")
		}
		if err != nil {
			return err
		}
		said = line
	}
}
