package main

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// # Addresses as people paste them
//
// The contact center's address comes from a browser's address bar, from the
// reference or from another client's settings, and so with more behind it than
// is asked for. What can be meant by one thing only is taken for it, with a line
// in the log; all else is refused with what to do. A path in front of the API's
// stays: a proxy may have one.

const addressExample = "; write it like https://acme.brightpattern.com"

var (
	hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$`)
	// apiPath is the API that the connector speaks, or a part of it from the left, with what may lie below.
	apiPath = regexp.MustCompile(`(?i)^(.*?)/+clientweb(?:/+api(?:/+v2(?:/.*)?)?)?/*$`)
	// otherPath ends like another API, a page, or a call.
	otherPath = regexp.MustCompile(`(?i)/(api(/+v[0-9]+(/.*)?)?|clientweb/.*|admin|agentdesktop|chats|version|availability|configuration|parameters|[^/]*\.(html?|php|jsp|aspx?|js|json))/*$`)
)

// baseURL is written in one way only, for it is compared with what other replicas were given.
func (r *reader) baseURL() *url.URL {
	r.require(r.BaseURL != "", &r.BaseURL, "is missing: the contact center's address"+addressExample)
	base, err := url.Parse(r.BaseURL)
	if err != nil {
		r.bad(&r.BaseURL, unreadableAddress(r.BaseURL))
		base = new(url.URL)
	}
	r.checkBaseURL(base)
	r.cutAPI(base)
	base.Host = withoutDefaultPort(base.Scheme, strings.ToLower(base.Host))
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = ""
	return base
}

// unreadableAddress says what is the matter with what is no URL.
func unreadableAddress(address string) string {
	_, rest, web := strings.Cut(address, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if web && strings.Count(authority, ":") > 1 && !strings.ContainsAny(authority, "[@") {
		return "holds an IPv6 address without brackets; write it like https://[2001:db8::1]"
	}
	return "is not a web address" + addressExample
}

func (r *reader) checkBaseURL(base *url.URL) {
	host := base.Hostname()
	web := base.Scheme == "https" || base.Scheme == "http"
	r.require(web && host != "", &r.BaseURL, "is not a web address"+addressExample)
	r.require(strings.Contains(host, ":") == strings.HasPrefix(base.Host, "["), &r.BaseURL, unreadableAddress(r.BaseURL))
	r.require(base.Port() == "" || isPort(base.Port()), &r.BaseURL, "has a port that is none; it must be 1 to 65535, or be left away")
	r.require(!strings.HasSuffix(base.Host, ":") || !strings.HasPrefix(base.Path, "//"), &r.BaseURL, "holds more than one address, or a part of one twice"+addressExample)
	r.require(base.User == nil, &r.BaseURL, "must not hold a user name or password"+addressExample)
	r.require(!base.Query().Has("tenantUrl"), &r.BaseURL, "holds tenantUrl=, which is put there at each call: leave away all from the question mark on, and give the tenant by CC_TENANT_URL if it is another host")
	r.require(base.RawQuery == "" && !base.ForceQuery && base.Fragment == "", &r.BaseURL, "must end with the path, without ? and #"+addressExample)
	allowed := r.boolean(&r.AllowHTTP)
	r.require(base.Scheme != "http" || allowed || isLoopback(host), &r.BaseURL,
		"must begin with https; http is for loopback hosts, or with CC_ALLOW_HTTP=true")
}

// cutAPI leaves away the path that the connector itself puts behind the address.
func (r *reader) cutAPI(base *url.URL) {
	if found := apiPath.FindStringSubmatch(base.Path); found != nil {
		base.Path = found[1]
		r.correct(&r.BaseURL, "without /clientweb and what is behind it: the connector puts the path of the API there itself")
	}
	r.require(!otherPath.MatchString(base.Path), &r.BaseURL,
		"ends with a path that is not the contact center's address: leave it away; the connector puts /clientweb/api/v2 there itself, and speaks no other API")
}

func withoutDefaultPort(scheme, host string) string {
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	return strings.TrimSuffix(strings.TrimSuffix(host, port), ":")
}

func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

func (r *reader) tenant(base *url.URL) string {
	const bare = "must be a host name alone, like acme.brightpattern.com"
	if r.TenantURL == "" {
		host := base.Hostname()
		r.require(host == "" || hostName.MatchString(host), &r.TenantURL,
			"is missing, and the host of CC_BASE_URL cannot stand for it; it "+bare)
		return host
	}
	tenant := r.TenantURL
	if meant := hostOf(tenant); meant != tenant && hostName.MatchString(meant) {
		tenant = meant
		r.correct(&r.TenantURL, "its host alone")
	}
	r.require(hostName.MatchString(tenant), &r.TenantURL, bare)
	return tenant
}

// hostOf is the host of what may be a whole address, "" if that cannot be meant.
func hostOf(address string) string {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	web := err == nil && (u.Scheme == "https" || u.Scheme == "http")
	if !web || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	return u.Hostname()
}
