package connector_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
)

// A user that lacks something: its name is not one of those that may lack nothing.
const narrow = "narrow"

// narrowUser may do what the connector's user may, but for what change takes away.
func narrowUser(change func(*permissions.User)) *server.User {
	user := permissions.Users("cc", exampleChat)[0]
	user.Publish, user.Subscribe = slices.Clone(user.Publish), slices.Clone(user.Subscribe)
	change(&user)
	p := &server.Permissions{
		Publish: &server.SubjectPermission{Allow: user.Publish}, Subscribe: &server.SubjectPermission{},
		Response: &server.ResponsePermission{MaxMsgs: user.Responses.Max, Expires: user.Responses.Expires},
	}
	for _, s := range user.Subscribe {
		p.Subscribe.Allow = append(p.Subscribe.Allow, strings.TrimSpace(s.Subject+" "+s.Queue))
	}
	return &server.User{Username: narrow, Password: password, Permissions: p}
}

func mayNotPublish(part string) func(*permissions.User) {
	return func(u *permissions.User) {
		u.Publish = slices.DeleteFunc(u.Publish, func(subject string) bool { return strings.Contains(subject, part) })
	}
}

func mayNotSubscribe(part string) func(*permissions.User) {
	return func(u *permissions.User) {
		u.Subscribe = slices.DeleteFunc(u.Subscribe, func(s permissions.Subscription) bool { return strings.Contains(s.Subject, part) })
	}
}

// signedInAs is a rig whose server knows such a user.
func signedInAs(t *testing.T, change func(*permissions.User)) (*rig, *server.Options) {
	t.Helper()
	options := &server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, Users: []*server.User{narrowUser(change)},
	}
	return newRig(t, bpsim.Options{}, func(r *rig) { r.nats = startNATS(t, options) }), options
}

// What NATS forbids is the reason of a start that ends, and ends it at once.
func TestStartNamesWhatIsForbidden(t *testing.T) {
	t.Parallel()
	nothing := func(*permissions.User) {}
	for name, c := range map[string]struct {
		change func(*permissions.User)
		inbox  string
		parts  []string
	}{
		"another inbox":   {nothing, "_INBOX", []string{`subscribe to "_INBOX.>"`, "CC_NATS_INBOX_PREFIX"}},
		"a JetStream API": {mayNotPublish("STREAM.INFO.CC_COMMANDS"), "_INBOX_cc-connector", []string{`publish to "$JS.API.STREAM.INFO.CC_COMMANDS"`, "cc-connector permissions"}},
		"commands":        {mayNotSubscribe("cc.chat."), "_INBOX_cc-connector", []string{`subscribe to "cc.chat.`}},
		"a bucket":        {mayNotPublish("$KV.CC_STATE"), "_INBOX_cc-connector", []string{`publish to "$KV.CC_STATE.`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := signedInAs(t, c.change)
			err := r.startAs(c.inbox)
			if err == nil {
				t.Fatal("it started")
			}
			for _, part := range c.parts {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s is not named: %v", part, err)
				}
			}
		})
	}
}

// startAs runs a connector, which is expected to end by itself.
func (r *rig) startAs(inbox string) error {
	r.Helper()
	nc := r.connect(append(connector.NATSOptions(), asNarrow(inbox)...)...)
	client, err := brightpattern.New(r.client)
	r.check(err)
	defer client.Close()
	defer nc.Close()
	c, err := connector.New(r.config, nc, client, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	r.check(err)
	return c.Run(r.ctx)
}

func asNarrow(inbox string) []nats.Option {
	silent := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	return []nats.Option{nats.Name(narrow), nats.UserInfo(narrow, password), nats.CustomInboxPrefix(inbox), silent}
}

// What is taken away from a running connector is named while it lacks it.
func TestReadinessNamesWhatIsForbidden(t *testing.T) {
	t.Parallel()
	r, options := signedInAs(t, func(*permissions.User) {})
	r.prepare = func(c *connector.Connector) { c.TryForbiddenAgainAfter(200 * time.Millisecond) }
	replica := r.start(asNarrow("_INBOX_cc-connector")...)
	for name, c := range map[string]struct {
		change func(*permissions.User)
		part   string
	}{
		"pulls":    {mayNotPublish("CONSUMER.MSG.NEXT.CC_SESSIONS"), `publish to "$JS.API.CONSUMER.MSG.NEXT.CC_SESSIONS.holders"`},
		"commands": {mayNotSubscribe("cc.push."), `subscribe to "cc.push.`},
	} {
		r.reload(options, c.change)
		r.eventually("readiness names what is forbidden: "+name, func() bool {
			err := replica.Ready()
			return err != nil && strings.Contains(err.Error(), c.part)
		})
		r.reload(options, func(*permissions.User) {})
		r.eventually("it is ready again", func() bool { return replica.Ready() == nil })
	}
}

// reload changes what the narrow user may do; its connection is made anew.
func (r *rig) reload(options *server.Options, change func(*permissions.User)) {
	r.Helper()
	changed := options.Clone()
	changed.Users = nil
	for _, user := range options.Users {
		if user.Username == narrow {
			user = narrowUser(change)
		}
		changed.Users = append(changed.Users, user)
	}
	r.check(r.nats.ReloadOptions(changed))
}
