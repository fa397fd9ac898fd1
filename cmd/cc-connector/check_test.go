package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/check"
	"cc-connector/subjects"
)

// checkBed is what faults are planted in: a bus on which a connector's user finds
// all that it needs, one on which there is nothing yet, and a contact center.
type checkBed struct {
	*testing.T
	js     jetstream.JetStream // the administrator's, where the streams are
	server *server.Server
	center center
	good   map[string]string // settings for the bus with the streams
	empty  map[string]string // settings for the one without
	cases  []*checkFault
}

// checkFault is something wrong, and all that is to be found of it.
type checkFault struct {
	name  string
	env   map[string]string // on top of settings that are good
	empty bool              // it is planted beside the bus without streams
	plant func() (undo func())
	args  []string
	want  []string // status, id, and what it is about
	code  int
}

// center is a contact center that can be another one.
type center struct {
	web *httptest.Server
	is  *atomic.Pointer[http.Handler]
	sim http.Handler
}

func (c center) become(h http.Handler) (undo func()) {
	c.is.Store(&h)
	return func() { c.is.Store(&c.sim) }
}

func newCenter(t *testing.T) center {
	sim := bpsim.New(bpsim.Options{Tenant: "acme.example", Apps: []string{"app-1", "app-2"}})
	c := center{sim: sim, is: new(atomic.Pointer[http.Handler])}
	c.become(sim)
	c.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*c.is.Load()).ServeHTTP(w, r) }))
	t.Cleanup(func() { sim.Close(); c.web.Close() })
	return c
}

// poorUsers are the connector's, each without something.
var poorUsers = map[string]func(*server.Permissions){
	"no-get": func(p *server.Permissions) {
		p.Publish.Allow = without(p.Publish.Allow, "$JS.API.STREAM.MSG.GET.CC_EVENTS")
	},
	"no-info": func(p *server.Permissions) { p.Publish.Allow = without(p.Publish.Allow, "$JS.API.INFO") },
	"no-intake": func(p *server.Permissions) {
		p.Subscribe.Allow = without(p.Subscribe.Allow, "cc.push.* cc-connector")
	},
	"no-replies":  func(p *server.Permissions) { p.Response = nil },
	"no-internal": func(p *server.Permissions) { p.Publish.Allow = without(p.Publish.Allow, "cc.internal.>") },
	"no-own": func(p *server.Permissions) {
		p.Publish.Allow = slices.DeleteFunc(without(p.Publish.Allow, "$JS.API.STREAM.MSG.GET.CC_EVENTS"), func(s string) bool { return strings.HasPrefix(s, "cc.") })
	},
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

func newCheckBed(t *testing.T) *checkBed {
	t.Helper()
	options, err := server.ProcessConfigFile(writeUsers(t, subjects.DefaultPrefix))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(options.Users, func(u *server.User) bool { return u.Username == "cc-connector" })
	for name, take := range poorUsers {
		poor := options.Users[i].Permissions
		clone := &server.Permissions{Publish: &server.SubjectPermission{Allow: poor.Publish.Allow}, Subscribe: &server.SubjectPermission{Allow: poor.Subscribe.Allow}, Response: poor.Response}
		take(clone)
		options.Users = append(options.Users, &server.User{Username: name, Password: natsPassword, Permissions: clone})
	}
	options.JetStream, options.StoreDir, options.Port = true, t.TempDir(), server.RANDOM_PORT
	b := &checkBed{T: t, center: newCenter(t), server: startNATS(t, *options)}
	if b.js, err = jetstream.New(signIn(t, b.server, nats.UserInfo(administrator, natsPassword))); err != nil {
		t.Fatal(err)
	}
	common := map[string]string{
		"CC_BASE_URL": b.center.web.URL, "CC_TENANT_URL": "acme.example", "CC_APPS": "sales:app-1,support:app-2",
		"CC_HTTP_ADDR": unusedAddress(t), "CC_MAX_CHATS": "10",
	}
	b.empty, b.good = maps.Clone(common), common
	b.empty["CC_NATS_URL"] = startNATS(t, server.Options{JetStream: true, StoreDir: t.TempDir()}).ClientURL()
	b.good["CC_NATS_URL"] = b.server.ClientURL()
	maps.Copy(b.good, signInEnv(t, subjects.DefaultPrefix))
	setEnv(t, b.good)
	makePrinted(t, b.js)
	return b
}

// runInside is the command with --json, in this process.
func runInside(t *testing.T, env map[string]string, args ...string) (code int, result checkResult) {
	t.Helper()
	setEnv(t, env)
	var out, errs bytes.Buffer
	code = execute(append([]string{"check", "--json", "--timeout", "1m"}, args...), &out, &errs)
	if strings.Contains(out.String()+errs.String(), natsPassword) {
		t.Errorf("the password is shown:\n%s%s", out.String(), errs.String())
	}
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&result); err != nil {
		t.Fatalf("%v; %s", err, errs.String())
	}
	return code, result
}

