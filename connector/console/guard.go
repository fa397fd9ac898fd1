package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

var headers = map[string]string{
	"Content-Security-Policy":    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
	"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	"X-Content-Type-Options": "nosniff",
	"Referrer-Policy":        "no-referrer",
	"Cache-Control":          "no-store",
}

// checkHost refuses a name that somebody else may have had resolved to loopback.
// Where there is a token, a page of another name has no cookie.
func (c *Console) checkHost(r *http.Request) bool {
	if !c.cfg.Loopback || c.cfg.Token != nil {
		return true
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// fromOtherSite tells what a page of another site has the browser ask for. The
// browser's own word counts more than the names: a proxy may have changed the Host.
func fromOtherSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return false
	case "", "none":
		origin := r.Header.Get("Origin")
		return origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host
	}
	return true
}

func otherSite(r *http.Request) string {
	return fmt.Sprintf("it comes from another site: its Origin is %q, its Host %q; a proxy in between has to hand the Host on", r.Header.Get("Origin"), r.Host)
}

// mayChange tells a request that only the page itself can have made.
func mayChange(r *http.Request) (why string, ok bool) {
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case r.Header.Get("X-Console") != "1":
		return "the header X-Console: 1 is missing", false
	case site != "" && site != "same-origin":
		return "it comes from another site", false
	case r.Method == http.MethodPost && !isType(r, "application/json") && !isType(r, "multipart/form-data"):
		return "its Content-Type must be application/json", false
	}
	return "", true
}

func isType(r *http.Request, want string) bool {
	got, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(got), want)
}

// # The cookie
//
// It says until when it is good, under a seal that only who knows the token can
// make: every replica with that token takes it, and none has to keep anything.

const (
	cookieName = "cc_console"
	cookieAge  = 12 * time.Hour
)

func seal(token, until string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("cc-connector console until " + until))
	return until + "." + hex.EncodeToString(mac.Sum(nil))
}

func (c *Console) signedIn(r *http.Request) bool {
	if c.cfg.Token == nil {
		return true
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	until, _, _ := strings.Cut(cookie.Value, ".")
	end, err := strconv.ParseInt(until, 10, 64)
	good := subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(seal(c.token.lately(), until))) == 1
	return good && err == nil && time.Now().Unix() < end
}

const loginMost = 4 << 10

// serveLogin takes the token in a body: addresses are logged and kept by many.
func (c *Console) serveLogin(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, loginMost)).Decode(&body); err != nil {
		refuse(w, http.StatusBadRequest, `the body must be {"token":"…"}`)
		return
	}
	giveBack, ok := c.tries.take(r.RemoteAddr, time.Now())
	if !ok {
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusTooManyRequests, "too many tries: wait some seconds")
		return
	}
	wanted := c.token.now()
	given, want := sha256.Sum256([]byte(body.Token)), sha256.Sum256([]byte(wanted))
	if wanted != "" && subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		refuse(w, http.StatusForbidden, "this is not the token")
		return
	}
	giveBack()
	until := strconv.FormatInt(time.Now().Add(cookieAge).Unix(), 10)
	setCookie(w, r, seal(wanted, until), int(cookieAge.Seconds()))
}

func signOut(w http.ResponseWriter, r *http.Request) { setCookie(w, r, "", -1) }

func setCookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/console", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers with words.
func refuse(w http.ResponseWriter, status int, why string) {
	answer(w, status, map[string]string{"error": why})
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
