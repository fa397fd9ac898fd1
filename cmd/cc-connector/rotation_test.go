package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// reloadable is a server whose configuration is a file that changes.
type reloadable struct {
	*server.Server
	t    *testing.T
	file string
	port int
}

func startReloadable(t *testing.T, conf string) *reloadable {
	t.Helper()
	_, port, err := net.SplitHostPort(unusedAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	r := &reloadable{t: t, file: filepath.Join(t.TempDir(), "nats.conf")}
	if _, err := fmt.Sscan(port, &r.port); err != nil {
		t.Fatal(err)
	}
	r.write(conf)
	options, err := server.ProcessConfigFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs, options.NoLog = true, true
	if r.Server, err = server.NewServer(options); err != nil {
		t.Fatal(err)
	}
	r.Start()
	t.Cleanup(func() { stopNATS(r.Server) })
	if !r.ReadyForConnections(patience) {
		t.Fatal("NATS does not start")
	}
	return r
}

func (r *reloadable) write(conf string) {
	r.t.Helper()
	replaceFile(r.t, r.file, fmt.Sprintf("host: 127.0.0.1\nport: %d\n%s\n", r.port, conf))
}

// change has the server take the configuration, and disconnect everybody.
func (r *reloadable) change(conf string) {
	r.t.Helper()
	r.write(conf)
	if err := r.Reload(); err != nil {
		r.t.Fatal(err)
	}
	r.disconnect()
}

func (r *reloadable) disconnect() {
	r.t.Helper()
	connections, err := r.Connz(&server.ConnzOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range connections.Conns {
		_ = r.DisconnectClientByID(c.Cid)
	}
}

// replaceFile does it at once, as whoever rotates secrets with care does.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// rotation is a secret in a file, and what the server must be told of it.
type rotation struct {
	old, renewed         string // what the file holds
	oldConf, renewedConf string
	variable             string
	env                  map[string]string
}

func rotations(t *testing.T) map[string]rotation {
	oldKey, oldSeed := userNkey(t)
	newKey, newSeed := userNkey(t)
	user := func(fields string) string { return "authorization: {users: [{" + fields + "}]}" }
	return map[string]rotation{
		"nkey": {
			oldSeed, newSeed, user("nkey: " + oldKey), user("nkey: " + newKey), "CC_NATS_NKEY_SEED_FILE", nil,
		},
		"password": {
			"old", "new\r\n", user(`user: u, password: "old"`), user(`user: u, password: "new"`), "CC_NATS_PASSWORD_FILE", map[string]string{"CC_NATS_USER": "u"},
		},
		"token": {
			"old\n", "\xef\xbb\xbfnew\n\n", `authorization: {token: "old"}`, `authorization: {token: "new"}`, "CC_NATS_TOKEN_FILE", nil,
		},
	}
}

// The server knows the new secret alone, and the connection comes back with it.
func TestRotatedSecretIsUsed(t *testing.T) {
	for name, c := range rotations(t) {
		t.Run(name, func(t *testing.T) {
			s, file := startReloadable(t, c.oldConf), writeFile(t, c.old)
			env := map[string]string{"CC_NATS_URL": s.ClientURL(), c.variable: file}
			for name, value := range c.env {
				env[name] = value
			}
			nc, out, err := connect(t, env, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(file); err != nil { // it is gone while it is replaced
				t.Fatal(err)
			}
			s.disconnect()
			out.waitFor(t, "connected to NATS again")
			if line := out.waitFor(t, "a file cannot be used now"); !strings.Contains(line, c.variable) || strings.Contains(line, file) {
				t.Errorf("logged: %s", line)
			}
			s.change(c.renewedConf) // before the file: refused for a while
			line := out.waitFor(t, "NATS does not take the connection")
			if !strings.Contains(line, c.variable) && c.variable != "CC_NATS_PASSWORD_FILE" {
				t.Errorf("logged: %s", line)
			}
			replaceFile(t, file, c.renewed)
			awaitConnected(t, nc)
			if told := strings.Count(out.String(), "NATS does not take the connection"); told != 1 {
				t.Errorf("one reason is told %d times:\n%s", told, out)
			}
		})
	}
}

// The page's connection is none that a start waits for. It comes by itself, and comes
// back as the other one does.
func TestPagesHaveAConnectionOfTheirOwn(t *testing.T) {
	c := rotations(t)["nkey"]
	s, file := startReloadable(t, c.oldConf+"\nmax_connections: 1"), writeFile(t, c.old)
	setEnv(t, with(map[string]string{"CC_NATS_URL": s.ClientURL(), c.variable: file}))
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	cfg.nats.options = append(cfg.nats.options, nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0))
	nc, err := connectNATS(t.Context(), cfg.nats, 0, newLogger(newOutput(), logConfig{}), func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	out := newOutput()
	page, err := dialForPages(cfg.nats, newLogger(out, logConfig{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(page.Close)
	if line := out.waitFor(t, "NATS does not take the connection"); !strings.Contains(line, "takes no more connections") || !strings.Contains(line, "of the page") {
		t.Errorf("logged: %s", line)
	}
	s.change(c.oldConf)
	awaitConnected(t, page)
	replaceFile(t, file, c.renewed)
	s.change(c.renewedConf)
	awaitConnected(t, page)
	awaitConnected(t, nc)
}

func awaitConnected(t *testing.T, nc *nats.Conn) {
	t.Helper()
	await(t, "it is connected again", func() bool { return nc.IsConnected() && nc.FlushTimeout(time.Second) == nil })
}

// Both halves of the credentials are another user's.
func TestRotatedCredentialsAreUsed(t *testing.T) {
	_, oldSeed := userNkey(t)
	newPublic, newSeed := userNkey(t)
	file := writeFile(t, credentials(oldSeed))
	nc, _, err := connect(t, map[string]string{"CC_NATS_URL": startNATS(t, server.Options{}).ClientURL(), "CC_NATS_CREDS": file}, 0)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, file, strings.Replace(credentials(newSeed), "e30.c2ln", "e30.bmV3", 1))
	if jwt, err := nc.Opts.UserJWT(); err != nil || !strings.HasSuffix(jwt, ".bmV3") {
		t.Errorf("got %q, %v", jwt, err)
	}
	signature, err := nc.Opts.SignatureCB([]byte("nonce"))
	if err != nil || verifies(t, newPublic, "nonce", signature) != nil {
		t.Errorf("it signs with another key: %v", err)
	}
	replaceFile(t, file, "half written")
	if jwt, err := nc.Opts.UserJWT(); err != nil || !strings.HasSuffix(jwt, ".bmV3") {
		t.Errorf("got %q, %v", jwt, err)
	}
}

// Certificates of both sides are renewed, each under another root.
func TestRotatedCertificatesAreUsed(t *testing.T) {
	certFile, keyFile := keyPair(t)
	conf := fmt.Sprintf(`tls: {cert_file: %q, key_file: %q, ca_file: %q, verify: true, timeout: 10}`, certFile, keyFile, certFile)
	s := startReloadable(t, conf)
	own := map[string]string{"CC_NATS_TLS_CA": writeFile(t, contentOf(t, certFile)), "CC_NATS_TLS_CERT": writeFile(t, contentOf(t, certFile)), "CC_NATS_TLS_KEY": writeFile(t, contentOf(t, keyFile))}
	env := map[string]string{"CC_NATS_URL": s.ClientURL()}
	for name, file := range own {
		env[name] = file
	}
	nc, out, err := connect(t, env, 0)
	if err != nil {
		t.Fatal(err)
	}
	newCert, newKey := keyPair(t)
	replaceFile(t, certFile, contentOf(t, newCert))
	replaceFile(t, keyFile, contentOf(t, newKey))
	s.change(conf)
	if line := out.waitFor(t, "NATS does not take the connection"); !strings.Contains(line, "CC_NATS_TLS_CA") {
		t.Errorf("logged: %s", line)
	}
	for name, from := range map[string]string{"CC_NATS_TLS_CA": newCert, "CC_NATS_TLS_CERT": newCert, "CC_NATS_TLS_KEY": newKey} {
		replaceFile(t, own[name], contentOf(t, from))
	}
	awaitConnected(t, nc)
	if state, err := nc.TLSConnectionState(); err != nil || state.Version < tls.VersionTLS12 {
		t.Errorf("got %v, %v", state.Version, err)
	}
}

func TestTLSBeforeTheGreeting(t *testing.T) {
	certFile, keyFile := keyPair(t)
	s := startReloadable(t, fmt.Sprintf(`tls: {cert_file: %q, key_file: %q, timeout: 10, handshake_first: true}`, certFile, keyFile))
	env := map[string]string{"CC_NATS_URL": s.ClientURL(), "CC_NATS_TLS_CA": certFile}
	_, _, err := connect(t, env, 0)
	if err == nil || !strings.Contains(err.Error(), "CC_NATS_TLS_FIRST=true") {
		t.Errorf("without it: %v", err)
	}
	env["CC_NATS_TLS_FIRST"] = "true"
	if _, _, err := connect(t, env, 0); err != nil {
		t.Error(err)
	}
	plain := startNATS(t, server.Options{})
	env["CC_NATS_URL"] = plain.ClientURL()
	if _, _, err := connect(t, env, patience); err == nil || !strings.Contains(err.Error(), "CC_NATS_TLS_FIRST") {
		t.Errorf("against one without TLS: %v", err)
	}
}

// Each refusal says at what to look.
func TestRefusalSaysAtWhatToLook(t *testing.T) {
	public, seed := userNkey(t)
	_, otherSeed := userNkey(t)
	certFile, keyFile := keyPair(t)
	mutual, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: certFile, KeyFile: keyFile, CaFile: certFile, Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	tlsServer := server.Options{TLS: true, TLSConfig: mutual, TLSTimeout: 10}
	expired := strings.Replace(credentials(seed), "e30.c2ln", "eyJleHAiOjF9.c2ln", 1)
	nkeys := server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}}
	for name, c := range map[string]struct {
		server server.Options
		env    map[string]string
		look   string
	}{
		"nobody":            {server.Options{Username: "u", Password: "p"}, nil, "set CC_NATS_CREDS"},
		"another password":  {server.Options{Username: "u", Password: "p"}, map[string]string{"CC_NATS_USER": "u", "CC_NATS_PASSWORD_FILE": writeFile(t, planted)}, "CC_NATS_USER"},
		"another token":     {server.Options{Authorization: "t"}, map[string]string{"CC_NATS_TOKEN_FILE": writeFile(t, planted)}, "CC_NATS_TOKEN_FILE"},
		"another key":       {nkeys, map[string]string{"CC_NATS_NKEY_SEED_FILE": writeFile(t, otherSeed)}, "CC_NATS_NKEY_SEED_FILE"},
		"no keys":           {server.Options{}, map[string]string{"CC_NATS_NKEY_SEED_FILE": writeFile(t, seed)}, "CC_NATS_NKEY_SEED_FILE"},
		"expired":           {nkeys, map[string]string{"CC_NATS_CREDS": writeFile(t, expired)}, "CC_NATS_CREDS have expired at 1970-01-01"},
		"no root":           {tlsServer, nil, "CC_NATS_TLS_CA"},
		"no certificate":    {tlsServer, map[string]string{"CC_NATS_TLS_CA": certFile}, "CC_NATS_TLS_CERT"},
		"TLS where is none": {server.Options{}, map[string]string{"CC_NATS_TLS_CA": certFile}, "tls://"},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"CC_NATS_URL": startNATS(t, c.server).ClientURL()}
			for name, value := range c.env {
				env[name] = value
			}
			_, _, err := connect(t, env, patience)
			if err == nil || !strings.Contains(err.Error(), c.look) || strings.Contains(err.Error(), planted) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What a server says in words that the library has no error for.
func TestServersWordsAreKnown(t *testing.T) {
	for words, c := range map[string]struct {
		look  string
		final bool
	}{
		"nats: maximum connections exceeded":                {"max_connections", false},
		"nats: maximum account active connections exceeded": {"limit of connections", false},
		"nats: Authorization Violation":                     {"CC_NATS_CREDS", true},
		"nats: User Authentication Expired":                 {"CC_NATS_CREDS", true},
		"nats: User Authentication Revoked":                 {"CC_NATS_CREDS", true},
		"nats: Account Authentication Expired":              {"CC_NATS_CREDS", true},
		"write tcp 1.2.3.4:5->6.7.8.9:4222: broken pipe":    {"max_connections", false},
		"something else":                                    {"", false},
	} {
		err := errors.New(words)
		if got := (natsConfig{}).look(err); !strings.Contains(got, c.look) || (got == "") != (c.look == "") {
			t.Errorf("%s: look at %q", words, got)
		}
		if refused(err) != c.final {
			t.Errorf("%s: final is %v", words, !c.final)
		}
	}
}
