package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

// contactCenter is the simulator, strict about tenant and launch point.
func contactCenter(t *testing.T) (url string) {
	t.Helper()
	sim := bpsim.New(bpsim.Options{Tenant: "acme.example", Apps: []string{"app-2"}, Hold: 200 * time.Millisecond})
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.Close() })
	return web.URL
}

// The settings reach the contact center: prefix, tenant and launch point are those that were given.
func TestProcessOpensChat(t *testing.T) {
	natsServer := startNATS(t, server.Options{JetStream: true, StoreDir: t.TempDir()})
	p := start(t, map[string]string{
		"CC_NATS_URL": natsServer.ClientURL(), "CC_BASE_URL": contactCenter(t), "CC_TENANT_URL": "acme.example",
		"CC_APPS": "sales:app-1,support:app-2", "CC_SUBJECT_PREFIX": "acme.eu", "CC_HTTP_ADDR": "127.0.0.1:0",
	})
	p.waitReady(t, http.StatusOK)
	nc, err := nats.Connect(natsServer.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if status := requestChat(t, nc, "support"); status != "ok" {
		t.Errorf("a chat of support is answered %q:\n%s", status, p.stderr)
	}
	if status := requestChat(t, nc, "sales"); status != "error" {
		t.Errorf("the contact center does not know the launch point of sales, but the answer is %q", status)
	}
	checkGet(t, "http://"+loggedAddress(t, p.stderr)+"/metrics", http.StatusOK, "go_goroutines")
	p.signal(t, syscall.SIGTERM)
	p.checkExit(t, 0)
	if strings.Contains(p.stderr.String(), planted) {
		t.Errorf("the customer's name is logged:\n%s", p.stderr)
	}
}

func requestChat(t *testing.T, nc *nats.Conn, app string) (status string) {
	t.Helper()
	command := `{"from":"` + planted + `","app":"` + app + `"}`
	reply, err := nc.Request("acme.eu.chat.request", []byte(command), patience)
	if err != nil {
		t.Fatal(err)
	}
	var result struct{ Status string }
	if err := json.Unmarshal(reply.Data, &result); err != nil {
		t.Fatal(err)
	}
	return result.Status
}
