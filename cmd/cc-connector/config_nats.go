package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

func (r *reader) nats() natsConfig {
	cfg := natsConfig{urls: r.natsURLs()}
	cfg.options = slices.Concat(r.natsTLS(), r.signIn(cfg.urls), r.inbox())
	return cfg
}

var inboxPrefix = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}$`)

// inbox keeps the replies apart from what is published under the prefix of all else.
func (r *reader) inbox() []nats.Option {
	r.require(inboxPrefix.MatchString(r.NATSInboxPrefix), &r.NATSInboxPrefix,
		"must be one or more tokens of A-Z, a-z, 0-9, _ and -, joined by dots, like _INBOX_cc-connector")
	under := strings.HasPrefix(r.NATSInboxPrefix+".", r.SubjectPrefix+".")
	r.require(!under, &r.NATSInboxPrefix, "must not lie under CC_SUBJECT_PREFIX, where commands and events are; take one like _INBOX_cc-connector")
	return []nats.Option{nats.CustomInboxPrefix(r.NATSInboxPrefix)}
}

func (r *reader) natsURLs() []string {
	urls := strings.Split(r.NATSURL, ",")
	for i := range urls {
		urls[i] = strings.TrimSpace(urls[i])
		r.require(isNATSURL(urls[i]), &r.NATSURL,
			"must hold addresses like nats://nats.example.com:4222, joined by commas; special characters of a password are written %XX")
	}
	return urls
}

var natsSchemes = []string{"nats", "tls", "ws", "wss"}

func isNATSURL(address string) bool {
	u, err := parseNATSURL(address)
	if err != nil || u.Hostname() == "" || !slices.Contains(natsSchemes, u.Scheme) {
		return false
	}
	_, err = strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil
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

func (r *reader) natsTLS() []nats.Option {
	var options []nats.Option
	if r.NATSTLSCA != "" {
		ok := x509.NewCertPool().AppendCertsFromPEM(r.file(&r.NATSTLSCA))
		r.require(ok, &r.NATSTLSCA, "names a file without a PEM certificate")
		options = append(options, nats.RootCAs(r.NATSTLSCA))
	}
	if r.NATSTLSCert != "" || r.NATSTLSKey != "" {
		r.checkKeyPair()
		options = append(options, nats.ClientCert(r.NATSTLSCert, r.NATSTLSKey))
	}
	return options
}

func (r *reader) checkKeyPair() {
	r.require(r.NATSTLSCert != "", &r.NATSTLSCert, "is missing: CC_NATS_TLS_KEY needs its certificate")
	r.require(r.NATSTLSKey != "", &r.NATSTLSKey, "is missing: CC_NATS_TLS_CERT needs its key")
	cert, key := r.file(&r.NATSTLSCert), r.file(&r.NATSTLSKey)
	if len(cert) == 0 || len(key) == 0 {
		return
	}
	_, err := tls.X509KeyPair(cert, key)
	r.require(err == nil, &r.NATSTLSCert, "and CC_NATS_TLS_KEY are not a PEM certificate and its key")
}

// signIn takes the one way to sign in; none is right for a NATS that asks for none.
// All of them read their file anew at each connect, so that what was rotated counts without a restart.
func (r *reader) signIn(urls []string) []nats.Option {
	r.require(r.NATSUser != "" || r.NATSPasswordFile == "", &r.NATSUser, "is missing: CC_NATS_PASSWORD_FILE needs its user")
	ways := given(&r.NATSCreds, &r.NATSNkeySeedFile, &r.NATSUser, &r.NATSTokenFile)
	if slices.ContainsFunc(urls, hasUser) {
		ways = append(ways, &r.NATSURL)
	}
	if len(ways) > 1 {
		for _, way := range ways {
			r.bad(way, "is one of several ways to sign in to NATS; keep one of them")
		}
		return nil
	}
	makers := map[*string]func() nats.Option{
		&r.NATSCreds: r.creds, &r.NATSNkeySeedFile: r.nkey, &r.NATSUser: r.userAndPassword, &r.NATSTokenFile: r.token,
	}
	for _, way := range ways {
		if maker := makers[way]; maker != nil {
			return []nats.Option{maker()}
		}
	}
	return nil
}

func hasUser(address string) bool {
	u, err := parseNATSURL(address)
	return err == nil && u.User != nil
}

func (r *reader) creds() nats.Option {
	r.secret(&r.NATSCreds)
	option := nats.UserCredentials(r.NATSCreds)
	r.require(canSign(option), &r.NATSCreds, "names a file that holds no NATS credentials (a user JWT and its seed)")
	return option
}

func canSign(credentials nats.Option) bool {
	var trial nats.Options
	if credentials(&trial) != nil {
		return false
	}
	_, noJWT := trial.UserJWT()
	_, noSeed := trial.SignatureCB([]byte("trial"))
	return noJWT == nil && noSeed == nil
}

func (r *reader) nkey() nats.Option {
	r.secret(&r.NATSNkeySeedFile)
	option, err := nats.NkeyOptionFromSeed(r.NATSNkeySeedFile)
	r.require(err == nil, &r.NATSNkeySeedFile, "names a file that holds no seed of a user nkey (it begins with SU)")
	return option
}

func (r *reader) userAndPassword() nats.Option {
	if r.NATSPasswordFile == "" {
		r.bad(&r.NATSPasswordFile, "is missing: CC_NATS_USER needs its password, in a file")
		return nil
	}
	first := r.secret(&r.NATSPasswordFile)
	user, file := r.NATSUser, r.NATSPasswordFile
	return nats.UserInfoHandler(func() (string, string) { return user, reread(file, first) })
}

func (r *reader) token() nats.Option {
	first, file := r.secret(&r.NATSTokenFile), r.NATSTokenFile
	return nats.TokenHandler(func() string { return reread(file, first) })
}

// reread falls back to what was read at the start: the file may be a pipe, or be gone.
func reread(file, first string) string {
	content, err := os.ReadFile(file)
	if secret := trimNewline(content); err == nil && secret != "" {
		return secret
	}
	return first
}
