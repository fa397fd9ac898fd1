package brightpattern

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultTimeout     = 15 * time.Second
	defaultPollTimeout = 30 * time.Second
	defaultMaxPolls    = 20000

	// Smaller buffers than net/http's 4 KiB save 10 KB for every held poll. A poll's
	// request fits into one, and what is longer passes it by. Each line of an answer
	// in chunks that tells of a chunk, or stands behind them, must fit into the other.
	writeBuffer = 512
	readBuffer  = 1 << 10
	// Below the idle limits usual among servers: a connection that the server
	// is about to close should not be in our pool.
	idleTimeout    = 30 * time.Second
	maxHeaderBytes = 64 << 10
)

// Credentials say who calls: an app (launch point) and a client instance.
// Both are needed by every call. Allowed is printable ASCII except " and \.
// The client "WebChat" is refused: servers take it for a browser with cookies.
type Credentials struct {
	App    AppID
	Client ClientID
	// Claimed says that somebody only claims that the client is the chat's: a
	// refusal may speak of that claim, and then says nothing of the app. It is
	// for an Observer, and sent nowhere.
	Claimed bool
}

// CasePaths says how the case calls are addressed.
type CasePaths int

const (
	// CasePathsChat names the chat in the path, as the SDKs do.
	CasePathsChat CasePaths = iota
	// CasePathsTenant is the form of the reference: the client's current case.
	CasePathsTenant
)

// Config is what a Client needs to know. Only BaseURL is required.
type Config struct {
	// BaseURL is where the contact center is, such as https://acme.brightpattern.com:
	// scheme and host, optionally port and path.
	BaseURL string
	// TenantURL is the tenant's bare host name. Default: the host of BaseURL without port.
	TenantURL string
	// Timeout bounds a call; of uploads and downloads, the time without progress. Default: 15s.
	Timeout time.Duration
	// PollTimeout bounds a poll. Servers hold one for up to about 15s. Default: 30s.
	PollTimeout time.Duration
	// CasePaths is the form of the case calls. Default: CasePathsChat.
	CasePaths CasePaths
	// TLS is for more root certificates. Default: the system's.
	TLS *tls.Config
	// Roots are the root certificates, in place of those of TLS, where they may
	// be renewed: they are asked for at each call, and the connections are made
	// anew when the pool is another one. Default: none.
	Roots func() *x509.CertPool
	// Wrap stands around whatever makes the connections, and sees every request,
	// of which MethodOf tells the call. Default: none.
	Wrap func(http.RoundTripper) http.RoundTripper
	// MaxPolls is how many polls there may be at once; it sizes the pool of
	// idle connections and limits nothing. Default: 20000.
	MaxPolls int
	// Memory is what all answers under way together may take, in bytes, about;
	// there is always room for one. Default: DefaultMemory.
	Memory int64
}

// Client calls one contact center. It is safe for concurrent use.
//
// What an answer takes of Config.Memory is counted until the context of its
// call ends: give each call a context that ends when its answer is done with.
type Client struct {
	root        string // up to and including the API's version and a slash
	tenantQuery string
	timeout     time.Duration
	pollTimeout time.Duration
	casePaths   CasePaths
	transport   *transport
	memory      *memory
	lastStamp   atomic.Int64
	observing   sync.Mutex
	observers   atomic.Pointer[[]Observer]
}

// New checks the configuration; it makes no connection. Proxies are taken from
// the environment (HTTPS_PROXY and friends). An error names the field.
func New(config Config) (*Client, error) {
	base, err := parseBaseURL(config.BaseURL)
	if err != nil {
		return nil, err
	}
	if config.TenantURL == "" {
		config.TenantURL = base.Hostname()
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	return &Client{
		root:        strings.TrimRight(base.String(), "/") + "/clientweb/api/v2/",
		tenantQuery: "?tenantUrl=" + url.QueryEscape(config.TenantURL),
		timeout:     orDefault(config.Timeout, defaultTimeout),
		pollTimeout: orDefault(config.PollTimeout, defaultPollTimeout),
		casePaths:   config.CasePaths,
		transport:   openTransport(config, orDefault(config.MaxPolls, defaultMaxPolls)),
		memory:      newMemory(orDefault(config.Memory, DefaultMemory)),
	}, nil
}

// PollTimeout is the longest that a poll takes.
func (c *Client) PollTimeout() time.Duration { return c.pollTimeout }

// Close closes the idle connections. Calls under way go on.
func (c *Client) Close() { c.transport.closeIdle() }

// parseBaseURL repeats nothing of the URL in its errors: it may hold a password.
func parseBaseURL(raw string) (*url.URL, error) {
	base, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, errors.New("brightpattern: BaseURL is required")
	case err != nil, base.Opaque != "":
		return nil, errors.New("brightpattern: BaseURL is not a URL")
	case base.Scheme != "https" && base.Scheme != "http":
		return nil, errors.New("brightpattern: BaseURL must begin with https:// or http://")
	case base.Hostname() == "":
		return nil, errors.New("brightpattern: BaseURL has no host")
	case base.User != nil, base.RawQuery != "", base.ForceQuery, base.Fragment != "":
		return nil, errors.New("brightpattern: BaseURL may have neither user, query nor fragment")
	}
	if _, err := http.ProxyFromEnvironment(&http.Request{URL: base}); err != nil {
		return nil, errors.New("brightpattern: BaseURL: the proxy named in the environment is unusable")
	}
	return base, nil
}

func (config Config) check() error {
	switch {
	case strings.ContainsAny(config.TenantURL, "/?#@ \t\r\n"):
		return errors.New("brightpattern: TenantURL must be a bare host name")
	case config.Timeout < 0:
		return errors.New("brightpattern: Timeout is negative")
	case config.PollTimeout < 0:
		return errors.New("brightpattern: PollTimeout is negative")
	case config.MaxPolls < 0:
		return errors.New("brightpattern: MaxPolls is negative")
	case config.Memory < 0:
		return errors.New("brightpattern: Memory is negative")
	case config.CasePaths != CasePathsChat && config.CasePaths != CasePathsTenant:
		return errors.New("brightpattern: CasePaths is unknown")
	}
	return nil
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
