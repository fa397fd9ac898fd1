package console

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var calls = []string{
	"/console/api/about", "/console/api/status", "/console/api/contract", "/console/api/dead", "/console/api/dead/1",
	"/console/api/messages/1", "/console/api/validate/1", "/console/api/agent/chats", "/console/api/none",
}

func TestEveryAnswerIsFenced(t *testing.T) {
	r := newRig(t)
	for _, path := range append(calls, "/console/", "/console", "/console/none.js", "/console/../x", "/console/api/events?past=x") {
		_, _, header := r.call("GET", path, nil)
		for name, value := range headers {
			if header.Get(name) != value {
				t.Errorf("%s: %s is %q", path, name, header.Get(name))
			}
		}
	}
	_, page, header := r.call("GET", "/console/", nil)
	if text, _ := page["text"].(string); !strings.Contains(text, "<!doctype html>") || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		t.Errorf("the page is %v, %v", page, header)
	}
	r.check(http.StatusMethodNotAllowed, "POST", "/console/", nil)
}

// A page whose own name was resolved to loopback gets nothing.
func TestOnlyLoopbackNamesAreServed(t *testing.T) {
	r := newRig(t)
	name := func(host string) func(*http.Request) { return func(q *http.Request) { q.Host = host } }
	for _, host := range []string{"localhost", "LocalHost:1", "127.0.0.1:8080", "[::1]:8080", "127.0.0.1", "[::1]"} {
		r.check(http.StatusOK, "GET", "/console/api/about", nil, name(host))
	}
	for _, host := range []string{"evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0:8080", ":8080"} {
		for _, path := range []string{"/console/", "/console/api/about", "/console/api/events"} {
			r.check(http.StatusForbidden, "GET", path, nil, name(host))
		}
	}
}

// No page of another site can have anything done, or learn that something is here.
func TestOtherSitesAreRefused(t *testing.T) {
	r := newRig(t, workbench)
	set := func(name, value string) func(*http.Request) {
		return func(q *http.Request) { q.Header.Set(name, value) }
	}
	foreign := func(origin string) func(*http.Request) { // of a browser that says nothing else
		return func(q *http.Request) { q.Header.Del("Sec-Fetch-Site"); q.Header.Set("Origin", origin) }
	}
	order := map[string]any{"command": "chat.send", "data": map[string]any{}}
	for _, change := range []func(*http.Request){
		set("X-Console", ""), set("X-Console", "0"), set("Content-Type", "text/plain"), set("Content-Type", "application/x-www-form-urlencoded"),
		set("Content-Type", ""), set("Sec-Fetch-Site", "cross-site"), set("Sec-Fetch-Site", "same-site"), set("Sec-Fetch-Site", "none"),
		foreign("http://evil.example"), foreign("null"),
	} {
		r.check(http.StatusForbidden, "POST", "/console/api/command", order, change)
		r.check(http.StatusForbidden, "POST", "/console/api/weather/rain", nil, change)
	}
	r.check(http.StatusForbidden, "DELETE", "/console/api/dead/1", nil, set("X-Console", ""))
	for _, change := range []func(*http.Request){set("Sec-Fetch-Site", "cross-site"), foreign("http://evil.example")} {
		for _, path := range append(calls, "/console/api/events") {
			r.check(http.StatusForbidden, "GET", path, nil, change)
		}
	}
	if answer := r.check(http.StatusForbidden, "GET", "/console/api/about", nil, foreign("https://evil.example")); !strings.Contains(fmt.Sprint(answer["error"]), "https://evil.example") {
		t.Errorf("it is not said why: %v", answer)
	}
	r.check(http.StatusOK, "POST", "/console/api/weather/rain", nil, set("Origin", "https://of-a-proxy.example")) // which sets a Host of its own
	if answer := r.check(http.StatusOK, "POST", "/console/api/weather/rain", nil); answer["promise"] != "It ends." {
		t.Errorf("got %v", answer)
	}
}

