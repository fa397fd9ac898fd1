package main

import (
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsConfig is how NATS is reached, and as whom.
type natsConfig struct {
	urls     []string // may hold passwords: shown by redacted alone
	access   access
	options  []nats.Option // of TLS and inboxes
	tlsFirst bool
	domain   string // of JetStream; empty: the server's own
	troubles *fileTroubles
}

func (r *reader) nats() natsConfig {
	r.useContext()
	cfg := natsConfig{urls: r.natsURLs(), domain: r.domain(), tlsFirst: r.boolean(&r.NATSTLSFirst), troubles: r.troubles}
	cfg.access = r.signIn(cfg.urls)
	cfg.options = append(r.natsTLS(), r.inbox())
	if cfg.tlsFirst {
		cfg.options = append(cfg.options, nats.TLSHandshakeFirst())
	}
	return cfg
}

// useLog has what becomes of rotated files logged.
func (cfg natsConfig) useLog(log *slog.Logger) {
	if cfg.troubles != nil {
		cfg.troubles.use(log)
	}
}

// jetStream asks the domain's JetStream, or that of the server.
func (cfg natsConfig) jetStream(nc *nats.Conn) (jetstream.JetStream, error) {
	if cfg.domain == "" {
		return jetstream.New(nc)
	}
	return jetstream.NewWithDomain(nc, cfg.domain)
}

var inboxPrefix = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}$`)

// inbox keeps the replies apart from what is published under the prefix of all else.
func (r *reader) inbox() nats.Option {
	r.require(inboxPrefix.MatchString(r.NATSInboxPrefix), &r.NATSInboxPrefix,
		"must be one or more tokens of A-Z, a-z, 0-9, _ and -, joined by dots, like _INBOX_cc-connector")
	under := strings.HasPrefix(r.NATSInboxPrefix+".", r.SubjectPrefix+".")
	r.require(!under, &r.NATSInboxPrefix, "must not lie under CC_SUBJECT_PREFIX, where commands and events are; take one like _INBOX_cc-connector")
	return nats.CustomInboxPrefix(r.NATSInboxPrefix)
}

var domainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (r *reader) domain() string {
	ok := r.NATSJSDomain == "" || domainName.MatchString(r.NATSJSDomain)
	r.require(ok, &r.NATSJSDomain, "must be the name of a JetStream domain, of A-Z, a-z, 0-9, _ and -, like hub; not a subject")
	return r.NATSJSDomain
}

func (r *reader) natsURLs() []string {
	urls := strings.Split(r.NATSURL, ",")
	webSockets := 0
	for i := range urls {
		urls[i] = strings.TrimSpace(urls[i])
		r.require(isNATSURL(urls[i]), &r.NATSURL,
			"must hold addresses like nats://nats.example.com:4222, joined by commas; special characters of a password are written %XX, and an IPv6 address stands in brackets")
		if strings.HasPrefix(urls[i], "ws") && strings.Contains(urls[i], "://") {
			webSockets++
		}
	}
	r.require(webSockets == 0 || webSockets == len(urls), &r.NATSURL, "mixes ws:// or wss:// with other addresses; all must be of one kind")
	return urls
}

var natsSchemes = []string{"nats", "tls", "ws", "wss"}

func isNATSURL(address string) bool {
	u, err := parseNATSURL(address)
	if err != nil || u.Hostname() == "" || !slices.Contains(natsSchemes, u.Scheme) {
		return false
	}
	if strings.Contains(u.Hostname(), ":") != strings.HasPrefix(u.Host, "[") {
		return false
	}
	return u.Port() == "" || isPort(u.Port())
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// parseNATSURL takes an address without a scheme as the NATS client does.
func parseNATSURL(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "nats://" + address
	}
	return url.Parse(address)
}

// redacted shows addresses without user, password and token.
func redacted(urls []string) string {
	shown := make([]string, len(urls))
	for i, address := range urls {
		u, err := parseNATSURL(address)
		if err != nil {
			u = &url.URL{Scheme: "nats", Host: "unreadable"}
		}
		shown[i] = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	}
	return strings.Join(shown, ", ")
}
