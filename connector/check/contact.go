package check

import (
	"context"
	"time"

	"github.com/google/uuid"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
)

const (
	contactAddress     ID = "contact.address"
	contactProxy       ID = "contact.proxy"
	contactTLS         ID = "contact.tls"
	contactCertificate ID = "contact.certificate"
	contactRedirect    ID = "contact.redirect"
	contactAnswer      ID = "contact.answer"
	contactVersion     ID = "contact.version"
	contactTenant      ID = "contact.tenant"
	contactAccess      ID = "contact.access"
	contactApp         ID = "contact.app"
	contactTime        ID = "contact.time"
	contactClock       ID = "contact.clock"
)

// ContactCenter asks the contact center for its version and, for each app, whether
// it takes chats: calls that change nothing.
func ContactCenter(ctx context.Context, cfg brightpattern.Config, apps []connector.App) []Finding {
	client, err := brightpattern.New(cfg)
	if err != nil {
		return []Finding{wrong(contactAddress, "", "see CC_BASE_URL, CC_TENANT_URL and HTTPS_PROXY", "no call can be made: %v", err)}
	}
	defer client.Close()
	c := &contact{client: client, apps: apps, waited: left(ctx), limit: cfg.Timeout}
	found, reached := c.reach(ctx)
	if !reached {
		return append(found, untried(contactApp, "", "nothing is known of the apps: the contact center does not answer as one"))
	}
	var each []func(context.Context) []Finding
	for _, app := range apps {
		each = append(each, func(ctx context.Context) []Finding { return []Finding{c.app(ctx, app)} })
	}
	return append(found, Together(ctx, each...)...)
}

type contact struct {
	client *brightpattern.Client
	apps   []connector.App
	waited string        // how long there is
	limit  time.Duration // of a call that a connector makes
}

// credentials are those of a customer whom nobody knows.
func credentials(app connector.App) brightpattern.Credentials {
	return brightpattern.Credentials{App: app.ID, Client: brightpattern.ClientID(uuid.NewString())}
}

// reach asks for the version. It is the same for every app, but only who names one
// that is known is told.
func (c *contact) reach(ctx context.Context) (found []Finding, reached bool) {
	var probe brightpattern.Probe
	var err error
	for _, app := range c.apps {
		if probe, err = c.client.Probe(ctx, credentials(app)); !isAppsFault(err) {
			break
		}
	}
	found = c.way(probe)
	switch {
	case err == nil:
		return append(found, fine(contactVersion, "", "the contact center is %s", quoted(probe.Version))), true
	case isAppsFault(err):
		return append(found, untried(contactVersion, "", "the version is not known: no app is taken")), true
	}
	return append(found, c.failure(probe, err)), false
}

// way is what is known of how the answer came, whatever it says.
func (c *contact) way(p brightpattern.Probe) (found []Finding) {
	if p.Proxy != "" {
		found = append(found, fine(contactProxy, "", "calls go through the proxy %s", p.Proxy))
	}
	if !p.Expires.IsZero() {
		found = append(found, Expiry(contactCertificate, "", "the certificate of the contact center", "have it renewed", p.Expires))
	}
	if p.Date.IsZero() {
		return found
	}
	var clock clock
	now := time.Now()
	clock.saw(now.Add(-p.Took), now, p.Date)
	found = append(found, clock.finding(contactClock, "the contact center", time.Second)...)
	if p.Took > c.limit/2 {
		return append(found, warn(contactTime, "", "see what makes it slow, or raise CC_HTTP_TIMEOUT", "the contact center took %s to answer; CC_HTTP_TIMEOUT is %s", Shown(p.Took), Shown(c.limit)))
	}
	return append(found, fine(contactTime, "", "the contact center answered in %s", Shown(p.Took)))
}

// app asks whether it is known, and takes chats.
func (c *contact) app(ctx context.Context, app connector.App) Finding {
	a, err := c.client.Availability(ctx, credentials(app))
	switch {
	case err != nil:
		return c.refusal(app, err)
	case !a.Available:
		return fine(contactApp, app.Name, "the app %s is known, and takes no chats at the moment", app.Name)
	}
	return fine(contactApp, app.Name, "the app %s is known, and takes chats", app.Name)
}