// told are the findings that somebody has to look at, but for what this machine is like.
func told(found []check.Finding) (all []string) {
	for _, f := range found {
		if f.Status != check.OK && f.Status != check.NotTried && f.ID != machineMemory && f.ID != machineFiles {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Status, f.ID, f.About)))
		}
	}
	slices.Sort(all)
	return all
}

func (b *checkBed) try(t *testing.T, f *checkFault) {
	env := maps.Clone(b.good)
	if f.empty {
		env = maps.Clone(b.empty)
	}
	maps.Copy(env, f.env)
	if f.plant != nil {
		defer f.plant()()
	}
	code, result := runInside(t, env, f.args...)
	slices.Sort(f.want)
	if got := told(result.Findings); !slices.Equal(got, f.want) || code != f.code {
		t.Errorf("exit code %d, want %d; found\n  %s\nwant\n  %s", code, f.code, strings.Join(got, "\n  "), strings.Join(f.want, "\n  "))
	}
	for _, finding := range result.Findings {
		if t.Failed() && finding.Status != check.OK {
			t.Logf("%+v", finding)
		}
		if finding.Says == "" || (finding.Status == check.Warning || finding.Status == check.Wrong) && finding.Do == "" {
			t.Errorf("it does not say enough: %+v", finding)
		}
	}
}

// Everything is well: nothing is told, and the connector's user may do it all.
// Then each fault is found, by its name, and nothing else is.
func TestCheckFindsEachFault(t *testing.T) {
	b := newCheckBed(t)
	b.fault("nothing")
	b.fault("nothing on an empty bus").besideEmpty()
	b.plantSettings()
	b.plantConnections()
	b.plantPermissions()
	b.plantAccount()
	b.plantStreams()
	b.plantConsumers()
	b.plantContactCenter()
	for _, f := range b.cases {
		t.Run(f.name, func(t *testing.T) { b.try(t, f) })
	}
	if len(b.cases) < 40 {
		t.Errorf("only %d faults are tried", len(b.cases))
	}
}

// fault adds one; a wrong finding makes the exit code 1.
func (b *checkBed) fault(name string, want ...string) *checkFault {
	f := &checkFault{name: name, want: want}
	if slices.ContainsFunc(want, func(s string) bool { return strings.HasPrefix(s, "wrong ") }) {
		f.code = exitFailed
	}
	b.cases = append(b.cases, f)
	return f
}

func (f *checkFault) with(env ...string) *checkFault {
	f.env = make(map[string]string)
	for i := 0; i < len(env); i += 2 {
		f.env[env[i]] = env[i+1]
	}
	return f
}

func (f *checkFault) planted(plant func() (undo func())) *checkFault { f.plant = plant; return f }

func (f *checkFault) besideEmpty() *checkFault { f.empty = true; return f }

func (f *checkFault) within(timeout string) *checkFault {
	f.args = []string{"--timeout", timeout}
	return f
}

func (b *checkBed) plantSettings() {
	bad := b.fault("bad settings", "wrong config.bad CC_MAX_CHATS", "wrong config.bad CC_SUBJECT_PREFIX", "warning config.unknown CC_MAX_CHTAS")
	bad.with("CC_MAX_CHATS", "none", "CC_SUBJECT_PREFIX", "CC", "CC_MAX_CHTAS", "1").code = exitBadConfig
	b.fault("a typing error", "warning config.unknown CC_LOG_FROMAT").with("CC_LOG_FROMAT", "text")
	b.fault("a secret that everyone may read", "warning machine.secret_files CC_NATS_PASSWORD_FILE").planted(func() func() {
		b.do(os.Chmod(b.good["CC_NATS_PASSWORD_FILE"], 0o644))
		return func() { b.do(os.Chmod(b.good["CC_NATS_PASSWORD_FILE"], 0o600)) }
	})
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"another program at CC_HTTP_ADDR":              {http.NotFound, "wrong machine.http_addr "},
		"a connector that is not ready":                {notReady, "wrong connector.problem stream CC_EVENTS"},
		"an earlier version's one that is not ready":   {notReadyText, "wrong connector.problem"},
		"a connector that is ready, which is well":     {ready, ""},
		"one of an earlier version, which is well":     {readyText, ""},
		"another program that answers JSON of its own": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status":"fine"}`)) }, "wrong machine.http_addr "},
	} {
		web := httptest.NewServer(c.answer)
		b.Cleanup(web.Close)
		address := web.Listener.Addr().String()
		if strings.HasSuffix(c.want, " ") {
			c.want += address
		}
		b.fault(name, strings.FieldsFunc(c.want, func(r rune) bool { return r == '|' })...).with("CC_HTTP_ADDR", address)
	}
	b.fault("an address of another machine", "wrong machine.http_addr 192.0.2.1:8080").with("CC_HTTP_ADDR", "192.0.2.1:8080")
}
