package brightpattern

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"time"
)

// transport makes the connections. Root certificates are part of what
// http.Transport is made from, and checking names by hand instead would be a
// hole for addresses and proxies; so renewed ones make another http.Transport.
// What is under way on the earlier one goes on.
type transport struct {
	config *tls.Config
	roots  func() *x509.CertPool // nil: those of config, for good
	polls  int

	mu    sync.Mutex
	pool  *x509.CertPool
	inUse *http.Transport
}

func openTransport(config *tls.Config, roots func() *x509.CertPool, polls int) *transport {
	t := &transport{config: config, roots: roots, polls: polls}
	if roots != nil {
		t.pool = roots()
	}
	t.inUse = t.make()
	return t
}

// current is the one by which connections are made now.
func (t *transport) current() *http.Transport {
	if t.roots == nil {
		return t.inUse
	}
	pool := t.roots()
	t.mu.Lock()
	defer t.mu.Unlock()
	if pool != t.pool {
		earlier := t.inUse
		t.pool = pool
		t.inUse = t.make()
		earlier.CloseIdleConnections() // those under way end after their answers
	}
	return t.inUse
}

func (t *transport) closeIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inUse.CloseIdleConnections()
}

func (t *transport) make() *http.Transport {
	config := t.config
	if config != nil {
		config = config.Clone()
	}
	if t.pool != nil {
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		config.RootCAs = t.pool
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    10 * time.Second,
		Protocols:              protocols,
		MaxIdleConnsPerHost:    t.polls,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         readBuffer,
		WriteBufferSize:        writeBuffer,
	}
}
