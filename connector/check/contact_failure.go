package check

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/throttle"
)

const seeBaseURL = "see CC_BASE_URL"

// wireError is what the client says of a call; it says that of every one.
func wireError(err error) *brightpattern.Error {
	var wire *brightpattern.Error
	if errors.As(err, &wire) {
		return wire
	}
	return &brightpattern.Error{Reason: brightpattern.ReasonInvalid, Err: err}
}

// isAppsFault tells that the app is refused, and not who calls, or from where.
func isAppsFault(err error) bool {
	switch wireError(err).Code {
	case brightpattern.CodeAuthHeaderBadAppID, brightpattern.CodeEntryNotFound, brightpattern.CodeAuthHeaderMissingAppID:
		return true
	}
	return false
}

// failure says why the contact center does not tell its version.
func (c *contact) failure(p brightpattern.Probe, err error) Finding {
	wire := wireError(err)
	switch wire.Reason {
	case brightpattern.ReasonUnreachable:
		return unreachable(p, wire.Err)
	case brightpattern.ReasonTimeout, brightpattern.ReasonCanceled:
		return c.silence(p)
	case brightpattern.ReasonCut:
		return wrong(contactAnswer, "", seeBaseURL+", and what stands before the contact center", "whoever listens there closes the connection without an answer")
	case brightpattern.ReasonUnreadable:
		return wrong(contactAnswer, "", seeBaseURL+": it may lead to a portal, a login page, or a page of a firewall", "what answers is no contact center: status %d%s", wire.Status, typed(p.Type))
	case brightpattern.ReasonRefused:
		return refused(p, wire)
	}
	return wrong(contactAddress, "", seeBaseURL+" and CC_APP_ID or CC_APPS", "the call cannot be made: %v", wire)
}

func (c *contact) silence(p brightpattern.Probe) Finding {
	if !p.Connected {
		return wrong(contactAddress, "", seeBaseURL+", and that a firewall lets this machine out", "nobody took a connection within %s", c.waited)
	}
	return wrong(contactAnswer, "", "see whether the contact center is well, and what stands before it", "the contact center takes the connection, and did not answer within %s", c.waited)
}

// typed is the kind of an answer, if it is one that can be shown.
func typed(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	if kind = strings.TrimSpace(kind); kind == "" || len(kind) > 60 {
		return ""
	}
	return ", of type " + quoted(kind)
}

// quoted shows what somebody else has said.
func quoted(text string) string { return fmt.Sprintf("%q", text) }

// unreachable says why there is no connection.
func unreachable(p brightpattern.Probe, err error) Finding {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect", p.Proxy != "" && !isTLS(err):
		return wrong(contactProxy, "", "see HTTPS_PROXY, HTTP_PROXY and NO_PROXY", "the proxy %s does not let the call through: %v", p.Proxy, err)
	case errors.As(err, &dns):
		return wrong(contactAddress, "", seeBaseURL+" for typing errors, and this machine's name servers", "the name %s is not known: %s", quoted(dns.Name), dns.Err)
	case isTLS(err):
		return untrusted(err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return wrong(contactAddress, "", seeBaseURL, "nobody listens at the contact center's address: %v", err)
	}
	return wrong(contactAddress, "", seeBaseURL+", and that a firewall lets this machine out", "there is no connection to the contact center: %v", err)
}

func isTLS(err error) bool {
	var verification *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	return errors.As(err, &verification) || errors.As(err, &alert) || errors.As(err, &record) || strings.Contains(err.Error(), "tls: ")
}

// untrusted says what is wrong with TLS.
func untrusted(err error) Finding {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return wrong(contactTLS, "", "see CC_BASE_URL: it must have a name that stands in the certificate", "the contact center's certificate is for another name: %v", name)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return wrong(contactTLS, "", "have it renewed, and see this machine's clock", "the contact center's certificate has expired, or is not good yet: %v", invalid)
	case errors.As(err, &unknown):
		return wrong(contactTLS, "", "name its root certificates in CC_TLS_CA", "nobody that is trusted has signed the contact center's certificate, or a certificate between is not sent")
	case errors.As(err, &record):
		return wrong(contactTLS, "", seeBaseURL+": the port may be that of http", "who listens at the contact center's address speaks no TLS")
	}
	return wrong(contactTLS, "", seeBaseURL+" and CC_TLS_CA", "there is no TLS with the contact center: %v", err)
}

// refused is an answer that says no to asking for the version.
func refused(p brightpattern.Probe, wire *brightpattern.Error) Finding {
	says, remedy, isConfiguration := throttle.Explain(wire)
	switch {
	case wire.IsRedirect():
		return wrong(contactRedirect, "", "see CC_BASE_URL, and what stands before the contact center: redirects are not followed, for they would take the credentials elsewhere", "the contact center redirects to %s", redirectedTo(wire))
	case wire.Code == brightpattern.CodeBadTenantURL:
		return wrong(contactTenant, "", remedy, "the contact center does not know the tenant: %s", says)
	case wire.Code == "" && wire.Status == http.StatusNotFound:
		return wrong(contactVersion, "", seeBaseURL+"; the connector speaks version 2 of the API alone", "there is no version 2 of the API%s", typed(p.Type))
	case isConfiguration:
		return wrong(contactAccess, "", remedy, "the contact center refuses: %s", says)
	case wire.Code.Name() != "":
		return wrong(contactAnswer, "", "see whether the contact center is well", "the contact center says that it does not work: %s (%s)", wire.Code.Name(), wire.Code)
	}
	return wrong(contactAnswer, "", seeBaseURL+", and whether the contact center is well", "who answers says no: HTTP status %d%s", wire.Status, typed(p.Type))
}

func redirectedTo(wire *brightpattern.Error) string {
	if wire.Target == "" {
		return "what is no address"
	}
	return wire.Target
}

// refusal is what became of asking for an app.
func (c *contact) refusal(app connector.App, err error) Finding {
	wire := wireError(err)
	says, remedy, isConfiguration := throttle.Explain(err)
	switch {
	case isConfiguration:
		return wrong(contactApp, app.Name, remedy, "the contact center refuses the app %s: %s", app.Name, says)
	case wire.Reason == brightpattern.ReasonTimeout:
		return wrong(contactApp, app.Name, "see whether the contact center is well", "nothing was answered for the app %s within %s", app.Name, c.waited)
	case wire.Reason == brightpattern.ReasonUnreadable:
		return wrong(contactApp, app.Name, seeBaseURL+", and what stands before the contact center", "what was answered for the app %s cannot be read", app.Name)
	}
	return wrong(contactApp, app.Name, "see whether the contact center is well", "the app %s cannot be asked for: %v", app.Name, wire)
}
