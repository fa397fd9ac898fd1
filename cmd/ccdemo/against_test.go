package main

import (
	"bytes"
	"context"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
	"cc-connector/subjects"
)

const trialPassword = "of-the-test"

// startNATSWithUsers starts NATS with the users that are kept under deploy/.
func startNATSWithUsers(t *testing.T) *server.Server {
	t.Helper()
	return startNATS(t, natsWithUsers(t))
}

// natsWithUsers has a port that stays the same when it is started again.
func natsWithUsers(t *testing.T) *server.Options {
	t.Helper()
	dir := t.TempDir()
	users, err := os.ReadFile("../../deploy/nats/users.conf")
	if err != nil {
		t.Fatal(err)
	}
	passwords := regexp.MustCompile(`(?m)^ +password: \$(\w+)`).FindAllSubmatch(users, -1)
	var lines strings.Builder
	for _, variable := range passwords {
		lines.WriteString(string(variable[1]) + `: "` + trialPassword + "\"\n")
	}
	writeFile(t, dir, "users.conf", string(users))
	writeFile(t, dir, "passwords.conf", lines.String())
	options, err := server.ProcessConfigFile(writeFile(t, dir, "nats.conf", `authorization { include "users.conf" }`))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	options.Host, options.Port = "127.0.0.1", listener.Addr().(*net.TCPAddr).Port
	options.JetStream, options.StoreDir, options.NoSigs, options.NoLog = true, t.TempDir(), true, true
	return options
}

func startNATS(t *testing.T, options *server.Options) *server.Server {
	t.Helper()
	ns, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(patience) {
		t.Fatal("NATS does not start")
	}
	return ns
}

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startConnectorFor joins a simulated contact center to NATS.
func startConnectorFor(t *testing.T, ns *server.Server, script string) {
	t.Helper()
	sim := bpsim.New(bpsim.Options{Tenant: tenant, Apps: []string{appID}, Script: script, Pace: 0})
	web := httptest.NewServer(sim)
	nc, err := nats.Connect(ns.ClientURL(), append(connector.NATSOptions(),
		nats.UserInfo("cc-connector", trialPassword), nats.CustomInboxPrefix("_INBOX_cc-connector"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); sim.Close(); web.Close() })
	j := job{Prefix: subjects.DefaultPrefix, BaseURL: web.URL, Name: web.URL, Tenant: tenant, App: appID}
	c, done, err := j.connector(nc, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := deadline(t)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended; done() })
	awaitReady(t, ctx, c)
	makeConsumer(t, nc, "cc-consumer")
}

func awaitReady(t *testing.T, ctx context.Context, c *connector.Connector) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for err := c.Ready(); err != nil; err = c.Ready() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the connector is not ready: %v", err)
		}
	}
}

// makeConsumer makes the consumer of somebody who reads; the connector's user may.
func makeConsumer(t *testing.T, nc *nats.Conn, name string) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	config := permissions.ReaderConsumer(subjects.DefaultPrefix, name)
	config.AckWait = time.Second // what was under way when NATS went down comes again then
	if _, err := js.CreatePushConsumer(t.Context(), "CC_EVENTS", config); err != nil {
		t.Fatal(err)
	}
}

// signInAs tells ccdemo its two users.
func signInAs(t *testing.T, commands, events string) {
	t.Helper()
	password := writeFile(t, t.TempDir(), "password", trialPassword+"\n")
	for a, user := range map[account]string{commander: commands, consumer: events} {
		t.Setenv(a.user(), user)
		t.Setenv(a.passwordFile(), password)
		t.Setenv(a.inboxPrefix(), "_INBOX_"+user)
	}
}

func runAgainst(t *testing.T, url string, more ...string) (code int, out, errs string) {
	t.Helper()
	ctx, _ := deadline(t)
	var shown, wrong bytes.Buffer
	code = run(ctx, append([]string{"--against", url}, more...), &shown, &wrong)
	return code, shown.String(), wrong.String()
}

