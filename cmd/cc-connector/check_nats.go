package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/check"
)

const (
	natsAddress     check.ID = "nats.address"
	natsServer      check.ID = "nats.server"
	natsTLS         check.ID = "nats.tls"
	natsSignIn      check.ID = "nats.sign_in"
	natsCredentials check.ID = "nats.credentials"
	natsUntried     check.ID = "nats.bus"
)

func checkNATS(ctx context.Context, cfg config) []check.Finding {
	found := append(credentialsFindings(cfg.nats.access), serverFindings(ctx, cfg.nats.urls)...)
	nc, err := dialWithin(ctx, cfg.nats)
	if err != nil {
		found = append(found, cfg.nats.dialFinding(ctx, err))
		return append(found, check.Finding{ID: natsUntried, Status: check.NotTried, Says: "nothing is known of permissions, JetStream, streams and consumers: there is no connection to NATS"})
	}
	defer nc.Close()
	found = append(found, check.Finding{ID: natsSignIn, Status: check.OK, Says: fmt.Sprintf("NATS at %s takes the connection%s", nc.ConnectedUrlRedacted(), cfg.nats.access.by())})
	js, err := cfg.nats.jetStream(nc)
	if err != nil {
		return append(found, check.Finding{ID: natsUntried, Status: check.NotTried, Says: err.Error()})
	}
	return append(found, check.Bus(ctx, js, cfg.connector)...)
}

// serverFindings tell of servers that nobody would miss as long as another is up.
func serverFindings(ctx context.Context, urls []string) []check.Finding {
	if len(urls) < 2 {
		return nil
	}
	var each []func(context.Context) []check.Finding
	for _, address := range urls {
		each = append(each, func(ctx context.Context) []check.Finding { return []check.Finding{serverFinding(ctx, address)} })
	}
	return check.Together(ctx, each...)
}

var natsPorts = map[string]string{"nats": "4222", "tls": "4222", "ws": "80", "wss": "443"}

func serverFinding(ctx context.Context, address string) check.Finding {
	shown := redacted([]string{address})
	f := check.Finding{ID: natsServer, Status: check.OK, About: shown, Says: "the server " + shown + " takes connections"}
	u, err := parseNATSURL(address)
	if err == nil {
		var conn net.Conn
		if conn, err = (boundedDialer{ctx}).Dial("tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), natsPorts[u.Scheme]))); err == nil {
			_ = conn.Close()
			return f
		}
	}
	f.Status, f.Says, f.Do = check.Warning, fmt.Sprintf("the server %s of CC_NATS_URL cannot be reached: %v", shown, err), "see CC_NATS_URL, and that this server runs"
	return f
}

// by names the setting that one signs in by.
func (s access) by() string {
	if s.variable == "" {
		return ", and asks for no sign-in"
	}
	return ", signed in by " + s.variable
}

func credentialsFindings(s access) []check.Finding {
	if s.user == nil {
		return nil
	}
	end, ends := expiry(s.user.current().jwt)
	if !ends {
		return nil
	}
	return []check.Finding{check.Expiry(natsCredentials, s.variable, "what "+s.variable+" signs in by", "put new credentials into the file", end)}
}

// boundedDialer makes connections that are closed when the context ends, so that nothing of the
// library waits on.
type boundedDialer struct{ ctx context.Context }

func (d boundedDialer) Dial(network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(d.ctx, network, address)
	if err == nil {
		context.AfterFunc(d.ctx, func() { _ = conn.Close() })
	}
	return conn, err
}

// dialWithin tries every server once, as a connector does.
func dialWithin(ctx context.Context, cfg natsConfig) (*nats.Conn, error) {
	cfg.options = append(cfg.options, nats.SetCustomDialer(boundedDialer{ctx}))
	type dialed struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan dialed, 1)
	go func() {
		nc, err := dialNATS(cfg, slog.New(slog.DiscardHandler), func(error) {})
		done <- dialed{nc, err}
	}()
	select {
	case d := <-done:
		return d.nc, d.err
	case <-ctx.Done():
		go func() { // it may still come
			if d := <-done; d.nc != nil {
				d.nc.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// dialFinding says why there is no connection: the address, TLS, or who signs in.
func (cfg natsConfig) dialFinding(ctx context.Context, err error) check.Finding {
	where, look := redacted(cfg.urls), cfg.look(err)
	r, known := reasonOf(err)
	wrong := func(id check.ID, says, do string) check.Finding {
		return check.Finding{ID: id, Status: check.Wrong, Says: says, Do: do}
	}
	switch {
	case ctx.Err() != nil || errors.Is(err, nats.ErrTimeout) || isTimeout(err):
		return wrong(natsAddress, "NATS at "+where+" does not answer", cmp.Or(look, "see CC_NATS_URL, and whether a firewall is between"))
	case known && r.grade == final && isTLSReason(err):
		return wrong(natsTLS, fmt.Sprintf("there is no TLS with NATS at %s: %v", where, err), look)
	case known && r.grade == final:
		return wrong(natsSignIn, fmt.Sprintf("NATS at %s refuses the sign-in: %v", where, err), look)
	case known && r.grade == passing:
		return wrong(natsAddress, fmt.Sprintf("NATS at %s takes no further connection: %v", where, err), look)
	}
	return wrong(natsAddress, fmt.Sprintf("NATS at %s cannot be reached: %v", where, err), cmp.Or(look, "see CC_NATS_URL, and that NATS runs"))
}

// isTLSReason knows TLS by its words: what the library wraps has no type of its own.
func isTLSReason(err error) bool {
	return errors.Is(err, nats.ErrSecureConnWanted) || says("tls", "x509")(err)
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}
