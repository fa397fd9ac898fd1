package check

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

func checkFinding(t *testing.T, what string, got []Finding, status Status, id ID) {
	t.Helper()
	for _, f := range got {
		if f.ID == id && f.Status == status {
			return
		}
	}
	t.Errorf("%s: found %+v, want %s %s", what, got, status, id)
}

func TestVersions(t *testing.T) {
	for is, status := range map[string]Status{
		"2.12.0": OK, "2.15.2": OK, "3.0.1": OK, "v2.12.1": OK, "2.12.0-RC.1": OK, "2.11.9": Wrong, "1.4.0": Wrong, "": NotTried, "latest": NotTried,
	} {
		if got := version(is); got.Status != status {
			t.Errorf("%q: %+v", is, got)
		}
	}
}

func TestClocks(t *testing.T) {
	for ahead, status := range map[time.Duration]Status{0: OK, 4 * time.Second: OK, -4 * time.Second: OK, 10 * time.Second: Warning, -time.Hour: Warning} {
		var c clock
		c.saw(now, now.Add(time.Minute), now.Add(24*time.Hour)) // which bounds less
		c.saw(now, now.Add(100*time.Millisecond), now.Add(ahead))
		checkFinding(t, ahead.String(), c.finding(natsClock, "NATS", 0), status, natsClock)
	}
	var unknown clock
	unknown.saw(now, now, time.Time{})
	if got := unknown.finding(natsClock, "NATS", 0); got != nil {
		t.Errorf("of an unknown clock: %+v", got)
	}
}

func TestExpiry(t *testing.T) {
	for in, status := range map[time.Duration]Status{-time.Hour: Wrong, 24 * time.Hour: Warning, 30 * 24 * time.Hour: OK} {
		if got := Expiry(natsCertificate, "", "it", "renew it", time.Now().Add(in)); got.Status != status {
			t.Errorf("%v: %+v", in, got)
		}
	}
}

// No subscription that is tried can take a command away from a connector, or
// hear what others say: each is on a subject of the trial's own.
func TestNothingIsTakenFromOthers(t *testing.T) {
	tr := newTrial(new(nats.Conn), "cc", "hub")
	for _, s := range tr.user.Subscribe {
		if subject := tr.example(s.Subject); s.Queue != "" && !strings.Contains(subject, tr.token) || strings.ContainsAny(subject, "*>") {
			t.Errorf("%s is tried as %s", s.Subject, subject)
		}
	}
	for _, pattern := range tr.user.Publish {
		if strings.HasPrefix(pattern, "$JS.API.") {
			t.Errorf("%s is not in the domain", pattern)
		}
	}
	for pattern := range tr.extras {
		if strings.HasPrefix(pattern, "$") && !strings.HasPrefix(pattern, "$JS.hub.API.") {
			t.Errorf("%s is not in the domain", pattern)
		}
	}
	if len(tr.extras) != len(permissions.ForTools("cc"))+len(permissions.ForPage("cc")) {
		t.Errorf("for tools: %v", tr.extras)
	}
}

// seenBus is a picture of a bus on which all is well, of a moment.
func seenBus(cfg connector.Config, now time.Time) *picture {
	p := &picture{cfg: cfg, clock: new(clock), waited: "10s"}
	for _, d := range connector.Definitions(cfg) {
		s := &streamSeen{Definition: d, info: &jetstream.StreamInfo{Config: d.Stream, TimeStamp: now}}
		for _, c := range d.Consumers {
			s.consumers = append(s.consumers, consumerSeen{c, &jetstream.ConsumerInfo{Stream: d.Stream.Name, Name: c.Durable, Config: c}, nil})
		}
		p.streams = append(p.streams, s)
	}
	return p
}

// lose takes a stream away.
func (p *picture) lose(suffix string) {
	for _, s := range p.streams {
		if strings.HasSuffix(s.Stream.Name, suffix) {
			s.info, s.err = nil, jetstream.ErrStreamNotFound
		}
	}
}

var someConfig = connector.Config{Prefix: subjects.DefaultPrefix, Tenant: "acme.example", BaseURL: "https://acme.example", CommandMaxAge: time.Hour, Provision: true}

var now = time.Unix(1_800_000_000, 0)

