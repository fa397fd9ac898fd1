package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

// pageOf is somebody who looks at a process's page.
type pageOf struct {
	*testing.T
	base   string
	cookie *http.Cookie
}

func (p pageOf) do(method, path, body string) *http.Response {
	p.Helper()
	request, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Console", "1")
	if p.cookie != nil {
		request.AddCookie(p.cookie)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func (p pageOf) check(status int, method, path, body string) *http.Response {
	p.Helper()
	answer := p.do(method, path, body)
	if answer.StatusCode != status {
		p.Errorf("%s %s: %s, want %d", method, path, answer.Status, status)
	}
	return answer
}

const (
	pagePrefix = subjects.Prefix("acme.eu")
	pageToken  = "a token of the test's own"
)

// startWithPage starts a connector that serves pages, with the rights of its own user.
func startWithPage(t *testing.T, more map[string]string) (*process, *bpsim.Server, jetstream.JetStream) {
	t.Helper()
	natsServer, js := usersBus(t, pagePrefix)
	p, sim := startPageOn(t, natsServer, more)
	p.waitReady(t, http.StatusOK)
	return p, sim, js
}

func startPageOn(t *testing.T, natsServer *server.Server, more map[string]string) (*process, *bpsim.Server) {
	t.Helper()
	sim := bpsim.New(bpsim.Options{Hold: time.Second})
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.Close() })
	env := map[string]string{"CC_NATS_INBOX_PREFIX": permissions.InboxPrefix(pagePrefix, permissions.Connector)}
	signedIn := "nats://" + permissions.UserName(pagePrefix, permissions.Connector) + ":" + natsPassword + "@"
	env["CC_NATS_URL"] = strings.Replace(natsServer.ClientURL(), "nats://", signedIn, 1)
	env["CC_SUBJECT_PREFIX"], env["CC_BASE_URL"], env["CC_TENANT_URL"] = string(pagePrefix), web.URL, "acme.example"
	env["CC_APP_ID"], env["CC_HTTP_ADDR"] = "app", "127.0.0.1:0"
	env["CC_CONSOLE"], env["CC_CONSOLE_TOKEN_FILE"] = "true", writeFile(t, pageToken+"\n")
	maps.Copy(env, more)
	return start(t, env), sim
}

// signedIn is somebody who has the token.
func signedIn(t *testing.T, p *process) pageOf {
	t.Helper()
	page := pageOf{T: t, base: "http://" + loggedAddress(t, p.stderr)}
	cookies := page.check(http.StatusNoContent, "POST", "/console/api/login", `{"token":"`+pageToken+`"}`).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	page.cookie = cookies[0]
	return page
}

// The page works with the rights of the connector's own user, shows what customers write to
// nobody without the token, and neither logs anything of it nor holds up a connector that leaves.
func TestProcessServesThePage(t *testing.T) {
	p, _, js := startWithPage(t, map[string]string{"CC_LOG_LEVEL": "debug"})
	stranger := pageOf{T: t, base: "http://" + loggedAddress(t, p.stderr)}
	stranger.check(http.StatusOK, "GET", "/console/", "")
	stranger.check(http.StatusUnauthorized, "GET", "/console/api/events", "")
	stranger.check(http.StatusForbidden, "POST", "/console/api/login", `{"token":"`+planted+`"}`)
	page := signedIn(t, p)
	events := bufio.NewReader(page.check(http.StatusOK, "GET", "/console/api/events", "").Body)
	chat := openedChat(t, js.Conn())
	shown := awaitLine(t, events, `"name":"opened"`)
	if !strings.Contains(shown, `"chat":"`+chat+`"`) {
		t.Errorf("shown is %s", shown)
	}
	status := awaitLine(t, events, `"openChats":1`)
	if !strings.Contains(status, `"ready":true`) || !strings.Contains(status, `"self":true`) || !strings.Contains(status, `"commands":{"ok":1,`) {
		t.Errorf("the status is %s", status)
	}
	var m struct{ Seq uint64 }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(shown, "data: ")), &m); err != nil {
		t.Fatal(err)
	}
	page.check(http.StatusOK, "GET", fmt.Sprintf("/console/api/messages/%d", m.Seq), "")
	page.check(http.StatusOK, "GET", "/console/api/dead", "")
	about, err := io.ReadAll(page.check(http.StatusOK, "GET", "/console/api/about", "").Body)
	if err != nil || !strings.Contains(string(about), `"natsURL":"nats://`) || strings.Contains(string(about), natsPassword) {
		t.Errorf("told is %s, %v", about, err)
	}
	page.check(http.StatusForbidden, "POST", "/console/api/command", `{"command":"chat.send","data":{}}`)
	page.check(http.StatusForbidden, "POST", "/console/api/weather/connector-kill", "")
	checkGet(t, page.base+"/metrics", http.StatusOK, "go_goroutines")

	p.signal(t, syscall.SIGTERM)
	p.checkExit(t, 0)
	for _, secret := range []string{planted, pageToken, natsPassword, page.cookie.Value} {
		if strings.Contains(p.stderr.String(), secret) {
			t.Errorf("it is logged what must not be:\n%s", p.stderr)
		}
	}
	checkPermitted(t, p.stderr.String())
}

