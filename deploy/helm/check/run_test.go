package check

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
)

// programDir holds the programs, once a test has asked for one.
var programDir string

var buildPrograms = sync.OnceValue(func() error {
	build := exec.Command("go", "build", "-o", programDir+"/", "./cmd/cc-connector", "./cmd/ccsim", "github.com/nats-io/nats-server/v2")
	build.Dir, build.Env = projectDir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cc-connector-check-")
	if err != nil {
		panic(err)
	}
	programDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func program(t *testing.T, name string) string {
	t.Helper()
	if err := buildPrograms(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programDir, name)
}

// start runs a program until the test ends; its output is shown if the test fails.
func start(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	output := new(strings.Builder)
	cmd := exec.Command(program(t, name), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, output)
		}
	})
	return cmd
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// The variables and files of the rendered Deployment start a connector that its probes find well, and that leaves
// within its grace period. NATS has the users of `cc-connector permissions`.
func TestRenderedDeploymentRuns(t *testing.T) {
	natsPort, simPort, httpPort := freePort(t), freePort(t), freePort(t)
	password := "pl4nted-s3cret"
	start(t, nil, "nats-server", "-a", "127.0.0.1", "-p", strconv.Itoa(natsPort), "-js", "-sd", t.TempDir(), "-c", natsConfig(t, password))
	start(t, nil, "ccsim", "-listen", "127.0.0.1:"+strconv.Itoa(simPort))
	r := look(t, minimal(t).with(t, fmt.Sprintf(`
contactCenter: {baseUrl: "http://127.0.0.1:%d", allowHttp: true, tenantUrl: demo.example}
nats: {url: "nats://127.0.0.1:%d", inboxPrefix: _INBOX_cc-connector, auth: {user: {name: cc-connector, secret: cc-nats}}}
httpPort: %d
`, simPort, natsPort, httpPort)))
	connector := start(t, r.environment(map[string]string{"password": password}), "cc-connector")
	for _, probe := range []*core.Probe{r.connector.StartupProbe, r.connector.ReadinessProbe, r.connector.LivenessProbe} {
		awaitProbe(t, fmt.Sprintf("http://127.0.0.1:%d%s", r.connector.Ports[0].ContainerPort, probe.HTTPGet.Path))
	}
	leave(t, connector, time.Duration(*r.pod.TerminationGracePeriodSeconds)*time.Second)
}

var passwordVariable = regexp.MustCompile(`\$(\w+_PASSWORD)`)

// natsConfig is a server's configuration with the users of `cc-connector permissions`, all with one password.
func natsConfig(t *testing.T, password string) string {
	t.Helper()
	users, err := exec.Command(program(t, "cc-connector"), "permissions").Output()
	if err != nil {
		t.Fatal(err)
	}
	var passwords string
	for _, name := range passwordVariable.FindAllStringSubmatch(string(users), -1) {
		passwords += fmt.Sprintf("%s: %q\n", name[1], password)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"users.conf": string(users), "passwords.conf": passwords, "nats.conf": `authorization { include "users.conf" }`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "nats.conf")
}

// environment puts the mounted files into a folder of the test, and its path in the place of the container's.
func (r rendered) environment(files map[string]string) (env []string) {
	root := r.TempDir()
	for _, mount := range r.connector.VolumeMounts {
		for _, item := range r.items(mount.Name) {
			file := filepath.Join(root, strings.TrimPrefix(mount.MountPath, mountRoot), item.Path)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				r.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(files[item.Key]), 0o600); err != nil {
				r.Fatal(err)
			}
		}
	}
	for name, value := range r.env {
		env = append(env, name+"="+strings.Replace(value, mountRoot, root, 1))
	}
	return env
}

func awaitProbe(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	last := "no answer"
	for retry := time.NewTicker(50 * time.Millisecond); ; {
		if answer, err := http.Get(url); err == nil {
			body, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
			last = string(body)
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			t.Fatalf("%s: %s", url, last)
		}
	}
}

func leave(t *testing.T, connector *exec.Cmd, grace time.Duration) {
	t.Helper()
	kubelet := time.AfterFunc(grace, func() { _ = connector.Process.Kill() })
	defer kubelet.Stop()
	if err := connector.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := connector.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