// pictures are those of which something is to be said.
var pictures = map[string]struct {
	change func(*picture)
	status Status
	id     ID
}{
	"commands that wait": {func(p *picture) {
		p.find("COMMANDS").info.State = jetstream.StreamState{Msgs: 2, FirstTime: now.Add(-10 * time.Minute)}
	}, Warning, commandsWaiting},
	"commands that nobody does": {func(p *picture) {
		p.find("COMMANDS").info.State = jetstream.StreamState{Msgs: 2, FirstTime: now.Add(-3 * time.Hour)}
	}, Wrong, commandsWaiting},
	"commands under way": {func(p *picture) {
		p.find("COMMANDS").info.State = jetstream.StreamState{Msgs: 2, FirstTime: now.Add(-time.Second)}
	}, OK, commandsWaiting},
	"a leader is missing": {func(p *picture) {
		p.find("EVENTS").info.Cluster = &jetstream.ClusterInfo{Replicas: []*jetstream.PeerInfo{{Name: "b", Current: true}}}
	}, Wrong, streamCopies},
	"a copy is away": {func(p *picture) {
		p.find("EVENTS").info.Cluster = &jetstream.ClusterInfo{Leader: "a", Replicas: []*jetstream.PeerInfo{{Name: "b", Offline: true}}}
	}, Warning, streamCopies},
	"events go before their time": {func(p *picture) {
		s := p.find("EVENTS").info
		s.Config.MaxBytes, s.State = 1<<20, jetstream.StreamState{Bytes: 1<<20 - 100, Msgs: 10, FirstTime: now.Add(-time.Minute)}
	}, Warning, streamFull},
	"a stream fills up": {func(p *picture) {
		s := p.find("DEADLETTER").info
		s.Config.MaxBytes, s.State = 1<<20, jetstream.StreamState{Bytes: 900 << 10}
	}, Warning, streamFull},
	"settings would delete": {func(p *picture) {
		p.cfg.EventsMaxAge = time.Hour
		p.find("EVENTS").info.State = jetstream.StreamState{Msgs: 1, FirstTime: now.Add(-10000 * time.Hour)}
	}, Warning, streamDeletes},
	"JetStream is silent":        {func(p *picture) { s := p.find("EVENTS"); s.info, s.err = nil, nats.ErrTimeout }, Wrong, streamSilent},
	"a stream is forbidden":      {func(p *picture) { s := p.find("EVENTS"); s.info, s.err = nil, errForbidden }, NotTried, streamSettings},
	"the readers are forbidden":  {func(p *picture) { p.noReaders = errForbidden }, NotTried, consumerBehind},
	"a reader gets things again": {func(p *picture) { p.readers = []*jetstream.ConsumerInfo{{Name: "r", NumRedelivered: 500}} }, Warning, consumerRedelivers},
	"no storage is left": {func(p *picture) {
		p.tier = &jetstream.Tier{Store: 99, Limits: jetstream.AccountLimits{MaxStore: 100}}
	}, Wrong, jetstreamStorage},
	"what is left of the storage is reserved, and a stream is missing": {func(p *picture) {
		p.tier = &jetstream.Tier{Store: 1, ReservedStore: 100, Limits: jetstream.AccountLimits{MaxStore: 100}}
		p.lose("FILES")
	}, Wrong, jetstreamStorage},
	"limits of bytes are demanded, and a stream is missing": {func(p *picture) {
		p.tier = &jetstream.Tier{Limits: jetstream.AccountLimits{MaxBytesRequired: true}}
		p.lose("FILES")
	}, Wrong, jetstreamMaxBytes},
	"a stream would be changed to what the account does not allow": {func(p *picture) {
		p.tier = &jetstream.Tier{Limits: jetstream.AccountLimits{StoreMaxStreamBytes: 100}}
		p.find("EVENTS").Stream.MaxBytes = 200
	}, Wrong, jetstreamMaxBytes},
	"a reader is paused": {func(p *picture) { p.readers = []*jetstream.ConsumerInfo{{Name: "r", Paused: true}} }, Warning, consumerPaused},
}

func TestPictures(t *testing.T) {
	for what, c := range pictures {
		p := seenBus(someConfig, now)
		c.change(p)
		checkFinding(t, what, p.judge(), c.status, c.id)
	}
	for _, tier := range []*jetstream.Tier{nil, allGiven} {
		p := seenBus(someConfig, now)
		p.tier = tier
		for _, f := range p.judge() {
			if f.Status != OK {
				t.Errorf("all is well with the account %+v, and it says %+v", tier, f)
			}
		}
	}
}

// allGiven is an account of which all that there is was shared out among the streams
// that are there.
var allGiven = &jetstream.Tier{Store: 1, ReservedStore: 100, Limits: jetstream.AccountLimits{MaxStore: 100, MaxBytesRequired: true, StoreMaxStreamBytes: 100}}

func TestUnreachable(t *testing.T) {
	for what, c := range map[string]struct {
		probe brightpattern.Probe
		err   error
		id    ID
	}{
		"an unknown name":        {brightpattern.Probe{}, &net.DNSError{Err: "no such host", Name: "acme.example"}, contactAddress},
		"a proxy that refuses":   {brightpattern.Probe{Proxy: "http://proxy"}, &net.OpError{Op: "proxyconnect", Err: errors.New("refused")}, contactProxy},
		"an expired certificate": {brightpattern.Probe{}, fmt.Errorf("tls: %w", x509.CertificateInvalidError{Reason: x509.Expired}), contactTLS},
		"anything":               {brightpattern.Probe{}, errors.New("no route to host"), contactAddress},
	} {
		checkFinding(t, what, []Finding{unreachable(c.probe, c.err)}, Wrong, c.id)
	}
}
