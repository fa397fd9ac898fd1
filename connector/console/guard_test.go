package console

import (
	"net/http"
	"strconv"
	"strings"
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
	order := map[string]any{"command": "chat.send", "data": map[string]any{}}
	for _, change := range []func(*http.Request){
		set("X-Console", ""), set("X-Console", "0"), set("Content-Type", "text/plain"), set("Content-Type", "application/x-www-form-urlencoded"),
		set("Content-Type", ""), set("Sec-Fetch-Site", "cross-site"), set("Sec-Fetch-Site", "same-site"), set("Sec-Fetch-Site", "none"),
		set("Origin", "http://evil.example"), set("Origin", "null"),
	} {
		r.check(http.StatusForbidden, "POST", "/console/api/command", order, change)
		r.check(http.StatusForbidden, "POST", "/console/api/weather/rain", nil, change)
	}
	r.check(http.StatusForbidden, "DELETE", "/console/api/dead/1", nil, set("X-Console", ""))
	for _, change := range []func(*http.Request){set("Sec-Fetch-Site", "cross-site"), set("Origin", "http://evil.example")} {
		for _, path := range append(calls, "/console/api/events") {
			r.check(http.StatusForbidden, "GET", path, nil, change)
		}
	}
	if answer := r.check(http.StatusOK, "POST", "/console/api/weather/rain", nil); answer["promise"] != "It ends." {
		t.Errorf("got %v", answer)
	}
}

const token = "a token of the test's own"

func withToken(cfg *Config) { cfg.Token, cfg.Loopback = token, false }

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
	until, seal, _ := strings.Cut(value, ".")
	later, err := strconv.ParseInt(until, 10, 64)
	r.Check(err)
	past := strconv.FormatInt(time.Now().Add(-time.Minute).Unix(), 10)
	for why, value := range map[string]string{
		"made longer": strconv.FormatInt(later+1, 10) + "." + seal, "without a seal": until, "over": r.console.seal(past), "empty": "",
	} {
		r.cookie = &http.Cookie{Name: cookieName, Value: value}
		closed(why)
	}
	other, err := New(Config{Token: token})
	r.Check(err)
	if other.seal(until) != value {
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

// Behind TLS, a browser keeps the cookie for TLS.
func TestCookieBehindTLS(t *testing.T) {
	r := newRig(t, withToken)
	_, _, header := r.call("POST", "/console/api/login", map[string]string{"token": token}, func(q *http.Request) { q.Header.Set("X-Forwarded-Proto", "https") })
	if !strings.Contains(header.Get("Set-Cookie"), "; Secure") {
		t.Errorf("got %q", header.Get("Set-Cookie"))
	}
}
