package console

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed page
var embedded embed.FS

var pageFiles = func() fs.FS {
	sub, _ := fs.Sub(embedded, "page") // it is embedded
	return sub
}()

var files = http.FileServerFS(pageFiles)

// servePage serves the page's own files, which tell nothing of anybody.
func servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "the page can only be read")
		return
	}
	name := strings.TrimPrefix(r.URL.Path, At)
	if _, err := fs.Stat(pageFiles, orIndex(name)); err != nil {
		refuse(w, http.StatusNotFound, "the page has no such file")
		return
	}
	http.StripPrefix(strings.TrimSuffix(At, "/"), files).ServeHTTP(w, r)
}

func orIndex(name string) string {
	if name == "" {
		return "index.html"
	}
	return name
}
