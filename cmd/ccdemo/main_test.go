package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
)

// wholeProgram has the program of the tests be the demonstration, as its own process.
const wholeProgram = "whole-program-of-the-test"

// The demonstration starts its own program as the connector: here, that is this one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == wholeProgram {
		os.Args = slices.Delete(os.Args, 1, 2)
		main()
	}
	if len(os.Args) == 2 && os.Args[1] == connectorArgument {
		os.Exit(beConnector(os.Stdin, os.Stdout, os.Stderr))
	}
	// nats.go v1.55.0 starts this goroutine for each object that it puts, and
	// loses it when the put ends before the goroutine has begun.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

const patience = 60 * time.Second // only a hanging test ever waits as long

// screen is what the demonstration prints on, and tells when a text appears.
type screen struct {
	mu      sync.Mutex
	text    bytes.Buffer
	awaited map[string]func()
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	for text, act := range s.awaited {
		if strings.Contains(s.text.String(), text) {
			delete(s.awaited, text)
			act()
		}
	}
	return len(p), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// when has act done once the text stands on the screen.
func (s *screen) when(text string, act func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaited == nil {
		s.awaited = map[string]func(){}
	}
	s.awaited[text] = act
}

// inOwnTemp has the demonstration make its folder where it can be seen
// whether it takes it away.
func inOwnTemp(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

func deadline(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx, cancel
}

// checkOrder finds each pattern in a line after that of the one before it.
func checkOrder(t *testing.T, text string, patterns ...string) {
	t.Helper()
	rest := text
	for _, pattern := range patterns {
		at := regexp.MustCompile("(?m)" + pattern).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("%q does not follow in:\n%s", pattern, text)
		}
		rest = rest[at[1]:]
	}
}

// Into a file, as into a pipe, no colours are written.
func TestOnce(t *testing.T) {
	inOwnTemp(t)
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var errs bytes.Buffer
	ctx, _ := deadline(t)
	if code := run(ctx, []string{"--once", "--pace", "0", "--http", "127.0.0.1:0"}, file, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	shown, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(shown, []byte("\x1b")) {
		t.Error("there are colours in a file")
	}
	checkOrder(t, string(shown),
		`\A^Page +http://127\.0\.0\.1:\d+/console/$`, `^NATS with JetStream  nats://`, `^Contact center +http://`,
		`→ cc\.chat\.request .* from Ada$`,
		`← cc\.chat\.[^ ]+\.session\.opened +1 .*isNewChat=true`,
		`← cc\.chat\.[^ ]+\.event\.message .*Alice`,
		`→ cc\.chat\.send .*broken cup`,
		`← cc\.chat\.[^ ]+\.event\.message `,
		`← cc\.chat\.[^ ]+\.session\.closed .* reason="ended"\n\z`)
	if !regexp.MustCompile(`← cc\.chat\.[^ ]+\.result\.chat\.request .* status="ok"`).Match(shown) {
		t.Error("the result of chat.request is not shown")
	}
}

// What the invitation proposes works, and what others do shows.
func TestInvitation(t *testing.T) {
	inOwnTemp(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ctx, cancel := deadline(t)
	out, invited, joined := &screen{}, make(chan struct{}), make(chan struct{})
	out.when("Ctrl-C ends it", func() { close(invited) })
	out.when(`"Grace, the second"`, func() { close(joined) })
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"--pace", "0", "--http", "127.0.0.1:0", "--nats", taken.Addr().String()}, out, &errs)
	}()

	await(t, ctx, invited, out)
	address := regexp.MustCompile(`(?m)^  nats -s (nats://\S+) req cc\.chat\.request `).FindStringSubmatch(out.String())
	if address == nil || strings.Contains(address[1], taken.Addr().String()) {
		t.Fatalf("the invitation does not say where NATS is, which was to be on %s:\n%s", taken.Addr(), out)
	}
	for _, hint := range []string{" sub 'cc.chat.*.>'\n", " stream view CC_EVENTS --subject 'cc.chat.*.>'\n", "{{ID}}", "--timeout 35s"} {
		if !strings.Contains(out.String(), hint) {
			t.Errorf("the invitation lacks %q:\n%s", hint, out)
		}
	}
	visitUntil(t, ctx, joined, address[1])
	cancel()
	if code := <-ended; code != 0 || errs.Len() > 0 {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func await(t *testing.T, ctx context.Context, event <-chan struct{}, out *screen) {
	t.Helper()
	select {
	case <-event:
	case <-ctx.Done():
		t.Fatalf("it did not come about; shown is:\n%s", out)
	}
}

// visitUntil requests chats from outside, under a name that shows in results,
// until one is seen: nothing tells from when on the screen shows them.
func visitUntil(t *testing.T, ctx context.Context, seen <-chan struct{}, address string) {
	t.Helper()
	nc, err := nats.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for {
		reply, err := nc.RequestWithContext(ctx, "cc.chat.request", []byte(`{"from":"Grace","phoneNumber":"Grace, the second"}`))
		if err != nil || reply.Header.Get("Nats-Service-Error-Code") != "" {
			t.Fatalf("cc.chat.request: %+v, %v", reply, err)
		}
		select {
		case <-seen:
			return
		default:
		}
	}
}

// Ctrl-C ends everything in order, whenever it comes.
func TestInterrupted(t *testing.T) {
	for name, text := range map[string]string{
		"at the welcome": "Connector", "at the request": "→ cc.chat.request", "in the conversation": ".event.message", "at the end": "Ctrl-C ends it",
	} {
		t.Run(name, func(t *testing.T) {
			checkInterrupted(t, func(out *screen, cancel func()) { out.when(text, cancel) }, "--pace", "0.1")
		})
	}
	t.Run("at once", func(t *testing.T) {
		checkInterrupted(t, func(_ *screen, cancel func()) { cancel() })
	})
}

func checkInterrupted(t *testing.T, arrange func(*screen, func()), more ...string) {
	t.Helper()
	inOwnTemp(t)
	before := goleak.IgnoreCurrent()
	ctx, stop := deadline(t)
	interrupted, cancel := context.WithCancel(ctx)
	defer cancel()
	out, errs := &screen{}, &bytes.Buffer{}
	arrange(out, cancel)
	if code := run(interrupted, append([]string{"--nats", "127.0.0.1:0", "--http", "127.0.0.1:0"}, more...), out, errs); code != 0 || errs.Len() > 0 {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if ctx.Err() != nil {
		t.Fatalf("it ended by itself only; shown is:\n%s", out)
	}
	cancel()
	stop()
	goleak.VerifyNone(t, before)
}

func TestWrongArguments(t *testing.T) {
	inOwnTemp(t)
	ctx, _ := deadline(t)
	for _, args := range []string{"--nope", "--pace=-1", "--pace=slow", "--once=perhaps", "once", "--once chat",
		"--against nats://x --once", "--against nats://x --pace 1", "--against nats://x --nats y", "--timeout 1s",
		"--http 0.0.0.0:0", "--http here", "--against nats://x --quiet", "--against nats://x --store y",
		"--against nats://x --timeout 0s", "--prefix Not.One"} {
		var out, errs bytes.Buffer
		if code := run(ctx, strings.Fields(args), &out, &errs); code != 2 || out.Len() > 0 || errs.Len() == 0 {
			t.Errorf("%s: exit code %d, %q, %q", args, code, out.String(), errs.String())
		}
	}
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"--help"}, &out, &errs); code != 0 || !strings.Contains(errs.String(), "-once") {
		t.Errorf("--help: exit code %d, %s", code, errs.String())
	}
}

// An address that is none is said, and nothing is left running.
func TestImpossibleAddress(t *testing.T) {
	inOwnTemp(t)
	ctx, _ := deadline(t)
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"--once", "--nats", "nowhere"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "ccdemo: -nats:") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}
