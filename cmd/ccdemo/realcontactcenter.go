package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// realContactCenter is one that is not simulated. Its settings are the connector's.
type realContactCenter struct{ baseURL, tenant, app string }

const (
	baseURLVariable = "CC_BASE_URL"
	appVariable     = "CC_APP_ID"
	tenantVariable  = "CC_TENANT_URL"
)

var realVariables = []variable{
	{baseURLVariable, "the contact center's address, https://…"},
	{appVariable, "its launch point"},
	{tenantVariable, "the tenant's host name (default the host of CC_BASE_URL)"},
}

// notTaken are settings of the connector that would change what it does here.
var notTaken = []string{"CC_APPS", "CC_TLS_CA", "CC_ALLOW_HTTP", "CC_CASE_PATHS"}

// apiPath is what the connector itself puts behind the address.
var apiPath = regexp.MustCompile(`(?i)/+clientweb(/+api(/+v2(/.*)?)?)?/*$`)

// useContactCenter takes the real one if the environment names it.
func (set *settings) useContactCenter() error {
	base, app := strings.TrimSpace(os.Getenv(baseURLVariable)), strings.TrimSpace(os.Getenv(appVariable))
	switch {
	case set.against != "" || base == "" && app == "":
		return nil
	case base == "":
		return fmt.Errorf("%s: is missing, %s is set: both, or none", baseURLVariable, appVariable)
	case app == "":
		return fmt.Errorf("%s: is missing, %s is set: both, or none", appVariable, baseURLVariable)
	case set.once:
		return errors.New("-once: plays a simulated agent, and CC_BASE_URL names a real contact center")
	}
	if host, _, err := net.SplitHostPort(set.addr); err != nil || !isLoopback(host) {
		return errors.New("-nats: must be a loopback address, like 127.0.0.1:4222: NATS asks nobody who it is here, and whoever reaches it writes to the customers of a real contact center")
	}
	for _, name := range notTaken {
		if os.Getenv(name) != "" {
			return fmt.Errorf("%s: is not for ccdemo: unset it, or run cc-connector, which takes it", name)
		}
	}
	base = apiPath.ReplaceAllString(base, "")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return fmt.Errorf("%s: must be like https://acme.brightpattern.com; http is for loopback hosts", baseURLVariable)
	}
	tenant := strings.TrimSpace(os.Getenv(tenantVariable))
	if tenant == "" {
		tenant = u.Hostname()
	}
	set.real = &realContactCenter{baseURL: strings.TrimRight(base, "/"), tenant: tenant, app: app}
	return nil
}

func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
