package brightpattern

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Probe is what one call tells of the way to the contact center. What is not
// known of it, because the call did not come so far, is zero.
type Probe struct {
	Version   string
	Connected bool      // a connection was had: to the contact center, or to a proxy
	Proxy     string    // scheme and host of the proxy that the environment names
	Date      time.Time // by the clock of who answered, in whole seconds
	Expires   time.Time // the first certificate of those that it showed
	Type      string    // Content-Type of the answer
	Took      time.Duration
}

// Probe asks for the version, and looks at how the answer comes.
func (c *Client) Probe(ctx context.Context, cred Credentials) (Probe, error) {
	p := Probe{Proxy: c.proxy()}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	began := time.Now()
	version, err := c.version(ctx, cred, p.see)
	p.Took, p.Version, p.Connected = time.Since(began), version, connected.Load()
	return p, err
}

// see is told of any answer.
func (p *Probe) see(answer *http.Response) {
	p.Date, _ = http.ParseTime(answer.Header.Get("Date"))
	p.Type = answer.Header.Get("Content-Type")
	if answer.TLS == nil {
		return
	}
	for _, certificate := range answer.TLS.PeerCertificates {
		if p.Expires.IsZero() || certificate.NotAfter.Before(p.Expires) {
			p.Expires = certificate.NotAfter
		}
	}
}

// proxy is the one that calls go through, without its password.
func (c *Client) proxy() string {
	root, err := url.Parse(c.root)
	if err != nil {
		return ""
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: root})
	if err != nil || proxy == nil {
		return ""
	}
	return (&url.URL{Scheme: proxy.Scheme, Host: proxy.Host}).String()
}
