package main

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
	"cc-connector/subjects"
)

const (
	hanging  = time.Minute // only a hanging test ever waits as long
	tenant   = "acme.example"
	appID    = "app-1"
	password = "of-the-test"
	reader   = "cc-consumer"
)

// administrator may do everything: no user of the connector's has that role.
const administrator permissions.Role = "administrator"

// system is what the example runs beside, all of it real: NATS, the simulated
// contact center behind HTTP, and a connector.
type system struct {
	*testing.T
	nats *server.Server
	sim  *bpsim.Server
	js   jetstream.JetStream // an administrator's
}

// newSystem has everything up. Everybody may do the least that he needs.
func newSystem(t *testing.T, mode schema.Mode) *system {
	t.Helper()
	s := &system{T: t}
	s.startNATS()
	s.sim = bpsim.New(bpsim.Options{Tenant: tenant, Apps: []string{appID}, Hold: time.Second})
	web := httptest.NewServer(s.sim)
	t.Cleanup(func() { s.sim.Close(); web.Close() })
	var err error
	s.js, err = jetstream.New(s.connect(administrator))
	s.check(err)
	s.startConnector(web.URL, mode)
	s.makeConsumer()
	return s
}

func (s *system) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *system) startNATS() {
	s.Helper()
	options, err := server.ProcessConfigFile(s.usersConf())
	s.check(err)
	options.Users = append(options.Users, &server.User{Username: permissions.UserName(subjects.DefaultPrefix, administrator), Password: password})
	options.Host, options.Port, options.MaxPayload = "127.0.0.1", server.RANDOM_PORT, 64<<10
	options.JetStream, options.StoreDir, options.NoSigs, options.NoLog = true, s.TempDir(), true, true
	s.nats, err = server.NewServer(options)
	s.check(err)
	s.nats.Start()
	s.Cleanup(func() { s.nats.Shutdown(); s.nats.WaitForShutdown() })
	if !s.nats.ReadyForConnections(hanging) {
		s.Fatal("NATS does not start")
	}
}

// usersConf has the users that deploy/nats has, all with one password.
func (s *system) usersConf() string {
	s.Helper()
	users, err := os.ReadFile("../../nats/users.conf")
	s.check(err)
	var passwords strings.Builder
	for _, variable := range regexp.MustCompile(`(?m)^ +password: \$(\w+)`).FindAllSubmatch(users, -1) {
		passwords.WriteString(string(variable[1]) + `: "` + password + "\"\n")
	}
	dir := s.TempDir()
	for name, content := range map[string]string{
		"users.conf": string(users), "passwords.conf": passwords.String(), "nats.conf": `authorization { include "users.conf" }`,
	} {
		s.check(os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return filepath.Join(dir, "nats.conf")
}

func (s *system) connect(role permissions.Role) *nats.Conn {
	s.Helper()
	options := append(connector.NATSOptions(), nats.UserInfo(permissions.UserName(subjects.DefaultPrefix, role), password),
		nats.CustomInboxPrefix(permissions.InboxPrefix(subjects.DefaultPrefix, role)))
	nc, err := nats.Connect(s.nats.ClientURL(), options...)
	s.check(err)
	s.Cleanup(nc.Close)
	return nc
}

func (s *system) startConnector(baseURL string, mode schema.Mode) {
	s.Helper()
	client, err := brightpattern.New(brightpattern.Config{BaseURL: baseURL, TenantURL: tenant})
	s.check(err)
	c, err := connector.New(connector.Config{
		Tenant: tenant, BaseURL: baseURL, Apps: []connector.App{{Name: "main", ID: appID}}, Mode: mode, Provision: true,
	}, s.connect(permissions.Connector), client, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	s.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("the connector: %v", err)
		}
		client.Close()
	})
	s.eventually("the connector is ready", func() bool { return c.Ready() == nil })
}

// makeConsumer makes the reader's consumer, as its administrator does.
func (s *system) makeConsumer() {
	s.Helper()
	config := permissions.ReaderConsumer(subjects.DefaultPrefix, reader)
	config.AckWait = time.Second // what was under way when its reader died comes again then
	_, err := s.js.CreatePushConsumer(s.Context(), "CC_EVENTS", config)
	s.check(err)
}

// eventually polls a condition that nothing announces.
func (s *system) eventually(what string, holds func() bool) {
	s.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(hanging)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			s.Fatalf("it did not come about that %s", what)
		}
	}
}
