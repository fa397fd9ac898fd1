package permissions_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cc-connector/connector/permissions"
)

// nsc is a stand-in that writes its arguments down: one a line, then an empty line.
const nsc = "#!/bin/sh\nfor a in \"$@\"; do printf '%s\\n' \"$a\"; done\necho\n"

func TestNSCScriptSaysTheSame(t *testing.T) {
	dir, users := t.TempDir(), append(permissions.Users("acme.eu", "a=2Eb"), permissions.FileSender("acme.eu", "shop"))
	if err := os.Chmod(write(t, dir, "nsc", nsc), 0o700); err != nil {
		t.Fatal(err)
	}
	script := exec.Command("sh", write(t, dir, "users.sh", permissions.NSC("acme.eu", users)))
	script.Env = []string{"PATH=" + dir + string(filepath.ListSeparator) + os.Getenv("PATH"), "ACCOUNT=contact center"}
	out, err := script.Output()
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(strings.TrimSpace(string(out)), "\n\n")
	if len(calls) != len(users) {
		t.Fatalf("nsc is called %d times", len(calls))
	}
	for i, user := range users {
		if got, want := strings.Split(calls[i], "\n"), arguments(user); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, want %q", user.Name, got, want)
		}
	}
}

// arguments are those by which nsc is told of a user.
func arguments(u permissions.User) []string {
	args := []string{"add", "user", "--account", "contact center", "--name", u.Name}
	for _, subject := range u.Publish {
		args = append(args, "--allow-pub", subject)
	}
	for _, s := range u.Subscribe {
		args = append(args, "--allow-sub", strings.TrimSpace(s.Subject+" "+s.Queue))
	}
	for _, subject := range u.Hidden {
		args = append(args, "--deny-sub", subject)
	}
	if u.Responses != nil {
		args = append(args, "--allow-pub-response=1", "--response-ttl", "8m0s")
	}
	return args
}

func TestNSCScriptNeedsAnAccount(t *testing.T) {
	dir := t.TempDir()
	script := exec.Command("sh", write(t, dir, "users.sh", permissions.NSC("cc", permissions.Users("cc", chat))))
	script.Env = []string{"PATH=" + os.Getenv("PATH")}
	var errs bytes.Buffer
	script.Stderr = &errs
	if script.Run() == nil || !strings.Contains(errs.String(), "ACCOUNT") {
		t.Errorf("it says %q", errs.String())
	}
}
