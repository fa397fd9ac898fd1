package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tracingConfig says where traces go. The rest is the SDK's to read.
type tracingConfig struct {
	*tracingSettings
	on      bool
	grpc    bool
	most    int      // spans that wait to be sent
	secrets []string // that may stand in what the SDK says
}

const defaultSpanQueue = 2048

// tracing reads what there is only if traces are to be made: others' settings are left alone.
func (r *reader) tracing() tracingConfig {
	s := r.traced
	r.checkTracing(&s.Disabled, &s.Exporter)
	endpoint := cmp.Or(s.TracesEndpoint, s.Endpoint)
	switch {
	case strings.EqualFold(s.Disabled, "true"), s.Exporter == "none":
		return tracingConfig{}
	case endpoint == "" && s.Exporter != "":
		r.correct(&s.Exporter, "nothing: OTEL_EXPORTER_OTLP_ENDPOINT gives no endpoint, and no traces are made")
		return tracingConfig{}
	case endpoint == "":
		return tracingConfig{}
	}
	r.checkQuotesOf(s.variables())
	r.checkTracing()
	r.checkRatio()
	r.checkPair(&s.ClientCert, &s.ClientKey)
	r.checkPair(&s.TracesClientCert, &s.TracesClientKey)
	return tracingConfig{
		tracingSettings: s, on: true, grpc: cmp.Or(s.TracesProtocol, s.Protocol) == "grpc",
		most: numberOr(s.Queue, defaultSpanQueue), secrets: s.secrets(),
	}
}

// checkTracing checks those settings that are given, of these or of all.
func (r *reader) checkTracing(only ...*string) {
	for _, v := range r.traced.variables() {
		if *v.value == "" || len(only) > 0 && !slices.Contains(only, v.value) {
			continue
		}
		kind := tracingKinds[v.kind]
		r.require(kind.isGood(*v.value), v.value, kind.what)
	}
}

// checkRatio: what the argument means, the sampler says.
func (r *reader) checkRatio() {
	s := r.traced
	if s.SamplerArg == "" || !strings.HasSuffix(strings.ToLower(s.Sampler), "traceidratio") {
		return
	}
	ratio, err := strconv.ParseFloat(s.SamplerArg, 64)
	r.require(err == nil && 0 <= ratio && ratio <= 1, &s.SamplerArg, "must be a number from 0 to 1")
}

func (r *reader) checkPair(cert, key *string) {
	if *cert == "" && *key == "" {
		return
	}
	r.require(*key != "", cert, "is given without its key; give both or none")
	r.require(*cert != "", key, "is given without its certificate; give both or none")
	if _, err := tls.LoadX509KeyPair(*cert, *key); err != nil && *cert != "" && *key != "" {
		r.bad(key, "names a file that is not the key of the certificate")
	}
}

// kind is how values of one kind are checked, and what is wrong with one that is not good.
type kind struct {
	isGood func(string) bool
	what   string
}

var tracingKinds = map[string]kind{
	"text":         {func(string) bool { return true }, ""},
	"flag":         {oneOf("true", "false"), "must be true or false"},
	"exporter":     {exactly("otlp", "none"), "must be otlp or none"},
	"protocol":     {exactly("http/protobuf", "http/json", "grpc"), "must be http/protobuf, http/json or grpc"},
	"compression":  {exactly("gzip", "none"), "must be gzip or none"},
	"url":          {isEndpoint, "must be a URL like http://collector:4318, without user and query"},
	"headers":      {arePairs(isHeader), "must be written name=value,name=value; a value is percent-encoded"},
	"pairs":        {arePairs(isResource), "must be written name=value,name=value; a value is percent-encoded"},
	"count":        {func(s string) bool { return numberOr(s, 0) > 0 }, "must be a whole number above 0"},
	"limit":        {func(s string) bool { return numberOr(s, -1) >= 0 }, "must be a whole number, 0 or more"},
	"certificates": {hasCertificates, "must name a file with certificates (PEM)"},
	"file":         {isReadable, "must name a file that can be read"},
	"sampler": {oneOf("always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"),
		"must be always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio"},
}

func exactly(values ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(values, s) }
}

// oneOf is for what the SDK reads in upper case, too.
func oneOf(values ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(values, strings.ToLower(s)) }
}

// numberOr is what a text says that is a whole number.
func numberOr(text string, otherwise int) int {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return int(n)
	}
	return otherwise
}

func isEndpoint(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

func isHeader(name, value string) bool {
	return headerName.MatchString(name) && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func isResource(name, _ string) bool { return name != "" }

func arePairs(isGood func(name, value string) bool) func(string) bool {
	return func(s string) bool {
		for pair := range strings.SplitSeq(s, ",") {
			name, value, found := strings.Cut(pair, "=")
			value, err := url.PathUnescape(value)
			if !found || err != nil || !isGood(strings.TrimSpace(name), value) {
				return false
			}
		}
		return true
	}
}

func isReadable(path string) bool {
	_, err := os.ReadFile(path)
	return err == nil
}

func hasCertificates(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && x509.NewCertPool().AppendCertsFromPEM(text)
}

const shortestSecret = 4 // what is shorter stands in any text

// secrets are the values of headers, and the endpoints' paths: some services have their tokens there.
func (s *tracingSettings) secrets() (all []string) {
	for _, headers := range []string{s.Headers, s.TracesHeaders} {
		for pair := range strings.SplitSeq(headers, ",") {
			_, value, _ := strings.Cut(pair, "=")
			decoded, _ := url.PathUnescape(value)
			all = append(append(all, value, decoded), strings.Fields(decoded)...)
		}
	}
	for _, endpoint := range []string{s.Endpoint, s.TracesEndpoint} {
		if u, err := url.Parse(endpoint); err == nil {
			all = append(all, u.Path, u.EscapedPath())
		}
	}
	all = slices.DeleteFunc(all, func(text string) bool { return len(text) < shortestSecret })
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) }) // the longest first: one may be part of another
	return slices.Compact(all)
}
