package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startNATS starts a server with the given options on a port of its own, if they name none.
func startNATS(t *testing.T, options server.Options) *server.Server {
	t.Helper()
	options.Host, options.NoSigs, options.NoLog = "127.0.0.1", true, true
	if options.Port == 0 {
		options.Port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stopNATS(s) })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("NATS does not start")
	}
	return s
}

func stopNATS(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// output collects what is written and lets readers wait for it.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) now() (text string, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.changed
}

func (o *output) String() string {
	text, _ := o.now()
	return text
}

const patience = 30 * time.Second // only so that a broken test ends

// waitFor returns the first complete line that has the text in it.
func (o *output) waitFor(t *testing.T, part string) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		text, changed := o.now()
		for line := range strings.Lines(text) {
			if strings.Contains(line, part) && strings.HasSuffix(line, "\n") {
				return line
			}
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("never written: %q; but:\n%s", part, text)
		}
	}
}

// connect reads the settings and connects as the command does.
func connect(t *testing.T, env map[string]string, wait time.Duration) (*nats.Conn, *output, error) {
	t.Helper()
	setEnv(t, with(env))
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	cfg.nats.options = append(cfg.nats.options, nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0))
	out := newOutput()
	lost := func(err error) { t.Errorf("lost: %v", err) }
	nc, err := connectNATS(t.Context(), cfg.nats, wait, newLogger(out, logConfig{}), lost)
	if err == nil {
		t.Cleanup(nc.Close)
	}
	return nc, out, err
}

func TestWaysToSignIn(t *testing.T) {
	public, seed := userNkey(t)
	password := server.Options{Username: "u", Password: planted}
	token := server.Options{Authorization: planted}
	nkey := server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}}
	secret := writeFile(t, planted+"\n")
	for name, way := range map[string]struct {
		server server.Options
		env    map[string]string
	}{
		"none":     {server.Options{}, map[string]string{}},
		"password": {password, map[string]string{"CC_NATS_USER": "u", "CC_NATS_PASSWORD_FILE": secret}},
		"token":    {token, map[string]string{"CC_NATS_TOKEN_FILE": secret}},
		"nkey":     {nkey, map[string]string{"CC_NATS_NKEY_SEED_FILE": writeFile(t, seed+"\n")}},
		"url":      {password, map[string]string{"CC_NATS_URL": "nats://u:" + planted + "@"}},
	} {
		t.Run(name, func(t *testing.T) {
			address := startNATS(t, way.server).Addr().String()
			if way.env["CC_NATS_URL"] == "" {
				way.env["CC_NATS_URL"] = "nats://"
			}
			way.env["CC_NATS_URL"] += address
			_, out, err := connect(t, way.env, 0)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), address) || strings.Contains(out.String(), planted) {
				t.Errorf("logged: %s", out)
			}
		})
	}
}

// A server that knows no JWTs does not check the file, but the client must be able to sign with it.
func TestCredentialsFileIsTaken(t *testing.T) {
	_, seed := userNkey(t)
	nc, _, err := connect(t, map[string]string{
		"CC_NATS_URL": startNATS(t, server.Options{}).ClientURL(), "CC_NATS_CREDS": writeFile(t, credentials(seed)),
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if jwt, err := nc.Opts.UserJWT(); err != nil || jwt == "" {
		t.Errorf("got JWT %q, %v", jwt, err)
	}
}

func TestMutualTLS(t *testing.T) {
	certFile, keyFile := keyPair(t)
	config, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: certFile, KeyFile: keyFile, CaFile: certFile, Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	url := startNATS(t, server.Options{TLS: true, TLSConfig: config, TLSTimeout: 10}).ClientURL()
	nc, _, err := connect(t, map[string]string{
		"CC_NATS_URL": url, "CC_NATS_TLS_CA": certFile, "CC_NATS_TLS_CERT": certFile, "CC_NATS_TLS_KEY": keyFile,
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if state, err := nc.TLSConnectionState(); err != nil || state.Version < tls.VersionTLS12 {
		t.Errorf("got %v, %v", state.Version, err)
	}
	otherCA, _ := keyPair(t)
	_, _, err = connect(t, map[string]string{"CC_NATS_URL": url, "CC_NATS_TLS_CA": otherCA}, patience)
	if err == nil || !strings.Contains(err.Error(), "refused the connection") {
		t.Errorf("another root: got %v", err)
	}
}

func TestRefusalIsNotWaitedFor(t *testing.T) {
	for name, secured := range map[string]server.Options{
		"password": {Username: "u", Password: "right"}, "token": {Authorization: "right"},
	} {
		t.Run(name, func(t *testing.T) {
			address := startNATS(t, secured).Addr().String()
			_, _, err := connect(t, map[string]string{"CC_NATS_URL": "nats://u:" + planted + "@" + address}, patience)
			if !errors.Is(err, nats.ErrAuthorization) {
				t.Fatalf("got %v", err)
			}
			if text := err.Error(); strings.Contains(text, planted) || !strings.Contains(text, "nats://"+address) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPatienceEnds(t *testing.T) {
	_, out, err := connect(t, map[string]string{"CC_NATS_URL": "nats://u:" + planted + "@" + unusedAddress(t)}, 0)
	if err == nil || !strings.Contains(err.Error(), "cannot be reached") || !strings.Contains(err.Error(), "CC_NATS_URL") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error()+out.String(), planted) {
		t.Errorf("the secret is shown: %v, %s", err, out)
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStopped)
	cfg := natsConfig{urls: []string{"nats://" + unusedAddress(t)}}
	_, err := connectNATS(ctx, cfg, patience, newLogger(newOutput(), logConfig{}), nil)
	if !errors.Is(err, errStopped) {
		t.Errorf("got %v", err)
	}
}

func TestAsyncErrorsAreLogged(t *testing.T) {
	nobody := &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"forbidden"}}}
	url := startNATS(t, server.Options{Users: []*server.User{{Username: "u", Password: planted, Permissions: nobody}}}).Addr().String()
	nc, out, err := connect(t, map[string]string{"CC_NATS_URL": "nats://u:" + planted + "@" + url}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Publish("forbidden", nil); err != nil {
		t.Fatal(err)
	}
	if line := out.waitFor(t, "NATS error"); !strings.Contains(line, "Permissions Violation") {
		t.Errorf("logged: %s", line)
	}
}

// The server closes a connection that breaks the protocol, and the client then does not connect again.
func TestClosedForGoodIsTold(t *testing.T) {
	cfg := natsConfig{urls: []string{startNATS(t, server.Options{MaxControlLine: 512}).ClientURL()}}
	lost := make(chan error, 1)
	nc, err := connectNATS(t.Context(), cfg, 0, newLogger(newOutput(), logConfig{}), func(err error) { lost <- err })
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.Publish(strings.Repeat("long", 200), nil); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-lost:
		if !strings.Contains(err.Error(), "closed for good") {
			t.Errorf("got %v", err)
		}
	case <-time.After(patience):
		t.Error("nothing is told")
	}
}

// unusedAddress is one that nobody listens on.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestRedacted(t *testing.T) {
	got := redacted([]string{"nats://u:" + planted + "@a:1", "tls://" + planted + "@b:2/" + planted, "c", "%" + planted})
	if want := "nats://a:1, tls://b:2, nats://c, nats://unreadable"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
