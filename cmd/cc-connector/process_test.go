package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// process is a cc-connector that runs.
type process struct {
	*exec.Cmd
	stderr *output
	ended  chan struct{}
}

// start runs the binary with these settings and no others. It is killed if the test leaves it running.
func start(t *testing.T, env map[string]string, args ...string) *process {
	t.Helper()
	return startProgram(t, binary, env, args...)
}

func startProgram(t *testing.T, program string, env map[string]string, args ...string) *process {
	t.Helper()
	p := &process{exec.Command(program, args...), newOutput(), make(chan struct{})}
	p.run(t, env)
	return p
}

func (p *process) run(t *testing.T, env map[string]string) {
	t.Helper()
	p.Stderr = p.stderr
	p.Env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range env {
		p.Env = append(p.Env, name+"="+value)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.Wait() // the state says how it ended
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.ended
	})
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p *process) checkExit(t *testing.T, code int) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("it does not end:\n%s", p.stderr)
	}
	if got := p.ProcessState.ExitCode(); got != code {
		t.Fatalf("exit code %d, want %d:\n%s", got, code, p.stderr)
	}
}

// loggedAddress is where a log says that HTTP is served.
func loggedAddress(t *testing.T, out *output) string {
	t.Helper()
	var line struct{ Address string }
	if err := json.Unmarshal([]byte(out.waitFor(t, `"serving HTTP"`)), &line); err != nil {
		t.Fatal(err)
	}
	return line.Address
}

// waitReady asks /readyz until it answers with the status, and returns what it says.
func (p *process) waitReady(t *testing.T, status int) (body string) {
	t.Helper()
	url := "http://" + loggedAddress(t, p.stderr) + "/readyz"
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for {
		got, body, err := get(url)
		if err == nil && got == status {
			return body
		}
		select {
		case <-tick.C:
		case <-p.ended:
			t.Fatalf("it ended:\n%s", p.stderr)
		case <-deadline:
			t.Fatalf("/readyz never answers %d, but %d %q (%v):\n%s", status, got, body, err, p.stderr)
		}
	}
}

// processEnv are good settings for a process, but for the given ones.
func processEnv(t *testing.T, natsURL string) map[string]string {
	t.Helper()
	contact := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(contact.Close)
	return with(map[string]string{
		"CC_BASE_URL": contact.URL, "CC_TENANT_URL": "acme.example", "CC_NATS_URL": natsURL, "CC_HTTP_ADDR": "127.0.0.1:0",
	})
}

func secured(t *testing.T) server.Options {
	return server.Options{Username: "u", Password: planted, JetStream: true, StoreDir: t.TempDir()}
}

func TestProcessReadinessFollowsNATS(t *testing.T) {
	options := secured(t)
	natsServer := startNATS(t, options)
	options.Port = natsServer.Addr().(*net.TCPAddr).Port
	env := processEnv(t, natsServer.ClientURL())
	env["CC_NATS_USER"], env["CC_NATS_PASSWORD_FILE"] = "u", writeFile(t, planted+"\n")
	env["CC_LOG_LEVEL"], env["CC_LOG_FROMAT"] = "debug", "text"
	p := start(t, env)
	p.stderr.waitFor(t, "CC_LOG_FROMAT")
	p.waitReady(t, http.StatusOK)
	stopNATS(natsServer)
	if reason := p.waitReady(t, http.StatusServiceUnavailable); !strings.Contains(reason, `"problems":[{"part":"nats","message":"NATS: `) {
		t.Errorf("the reason is %q", reason)
	}
	address := loggedAddress(t, p.stderr)
	checkGet(t, "http://"+address+"/metrics", http.StatusOK, `cc_problem{name="",part="nats"} 1`)
	checkGet(t, "http://"+address+"/metrics", http.StatusOK, "cc_ready 0\n")
	checkHealth(t, address, 1, "not ready: NATS: ")
	startNATS(t, options)
	p.waitReady(t, http.StatusOK)
	p.signal(t, syscall.SIGTERM)
	p.checkExit(t, 0)
	p.stderr.waitFor(t, `"stopped"`)
	p.checkNoSecret(t)
}

func (p *process) checkNoSecret(t *testing.T) {
	t.Helper()
	if strings.Contains(p.stderr.String(), planted) {
		t.Errorf("the secret is shown:\n%s", p.stderr)
	}
}

func TestProcessWaitsForNATS(t *testing.T) {
	address := unusedAddress(t)
	p := start(t, processEnv(t, "nats://u:"+planted+"@"+address), "run")
	p.stderr.waitFor(t, "waiting for NATS")
	if reason := p.waitReady(t, http.StatusServiceUnavailable); !strings.Contains(reason, "NATS") {
		t.Errorf("the reason is %q", reason)
	}
	options := secured(t)
	options.Port = port(t, address)
	startNATS(t, options)
	p.waitReady(t, http.StatusOK)
	p.signal(t, os.Interrupt)
	p.checkExit(t, 0)
	p.checkNoSecret(t)
}

func port(t *testing.T, address string) int {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return tcp.Port
}

func TestProcessStoppedWhileWaiting(t *testing.T) {
	p := start(t, processEnv(t, "nats://"+unusedAddress(t)))
	p.stderr.waitFor(t, "waiting for NATS")
	p.signal(t, syscall.SIGTERM)
	p.checkExit(t, 0)
}

func TestProcessRefusedByNATS(t *testing.T) {
	env := processEnv(t, startNATS(t, server.Options{Username: "u", Password: "right"}).ClientURL())
	env["CC_NATS_USER"], env["CC_NATS_PASSWORD_FILE"] = "u", writeFile(t, planted)
	p := start(t, env)
	p.checkExit(t, exitFailed)
	if plain := plainLines(p.stderr.String()); len(plain) != 1 || !strings.HasPrefix(plain[0], "cc-connector: NATS at nats://127.0.0.1") {
		t.Errorf("beside the log: %q", plain)
	}
	p.checkNoSecret(t)
}

// plainLines are those that do not belong to the log.
func plainLines(text string) []string {
	var plain []string
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) {
			plain = append(plain, line)
		}
	}
	return plain
}

func TestProcessBadSettings(t *testing.T) {
	env := processEnv(t, "nats://u:%"+planted+"@host")
	env["CC_MAX_CHATS"] = "none"
	p := start(t, env)
	p.checkExit(t, exitBadConfig)
	for _, name := range []string{"CC_NATS_URL", "CC_MAX_CHATS"} {
		if !strings.Contains(p.stderr.String(), "\n  "+name+" ") {
			t.Errorf("%s is not named:\n%s", name, p.stderr)
		}
	}
	p.checkNoSecret(t)
}

func TestProcessVersionAndUnknownCommand(t *testing.T) {
	out, err := exec.Command(binary, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "cc-connector 1.2.3 ") {
		t.Errorf("got %q, %v", out, err)
	}
	start(t, nil, "streem").checkExit(t, exitBadConfig)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{exec.Command(self), newOutput(), make(chan struct{})}
	p.run(t, map[string]string{signalsChild: "1"})
	p.stderr.waitFor(t, "waiting for signals")
	p.signal(t, syscall.SIGTERM)
	p.stderr.waitFor(t, "a second signal ends at once")
	p.signal(t, os.Interrupt)
	p.checkExit(t, exitFailed)
}
