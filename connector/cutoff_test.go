package connector_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// cable leads one replica to NATS. When it is cut, nothing travels on it any
// more, and neither end notices.
type cable struct {
	cut     atomic.Bool
	severed atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
}

var _ nats.CustomDialer = (*cable)(nil)

func (c *cable) Dial(network, address string) (net.Conn, error) {
	if c.severed.Load() {
		return nil, errors.New("the cable is severed")
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	return &cabled{conn, c}, nil
}

// sever lets its replica notice, so that it does not wait for NATS when it leaves.
func (c *cable) sever() {
	c.severed.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

type cabled struct {
	net.Conn
	cable *cable
}

func (c *cabled) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.cable.cut.Load() {
			return n, err
		}
	}
}

func (c *cabled) Write(p []byte) (int, error) {
	if c.cable.cut.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// startCabled starts a replica that can be cut off from NATS.
func (r *rig) startCabled() *cable {
	r.Helper()
	c := &cable{}
	r.start(nats.SetCustomDialer(c))
	r.Cleanup(c.sever)
	return c
}

// door is one replica's way to the contact center. While it is shut, polls wait before it.
type door struct {
	mu      sync.Mutex
	opened  chan struct{} // closed when it is open
	waiting atomic.Int32
}

// startBehindDoor starts a replica that polls through the door.
func (r *rig) startBehindDoor(d *door) {
	r.Helper()
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, request *http.Request) {
		if request.Method != http.MethodGet || !isEvents(request) || d.pass(request) {
			r.sim.ServeHTTP(rw, request)
		}
	}))
	r.Cleanup(front.Close)
	direct := r.client.BaseURL
	r.client.BaseURL = front.URL
	r.start()
	r.client.BaseURL = direct
}

func newDoor(open bool) *door {
	d := &door{opened: make(chan struct{})}
	if open {
		close(d.opened)
	}
	return d
}

// pass reports false if the client went away meanwhile.
func (d *door) pass(request *http.Request) bool {
	d.mu.Lock()
	opened := d.opened
	d.mu.Unlock()
	d.waiting.Add(1)
	defer d.waiting.Add(-1)
	select {
	case <-opened:
		return true
	case <-request.Context().Done():
		return false
	}
}

func (d *door) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.opened)
}

func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened = make(chan struct{})
}
