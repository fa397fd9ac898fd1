package connector_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cc-connector/connector"
	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

// Whoever signs in to the test's NATS: the connectors as the user that is made
// for them, which may do the least; the test itself as one that may do all.

const (
	password      = "not-a-secret"
	administrator = "administrator"
	fileSender    = permissions.Role("files")
	typist        = "typist" // may publish durable chat.typing, and nothing else
)

// prefixes are those that a test uses.
var prefixes = []subjects.Prefix{subjects.DefaultPrefix, "a.b", "x-1.y2"}

// usersOf reads what nats-server makes of the users' configuration.
func usersOf(prefix subjects.Prefix) ([]*server.User, error) {
	dir, err := os.MkdirTemp("", "users")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	users := append(permissions.Users(prefix, exampleChat), permissions.FileSender(prefix, permissions.UserName(prefix, fileSender)))
	var passwords strings.Builder
	for _, user := range users {
		fmt.Fprintf(&passwords, "%s: %q\n", permissions.PasswordVariable(user.Name), password)
	}
	for name, text := range map[string]string{
		permissions.PasswordsFile: passwords.String(),
		"users.conf":              permissions.Conf(prefix, users),
		"nats.conf":               "authorization { include \"users.conf\" }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	options, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
	if err != nil {
		return nil, err
	}
	return options.Users, nil
}

// everybody are the users of every prefix, the administrator and the typist: read once, for all servers.
var everybody = sync.OnceValues(func() (server.Options, error) {
	all := server.Options{Users: []*server.User{
		{Username: administrator, Password: password},
		{Username: typist, Password: password, Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{subjects.DefaultPrefix.Durable("chat.typing", "*")}},
			Subscribe: &server.SubjectPermission{Deny: []string{">"}},
		}},
	}}
	for _, prefix := range prefixes {
		users, err := usersOf(prefix)
		if err != nil {
			return all, err
		}
		all.Users = append(all.Users, users...)
	}
	return all, nil
})

// allUsers are a server's own copies of everybody: it writes in them.
func allUsers(t *testing.T, account *server.Account) []*server.User {
	t.Helper()
	all, err := everybody()
	if err != nil {
		t.Fatal(err)
	}
	users := all.Clone().Users
	for _, user := range users {
		user.Account = account
	}
	return users
}

func asAdministrator() nats.Option { return nats.UserInfo(administrator, password) }

// asConnector are the options with which a connector signs in.
func asConnector(prefix subjects.Prefix) []nats.Option {
	return append(connector.NATSOptions(),
		nats.UserInfo(permissions.UserName(prefix, permissions.Connector), password),
		nats.CustomInboxPrefix(permissions.InboxPrefix(prefix, permissions.Connector)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if !errors.Is(err, nats.ErrBadHeaderMsg) { // a test's own doing
				fmt.Fprintln(os.Stderr, "nats:", err)
			}
		}))
}

// violations collects what the server says was refused to a connector.
type violations struct {
	mu  sync.Mutex
	all []string
}

var _ server.Logger = (*violations)(nil)

func (v *violations) Errorf(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if !strings.Contains(line, "Violation") || !strings.Contains(line, "-"+string(permissions.Connector)+`" - `) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, line)
}

func (v *violations) Noticef(string, ...any) {}
func (v *violations) Warnf(string, ...any)   {}
func (v *violations) Fatalf(string, ...any)  {}
func (v *violations) Debugf(string, ...any)  {}
func (v *violations) Tracef(string, ...any)  {}

// check fails a test in which a connector wanted more than it may.
func (v *violations) check(t *testing.T) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, line := range v.all {
		t.Errorf("its user may not do what the connector does: %s", line)
	}
}
