package intake

import (
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const patience = 30 * time.Second

// superCluster is two servers of two clusters that a gateway joins.
func superCluster(t *testing.T) (near, far *nats.Conn) {
	t.Helper()
	var address *url.URL
	var servers []*server.Server
	for _, name := range []string{"near", "far"} {
		options := &server.Options{
			Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, ServerName: name,
			Gateway: server.GatewayOpts{Name: name, Host: "127.0.0.1", Port: -1},
		}
		if address != nil {
			options.Gateway.Gateways = []*server.RemoteGatewayOpts{{Name: "near", URLs: []*url.URL{address}}}
		}
		s, err := server.NewServer(options)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if !s.ReadyForConnections(patience) {
			t.Fatal("the server does not start")
		}
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		address = &url.URL{Scheme: "nats", Host: s.GatewayAddr().String()}
		servers = append(servers, s)
	}
	eventually(t, "the gateways are connected", func() bool {
		return servers[0].NumOutboundGateways() == 1 && servers[1].NumOutboundGateways() == 1
	})
	connect := func(s *server.Server) *nats.Conn {
		nc, err := nats.Connect(s.ClientURL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	return connect(servers[0]), connect(servers[1])
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it did not come about that %s", what)
		}
	}
}

// A request from another cluster comes with the reply subject that its sender
// has given it: what the servers put before that on the way is gone again.
func TestReplyThroughAGateway(t *testing.T) {
	near, far := superCluster(t)
	g := NewGuard("cc", nil, nil)
	for reply, may := range map[string]bool{"cc.chat.C.event.message": false, "my.inbox": true} {
		got := arrives(t, near, far, reply)
		if got != reply {
			t.Errorf("%s comes as %s", reply, got)
		}
		if g.MayReply(got) != may {
			t.Errorf("a reply may go to %s: %v", got, !may)
		}
	}
}

// arrives is the reply subject that a request has when it arrives. The servers
// put something before it for who has just subscribed to it. It is sent until it
// comes: a cluster learns late who listens in another one.
func arrives(t *testing.T, near, far *nats.Conn, reply string) (got string) {
	t.Helper()
	subject := "cc.chat." + nats.NewInbox()[len(nats.InboxPrefix):]
	commands, err := near.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := far.SubscribeSync(reply); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the request arrives", func() bool {
		if err := far.PublishRequest(subject, reply, nil); err != nil {
			t.Fatal(err)
		}
		msg, err := commands.NextMsg(100 * time.Millisecond)
		if err == nil {
			got = msg.Reply
		}
		return err == nil
	})
	return got
}
