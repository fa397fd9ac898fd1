package main

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// A system whose NATS makes TLS before it greets is joined by the connector's own variables.
func TestAgainstSecureNATS(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	options := &server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, TLS: true, TLSHandshakeFirst: true, TLSTimeout: 10,
		TLSConfig: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}}
	url := startNATS(t, options).ClientURL()
	root := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
	t.Setenv(caVariable, writeFile(t, t.TempDir(), "ca.crt", root))
	t.Setenv(firstVariable, "true")
	nc, err := commander.connect(url, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	for name, value := range map[string]string{caVariable: "/nowhere", firstVariable: "maybe", certVariable: "/nowhere", keyVariable: "/nowhere"} {
		t.Setenv(name, value)
		if _, err := commander.options(); err == nil || !strings.Contains(err.Error(), name) && name != keyVariable && name != certVariable {
			t.Errorf("%s: %v", name, err)
		}
		t.Setenv(name, "")
	}
}

func TestAddressIsShownWithoutPassword(t *testing.T) {
	if got := shown("nats://u:secret@a:1, secret@b,%secret"); got != "nats://a:1, nats://b, nats://unreadable" {
		t.Errorf("got %s", got)
	}
}
