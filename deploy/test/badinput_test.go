//go:build docker

package deploytest

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is wrong is named, whether Docker says so or we do.
func TestBadInput(t *testing.T) {
	connector := []string{"compose", "run", "--rm", "--no-deps", "--no-TTY", "connector"}
	nats := []string{"compose", "run", "--rm", "--no-deps", "--no-TTY", "nats"}
	demo := []string{"compose", "run", "--rm", "--no-deps", "--no-TTY", "demo", "-against", "nats://nats:4222"}
	secret := "deploy/compose/secrets/cc-connector"
	for name, test := range map[string]struct {
		spoil func(*testing.T, clone)
		try   []string
		named []string
	}{
		"an .env whose address is none and that names no launch point": {dotenv("CC_BASE_URL=acme"), connector, []string{"CC_BASE_URL", "CC_APP_ID"}},
		"an .env with a contact center without https":                  {dotenv("CC_BASE_URL=http://acme.example", "CC_APP_ID=x"), connector, []string{"CC_BASE_URL", "https"}},
		"an .env with a prefix that is none":                           {dotenv("CC_SUBJECT_PREFIX=Not One"), connector, []string{"CC_SUBJECT_PREFIX", "a-z"}},
		"an .env with a number that is none":                           {dotenv("CONNECTOR_REPLICAS=many"), []string{"compose", "config"}, []string{"connector", "replicas"}},
		"a prefix of the demonstration that is none":                   {dotenv(), append(demo, "-prefix", "a..b"), []string{"-prefix", "a-z"}},
		"a secret that is missing":                                     {without(secret), connector, []string{secret}},
		"a secret that is empty, for NATS":                             {emptied(secret), nats, []string{secret, "empty"}},
		"a secret that is empty, for the connector":                    {emptied(secret), connector, []string{"CC_NATS_PASSWORD_FILE", "empty"}},
		"a port that is in use":                                        {dotenv("CCSIM_PORT=4321"), []string{"compose", "up", "--detach", "ccsim"}, []string{"4321"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := freshClone(t)
			test.spoil(t, c)
			defer occupied(t, "127.0.0.1:4321").Close()
			printed, err := c.docker(test.try...)
			if err == nil {
				t.Errorf("it worked:\n%s", printed)
			}
			for _, word := range test.named {
				if !strings.Contains(printed, word) {
					t.Errorf("%s is not named:\n%s", word, printed)
				}
			}
		})
	}
}

func dotenv(lines ...string) func(*testing.T, clone) {
	return func(t *testing.T, c clone) { c.write(t, ".env", strings.Join(lines, "\n")+"\n") }
}

func emptied(name string) func(*testing.T, clone) {
	return func(t *testing.T, c clone) { c.write(t, name, "") }
}

func without(name string) func(*testing.T, clone) {
	return func(t *testing.T, c clone) {
		if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func occupied(t *testing.T, addr string) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}
