package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

// Connectors that run as processes sign in as the user that is made for them;
// the tests themselves as one that may do all.

const (
	natsPassword  = "not-a-secret"
	administrator = "administrator"
)

// writeUsers makes a configuration of nats-server with the users of a prefix.
func writeUsers(t *testing.T, prefix subjects.Prefix) (file string) {
	t.Helper()
	dir, users := t.TempDir(), permissions.Users(prefix, "example")
	var passwords strings.Builder
	for _, user := range users {
		fmt.Fprintf(&passwords, "%s: %q\n", permissions.PasswordVariable(user.Name), natsPassword)
	}
	list := strings.TrimSuffix(permissions.Conf(prefix, users), "]\n") + fmt.Sprintf("  {user: %q, password: %q}\n]\n", administrator, natsPassword)
	for name, text := range map[string]string{
		permissions.PasswordsFile: passwords.String(), "users.conf": list, "nats.conf": "authorization { include \"users.conf\" }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "nats.conf")
}

func asUser(prefix subjects.Prefix, role permissions.Role) []nats.Option {
	return []nats.Option{
		nats.UserInfo(permissions.UserName(prefix, role), natsPassword), nats.CustomInboxPrefix(permissions.InboxPrefix(prefix, role)),
	}
}

// signInEnv are the settings by which a connector signs in.
func signInEnv(t *testing.T, prefix subjects.Prefix) map[string]string {
	t.Helper()
	return map[string]string{
		"CC_NATS_USER":          permissions.UserName(prefix, permissions.Connector),
		"CC_NATS_PASSWORD_FILE": writeFile(t, natsPassword),
		"CC_NATS_INBOX_PREFIX":  permissions.InboxPrefix(prefix, permissions.Connector),
	}
}

// checkPermitted fails a test in which a connector wanted more than its user
// may. A reply to a request from before a reconnection is refused, and may be:
// the server has forgotten who asked.
func checkPermitted(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if strings.Contains(line, "Permissions Violation") && !strings.Contains(line, `Publish to \"_INBOX`) {
			t.Errorf("its user may not do what the connector does: %s", line)
		}
	}
}
