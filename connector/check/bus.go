package check

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
	"cc-connector/connector/internal/bus"
)

const (
	natsVersion     ID = "nats.version"
	natsPayload     ID = "nats.max_payload"
	natsCertificate ID = "nats.certificate"
	natsClock       ID = "nats.clock"
)

// expiresSoon is when a certificate or a credential is to be renewed.
const expiresSoon = 14 * 24 * time.Hour

// Bus looks at NATS, JetStream, and what the connector keeps there, over a
// connection that is signed in as the connector.
func Bus(ctx context.Context, js jetstream.JetStream, cfg connector.Config) []Finding {
	nc := js.Conn()
	found := append(server(nc), certificate(nc)...)
	t := newTrial(nc, cfg.Prefix, cfg.JetStreamDomain)
	r, tried := t.run(ctx)
	found = append(found, tried...)
	if !r.maySubscribe(t.inbox()) {
		return append(found, untried(jetstreamAccount, "", "nothing is known of JetStream: its answers do not reach this user"))
	}
	l := &looker{js: js, cfg: cfg, rights: r}
	heard, tier, more := l.account(ctx)
	found = append(found, more...)
	if heard == silent {
		return found
	}
	seen := l.look(ctx, tier)
	return append(found, seen.judge()...)
}

// server is what the server says of itself when it greets.
func server(nc *nats.Conn) []Finding {
	return []Finding{version(nc.ConnectedServerVersion()), payload(nc)}
}

// The least version of nats-server: it lets values of a bucket expire, and
// consumers have priorities.
const leastMajor, leastMinor = 2, 12

func version(is string) Finding {
	major, rest, _ := strings.Cut(strings.TrimPrefix(is, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	first, noMajor := strconv.Atoi(major)
	second, noMinor := strconv.Atoi(minor)
	switch {
	case noMajor != nil || noMinor != nil:
		return untried(natsVersion, "", "nats-server tells a version that cannot be read")
	case first < leastMajor || first == leastMajor && second < leastMinor:
		return wrong(natsVersion, "", "update nats-server", "nats-server is %s, and the connector needs %d.%d or newer", is, leastMajor, leastMinor)
	}
	return fine(natsVersion, "", "nats-server is %s", is)
}

func payload(nc *nats.Conn) Finding {
	if err := bus.CheckPayload(nc); err != nil {
		says, do, _ := strings.Cut(err.Error(), ": ")
		return wrong(natsPayload, "", do, "%s", says)
	}
	return fine(natsPayload, "", "NATS takes messages of up to %s", size(uint64(nc.MaxPayload())))
}

func certificate(nc *nats.Conn) []Finding {
	state, err := nc.TLSConnectionState()
	if err != nil || len(state.PeerCertificates) == 0 {
		return nil // not by TLS, or by a web socket's
	}
	return []Finding{Expiry(natsCertificate, "", "the certificate of NATS", "renew it", state.PeerCertificates[0].NotAfter)}
}

// Expiry judges when something ends that has to be renewed.
func Expiry(id ID, about, what, do string, end time.Time) Finding {
	in := time.Until(end)
	switch {
	case in < 0:
		return wrong(id, about, do, "%s has expired %s ago", what, Shown(in))
	case in < expiresSoon:
		return warn(id, about, do, "%s expires in %s", what, Shown(in))
	}
	return fine(id, about, "%s is good for %s", what, Shown(in))
}

// looker reads what is on the bus.
type looker struct {
	js     jetstream.JetStream
	cfg    connector.Config
	rights rights
	clock  clock
}

// api is a JetStream request as permissions name it.
func (l *looker) api(request string) string {
	if domain := l.cfg.JetStreamDomain; domain != "" {
		return "$JS." + domain + ".API." + request
	}
	return "$JS.API." + request
}

// may tells whether a request is answered at all.
func (l *looker) may(request string) bool { return l.rights.mayPublish(l.api(request)) }

// errForbidden is what becomes of a question that the user may not ask.
var errForbidden = errors.New("the user may not ask")

// isSilence tells that nothing was answered.
func isSilence(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, nats.ErrTimeout)
}

// asked is an error of JetStream in an operator's words: what is so, what to do.
func asked(err error) (says, do string) {
	advised := connector.Advise(err)
	if advised == err {
		return err.Error(), `see the log of nats-server`
	}
	does := strings.TrimSuffix(advised.Error(), fmt.Sprintf(" (%v)", err))
	return err.Error(), does
}
