package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"cc-connector/connector/brightpattern/bpsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestABadFlagIsNamed(t *testing.T) {
	for _, test := range []struct{ args, names string }{
		{"-bogus", "-bogus"},
		{"-script=bogus", "-script"},
		{"-pace=-1", "-pace"},
		{"-pace=NaN", "-pace"},
		{"-pace=fast", "-pace"},
		{"-hold=0", "-hold"},
		{"-hold=long", "-hold"},
		{"-inactivity=-1s", "-inactivity"},
		{"-linger=-1s", "-linger"},
		{"-answer-sends=maybe", "-answer-sends"},
		{"-uneven=maybe", "-uneven"},
		{"more", "more"},
	} {
		var errs strings.Builder
		code := run(context.Background(), strings.Fields(test.args), io.Discard, &errs)
		if code != exitUsage || !strings.Contains(errs.String(), test.names) {
			t.Errorf("%s: exit code %d, %q", test.args, code, errs.String())
		}
	}
}

func TestHelpIsNoError(t *testing.T) {
	var errs strings.Builder
	if code := run(context.Background(), []string{"-h"}, io.Discard, &errs); code != 0 || !strings.Contains(errs.String(), "-inactivity") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

func TestABadAddressIsAnError(t *testing.T) {
	var errs strings.Builder
	if code := run(context.Background(), []string{"-listen=256.0.0.1:0"}, io.Discard, &errs); code != exitFailed || !strings.Contains(errs.String(), "-listen") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

// The greeting's own example works, and an interrupt ends the program orderly.
func TestServesUntilInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	read, write := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"-listen=127.0.0.1:0", "-script=echo", "-apps=one,two"}, write, io.Discard)
	}()
	greeting := make([]byte, 1<<16)
	n, err := read.Read(greeting)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(greeting[:n]), bpsim.FaultHelp()) {
		t.Errorf("the greeting does not say what a fault may have:\n%s", greeting[:n])
	}
	status := runExample(t, string(greeting[:n]))
	checkIs(t, 0, regexp.MustCompile(`http://(\S+) as the base URL`).FindSubmatch(greeting[:n])[1])
	interrupt()
	if code := <-ended; code != 0 || status != 200 {
		t.Errorf("exit code %d, status %d", code, status)
	}
}

func checkIs(t *testing.T, want int, addr []byte) {
	t.Helper()
	var errs strings.Builder
	if code := run(context.Background(), []string{"-check", string(addr)}, io.Discard, &errs); code != want {
		t.Errorf("-check %s: exit code %d, %s", addr, code, errs.String())
	}
}

// What does not answer, or is another server, does not pass for a ccsim.
func TestCheckFails(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	checkIs(t, exitFailed, []byte(other.Listener.Addr().String()))
	other.Close()
	checkIs(t, exitFailed, []byte(other.Listener.Addr().String()))
}

func runExample(t *testing.T, greeting string) int {
	t.Helper()
	quoted := regexp.MustCompile(`'([^']*)'`).FindAllStringSubmatch(greeting, -1)
	if len(quoted) < 3 {
		t.Fatalf("no example in %q", greeting)
	}
	body := quoted[len(quoted)-1][1]
	r, err := http.NewRequestWithContext(context.Background(), "POST", quoted[0][1], bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range quoted[1 : len(quoted)-1] {
		name, value, _ := strings.Cut(q[1], ": ")
		r.Header.Set(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
