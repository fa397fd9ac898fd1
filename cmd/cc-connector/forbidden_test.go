package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/subjects"
)

// A start with another inbox than the user's ends at once, and says at which variable to look.
func TestStartWithAnotherInbox(t *testing.T) {
	sim := bpsim.New(bpsim.Options{})
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.Close() })
	s, _ := usersBus(t, subjects.DefaultPrefix)
	env := signInEnv(t, subjects.DefaultPrefix)
	env["CC_NATS_URL"], env["CC_BASE_URL"], env["CC_APP_ID"], env["CC_HTTP_ADDR"] = s.ClientURL(), web.URL+"/clientweb/api/v2/", "app", "off"
	delete(env, "CC_NATS_INBOX_PREFIX")
	p := start(t, env)
	p.checkExit(t, exitFailed)
	for _, part := range []string{`_INBOX.>`, "CC_NATS_INBOX_PREFIX", `"variable":"CC_BASE_URL"`} {
		if !strings.Contains(p.stderr.String(), part) {
			t.Errorf("%s is not named:\n%s", part, p.stderr)
		}
	}
	if strings.Contains(p.stderr.String(), "deadline exceeded") {
		t.Errorf("it only says that time is over:\n%s", p.stderr)
	}
}
