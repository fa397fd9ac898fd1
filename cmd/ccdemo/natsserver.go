package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// natsServer is NATS with JetStream in this process. It may be taken down for a
// while, and comes back where it was, with what it has stored.
type natsServer struct {
	host  string
	port  int
	store *folder
	url   string

	mu      sync.Mutex
	running *server.Server // nil: it is down
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
	n.url = n.running.ClientURL()
	return n, nil
}

// up starts it, if it is down.
func (n *natsServer) up() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running != nil || n.ended {
		return nil
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
	n.running = s
	return nil
}

// down ends it, for a while.
func (n *natsServer) down() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running != nil {
		n.running.Shutdown()
		n.running.WaitForShutdown()
		n.running = nil
	}
}

func (n *natsServer) close() {
	n.mu.Lock()
	n.ended = true
	n.mu.Unlock()
	n.down()
	n.store.close()
}
