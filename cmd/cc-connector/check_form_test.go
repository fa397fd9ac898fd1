package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/check"
)

// stored is all that the bus holds, as JetStream tells it.
func (b *checkBed) stored() map[string]any {
	b.Helper()
	all := make(map[string]any)
	list := b.js.ListStreams(b.Context())
	for info := range list.Info() {
		info.TimeStamp = time.Time{}
		all[info.Config.Name] = info
		s, err := b.js.Stream(b.Context(), info.Config.Name)
		b.do(err)
		for c := range s.ListConsumers(b.Context()).Info() {
			c.TimeStamp = time.Time{}
			all[info.Config.Name+" "+c.Name] = c
		}
	}
	b.do(list.Err())
	return all
}

// The bus is the same after a check as before, and nobody hears of it: all that
// it publishes are questions to JetStream, and one to itself.
func TestCheckChangesNothing(t *testing.T) {
	b := newCheckBed(t)
	for _, subject := range []string{"cc.chat.x.event.message", "cc.internal.session.x", "cc.durable.chat.send.x", "cc.deadletter.chat.send.x", "$KV.CC_CHATS.x"} {
		b.store(subject)
	}
	_, err := b.js.CreateConsumer(b.Context(), "CC_EVENTS", jetstream.ConsumerConfig{Durable: "reader", AckPolicy: jetstream.AckExplicitPolicy})
	b.do(err)
	before := b.stored()
	nc := signIn(t, b.server, nats.UserInfo(administrator, natsPassword))
	var mu sync.Mutex
	var heard []string
	_, err = nc.Subscribe(">", func(msg *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, msg.Subject)
	})
	b.do(err)
	b.do(nc.Flush())
	if code, result := runInside(t, b.good); code != 0 {
		t.Errorf("exit code %d; %q", code, told(result.Findings))
	}
	b.do(nc.Flush())
	if after := b.stored(); !reflect.DeepEqual(before, after) {
		t.Errorf("the bus was\n%s\nand is\n%s", indented(before), indented(after))
	}
	mu.Lock()
	defer mu.Unlock()
	for _, subject := range heard {
		if !isQuestion(subject) {
			t.Errorf("it published to %s", subject)
		}
	}
}

func isQuestion(subject string) bool {
	for _, begin := range []string{"$JS.API.INFO", "$JS.API.STREAM.INFO.", "$JS.API.STREAM.NAMES", "$JS.API.CONSUMER.INFO.", "$JS.API.CONSUMER.LIST.", "$JS.API.STREAM.LIST", "$JS.EVENT.ADVISORY.", "_INBOX", "cc.internal.check-"} {
		if strings.HasPrefix(subject, begin) {
			return true
		}
	}
	return false
}

