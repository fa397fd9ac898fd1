package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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

func TestEndpoints(t *testing.T) {
	ready := newReadiness("not yet")
	server := httptest.NewServer(opsHandler(ready, newRegistry()))
	defer server.Close()
	checkGet(t, server.URL+"/healthz", http.StatusOK, "ok")
	checkGet(t, server.URL+"/readyz", http.StatusServiceUnavailable, "not yet")
	ready.use(func() error { return nil })
	checkGet(t, server.URL+"/readyz", http.StatusOK, "ok")
	ready.use(func() error { return errors.New("streams are gone") })
	checkGet(t, server.URL+"/readyz", http.StatusServiceUnavailable, "streams are gone")
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
	checkGet(t, "http://"+address+"/", http.StatusOK, "ok")
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
