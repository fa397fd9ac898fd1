package brightpattern

import (
	"context"
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
	wrap   func(http.RoundTripper) http.RoundTripper
	polls  int

	mu      sync.Mutex
	pool    *x509.CertPool
	inUse   *http.Transport
	wrapped http.RoundTripper // what is in use, with what stands around it
}

func openTransport(config Config, polls int) *transport {
	t := &transport{config: config.TLS, roots: config.Roots, wrap: config.Wrap, polls: polls}
	if t.roots != nil {
		t.pool = t.roots()
	}
	t.use(t.make())
	return t
}

func (t *transport) use(made *http.Transport) {
	t.inUse, t.wrapped = made, made
	if t.wrap != nil {
		t.wrapped = t.wrap(made)
	}
}

// current is the one by which connections are made now.
func (t *transport) current() http.RoundTripper {
	if t.roots == nil {
		return t.wrapped
	}
	pool := t.roots()
	t.mu.Lock()
	defer t.mu.Unlock()
	if pool != t.pool {
		earlier := t.inUse
		t.pool = pool
		t.use(t.make())
		earlier.CloseIdleConnections() // those under way end after their answers
	}
	return t.wrapped
}

// methodKey is where the context of a request has the method of its call.
type methodKey struct{}

// mark has the context of a request tell its call, if anybody may ask.
func (t *transport) mark(ctx context.Context, call *call) context.Context {
	if t.wrap == nil {
		return ctx
	}
	return context.WithValue(ctx, methodKey{}, call.method)
}

// MethodOf is the protocol's name of the call that a request is of, by the
// request's context: for what stands around the transport.
func MethodOf(ctx context.Context) string {
	method, _ := ctx.Value(methodKey{}).(string)
	return method
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
