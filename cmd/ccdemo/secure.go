package main

import (
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// How the connection itself is made is told by the connector's own variables.
const (
	caVariable    = "CC_NATS_TLS_CA"
	certVariable  = "CC_NATS_TLS_CERT"
	keyVariable   = "CC_NATS_TLS_KEY"
	firstVariable = "CC_NATS_TLS_FIRST"
)

var secureVariables = []variable{
	{caVariable, "file with the root certificates of NATS, as for the connector"},
	{certVariable, "file with the client certificate"},
	{keyVariable, "file with its key"},
	{firstVariable, "make TLS before the server's greeting (default false)"},
}

// secureOptions are those of TLS, or an error that names the bad variable.
func secureOptions() (options []nats.Option, err error) {
	ca, cert, key := os.Getenv(caVariable), os.Getenv(certVariable), os.Getenv(keyVariable)
	if ca != "" {
		if options, err = withOption(options, caVariable, nats.RootCAs(ca)); err != nil {
			return nil, err
		}
	}
	switch {
	case cert == "" && key != "":
		return nil, fmt.Errorf("%s: is missing, %s needs its certificate", certVariable, keyVariable)
	case cert != "" && key == "":
		return nil, fmt.Errorf("%s: is missing, %s needs its key", keyVariable, certVariable)
	case cert != "":
		if options, err = withOption(options, certVariable, nats.ClientCert(cert, key)); err != nil {
			return nil, err
		}
	}
	text := os.Getenv(firstVariable)
	if text == "" {
		return options, nil
	}
	first, err := strconv.ParseBool(text)
	if err != nil {
		return nil, fmt.Errorf("%s: must be true or false", firstVariable)
	}
	if first {
		options = append(options, nats.TLSHandshakeFirst())
	}
	return options, nil
}

// withOption adds an option that names files, if they can be used.
func withOption(options []nats.Option, variable string, option nats.Option) ([]nats.Option, error) {
	if err := option(new(nats.Options)); err != nil {
		return nil, fmt.Errorf("%s: names a file that does not exist, or that holds no PEM certificate or not its key", variable)
	}
	return append(options, option), nil
}

// shown are addresses without users, passwords and tokens.
func shown(addresses string) string {
	var all []string
	for address := range strings.SplitSeq(addresses, ",") {
		if address = strings.TrimSpace(address); !strings.Contains(address, "://") {
			address = "nats://" + address
		}
		u, err := url.Parse(address)
		if err != nil {
			u = &url.URL{Scheme: "nats", Host: "unreadable"}
		}
		all = append(all, (&url.URL{Scheme: u.Scheme, Host: u.Host}).String())
	}
	return strings.Join(all, ", ")
}