// A user that may do what an earlier version did has a connector that starts and stays
// ready, whoever looks meanwhile; who looks is told.
func TestPageIsNoMatterOfReadiness(t *testing.T) {
	file := writeUsers(t, pagePrefix)
	users := filepath.Join(filepath.Dir(file), "users.conf")
	text := contentOf(t, users)
	for _, subject := range permissions.ForPage(pagePrefix) {
		text = strings.ReplaceAll(text, strconv.Quote(subject), `"nothing"`)
	}
	replaceFile(t, users, text)
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	options.JetStream, options.StoreDir = true, t.TempDir()
	p, _ := startPageOn(t, startNATS(t, *options), map[string]string{"CC_CONSOLE_TOKEN_FILE": ""})
	page := pageOf{T: t, base: "http://" + loggedAddress(t, p.stderr)}
	var events *bufio.Reader
	await(t, "pages are let in while it starts", func() bool {
		answer := page.do("GET", "/console/api/events", "")
		events = bufio.NewReader(answer.Body)
		return answer.StatusCode == http.StatusOK
	})
	p.stderr.waitFor(t, "Permissions Violation")
	p.waitReady(t, http.StatusOK)
	awaitLine(t, events, `"the stream ACME_EU_EVENTS cannot be read: NATS does not answer, or does not allow it`)
	checkGet(t, page.base+"/readyz", http.StatusOK, `"ready"`)
	if log := p.stderr.String(); strings.Contains(log, `"not ready"`) {
		t.Errorf("it was not ready:\n%s", log)
	}
}

// awaitLine is the next line of events with a text.
func awaitLine(t *testing.T, lines *bufio.Reader, text string) string {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%q does not come: %v", text, err)
		}
		if strings.Contains(line, text) {
			return line
		}
	}
}

func TestPageIsOffByDefault(t *testing.T) {
	server := httptest.NewServer(withConsole(false, new(pages), opsHandler(newReadiness("not yet"), newRegistry())))
	defer server.Close()
	checkGet(t, server.URL+"/console/", http.StatusNotFound, "")
	waiting := httptest.NewServer(withConsole(true, new(pages), opsHandler(newReadiness("not yet"), newRegistry())))
	defer waiting.Close()
	checkGet(t, waiting.URL+"/console/", http.StatusServiceUnavailable, "NATS is not connected yet")
	answer := pageOf{T: t, base: waiting.URL}.do("GET", "/console/api/about", "")
	if h := answer.Header; h.Get("Content-Security-Policy") == "" || h.Get("Cache-Control") != "no-store" || h.Get("Retry-After") == "" {
		t.Errorf("an answer before there are pages has the headers %v", h)
	}
	checkGet(t, waiting.URL+"/healthz", http.StatusOK, "alive")
}

func TestPageOutsideLoopbackNeedsAToken(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:8080", "[::1]:8080", "localhost:8080"} {
		setEnv(t, with(map[string]string{"CC_CONSOLE": "true", "CC_HTTP_ADDR": addr}))
		if cfg, err := readConfig(); err != nil || !cfg.console.on || !cfg.console.loopback {
			t.Errorf("%s: %+v, %v", addr, cfg.console, err)
		}
	}
	file := writeFile(t, "sixteen letters.\n")
	setEnv(t, with(map[string]string{"CC_CONSOLE": "true", "CC_HTTP_ADDR": ":8080", "CC_CONSOLE_TOKEN_FILE": file}))
	cfg, err := readConfig()
	if err != nil || cfg.console.token() != "sixteen letters." || cfg.console.loopback {
		t.Fatalf("%+v, %v", cfg.console, err)
	}
	if files := cfg.secretFiles; !slices.Contains(files, secretFile{"CC_CONSOLE_TOKEN_FILE", file}) {
		t.Errorf("of %v, check does not look at the token's", files)
	}
	for _, one := range []struct{ content, want string }{
		{"sixteen letters, and other ones", "sixteen letters, and other ones"}, {"few", "sixteen letters, and other ones"},
	} {
		if err := os.WriteFile(file, []byte(one.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := cfg.console.token(); got != one.want {
			t.Errorf("with %q in the file, the token is %q", one.content, got)
		}
	}
}