const token = "a token of the test's own"

func withToken(cfg *Config) { cfg.Token, cfg.Loopback = func() string { return token }, false }

func TestTokenIsRequiredOutsideLoopback(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a console for everybody is made")
	}
}

func TestTokenOpensThePage(t *testing.T) {
	r := newRig(t, withToken)
	closed := func(why string, change ...func(*http.Request)) {
		t.Helper()
		for _, path := range append(calls, "/console/api/events") {
			if status, _, _ := r.call("GET", path, nil, change...); status != http.StatusUnauthorized {
				t.Errorf("%s: %s: %d", why, path, status)
			}
		}
	}
	closed("no cookie")
	closed("a token in the address is none", func(q *http.Request) { q.URL.RawQuery = "token=" + strings.ReplaceAll(token, " ", "+") })
	closed("nor one in a header", func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+token) })
	r.check(http.StatusForbidden, "POST", "/console/api/login", map[string]string{"token": token + "x"})
	r.check(http.StatusForbidden, "POST", "/console/api/login", map[string]string{})
	r.check(http.StatusBadRequest, "POST", "/console/api/login", "no object")

	status, _, header := r.call("POST", "/console/api/login", map[string]string{"token": token})
	cookies := (&http.Response{Header: header}).Cookies()
	if status != http.StatusNoContent || len(cookies) != 1 {
		t.Fatalf("%d, %v", status, cookies)
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/console" || c.Secure || strings.Contains(c.Value, token) {
		t.Errorf("the cookie is %v", c)
	}
	r.cookie = c
	r.check(http.StatusOK, "GET", "/console/api/about", nil)
	r.said("c1", "hello")
	r.open("", "").upTo("live")
	r.checkSeal(c.Value, closed)
}

// checkSeal: only a cookie that was given opens, and only for its time.
func (r *rig) checkSeal(value string, closed func(why string, change ...func(*http.Request))) {
	r.Helper()
	until, mac, _ := strings.Cut(value, ".")
	later, err := strconv.ParseInt(until, 10, 64)
	r.Check(err)
	past := strconv.FormatInt(time.Now().Add(-time.Minute).Unix(), 10)
	for why, value := range map[string]string{
		"made longer": strconv.FormatInt(later+1, 10) + "." + mac, "without a seal": until, "over": seal(token, past), "empty": "",
	} {
		r.cookie = &http.Cookie{Name: cookieName, Value: value}
		closed(why)
	}
	other, err := New(Config{Token: func() string { return token }})
	r.Check(err)
	if seal(other.token.lately(), until) != value {
		r.Error("another replica with this token does not take the cookie")
	}
}

func TestSigningInIsSlowWhenItFails(t *testing.T) {
	r := newRig(t, withToken)
	last := 0
	for range 3 * triesAtOnce {
		last, _, _ = r.call("POST", "/console/api/login", map[string]string{"token": "guess"})
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the last of many tries is answered %d", last)
	}
}

// held is a body that is sent when all of them are waited for.
type held struct {
	io.Reader
	waiting *sync.WaitGroup
	once    sync.Once
}

func (h *held) Read(p []byte) (int, error) {
	h.once.Do(func() { h.waiting.Done(); h.waiting.Wait() })
	return h.Reader.Read(p)
}

// Who guesses many times at the same time has no more tries than one after the other.
func TestGuessesAtTheSameTimeAreCounted(t *testing.T) {
	r := newRig(t, withToken)
	var waiting, done sync.WaitGroup
	var late atomic.Int64
	waiting.Add(5 * triesAtOnce)
	for range 5 * triesAtOnce {
		done.Go(func() {
			body := &held{Reader: strings.NewReader(`{"token":"guess"}`), waiting: &waiting}
			request := httptest.NewRequest("POST", "/console/api/login", body)
			answer := httptest.NewRecorder()
			r.console.ServeHTTP(answer, request)
			if answer.Code == http.StatusTooManyRequests {
				late.Add(1)
			}
		})
	}
	done.Wait()
	if late.Load() == 0 {
		t.Error("all guesses were tried")
	}
}

