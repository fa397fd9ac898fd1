package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
)

// natsServer is NATS with JetStream in this process. It may be taken down for a
// while, and comes back where it was, with what it has stored.
type natsServer struct {
	host  string
	port  int
	store *folder
	url   string

	change  sync.Mutex
	running atomic.Pointer[server.Server] // nil: it is down
	ended   bool
}

// startNATSServer keeps its streams in the folder, or, without one, in one that goes.
func startNATSServer(addr, kept string) (*natsServer, error) {
	listener, err := listenOn(addr)
	if err != nil {
		return nil, fmt.Errorf("-nats: %w", err)
	}
	host, text, _ := net.SplitHostPort(listener.Addr().String())
	port, err := strconv.Atoi(text)
	if err := errors.Join(err, listener.Close()); err != nil {
		return nil, err
	}
	store, err := openFolder(kept)
	if err != nil {
		return nil, err
	}
	n := &natsServer{host: host, port: port, store: store}
	if err := n.up(); err != nil {
		store.close()
		return nil, err
	}
	n.url = n.running.Load().ClientURL()
	return n, nil
}

// up starts it, if it is down.
func (n *natsServer) up() error {
	n.change.Lock()
	defer n.change.Unlock()
	if n.isUp() || n.ended {
		return nil
	}
	if err := n.checkPort(); err != nil {
		return fmt.Errorf("NATS cannot listen where it was: %w", err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "ccdemo", Host: n.host, Port: n.port, JetStream: true, StoreDir: n.store.path, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return fmt.Errorf("NATS server: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(startup) {
		s.Shutdown()
		s.WaitForShutdown()
		return errors.New("the NATS server does not start")
	}
	n.running.Store(s)
	return nil
}

func (n *natsServer) isUp() bool { return n.running.Load() != nil }

// checkPort tells at once what the server itself would not.
func (n *natsServer) checkPort() error {
	listener, err := net.Listen("tcp", net.JoinHostPort(n.host, strconv.Itoa(n.port)))
	if err != nil {
		return err
	}
	return listener.Close()
}

// down ends it, for a while.
func (n *natsServer) down() {
	n.change.Lock()
	defer n.change.Unlock()
	if s := n.running.Swap(nil); s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

func (n *natsServer) close() {
	n.change.Lock()
	n.ended = true
	n.change.Unlock()
	n.down()
	n.store.close()
}
