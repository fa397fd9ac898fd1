package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/http"
	"strings"
	"time"

	"cc-connector/schema"
)

// # The documents by HTTP
//
// Each lies at /schemas/<name>, so that a CloudEvent's dataschema is its address
// where CC_SCHEMA_BASE_URL says at which address /schemas can be reached. What is
// served are the bytes that the program holds, wherever it runs: they have the
// same hash here, by NATS and as printed. So $id does not follow
// CC_SCHEMA_BASE_URL: it names the document and says nothing of where it lies.
// Nor does anything in a document refer to another one.

const schemasAt = "/schemas/"

// A document stays what it is while this program runs, but is another one in the
// next version, and while that is rolled out both answer.
const schemasCaching = "public, max-age=300"

// withSchemas answers what is under /schemas before a ServeMux could clean the
// path: that would lead /schemas/../x away to where nobody says what there is.
func withSchemas(others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path+"/" == schemasAt:
			http.Redirect(w, r, schemasAt, http.StatusMovedPermanently)
		case strings.HasPrefix(path, schemasAt):
			serveSchema(w, r, strings.TrimPrefix(path, schemasAt))
		default:
			others.ServeHTTP(w, r)
		}
	})
}

func serveSchema(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*") // any page may read them: they tell nothing of this contact center
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "documents can only be read: by GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	if name == "" {
		serveSchemaList(w, r)
		return
	}
	d, known := schema.FindDocument(name)
	if !known {
		refuseSchema(w)
		return
	}
	serveBytes(w, r, schemaType(d.Path), d.SHA256, d.Content)
}

func schemaType(path string) string {
	if strings.HasSuffix(path, "/asyncapi.json") {
		return "application/json"
	}
	return "application/schema+json"
}

// serveBytes also answers conditional requests, and those for a part.
func serveBytes(w http.ResponseWriter, r *http.Request, contentType, hash string, content []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", schemasCaching)
	w.Header().Set("ETag", `"`+hash+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// refuseSchema says what there is, and does not repeat what was asked for.
func refuseSchema(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store") // another version may have it
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("there is no such document; under " + schemasAt + ", where they are listed, there are\n\n" + strings.Join(schemaNames(), "\n") + "\n"))
}

func schemaNames() (names []string) {
	for _, d := range schema.Documents() {
		names = append(names, d.Path)
	}
	return names
}

// serveSchemaList has the form of the result of the command service.schemas, or
// is a page for whoever looks with a browser.
func serveSchemaList(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	contentType, write := "application/json", schemaListJSON
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		contentType, write = "text/html; charset=utf-8", schemaListPage
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		http.Error(w, "the list cannot be written", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(b.Bytes())
	serveBytes(w, r, contentType, hex.EncodeToString(sum[:]), b.Bytes())
}

func schemaListJSON(b *bytes.Buffer) error {
	var list schema.ServiceSchemasResult
	for _, d := range schema.Documents() {
		list.Schemas = append(list.Schemas, d.Info())
	}
	text, err := schema.JSON(list)
	b.Write(text)
	return err
}

func schemaListPage(b *bytes.Buffer) error { return schemaPage.Execute(b, schema.Documents()) }

var schemaPage = template.Must(template.New("schemas").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>cc-connector: schemas</title>
<h1>What travels between cc-connector and other programs</h1>
<p>A JSON Schema for each payload, and the AsyncAPI document. A CloudEvent's <code>dataschema</code> ends with the name of its schema.</p>
<ul>
{{range .}}<li><a href="{{.Path}}">{{.Path}}</a></li>
{{end}}</ul>
</html>
`))
