package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// reason is why NATS does not take a connection, and what is to be looked at.
type reason struct {
	is    func(error) bool
	look  string
	grade grade
}

// grade is how much an error says.
type grade int

const (
	vague   grade = iota // it may have other reasons, too
	passing              // it may be taken at the next try
	final                // it would be refused again, whatever time is given
)

// anyOf also knows an error by the server's words: the library has no value for each of them.
func anyOf(errs ...error) func(error) bool {
	return func(err error) bool {
		for _, one := range errs {
			if errors.Is(err, one) || strings.Contains(strings.ToLower(err.Error()), strings.TrimPrefix(one.Error(), "nats: ")) {
				return true
			}
		}
		return false
	}
}

func says(parts ...string) func(error) bool {
	return func(err error) bool {
		for _, part := range parts {
			if strings.Contains(strings.ToLower(err.Error()), part) {
				return true
			}
		}
		return false
	}
}

func isA[E error](err error) bool {
	var as E
	return errors.As(err, &as)
}

func isSilence(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout() || errors.Is(err, nats.ErrNoInfoReceived)
}

// reasons stand in order: what is special comes before what is general.
var reasons = []reason{
	{anyOf(nats.ErrAuthExpired, nats.ErrAccountAuthExpired), "the JWT of the user, or of its account, has expired: put new credentials into the file of CC_NATS_CREDS", final},
	{anyOf(nats.ErrAuthRevoked), "the user is revoked: put new credentials into the file of CC_NATS_CREDS", final},
	{anyOf(nats.ErrNkeysNotSupported), "no user of NATS signs in by a key: see CC_NATS_NKEY_SEED_FILE", final},
	{anyOf(nats.ErrAuthorization), "", final}, // what to look at depends on the way
	{anyOf(errors.New("maximum connections exceeded"), nats.ErrMaxConnectionsExceeded), "NATS takes no more connections: raise its max_connections, or name another server in CC_NATS_URL", passing},
	{anyOf(nats.ErrMaxAccountConnectionsExceeded), "the account's limit of connections is reached: raise it, or sign in to another account", passing},
	{anyOf(nats.ErrSecureConnWanted), "NATS speaks no TLS there: CC_NATS_URL must not begin with tls://, and CC_NATS_TLS_CA, CC_NATS_TLS_CERT and CC_NATS_TLS_KEY must be left away", final},
	{isA[tls.RecordHeaderError], "NATS greets before it makes TLS there, or speaks none: see CC_NATS_TLS_FIRST and CC_NATS_URL", final},
	{isA[x509.HostnameError], "the certificate of NATS is for another name: CC_NATS_URL must have one that stands in it", final},
	{isA[x509.CertificateInvalidError], "the certificate of NATS has expired, or is not for servers: renew it, or see CC_NATS_TLS_CA", final},
	{isA[x509.UnknownAuthorityError], "nobody that is trusted has signed the certificate of NATS: name its root certificates in CC_NATS_TLS_CA", final},
	{isA[*tls.CertificateVerificationError], "the certificate of NATS is not trusted: see CC_NATS_TLS_CA", final},
	{says("remote error: tls", "tls error: connection closed by remote"), "NATS does not take the client certificate, or wants one: see CC_NATS_TLS_CERT and CC_NATS_TLS_KEY", final},
	{isSilence, "a server that makes TLS before its greeting needs CC_NATS_TLS_FIRST=true", vague},
	{says("broken pipe", "connection reset", "eof"), "whoever listens there closes the connection at once: a NATS whose max_connections are reached, or no NATS at all", vague},
}

func reasonOf(err error) (reason, bool) {
	for _, r := range reasons {
		if r.is(err) {
			return r, true
		}
	}
	return reason{}, false
}

// look says which setting an error makes one look at; "" if that is not known.
func (cfg natsConfig) look(err error) string {
	r, known := reasonOf(err)
	switch {
	case !known, cfg.tlsFirst && isSilence(err):
		return ""
	case r.look != "":
		return r.look
	case cfg.access.variable == "":
		return "no way to sign in is set: set CC_NATS_CREDS, CC_NATS_NKEY_SEED_FILE, CC_NATS_USER with CC_NATS_PASSWORD_FILE, CC_NATS_TOKEN_FILE or CC_NATS_CONTEXT"
	}
	return cfg.access.look(time.Now())
}

// look says what is wrong with what was shown, as far as that can be known.
func (s access) look(now time.Time) string {
	if s.user != nil {
		if end, ends := expiry(s.user.current().jwt); ends && end.Before(now) {
			return fmt.Sprintf("the credentials of %s have expired at %s: put new ones into the file", s.variable, end.Format(time.RFC3339))
		}
	}
	return "see " + s.variable + ", and whether NATS knows this user"
}

// setback tells why a connection is not there, each reason once while it lasts.
type setback struct {
	cfg natsConfig
	log *slog.Logger

	mu   sync.Mutex
	last string
}

func (s *setback) note(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.EqualFold(err.Error(), s.last) { // the server's words, and the library's
		return
	}
	s.last = err.Error()
	log := s.log
	if look := s.cfg.look(err); look != "" {
		log = log.With("remedy", look)
	}
	log.Error("NATS does not take the connection, tried again", "error", s.last)
}

func (s *setback) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = ""
}

// watch notes what comes to no handler of the library, such as a certificate that is not trusted.
func (s *setback) watch(nc *nats.Conn) {
	changes := nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	go func() {
		for status := range changes {
			if status == nats.CLOSED {
				nc.RemoveStatusListener(changes)
				return
			}
			if err := nc.LastError(); err != nil && isRefusal(err) {
				s.note(err)
			}
		}
	}()
}

// isRefusal tells an error that has a reason which somebody must mend.
func isRefusal(err error) bool {
	r, known := reasonOf(err)
	return known && r.grade != vague
}