// Two conversations at once, by users with the least permissions: each is
// whole, and shows nothing of the other.
func TestAgainst(t *testing.T) {
	ns := startNATSWithUsers(t)
	startConnectorFor(t, ns, "support")
	signInAs(t, "cc-commander-live", "cc-consumer")
	first := make(chan string, 1)
	go func() {
		_, out, errs := runAgainst(t, ns.ClientURL())
		first <- out + errs
	}()
	code, out, errs := runAgainst(t, ns.ClientURL())
	if code != 0 || errs != "" {
		t.Errorf("exit code %d: %s", code, errs)
	}
	for _, out := range []string{out, <-first} {
		checkOrder(t, out,
			`→ cc\.chat\.request .* from Ada$`, `← cc\.chat\.[^ ]+\.session\.opened +1 `, `→ cc\.chat\.send .*broken cup`,
			`← cc\.chat\.[^ ]+\.session\.closed .* reason="ended"$`, `^The conversation was whole: chat [^ ]+, sequence 1 to \d+ without a hole\.\n\z`)
		chats := regexp.MustCompile(`← cc\.chat\.[^ .]+`).FindAllString(out, -1)
		slices.Sort(chats)
		if len(slices.Compact(chats)) != 1 {
			t.Errorf("more than one chat is shown:\n%s", out)
		}
	}
}

func TestAgainstWhatIsNotThere(t *testing.T) {
	ns := startNATSWithUsers(t)
	signInAs(t, "cc-commander-live", "cc-consumer")
	t.Run("NATS", func(t *testing.T) {
		checkFails(t, "nats://127.0.0.1:1", "-against", "127.0.0.1:1", "cannot be reached")
	})
	t.Run("a connector", func(t *testing.T) {
		checkFails(t, ns.ClientURL(), "within the limit of 2s", "no responders", "does a connector run")
	})
	startConnectorFor(t, ns, "none")
	t.Run("an agent", func(t *testing.T) {
		checkFails(t, ns.ClientURL(), "within the limit of 2s", "nothing came after", "does the agent answer")
	})
}

func TestAgainstForbidden(t *testing.T) {
	ns := startNATSWithUsers(t)
	startConnectorFor(t, ns, "support")
	for name, test := range map[string]struct {
		commands, events string
		spoil            func(t *testing.T)
		says             []string
	}{
		"an unknown user":     {"nobody", "cc-consumer", nil, []string{"refuses", commander.user(), commander.passwordFile()}},
		"no right to command": {"cc-consumer", "cc-consumer", nil, []string{"forbids", commander.user(), "cc.chat.request"}},
		"no right to read":    {"cc-commander-live", "cc-commander-live", nil, []string{"forbids", consumer.user(), "CC_EVENTS"}},
		"no consumer":         {"cc-commander-live", "cc-auditor", nil, []string{"no event of it came", "the consumer cc-auditor on CC_EVENTS"}},
		"another's consumer": {"cc-commander-live", "cc-consumer", func(t *testing.T) { t.Setenv(consumerVariable, "cc-auditor") },
			[]string{"forbids", consumer.user(), "_DELIVER_cc-auditor"}},
		"a missing file": {"cc-commander-live", "cc-consumer", func(t *testing.T) { t.Setenv(consumer.passwordFile(), "/nowhere/secret") },
			[]string{consumer.passwordFile(), "/nowhere/secret"}},
		"an empty file": {"cc-commander-live", "cc-consumer", func(t *testing.T) { t.Setenv(consumer.passwordFile(), os.DevNull) },
			[]string{consumer.passwordFile(), os.DevNull, "empty"}},
		"no password": {"cc-commander-live", "cc-consumer", func(t *testing.T) { t.Setenv(commander.passwordFile(), "") },
			[]string{commander.passwordFile() + ": is missing"}},
		"no user": {"cc-commander-live", "cc-consumer", func(t *testing.T) { t.Setenv(commander.user(), "") },
			[]string{commander.user() + ": is missing"}},
		"two ways": {"cc-commander-live", "cc-consumer", func(t *testing.T) { t.Setenv(consumer.creds(), "some.creds") },
			[]string{consumer.creds(), "keep one"}},
	} {
		t.Run(name, func(t *testing.T) {
			signInAs(t, test.commands, test.events)
			if test.spoil != nil {
				test.spoil(t)
			}
			checkFails(t, ns.ClientURL(), test.says...)
		})
	}
}

