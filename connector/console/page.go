package console

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed page
var embedded embed.FS

var files = http.FileServerFS(func() fs.FS {
	page, _ := fs.Sub(embedded, "page") // it is embedded
	return page
}())

// servePage serves the page's own files, which tell nothing of anybody.
func servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "the page can only be read")
		return
	}
	http.StripPrefix(At[:len(At)-1], files).ServeHTTP(w, r)
}
