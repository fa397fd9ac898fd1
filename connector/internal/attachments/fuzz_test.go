package attachments

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cc-connector/schema"
)

// Whatever is said of a file's type, readers get one that can be read, and is
// spelt the same when it is said again.
func FuzzContentType(f *testing.F) {
	for _, said := range []string{"", "image/png", "text/plain; charset=UTF-8", "TEXT/html", "a/b; c=\"d\\\"e\"", "a/b; x=ü", "a/b\r\nX: y", strings.Repeat("a", 2000) + "/b", "a/b; c*=utf-8''%e2%82%ac"} {
		f.Add(said)
	}
	f.Fuzz(func(t *testing.T, said string) {
		spelt := contentType(said)
		if _, _, err := mime.ParseMediaType(spelt); err != nil || len(spelt) > schema.MaxString {
			t.Errorf("%q is told as %q: %v", said, spelt, err)
		}
		if strings.ContainsFunc(spelt, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q is told as %q", said, spelt)
		}
		if again := contentType(spelt); again != spelt {
			t.Errorf("%q is told as %q, and that as %q", said, spelt, again)
		}
	})
}

// An id that may be asked for is one segment of a path, for every reader of the path.
func FuzzFileID(f *testing.F) {
	for _, id := range []string{"", "f1", "..", "a/b", "a\\b", "%2e%2e", "a b", "\x00", "ü", "?", "#", ";"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if !canBeAskedFor(id) {
			return
		}
		request, err := http.NewRequest(http.MethodGet, "http://host/files/"+url.PathEscape(id), nil)
		if err != nil {
			t.Fatalf("%q: %v", id, err)
		}
		if got := strings.Split(request.URL.Path, "/"); len(got) != 3 || got[2] != id {
			t.Errorf("%q is asked for by %q", id, request.URL.Path)
		}
	})
}
