package brightpattern

import (
	"net/http"
	"strings"
)

// # Redirects
//
// The API has none, so one comes from something before it: a base URL that has
// moved, a portal that wants a login. None is followed, not even to the same
// host: that would take the credentials elsewhere, and make a GET of a POST. The
// error names where it leads, which is what an operator has to know.

const maxTarget = 260 // bytes of scheme and host

// redirectTarget is the scheme and host that an answer redirects to; "" if it
// does not, or names none that can be shown.
func redirectTarget(response *http.Response) string {
	if response.StatusCode/100 != 3 {
		return ""
	}
	location, err := response.Location()
	if err != nil || location.Scheme != "http" && location.Scheme != "https" || !isHost(location.Host) {
		return ""
	}
	return location.Scheme + "://" + location.Host
}

func isHost(s string) bool {
	return s != "" && len(s) <= maxTarget && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") == ""
}

// IsRedirect tells an answer that sends the caller elsewhere.
func (e *Error) IsRedirect() bool {
	return e.Reason == ReasonRefused && e.Code == "" && e.Status/100 == 3 && e.Status != http.StatusNotModified
}

// IsMoved tells a redirect that speaks of the address, whatever the call: others
// may be an answer to what one call says.
func (e *Error) IsMoved() bool {
	return e.IsRedirect() && (e.Status == http.StatusMovedPermanently || e.Status == http.StatusPermanentRedirect)
}
