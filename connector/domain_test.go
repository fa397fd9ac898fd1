package connector_test

import (
	"encoding/json"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

const hubDomain = "hub"

// uncompressed spares the race detector tables that it would have to watch.
var uncompressed = server.CompressionOpts{Mode: server.CompressionOff}

// behindLeaf has everybody connect to a leaf node without JetStream; the
// streams are in a domain of its hub.
func behindLeaf(r *rig) {
	r.Helper()
	options := &server.Options{
		ServerName: "hub", Host: "127.0.0.1", Port: -1, JetStream: true, JetStreamDomain: hubDomain, StoreDir: r.TempDir(), NoSigs: true, NoLog: true,
		LeafNode: server.LeafNodeOpts{Host: "127.0.0.1", Port: -1, Compression: uncompressed},
	}
	hub, err := server.NewServer(options)
	r.check(err)
	hub.Start()
	r.Cleanup(func() { hub.Shutdown(); hub.WaitForShutdown() })
	if !hub.ReadyForConnections(patience) {
		r.Fatal("the hub does not start")
	}
	remote := &url.URL{Scheme: "nats", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(options.LeafNode.Port))}
	r.nats = startNATS(r.T, &server.Options{
		ServerName: "leaf", Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, Users: inHubDomain(r),
		LeafNode: server.LeafNodeOpts{ReconnectInterval: 50 * time.Millisecond, Remotes: []*server.RemoteLeafOpts{{URLs: []*url.URL{remote}, Compression: uncompressed}}},
	})
	r.eventually("the leaf node is at its hub", func() bool { return hub.NumLeafNodes() == 1 && r.nats.NumLeafNodes() == 1 })
	r.config.JetStreamDomain = hubDomain
}

// inHubDomain are the connector's user and the consumer's as they are printed for a domain.
func inHubDomain(r *rig) (all []*server.User) {
	for _, user := range permissions.InDomain(permissions.Users("leaf", exampleChat), hubDomain) {
		if user.Name != permissions.UserName("leaf", permissions.Connector) && user.Name != permissions.UserName("leaf", permissions.Consumer) {
			continue
		}
		var may []string
		for _, s := range user.Subscribe {
			may = append(may, s.Subject)
			if s.Queue != "" {
				may[len(may)-1] += " " + s.Queue
			}
		}
		p := &server.Permissions{Publish: &server.SubjectPermission{Allow: user.Publish}, Subscribe: &server.SubjectPermission{Allow: may}}
		if user.Responses != nil {
			p.Response = &server.ResponsePermission{MaxMsgs: user.Responses.Max, Expires: user.Responses.Expires}
		}
		all = append(all, &server.User{Username: user.Name, Password: password, Permissions: p})
	}
	return all
}

// The whole way, by the users that are printed for a domain: a chat is
// requested, its events come, a durable command is done, and another replica
// takes over.
func TestBehindALeafNode(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, behindLeaf, func(r *rig) { r.config.Prefix = "leaf" })
	js, err := jetstream.NewWithDomain(r.nc, hubDomain, jetstream.WithDefaultTimeout(patience))
	r.check(err)
	r.js = js
	first := r.start()
	reply := r.askLive("leaf.chat.request", `{"from":"Ada"}`)
	var made schema.ChatRequestResult
	r.check(json.Unmarshal(reply.Result, &made))
	r.push(made.ChatID, map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": "1", "msg": "hello"})
	r.awaitStored(made.ChatID, "event.message", 1)
	r.start()
	first.stop()
	r.push(made.ChatID, map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": "2", "msg": strings.Repeat("still there? ", 100_000)})
	r.checkKept(r.awaitStored(made.ChatID, "event.message", 2)[1])
	_, err = r.js.PublishMsg(r.ctx, &nats.Msg{Subject: "leaf.durable.chat.send." + made.ChatID, Data: []byte(`{"chatId":"` + made.ChatID + `","text":"yes"}`)})
	r.check(err)
	r.awaitStored(made.ChatID, "result.chat.send", 1)
	r.checkSequence(made.ChatID)
	if result := r.askLive("leaf.chat.end", `{"chatId":"`+made.ChatID+`"}`); result.Status != schema.StatusOK {
		t.Errorf("chat.end: %+v", result.Error)
	}
	r.awaitStored(made.ChatID, "session.closed", 1)
}

// A reader behind the leaf node has its consumer, too.
func TestReadingBehindALeafNode(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, behindLeaf, func(r *rig) { r.config.Prefix = "leaf" })
	js, err := jetstream.NewWithDomain(r.nc, hubDomain, jetstream.WithDefaultTimeout(patience))
	r.check(err)
	r.start()
	name := permissions.UserName("leaf", permissions.Consumer)
	_, err = js.CreatePushConsumer(r.ctx, "LEAF_EVENTS", permissions.ReaderConsumer("leaf", name))
	r.check(err)
	reader := r.connect(nats.UserInfo(name, password), nats.CustomInboxPrefix("_INBOX_"+name))
	delivered, err := reader.SubscribeSync(permissions.DeliverSubject("leaf", name))
	r.check(err)
	if result := r.askLive("leaf.chat.request", `{"from":"Ada"}`); result.Status != schema.StatusOK {
		r.Fatalf("chat.request: %+v", result.Error)
	}
	msg, err := delivered.NextMsg(patience)
	r.check(err)
	r.check(msg.Ack())
	own, err := jetstream.NewWithDomain(reader, hubDomain)
	r.check(err)
	stream, err := own.Stream(r.ctx, "LEAF_EVENTS")
	r.check(err)
	r.eventually("the message is acknowledged", func() bool {
		info, err := stream.PushConsumer(r.ctx, name)
		return err == nil && info.CachedInfo().AckFloor.Consumer > 0
	})
	if err := reader.LastError(); err != nil {
		t.Errorf("it may not do what it does: %v", err)
	}
}

// checkKept reads what is too large for a message from the store of objects.
func (r *rig) checkKept(m message) {
	r.Helper()
	bucket, object, ok := schema.DataRef(m.event)
	if !ok {
		r.Fatal("it stands in the message itself")
	}
	data, err := schema.ReadObjectInDomain(r.ctx, r.nc, hubDomain, bucket, object)
	r.check(err)
	if !json.Valid(data) {
		r.Errorf("the object %s is damaged", object)
	}
}

// askLive is ask for a command of any prefix.
func (r *rig) askLive(subject, data string) schema.Result {
	r.Helper()
	return r.ask(&nats.Msg{Subject: subject, Data: []byte(data)})
}
