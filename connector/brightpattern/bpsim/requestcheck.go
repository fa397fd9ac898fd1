package bpsim

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const (
	authName     = "MOBILE-API-140-327-PLAIN"
	maxJSON      = 8 << 20
	maxDrained   = 64 << 20
	maxUpload    = 25 << 20
	maxMultipart = maxUpload + 64<<10 // the part's headers and the boundaries
)

var bareHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// check refuses what every request must have, and reads who calls.
func (s *Server) check(c *call, r *http.Request) *refusal {
	if refused := s.checkTenant(r); refused != nil {
		return refused
	}
	if refused := c.readAuth(r.Header.Get("Authorization")); refused != nil {
		return refused
	}
	if len(s.opt.Apps) > 0 && !slices.Contains(s.opt.Apps, c.app) {
		return unknownApp
	}
	if wrong := headerBreach(r, c.route); wrong != "" {
		return badRequest(wrong)
	}
	return nil
}

func (s *Server) checkTenant(r *http.Request) *refusal {
	tenants := r.URL.Query()["tenantUrl"]
	if len(tenants) != 1 || !bareHost.MatchString(tenants[0]) {
		return badTenant
	}
	if s.opt.Tenant != "" && tenants[0] != s.opt.Tenant {
		return badTenant
	}
	return nil
}

func headerBreach(r *http.Request, rt *route) string {
	switch {
	case r.Header.Get("User-Agent") != "MobileClient":
		return "the User-Agent header must be MobileClient"
	case r.Header.Get("Cache-Control") != "no-cache":
		return "the Cache-Control header must be no-cache"
	case rt.method == PollEvents && r.URL.Query().Get("timestamp") == "":
		return "polls need a query parameter timestamp that changes, against caches"
	case rt.body == bodyJSON && !isJSONType(r.Header.Get("Content-Type")):
		return "the Content-Type header must be " + jsonType
	case rt.body == bodyFile && !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data;"):
		return errNotMultipart.Error()
	}
	return ""
}

func isJSONType(header string) bool {
	kind, params, err := mime.ParseMediaType(header)
	return err == nil && kind == "application/json" && strings.EqualFold(params["charset"], "utf-8")
}

// readAuth takes quoted values, as in the references, and bare ones, as the
// SDKs send them.
func (c *call) readAuth(header string) *refusal {
	if header == "" {
		return noAuth
	}
	scheme, rest, _ := strings.Cut(header, " ")
	if scheme != authName {
		return authScheme
	}
	values, ok := authValues(rest)
	if !ok {
		return authFormat
	}
	c.app, c.client = values["appId"], values["clientId"]
	switch {
	case c.app == "":
		return noAppID
	case c.client == "":
		return noClientID
	case c.client == "WebChat":
		return webChatClient
	}
	return nil
}

func authValues(text string) (map[string]string, bool) {
	values := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(part), "=")
		value, clean := unquote(value)
		_, twice := values[key]
		if !found || !clean || twice || key != "appId" && key != "clientId" {
			return nil, false
		}
		values[key] = value
	}
	return values, true
}

// unquote: a quote must have its counterpart, and none stands within.
func unquote(value string) (string, bool) {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
		return value, !strings.Contains(value, `"`)
	}
	return value, !strings.ContainsAny(value, "\" \t")
}

// readBody reads the body to its end, also of a request that will be refused:
// only then does net/http notice that a client leaves. It holds no more of it
// than the method may have.
func readBody(r *http.Request, limit int64) (body []byte, whole bool, err error) {
	body, err = readAll(io.LimitReader(r.Body, limit+1), min(r.ContentLength, limit))
	if err != nil {
		return nil, false, err
	}
	if int64(len(body)) <= limit {
		return body, true, nil
	}
	// Read on for a while: a client that is cut off while it writes does not
	// read the answer.
	_, err = io.Copy(io.Discard, io.LimitReader(r.Body, maxDrained))
	return nil, false, err
}

// readAll is for bodies of a size that is probably known.
func readAll(r io.Reader, size int64) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, max(size, 0)+bytes.MinRead))
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}
