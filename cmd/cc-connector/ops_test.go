package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector"
	"cc-connector/subjects"
)

// get returns the status and body of one request on a connection of its own.
func get(url string) (int, string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	answer, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

func checkGet(t *testing.T, url string, status int, part string) {
	t.Helper()
	got, body, err := get(url)
	if err != nil || got != status || !strings.Contains(body, part) {
		t.Errorf("%s: got %d %q, %v", url, got, body, err)
	}
}

func well() connector.Health {
	return connector.Health{Ready: true, Replica: "r1", Version: "1.2.3"}
}

// ill has problems with the stream of events.
func ill(messages ...string) func() connector.Health {
	h := well()
	h.Ready = false
	for _, message := range messages {
		since := time.Date(2026, 1, 2, 4, 4, 5, 6789000, time.FixedZone("", 3600))
		h.Problems = append(h.Problems, connector.Problem{Part: "stream", Name: "CC_EVENTS", Message: message, Since: since})
	}
	return func() connector.Health { return h }
}

func TestEndpoints(t *testing.T) {
	ready := newReadiness("not yet")
	server := httptest.NewServer(opsHandler(ready, newRegistry()))
	defer server.Close()
	checkGet(t, server.URL+"/healthz", http.StatusOK, `{"status":"alive","version":"`)
	checkGet(t, server.URL+"/readyz", http.StatusServiceUnavailable, `"problems":[{"part":"starting","message":"not yet","since":"20`)
	ready.use(well)
	checkGet(t, server.URL+"/readyz", http.StatusOK, `{"status":"ready","replica":"r1","version":"1.2.3"}`)
	ready.use(ill("streams are gone"))
	checkGet(t, server.URL+"/readyz", http.StatusServiceUnavailable,
		`{"status":"not_ready","replica":"r1","version":"1.2.3","problems":[{"part":"stream","name":"CC_EVENTS","message":"streams are gone","since":"2026-01-02T03:04:05.006Z"}]}`)
	ready.not("r1", "shutting down")
	checkGet(t, server.URL+"/readyz", http.StatusServiceUnavailable, `"replica":"r1"`)
	checkGet(t, server.URL+"/metrics", http.StatusOK, "go_goroutines")
	checkGet(t, server.URL+"/metrics", http.StatusOK, "process_cpu_seconds_total")
	checkGet(t, server.URL+"/", http.StatusNotFound, "")
}

func TestHTTPCanBeOff(t *testing.T) {
	stop, err := serveOps("", nil, newLogger(newOutput(), logConfig{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	stop()
}

func TestStoppedServerListensNoMore(t *testing.T) {
	out := newOutput()
	unexpected := func(err error) { t.Errorf("failed: %v", err) }
	stop, err := serveOps("127.0.0.1:0", http.HandlerFunc(alive), newLogger(out, logConfig{json: true}), unexpected)
	if err != nil {
		t.Fatal(err)
	}
	address := loggedAddress(t, out)
	checkGet(t, "http://"+address+"/", http.StatusOK, "alive")
	stop()
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

func TestAddressInUseNamesTheSetting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = serveOps(l.Addr().String(), nil, newLogger(newOutput(), logConfig{}), nil)
	if err == nil || !strings.Contains(err.Error(), "CC_HTTP_ADDR") {
		t.Errorf("got %v", err)
	}
}

// served is where a server with these answers listens.
func served(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	out := newOutput()
	stop, err := serveOps("127.0.0.1:0", handler, newLogger(out, logConfig{json: true}), func(err error) { t.Errorf("failed: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return loggedAddress(t, out)
}

// One connection too many is closed at once, and others come when some have gone.
func TestConnectionsAreBounded(t *testing.T) {
	address := served(t, http.HandlerFunc(alive))
	var open []net.Conn
	dial := func() net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		t.Cleanup(func() { c.Close() })
		return c
	}
	for range connectionsMost {
		ask(t, dial(), http.StatusOK)
	}
	one := dial()
	if err := one.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(one, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") // it may be closed already
	if n, err := one.Read(make([]byte, 1)); n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many is answered %d bytes, %v", n, err)
	}
	for _, c := range open {
		c.Close()
	}
	for deadline := time.Now().Add(patience); ; {
		if status, _, err := get("http://" + address + "/"); err == nil && status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody is answered any more")
		}
	}
}

// ask makes one request on a connection and leaves it open.
func ask(t *testing.T, c net.Conn, status int) {
	t.Helper()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("%v, %v", answer, err)
	}
}

func TestLongHeadersAreRefused(t *testing.T) {
	request, err := http.NewRequest(http.MethodGet, "http://"+served(t, http.HandlerFunc(alive)), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Long", strings.Repeat("x", 2*headerMost))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered with %s", answer.Status)
	}
}

// However many ask whether it is ready, JetStream is asked once in a while.
func TestManyAskForReadiness(t *testing.T) {
	const prefix = subjects.Prefix("cc")
	natsServer, _ := usersBus(t, prefix)
	env := processEnv(t, natsServer.ClientURL())
	for name, value := range signInEnv(t, prefix) {
		env[name] = value
	}
	p := start(t, env)
	p.waitReady(t, http.StatusOK)
	var asked atomic.Int32
	nc := signIn(t, natsServer, nats.UserInfo(administrator, natsPassword))
	if _, err := nc.Subscribe("$JS.API.STREAM.INFO.CC_DEADLETTER", func(*nats.Msg) { asked.Add(1) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	began, address := time.Now(), loggedAddress(t, p.stderr)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			for range 10 {
				if status, body, err := get("http://" + address + "/readyz"); err != nil || status != http.StatusOK {
					t.Errorf("got %d %q, %v", status, body, err)
				}
			}
		})
	}
	all.Wait()
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, most := asked.Load(), int32(2+time.Since(began)/time.Second); n > most {
		t.Errorf("1000 questions cost %d of one stream, want at most %d", n, most)
	}
	p.stop(t)
}
