package main

import (
	"crypto/tls"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
)

// secureCenter is a simulated contact center behind TLS, whose certificate may be renewed.
type secureCenter struct {
	*httptest.Server
	t    *testing.T
	pair atomic.Pointer[tls.Certificate]
}

func startSecureCenter(t *testing.T) *secureCenter {
	t.Helper()
	sim := bpsim.New(bpsim.Options{})
	c := &secureCenter{Server: httptest.NewUnstartedServer(sim), t: t}
	c.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*c.pair.Load()}}, nil
	}}
	t.Cleanup(func() { sim.Close(); c.Close() })
	return c
}

func (c *secureCenter) renew(certFile, keyFile string) {
	c.t.Helper()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		c.t.Fatal(err)
	}
	c.pair.Store(&pair)
}

func isAnswered(t *testing.T, client *brightpattern.Client) bool {
	t.Helper()
	_, err := client.Version(t.Context(), brightpattern.Credentials{App: "app-1", Client: "somebody"})
	return err == nil
}

// The contact center's certificate is renewed under another root; calls go on
// when the file holds it, and never with a root that is not in it.
func TestRenewedRootIsTrusted(t *testing.T) {
	center := startSecureCenter(t)
	oldCert, oldKey := keyPair(t)
	center.renew(oldCert, oldKey)
	center.StartTLS()
	roots := writeFile(t, contentOf(t, oldCert))
	setEnv(t, with(map[string]string{"CC_BASE_URL": center.URL, "CC_TENANT_URL": "acme.example", "CC_TLS_CA": roots}))
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	out := newOutput()
	cfg.nats.useLog(newLogger(out, logConfig{}))
	client, err := brightpattern.New(cfg.client)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if !isAnswered(t, client) {
		t.Fatal("the first root is not trusted")
	}
	replaceFile(t, roots, "half written")
	await(t, "it is told", func() bool { return isAnswered(t, client) && out.String() != "" })
	out.waitFor(t, "CC_TLS_CA")
	if !isAnswered(t, client) {
		t.Error("the earlier root is forgotten")
	}
	newCert, newKey := keyPair(t)
	center.renew(newCert, newKey)
	client.Close() // as after a pause
	center.CloseClientConnections()
	if isAnswered(t, client) {
		t.Error("a root that is not in the file is trusted")
	}
	replaceFile(t, roots, contentOf(t, newCert))
	await(t, "the new root is trusted", func() bool { return isAnswered(t, client) })
}

// A renewed root does not make another name right.
func TestNameIsCheckedUnderARenewedRoot(t *testing.T) {
	center := startSecureCenter(t)
	cert, key := keyPair(t) // for 127.0.0.1
	center.renew(cert, key)
	center.StartTLS()
	byName := strings.Replace(center.URL, "127.0.0.1", "localhost", 1)
	setEnv(t, with(map[string]string{"CC_BASE_URL": byName, "CC_TLS_CA": cert}))
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := brightpattern.New(cfg.client)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if isAnswered(t, client) {
		t.Error("a certificate for another name is taken")
	}
}
