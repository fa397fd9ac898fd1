package main

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// With a contact center's address, that one is used, and nobody is played.
func TestRealContactCenter(t *testing.T) {
	inOwnTemp(t)
	sim := bpsim.New(bpsim.Options{Tenant: "127.0.0.1", Apps: []string{"real"}, Hold: 200 * time.Millisecond})
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.Close() })
	t.Setenv(baseURLVariable, web.URL+"/clientweb/api/v2/")
	t.Setenv(appVariable, "real")
	b := openBench(t)
	if len(sim.Chats()) > 0 {
		t.Error("a chat was requested")
	}
	var about struct {
		ContactCenter string
		Weather       []struct{ Name string }
	}
	b.get("api/about", &about)
	for _, w := range about.Weather {
		if w.Name == "http-500" {
			t.Error("it is said that a real contact center can be broken")
		}
	}
	if about.ContactCenter != "real" || !strings.Contains(b.out.String(), web.URL+" (real)") {
		t.Errorf("got %+v\n%s", about, b.out)
	}
	b.openChat()
	if len(sim.Chats()) != 1 {
		t.Error("no chat was requested of it")
	}
}

func TestBadContactCenter(t *testing.T) {
	ctx, _ := deadline(t)
	for _, env := range []map[string]string{
		{baseURLVariable: "https://acme.example"}, {appVariable: "app"}, {baseURLVariable: "http://acme.example", appVariable: "app"},
		{baseURLVariable: "acme.example", appVariable: "app"}, {baseURLVariable: "https://user:secret@acme.example", appVariable: "app"},
	} {
		t.Setenv(baseURLVariable, env[baseURLVariable])
		t.Setenv(appVariable, env[appVariable])
		var out, errs bytes.Buffer
		if code := run(ctx, nil, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "CC_") || strings.Contains(errs.String(), "secret") {
			t.Errorf("%v: exit code %d, %s", env, code, errs.String())
		}
	}
}

// Where customers are real, nobody else is let in, and no setting is passed over.
func TestRealContactCenterIsGuarded(t *testing.T) {
	ctx, _ := deadline(t)
	t.Setenv(baseURLVariable, "https://acme.example")
	t.Setenv(appVariable, "app")
	refused := func(names string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(ctx, args, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "ccdemo: "+names+": ") {
			t.Errorf("exit code %d, %s", code, errs.String())
		}
	}
	refused("-nats", "--nats", "0.0.0.0:4222")
	refused("-nats", "--nats", "here")
	for _, name := range notTaken {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "true")
			refused(name)
		})
	}
}
