package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/permissions"
)

const deployNATS = "../../deploy/nats"

// outputOf runs a command that must succeed.
func outputOf(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := execute(args, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("%q: exit code %d, %s", args, code, errs.String())
	}
	return out.String()
}

// What lies in deploy/ is what the command prints: cc-connector permissions > deploy/nats/users.conf.
func TestDeployedUsersAreThePrinted(t *testing.T) {
	setEnv(t, nil)
	for name, args := range map[string][]string{"users.conf": {"permissions"}, "users.sh": {"permissions", "--format", "nsc"}} {
		kept, err := os.ReadFile(filepath.Join(deployNATS, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(kept) != outputOf(t, args...) {
			t.Errorf("deploy/nats/%s is not what %q prints", name, args)
		}
	}
}

// nats-server takes deploy/nats as it is, with the example's passwords.
func TestDeployedNATSStarts(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(deployNATS)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "passwords.conf.example"), filepath.Join(dir, permissions.PasswordsFile)); err != nil {
		t.Fatal(err)
	}
	options, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if options.StoreDir != "/data" || options.HTTPPort != 8222 || options.Port != 4222 || options.MaxPayload != 0 {
		t.Errorf("the store is %s, the ports %d, %d, the payload's limit %d", options.StoreDir, options.HTTPPort, options.Port, options.MaxPayload)
	}
	options.StoreDir, options.HTTPPort, options.Port = t.TempDir(), 0, server.RANDOM_PORT
	s := startNATS(t, *options)
	for _, user := range options.Users {
		nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(user.Username, user.Password))
		if err != nil {
			t.Fatalf("%s: %v", user.Username, err)
		}
		nc.Close()
	}
	if _, err := nats.Connect(s.ClientURL()); err == nil {
		t.Error("anybody may connect")
	}
}

// The passwords may also come from the environment of nats-server; none may be missing.
func TestPasswordsFromTheEnvironment(t *testing.T) {
	setEnv(t, nil)
	dir := t.TempDir()
	for name, text := range map[string]string{"nats.conf": "authorization { include \"users.conf\" }\n", "users.conf": outputOf(t, "permissions"), permissions.PasswordsFile: "# none here\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, role := range []string{"CONNECTOR", "COMMANDER_LIVE", "COMMANDER_DURABLE", "COMMANDER_CHAT", "CONSUMER"} {
		t.Setenv("CC_"+role+"_PASSWORD", planted)
	}
	load := func() error {
		_, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
		return err
	}
	const last = "CC_AUDITOR_PASSWORD"
	if err := load(); err == nil || !strings.Contains(err.Error(), last) {
		t.Errorf("%s is missing, but: %v", last, err)
	}
	t.Setenv(last, planted)
	if err := load(); err != nil {
		t.Error(err)
	}
}

func TestPermissionsFollowThePrefix(t *testing.T) {
	setEnv(t, map[string]string{"CC_SUBJECT_PREFIX": "acme.eu"})
	if out := outputOf(t, "permissions"); !strings.Contains(out, `"acme.eu.chat.*.event.>"`) || !strings.Contains(out, "$JS.API.STREAM.INFO.ACME_EU_EVENTS") {
		t.Error("CC_SUBJECT_PREFIX is not followed")
	}
	out := outputOf(t, "permissions", "--prefix", "x", "--chat", "a.b", "--format=nsc")
	if !strings.Contains(out, "'x.durable.*.*.a=2Eb'") || strings.Contains(out, "acme") {
		t.Error("--prefix and --chat are not followed")
	}
	if out := outputOf(t, "permissions", "--reader", "billing"); !strings.Contains(out, `"$JS.ACK.ACME_EU_EVENTS.billing.>"`) || !strings.Contains(out, "$BILLING_PASSWORD") {
		t.Error("--reader is not followed")
	}
	if out := outputOf(t, "permissions", "--files", "shop", "--only", "shop"); !strings.Contains(out, `"$O.ACME_EU_FILES.M.*"`) || !strings.Contains(out, "$SHOP_PASSWORD") || strings.Count(out, "    user: ") != 1 {
		t.Error("--files is not followed")
	}
	if out := outputOf(t, "permissions", "--only", "acme_eu-auditor,acme_eu-commander-live"); strings.Count(out, "    user: ") != 2 || !strings.Contains(out, `"acme_eu-auditor"`) {
		t.Error("--only is not followed")
	}
}

func TestPermissionsFollowTheDomain(t *testing.T) {
	setEnv(t, map[string]string{"CC_NATS_JS_DOMAIN": "hub"})
	if out := outputOf(t, "permissions"); !strings.Contains(out, `"$JS.hub.API.STREAM.INFO.CC_EVENTS"`) || strings.Contains(out, "$JS.API.") {
		t.Error("CC_NATS_JS_DOMAIN is not followed")
	}
	if out := outputOf(t, "permissions", "--domain", "core", "--format", "nsc"); !strings.Contains(out, "'$JS.core.API.$KV.CC_STATE.>'") {
		t.Error("--domain is not followed")
	}
}

func TestPermissionsRefused(t *testing.T) {
	for _, c := range []struct {
		env  string
		args []string
		part string
	}{
		{"", []string{"--prefix", "CC"}, `--prefix "CC" is no prefix`},
		{"", []string{"--prefix", "a..b"}, `--prefix "a..b" is`},
		{"", []string{"--prefix", "cc.>"}, `--prefix "cc.>" is`},
		{"CC.", nil, "CC_SUBJECT_PREFIX is no prefix"},
		{"", []string{"--format", "json"}, `--format is "json"`},
		{"", []string{"--chat", ""}, "--chat is empty"},
		{"", []string{"--reader", "a b"}, "--reader must be"},
		{"", []string{"--reader", "cc-auditor"}, "--reader must be"},
		{"", []string{"--files", "a.b"}, "--files must be"},
		{"", []string{"--reader", "shop", "--files", "shop"}, "--files must be"},
		{"", []string{"--only", "cc-consumer,nobody"}, `no user "nobody"`},
		{"", []string{"--domain", "$JS.hub.API"}, "--domain must be"},
		{"", []string{"cc"}, "no argument"},
		{"", []string{"--prefixes", "cc"}, "usage: cc-connector permissions"},
	} {
		setEnv(t, map[string]string{"CC_SUBJECT_PREFIX": c.env})
		var out, errs bytes.Buffer
		if code := execute(append([]string{"permissions"}, c.args...), &out, &errs); code != exitBadConfig || out.Len() > 0 || !strings.Contains(errs.String(), c.part) {
			t.Errorf("%q: exit code %d, %q, %q", c.args, code, out.String(), errs.String())
		}
	}
}