func indented(value any) string {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// runCheck runs the program itself.
func runCheck(t *testing.T, env map[string]string, args ...string) (code int, out string) {
	t.Helper()
	var stdout bytes.Buffer
	command := exec.Command(binary, append([]string{"check"}, args...)...)
	command.Stdout = &stdout
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	_ = command.Run() // the state says how it ended
	return command.ProcessState.ExitCode(), stdout.String()
}

// A proxy is named only once a process, and loopback is never reached through one.
func TestCheckNamesTheProxy(t *testing.T) {
	env := with(map[string]string{
		"CC_NATS_URL": unusedAddress(t), "CC_BASE_URL": "https://acme.example", "HTTPS_PROXY": "http://u:" + planted + "@" + unusedAddress(t), "CC_HTTP_ADDR": "off",
	})
	code, out := runCheck(t, env)
	for _, part := range []string{"(contact.proxy)", "(nats.address)", "(nats.bus)", "HTTPS_PROXY"} {
		if !strings.Contains(out, part) {
			t.Errorf("it does not say %q:\n%s", part, out)
		}
	}
	if code != exitFailed || strings.Contains(out, planted) {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestCheckIsInterrupted(t *testing.T) {
	waits := make(chan struct{}, 16)
	c := newCenter(t)
	c.become(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { waits <- struct{}{}; <-r.Context().Done() }))
	env := with(map[string]string{"CC_NATS_URL": unusedAddress(t), "CC_BASE_URL": c.web.URL, "CC_HTTP_ADDR": "off"})
	p := start(t, env, "check", "--timeout", "10m")
	select {
	case <-waits:
	case <-time.After(patience):
		t.Fatal("the contact center is not asked")
	}
	p.signal(t, syscall.SIGINT)
	p.checkExit(t, exitFailed)
}

// planted findings, of every status.
var someFindings = []check.Finding{
	{ID: "config.settings", Status: check.OK, Says: "the settings are good"},
	{ID: "nats.version", Status: check.Wrong, Says: "nats-server is 2.11.9, and the connector needs 2.12 or newer", Do: "update nats-server"},
	{ID: "permission.publish", Status: check.Wrong, About: "$JS.API.CONSUMER.CREATE.KV_CC_JOURNAL.*.$KV.CC_JOURNAL.>",
		Says: "the user may not publish to $JS.API.CONSUMER.CREATE.KV_CC_JOURNAL.*.$KV.CC_JOURNAL.>", Do: `give the connector's user what "cc-connector permissions" prints`},
	{ID: "stream.settings", Status: check.Warning, About: "CC_EVENTS", Says: "CC_EVENTS is not as the settings say: max_age is 100h0m0s, by the settings 168h0m0s", Do: "change it"},
	{ID: "stream.full", Status: check.OK, About: "A\x1b[31m", Says: "a stream \x1b[31m of this name has room"},
	{ID: "contact.app", Status: check.NotTried, Says: "nothing is known of the apps: the contact center does not answer as one"},
}

// What people and programs read stays as it is: testdata/check has both forms.
func TestFormsOfFindings(t *testing.T) {
	version = "1.2.3"
	defer func() { version = "" }()
	var text, asJSON bytes.Buffer
	if err := printFindings(&text, someFindings, 1234*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if err := printFindingsJSON(&asJSON, someFindings, 1234*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"findings.txt": text.String(), "findings.json": asJSON.String()} {
		want, err := os.ReadFile(filepath.Join("testdata", "check", name))
		if err != nil || string(want) != got {
			t.Errorf("testdata/check/%s is not (%v)\n%s", name, err, got)
		}
	}
	var narrow strings.Builder
	for _, f := range someFindings {
		writeFinding(&narrow, f, 80)
	}
	for line := range strings.Lines(narrow.String()) {
		if len([]rune(line)) > 81 && len(strings.Fields(line)) > 1 || strings.Contains(line, "\x1b") {
			t.Errorf("too long, or not to be shown: %q", line)
		}
	}
}

// Every area has a heading, and every status a mark.
func TestHeadings(t *testing.T) {
	for _, id := range []check.ID{configRead, natsAddress, machineFiles, connectorReady} {
		if areas[id.Area()] == "" {
			t.Errorf("%s has no heading", id)
		}
	}
	if len(marks) != len(countFindings(nil)) {
		t.Errorf("the marks are %v", marks)
	}
}

func TestMachine(t *testing.T) {
	for _, c := range []struct {
		m      machine
		status check.Status
		of     check.ID
	}{
		{machine{files: 1024}, check.Wrong, machineFiles},
		{machine{files: 65536}, check.OK, machineFiles},
		{machine{}, check.NotTried, machineFiles},
		{machine{}, check.OK, machineMemory},
		{machine{memory: 512 << 20, goes: 460 << 20}, check.Warning, machineMemory},
		{machine{memory: 4 << 30}, check.Warning, machineMemory},
		{machine{memory: 4 << 30, goes: 3600 << 20}, check.OK, machineMemory},
		{machine{goes: 460 << 20}, check.Warning, machineMemory},
	} {
		found := map[check.ID]check.Finding{machineFiles: c.m.filesFor(20000, 256), machineMemory: c.m.memoryFor(20000)}[c.of]
		if found.Status != c.status || found.ID != c.of {
			t.Errorf("%+v: %+v, want %s", c.m, found, c.status)
		}
	}
	if limit := cgroupMemory(writeFile(t, "536870912\n")); limit != 512<<20 {
		t.Errorf("a limit of 512 MiB is read as %d", limit)
	}
	if limit := cgroupMemory(writeFile(t, "max\n")); limit != 0 {
		t.Errorf("no limit is read as %d", limit)
	}
}

// Whoever listens at CC_HTTP_ADDR may answer anything.
func FuzzReadiness(f *testing.F) {
	for _, body := range []string{"ok\n", `{"status":"ready"}`, `{"status":"not_ready","problems":[{"part":"nats"}]}`, `{"problems":{}}`, "null", "\xff"} {
		f.Add(200, "text/plain", []byte(body))
		f.Add(503, "application/json", []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		said, is := readReadiness(status, kind, body)
		if !is {
			return
		}
		found := said.findings()
		if len(found) == 0 {
			t.Errorf("nothing is said of %q", body)
		}
		var out strings.Builder
		if err := printFindings(&out, found, 0); err != nil || strings.Contains(out.String(), "\x1b") {
			t.Errorf("%v, %q", err, out.String())
		}
	})
}

func TestCheckArguments(t *testing.T) {
	setEnv(t, maps.Clone(with(nil)))
	for _, args := range [][]string{{"check", "now"}, {"check", "--timeout", "0s"}, {"check", "--timeout", "soon"}} {
		var out, errs bytes.Buffer
		if code := execute(args, &out, &errs); code != exitBadConfig || !strings.Contains(errs.String(), "usage: cc-connector check") {
			t.Errorf("%q: exit code %d, %s", args, code, errs.String())
		}
	}
}
