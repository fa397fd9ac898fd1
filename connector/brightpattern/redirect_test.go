package brightpattern

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// None is followed, wherever it leads, and the error names where that is.
func TestRedirects(t *testing.T) {
	var followed atomic.Int64
	elsewhere := start(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	var status int
	var location string
	var base string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed.Add(1)
		}
		base = "http://" + r.Host
		if location != "" {
			w.Header()["Location"] = []string{location}
		}
		w.WriteHeader(status)
	})
	for from, want := range map[string]string{
		elsewhere.URL + "/login?token=s3cr3t#s3cr3t":   elsewhere.URL,
		"https://user:s3cr3t@other.example/":           "https://other.example",
		"//other.example/s3cr3t":                       "http://other.example",
		"/elsewhere":                                   "itself",
		"elsewhere?s3cr3t":                             "itself",
		"https://[::1]:8443/x":                         "https://[::1]:8443",
		"":                                             "",
		"javascript:alert('s3cr3t')":                   "",
		"https://s3cr3t%20x.example/":                  "",
		"https://münchen.example/":                     "",
		"https://" + strings.Repeat("s3cr3t", 100):     "",
		"http://" + string(caller.Client) + ".example": "http://….example",
	} {
		for _, status = range []int{300, 301, 302, 303, 307, 308} {
			location = from
			if want == "itself" {
				_, _ = client.Version(overall(t), caller)
				want = base
			}
			_, polled := client.Poll(overall(t), caller, theChat)
			_, posted := client.Send(overall(t), caller, theChat, Typing{})
			for _, err := range []error{polled, posted} {
				e := expect(t, err, ReasonRefused, EffectNone)
				if e.Status != status || e.Target != want || !e.IsRedirect() || e.IsMoved() != (status == 301 || status == 308) || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("%d to %q: the target is %q, want %q: %v", status, from, e.Target, want, err)
				}
			}
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
	status, location = 304, "https://other.example"
	_, err := client.History(overall(t), caller, theChat)
	if e := expect(t, err, ReasonRefused, EffectNone); e.IsRedirect() {
		t.Errorf("a 304 is taken for a redirect: %v", err)
	}
}

// FuzzRedirectTarget shows scheme and host of what a proxy says, and nothing else.
func FuzzRedirectTarget(f *testing.F) {
	for _, seed := range []string{"https://a.example/x?y#z", "//a", "/a", "https://u:p@a", "https://[::1%25en0]:1", "http:\\\\a", "https://a\r\nb", "", "%"} {
		f.Add(302, seed)
	}
	f.Fuzz(func(t *testing.T, status int, location string) {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.example/x", nil)
		target := redirectTarget(&http.Response{StatusCode: status, Request: request, Header: http.Header{"Location": {location}}})
		_, host, _ := strings.Cut(target, "://")
		if target != "" && !isHost(host) || status/100 != 3 && target != "" || len(target) > maxTarget+len("https://") {
			t.Errorf("%d to %q: %q", status, location, target)
		}
	})
}
