package permissions_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"cc-connector/connector"
	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const chat = "example"

// bus is a nats-server with the generated users, and all streams of the connector.
type bus struct {
	*testing.T
	server *server.Server
	prefix subjects.Prefix
	users  map[permissions.Role]permissions.User
}

var roles = []permissions.Role{
	permissions.Connector, permissions.CommanderLive, permissions.CommanderDurable, permissions.CommanderChat,
	permissions.Consumer, permissions.Auditor, sender,
}

// users are those that are always printed, and one of those that are on demand.
func users(prefix subjects.Prefix) []permissions.User {
	return append(permissions.Users(prefix, chat), permissions.FileSender(prefix, permissions.UserName(prefix, sender)))
}

func password(user string) string { return "password of " + user }

func startBus(t *testing.T, prefix subjects.Prefix) *bus {
	t.Helper()
	b := newBus(t, prefix)
	users, dir := users(prefix), t.TempDir()
	writePasswords(t, dir, users)
	write(t, dir, "users.conf", permissions.Conf(prefix, users))
	b.start(write(t, dir, "nats.conf", fmt.Sprintf("jetstream { store_dir: %q }\nauthorization { include \"users.conf\" }\n", t.TempDir())))
	b.makeStreams()
	return b
}

func newBus(t *testing.T, prefix subjects.Prefix) *bus {
	b := &bus{T: t, prefix: prefix, users: make(map[permissions.Role]permissions.User)}
	for i, user := range users(prefix) {
		b.users[roles[i]] = user
	}
	return b
}

func writePasswords(t *testing.T, dir string, users []permissions.User) {
	t.Helper()
	var passwords strings.Builder
	for _, user := range users {
		fmt.Fprintf(&passwords, "%s: %q\n", permissions.PasswordVariable(user.Name), password(user.Name))
	}
	write(t, dir, permissions.PasswordsFile, passwords.String())
}

func write(t *testing.T, dir, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (b *bus) start(config string) {
	b.Helper()
	options, err := server.ProcessConfigFile(config)
	b.check(err)
	options.Host, options.Port, options.HTTPPort, options.NoSigs, options.NoLog = "127.0.0.1", server.RANDOM_PORT, 0, true, true
	b.server, err = server.NewServer(options)
	b.check(err)
	b.server.Start()
	b.Cleanup(func() { b.server.Shutdown(); b.server.WaitForShutdown() })
	if !b.server.ReadyForConnections(30 * time.Second) {
		b.Fatal("nats-server does not start")
	}
}

func (b *bus) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// connect signs in as a user, with the inbox prefix that is its own.
func (b *bus) connect(role permissions.Role) *nats.Conn {
	b.Helper()
	user := b.users[role]
	nc, err := nats.Connect(b.server.ClientURL(), nats.UserInfo(user.Name, password(user.Name)), nats.CustomInboxPrefix(user.InboxPrefix),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	b.check(err)
	b.Cleanup(nc.Close)
	return nc
}

func (b *bus) jetstream(role permissions.Role) jetstream.JetStream {
	b.Helper()
	js, err := jetstream.New(b.connect(role))
	b.check(err)
	return js
}

// makeStreams makes what a connector would, and so shows that its user may.
func (b *bus) makeStreams() {
	b.Helper()
	js := b.jetstream(permissions.Connector)
	for _, d := range connector.Definitions(connector.Config{Prefix: b.prefix, Tenant: "acme.example", BaseURL: "https://acme.example"}) {
		_, err := js.CreateStream(b.Context(), d.Stream)
		b.check(err)
		for _, c := range d.Consumers {
			_, err := js.CreateConsumer(b.Context(), d.Stream.Name, c)
			b.check(err)
		}
	}
}
