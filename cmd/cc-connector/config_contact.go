package main

import (
	"net"
	"net/url"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/subjects"
)

// defaultApp is the name of the launch point that CC_APP_ID gives.
const defaultApp = "default"

var (
	appName   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,256}$`)
	appID     = regexp.MustCompile(`^[!#-\[\]-~]{1,256}$`) // it travels in quotes: printable, no quote, no backslash
	bundleID  = regexp.MustCompile(`^[A-Za-z0-9.-]{0,256}$`)
	attribute = regexp.MustCompile(`^[!#$&-~]+$`) // of a CloudEvent: printable, no quote, no percent sign
)

func (r *reader) client() brightpattern.Config {
	base := r.baseURL()
	cfg := brightpattern.Config{
		BaseURL:     base.String(),
		TenantURL:   r.tenant(base),
		Timeout:     r.duration(&r.HTTPTimeout),
		PollTimeout: r.duration(&r.PollTimeout),
		CasePaths: choose(r, &r.CasePaths,
			option[brightpattern.CasePaths]{"chat", brightpattern.CasePathsChat},
			option[brightpattern.CasePaths]{"tenant", brightpattern.CasePathsTenant}),
		Roots:  r.contactRoots(),
		Memory: answersMemory(debug.SetMemoryLimit(-1)),
	}
	r.require(cfg.PollTimeout > serverHold, &r.PollTimeout,
		"must be more than 15s, since the contact center holds a poll about that long")
	return cfg
}

// answersMemory is what the contact center's answers may take: the usual
// budget, and no more than a quarter of a limit set by GOMEMLIMIT.
func answersMemory(limit int64) int64 {
	return max(min(brightpattern.DefaultMemory, limit/4), 1)
}

func (r *reader) apps() []connector.App {
	r.require(r.AppID == "" || r.Apps == "", &r.Apps, "and CC_APP_ID are both given; keep one of them")
	if r.Apps != "" {
		return r.appList()
	}
	r.require(r.AppID != "", &r.AppID, "is missing: the id of the launch point (a Messaging/Chat scenario entry); or give CC_APPS")
	r.require(r.AppID == "" || appID.MatchString(r.AppID), &r.AppID, "must be printable ASCII without spaces and quotes, up to 256 bytes")
	return []connector.App{{Name: defaultApp, ID: brightpattern.AppID(r.AppID)}}
}

func (r *reader) appList() []connector.App {
	var apps []connector.App
	seen := make(map[string]bool)
	for entry := range strings.SplitSeq(r.Apps, ",") {
		name, id, _ := strings.Cut(strings.TrimSpace(entry), ":")
		r.require(appName.MatchString(name) && appID.MatchString(id), &r.Apps,
			"must be written name:appId,name:appId; a name is of letters, digits, dots, - and _")
		r.require(!seen[name], &r.Apps, "gives one name twice; every launch point needs its own")
		seen[name] = true
		apps = append(apps, connector.App{Name: name, ID: brightpattern.AppID(id)})
	}
	return apps
}

func (r *reader) bundleID() string {
	r.require(bundleID.MatchString(r.APNsBundleID), &r.APNsBundleID, "must be a bundle id, like com.example.app")
	return r.APNsBundleID
}

func (r *reader) prefix() subjects.Prefix {
	prefix, err := subjects.ParsePrefix(r.SubjectPrefix)
	r.require(err == nil, &r.SubjectPrefix, "must be one or more tokens of a-z, 0-9 and -, joined by dots")
	return prefix
}

// schemaBaseURL has no final slash: the path of a schema is put behind it.
func (r *reader) schemaBaseURL() string {
	u, err := url.Parse(r.SchemaBaseURL)
	ok := err == nil && u.IsAbs() && u.User == nil && u.RawQuery == "" && u.Fragment == ""
	ok = ok && attribute.MatchString(r.SchemaBaseURL)
	r.require(ok, &r.SchemaBaseURL, "must be a URI without query, like https://schemas.example.com")
	return strings.TrimRight(r.SchemaBaseURL, "/")
}

func (r *reader) httpAddr() string {
	if r.HTTPAddr == "off" {
		return ""
	}
	_, port, err := net.SplitHostPort(r.HTTPAddr)
	number, bad := strconv.ParseUint(port, 10, 16)
	r.require(err == nil && bad == nil && number <= 65535, &r.HTTPAddr, "must be host:port, like 127.0.0.1:8080, or off")
	return r.HTTPAddr
}
