package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// health runs the command as a container's check does.
func health(t *testing.T, addr string, args ...string) (code int, out, errs string) {
	t.Helper()
	setEnv(t, map[string]string{"CC_HTTP_ADDR": addr, "CC_MAX_CHATS": "none"}) // what it does not need may be wrong
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	var stdout, stderr bytes.Buffer
	code = execute(append([]string{"health"}, args...), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func checkHealth(t *testing.T, addr string, wantCode int, part string, args ...string) {
	t.Helper()
	code, out, errs := health(t, addr, args...)
	said := out
	if wantCode != 0 {
		said = errs
	}
	if code != wantCode || strings.Count(out+errs, "\n") != 1 || !strings.Contains(said, part) {
		t.Errorf("%s %q: exit code %d, %q, %q; want %d and one line with %q", addr, args, code, out, errs, wantCode, part)
	}
}

func TestHealthFollowsReadiness(t *testing.T) {
	ready := newReadiness("streams are gone")
	server := httptest.NewServer(opsHandler(ready, newRegistry()))
	defer server.Close()
	addr := server.Listener.Addr().String()
	checkHealth(t, addr, 1, "not ready: streams are gone")
	checkHealth(t, addr, 0, "live", "--live")
	ready.use(well)
	checkHealth(t, addr, 0, "ready")
	ready.use(ill("two\nlines", "and more"))
	checkHealth(t, addr, 1, "two lines; and more (503 Service Unavailable)")
}

// What is listened at on every address is asked on loopback.
func TestHealthOfEveryAddress(t *testing.T) {
	for _, host := range []string{"", "0.0.0.0", "[::]"} {
		listener, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(alive)}}
		server.Start()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		checkHealth(t, host+":"+port, 0, "127.0.0.1:"+port)
		server.Close()
	}
}

func TestHealthSaysWhatIsWrong(t *testing.T) {
	checkHealth(t, unusedAddress(t), 1, "same CC_HTTP_ADDR")
	checkHealth(t, "off", 1, "CC_HTTP_ADDR is off")
	checkHealth(t, "127.0.0.1:0", 1, "give a port")
	checkHealth(t, "8080", 1, "CC_HTTP_ADDR must be host:port")
	if code, _, errs := health(t, "", "now"); code != exitBadConfig || !strings.Contains(errs, "usage: cc-connector health [--live]") {
		t.Errorf("an argument too many: exit code %d, %q", code, errs)
	}
}

// Whoever answers at that address, what is said of it is one line.
func FuzzReport(f *testing.F) {
	for _, body := range []string{
		`{"status":"ready"}`, `{"status":"not_ready","problems":[{"part":"stream","message":"a\nb","since":"2026-01-02T03:04:05Z"}]}`,
		`NATS: reconnecting`, `{"status":1}`, `{}`, `[]`, `{"problems":null}`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, is := readReport(body)
		if is && (r.Status == "" || strings.ContainsAny(r.says(), "\n\r")) {
			t.Errorf("%q is %+v, which says %q", body, r, r.says())
		}
	})
}