// Who guesses takes the tries of nobody else, nor of the one who knows.
func TestGuessesAreCountedByPlace(t *testing.T) {
	tries := newTries()
	use := func(from string) bool { return tries.of(from).Allow() }
	for range 2 * triesAtOnce {
		use("192.0.2.1:1000")
		use("[2001:db8::1]:1000")
	}
	if use("192.0.2.1:2000") || use("[2001:db8::2]:1") || !use("192.0.2.2:1") || !use("[2001:db8:0:1::1]:1") {
		t.Error("places are not told apart as they should be")
	}
	guesser := tries.of("192.0.2.1:1")
	for i := range placesMost + 100 {
		use(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
	}
	if len(tries.from) > placesMost {
		t.Errorf("%d places are remembered", len(tries.from))
	}
	if tries.of("192.0.2.1:1") != guesser {
		t.Error("who has guessed is forgotten, because others have tried")
	}
	r := newRig(t, withToken)
	for range 3 * triesAtOnce {
		r.check(http.StatusNoContent, "POST", "/console/api/login", map[string]string{"token": token})
	}
}

// A token that was replaced opens nothing any more, not even what is open.
func TestTokenIsReplaced(t *testing.T) {
	var now atomic.Value
	now.Store(token)
	r := newRig(t, func(cfg *Config) { cfg.Token = func() string { return now.Load().(string) } })
	in := func(token string) *http.Cookie {
		t.Helper()
		_, _, header := r.call("POST", "/console/api/login", map[string]string{"token": token})
		return (&http.Response{Header: header}).Cookies()[0]
	}
	old := in(token)
	r.cookie = old
	p := r.open("", "")
	p.upTo("live")
	now.Store(token + " anew")
	r.check(http.StatusForbidden, "POST", "/console/api/login", map[string]string{"token": token})
	r.check(http.StatusUnauthorized, "GET", "/console/api/about", nil)
	for p.lines.Scan() { // to the end
	}
	r.cookie = in(token + " anew")
	r.check(http.StatusOK, "GET", "/console/api/about", nil)
	status, _, header := r.call("DELETE", "/console/api/login", nil)
	if gone := (&http.Response{Header: header}).Cookies(); status != http.StatusNoContent || len(gone) != 1 || gone[0].Name != cookieName || gone[0].MaxAge >= 0 {
		t.Errorf("signing out: %d %v", status, gone)
	}
	r.check(http.StatusForbidden, "DELETE", "/console/api/login", nil, func(q *http.Request) { q.Header.Del("X-Console") })
}

// What a browser does not tell of an event stream that is refused.
func TestProbe(t *testing.T) {
	r := newRig(t, withToken)
	r.check(http.StatusUnauthorized, "GET", "/console/api/events?probe=1", nil)
	r = newRig(t)
	r.check(http.StatusNoContent, "GET", "/console/api/events?probe=1", nil)
	r.console.feed.pages = pagesMost
	if answer := r.check(http.StatusServiceUnavailable, "GET", "/console/api/events?probe=1", nil); !strings.Contains(fmt.Sprint(answer["error"]), "too many pages") {
		t.Errorf("got %v", answer)
	}
}

// Behind TLS, a browser keeps the cookie for TLS.
func TestCookieBehindTLS(t *testing.T) {
	r := newRig(t, withToken)
	_, _, header := r.call("POST", "/console/api/login", map[string]string{"token": token}, func(q *http.Request) { q.Header.Set("X-Forwarded-Proto", "https") })
	if !strings.Contains(header.Get("Set-Cookie"), "; Secure") {
		t.Errorf("got %q", header.Get("Set-Cookie"))
	}
}
