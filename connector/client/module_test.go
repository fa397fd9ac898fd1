package client_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const program = `package main

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/client"
	"cc-connector/schema"
)

func main() {
	c, err := client.New(&nats.Conn{}, client.Config{})
	if err != nil {
		panic(err)
	}
	msg, err := c.Message(client.NewCommand(&schema.ChatTyping{ChatID: "K1x"}), true)
	if err != nil {
		panic(err)
	}
	fmt.Print(msg.Subject)
}
`

// Another module imports the helpers as the package's documentation says, and
// gets none of what the connector itself is made with.
func TestImportedByAnotherModule(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"main.go": program, "go.sum": string(sums),
		"go.mod": "module example.com/consumer\n\ngo " + goVersion(t, root) + "\n\nrequire cc-connector v0.0.0\n\nreplace cc-connector => " + root + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := goIn(t, dir, "run", "."); out != "cc.durable.chat.typing.K1x" {
		t.Errorf("the program prints %q", out)
	}
	for _, dependency := range strings.Fields(goIn(t, dir, "list", "-deps", ".")) {
		if strings.HasPrefix(dependency, "cc-connector/connector/") && dependency != "cc-connector/connector/client" || strings.Contains(dependency, "nats-server") || strings.Contains(dependency, "prometheus") {
			t.Errorf("it is built with %s", dependency)
		}
	}
}

func goVersion(t *testing.T, root string) string {
	t.Helper()
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(module), "\ngo ")
	version, _, _ := strings.Cut(rest, "\n")
	return version
}

// goIn runs the go command in a module of its own, on what is in the module cache.
func goIn(t *testing.T, dir string, arguments ...string) string {
	t.Helper()
	command := exec.Command("go", arguments...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local")
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(arguments, " "), err, problems.String())
	}
	return string(out)
}
