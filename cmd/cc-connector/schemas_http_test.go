package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cc-connector/schema"
)

// asked is what a server answers to one request; it is not led away.
func asked(t *testing.T, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func servesOps(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(opsHandler(newReadiness("not yet"), newRegistry()))
	t.Cleanup(server.Close)
	return server.URL
}

func checkHeaders(t *testing.T, what string, h http.Header, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := h.Get(name); got != value {
			t.Errorf("%s: %s is %q, want %q", what, name, got, value)
		}
	}
}

// Every document can be fetched, and need not be fetched again as long as it is the same.
func TestSchemasAreServed(t *testing.T) {
	at := servesOps(t) + "/schemas/"
	for _, d := range schema.Documents() {
		contentType := "application/schema+json"
		if d.Path == "v1/asyncapi.json" {
			contentType = "application/json"
		}
		tag := `"` + d.SHA256 + `"`
		got, body := asked(t, http.MethodGet, at+d.Path)
		if got.StatusCode != http.StatusOK || body != string(d.Content) {
			t.Errorf("%s: %s, %d bytes", d.Path, got.Status, len(body))
		}
		checkHeaders(t, d.Path, got.Header, map[string]string{
			"Content-Type": contentType, "ETag": tag, "Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*",
		})
		if got, body := asked(t, http.MethodGet, at+d.Path, "If-None-Match", tag); got.StatusCode != http.StatusNotModified || body != "" || got.Header.Get("ETag") != tag {
			t.Errorf("%s once more: %s, %d bytes", d.Path, got.Status, len(body))
		}
		if got, body := asked(t, http.MethodHead, at+d.Path); got.StatusCode != http.StatusOK || got.ContentLength != int64(len(d.Content)) || body != "" {
			t.Errorf("HEAD of %s: %s, %d bytes", d.Path, got.Status, got.ContentLength)
		}
	}
}

func TestSchemasAreOnlyRead(t *testing.T) {
	at := servesOps(t) + "/schemas/"
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		got, body := asked(t, method, at+"v1/event.message.json")
		if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" || !strings.Contains(body, "GET") {
			t.Errorf("%s: %s %q", method, got.Status, body)
		}
	}
}

func TestSchemaList(t *testing.T) {
	at := servesOps(t) + "/schemas"
	got, body := asked(t, http.MethodGet, at+"/")
	checkHeaders(t, "the list", got.Header, map[string]string{"Content-Type": "application/json", "Vary": "Accept"})
	var list struct {
		Schemas []struct {
			Name, SHA256 string
			Bytes        int
		}
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Schemas) != len(schema.Documents()) {
		t.Fatalf("%d are listed, %v", len(list.Schemas), err)
	}
	for i, d := range schema.Documents() {
		if one := list.Schemas[i]; one.Name != d.Path || one.SHA256 != d.SHA256 || one.Bytes != len(d.Content) {
			t.Errorf("%s is listed as %+v", d.Path, one)
		}
	}
	if again, _ := asked(t, http.MethodGet, at+"/", "If-None-Match", got.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("once more: %s", again.Status)
	}
	page, body := asked(t, http.MethodGet, at+"/", "Accept", "text/html,*/*;q=0.8")
	checkHeaders(t, "the page", page.Header, map[string]string{"Content-Type": "text/html; charset=utf-8"})
	if !strings.Contains(body, `<a href="v1/event.message.json">`) {
		t.Errorf("the page is %s", body)
	}
	if got, _ := asked(t, http.MethodGet, at); got.StatusCode != http.StatusMovedPermanently || got.Header.Get("Location") != schemasAt {
		t.Errorf("without a slash: %s to %q", got.Status, got.Header.Get("Location"))
	}
}

// What there is not is answered with what there is, whatever was asked for.
func TestUnknownSchemas(t *testing.T) {
	at := servesOps(t) + "/schemas/"
	for _, path := range []string{
		"../x", "%2e%2e/x", "..%2fx", "v1/none.json", "v1", "v1/", "/v1/event.message.json", "v1/event.message.json/", "v1/../v1/event.message.json",
		"V1/event.message.json", "v1/event.message.json%00", "schemas/v1/event.message.json", strings.Repeat("x", 8<<10),
	} {
		got, body := asked(t, http.MethodGet, at+path)
		if got.StatusCode != http.StatusNotFound || !strings.Contains(body, "\nv1/event.message.json\n") || !strings.Contains(body, "/schemas/") || len(body) > 8<<10 {
			t.Errorf("%.40s: %s, %d bytes", path, got.Status, len(body))
		}
		if strings.Contains(body, "none") || strings.Contains(body, "xxx") {
			t.Errorf("%.40s is repeated", path)
		}
		checkHeaders(t, path, got.Header, map[string]string{"Cache-Control": "no-store"})
	}
	checkGet(t, strings.TrimSuffix(at, "/")+"2", http.StatusNotFound, "")
	checkGet(t, strings.TrimSuffix(at, "/schemas/")+"/healthz", http.StatusOK, "alive")
}

// FuzzSchemaPath asks for anything: only a document's own name gets it.
func FuzzSchemaPath(f *testing.F) {
	for _, seed := range []string{"", "v1/event.message.json", "../x", "v1/../v1/event.message.json", "\x00", "v1/event.message.json\n", strings.Repeat("../", 100)} {
		f.Add(seed)
	}
	handler, names := opsHandler(newReadiness("not yet"), newRegistry()), schemaNames()
	f.Fuzz(func(t *testing.T, name string) {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.URL = &url.URL{Path: schemasAt + name}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		want := http.StatusNotFound
		if name == "" || slices.Contains(names, name) {
			want = http.StatusOK
		}
		if answer.Code != want {
			t.Errorf("%q is answered %d", name, answer.Code)
		}
	})
}