func checkFails(t *testing.T, url string, says ...string) {
	t.Helper()
	code, _, errs := runAgainst(t, url, "--timeout", "2s")
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	for _, text := range says {
		if !strings.Contains(errs, text) {
			t.Errorf("%q is not said: %s", text, errs)
		}
	}
	if strings.Contains(errs, trialPassword) {
		t.Errorf("the password is said: %s", errs)
	}
}

func TestTallyFindsAHole(t *testing.T) {
	var told tally
	for _, n := range []uint64{1, 2} {
		if err := told.add(numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []uint64{2, 4} {
		if err := told.add(numbered(n)); err == nil || !strings.Contains(err.Error(), "not whole") {
			t.Errorf("sequence %d after 2: %v", n, err)
		}
	}
}

// What a consumer delivers again comes late, or twice.
func TestTurns(t *testing.T) {
	turns := inOrder{next: 1}
	var got []uint64
	result := event.New()
	for _, ce := range []event.Event{numbered(2), result, numbered(1), numbered(1), numbered(4), numbered(2), numbered(3), numbered(3)} {
		for _, taken := range turns.take(turn{ce: ce}) {
			n, _ := schema.Sequence(taken.ce)
			got = append(got, n)
		}
	}
	if want := []uint64{0, 1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("taken are %v, want %v", got, want)
	}
}

func numbered(n uint64) event.Event {
	ce := event.New()
	ce.SetExtension(schema.AttrSequence, schema.FormatSequence(n))
	return ce
}

// A command that nobody answers is published again until somebody does.
func TestAgainstLateConnector(t *testing.T) {
	ns := startNATSWithUsers(t)
	signInAs(t, "cc-commander-live", "cc-consumer")
	ctx, _ := deadline(t)
	out, asked, ended := &screen{}, make(chan struct{}), make(chan int, 1)
	out.when("is repeated", func() { close(asked) })
	var errs bytes.Buffer
	go func() { ended <- run(ctx, []string{"--against", ns.ClientURL()}, out, &errs) }()
	await(t, ctx, asked, out)
	startConnectorFor(t, ns, "support")
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// What is published while the demonstration is cut off is delivered to it later.
func TestAgainstNATSThatRestarts(t *testing.T) {
	options := natsWithUsers(t)
	ns := startNATS(t, options)
	startConnectorFor(t, ns, "support")
	signInAs(t, "cc-commander-live", "cc-consumer")
	ctx, _ := deadline(t)
	out, joined, ended := &screen{}, make(chan struct{}), make(chan int, 1)
	out.when(".event.party_joined", func() { close(joined) })
	var errs bytes.Buffer
	go func() { ended <- run(ctx, []string{"--against", ns.ClientURL()}, out, &errs) }()
	await(t, ctx, joined, out)
	ns.Shutdown()
	ns.WaitForShutdown()
	startNATS(t, options)
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func TestAgainstInterrupted(t *testing.T) {
	ns := startNATSWithUsers(t)
	signInAs(t, "cc-commander-live", "cc-consumer")
	ctx, cancel := deadline(t)
	interrupted, interrupt := context.WithCancel(ctx)
	defer cancel()
	out, errs := &screen{}, &bytes.Buffer{}
	out.when("is repeated", interrupt)
	if code := run(interrupted, []string{"--against", ns.ClientURL()}, out, errs); code != 0 || errs.Len() > 0 {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
