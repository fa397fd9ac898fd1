package brightpattern

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestProbe(t *testing.T) {
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "Mon, 01 Jan 2024 10:00:00 GMT")
		if r.URL.Query().Get("tenantUrl") == "other" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `{"server_version":"5.5"}`)
	}))
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	for tenant, isWell := range map[string]bool{"acme.example": true, "other": false} {
		client, err := New(Config{BaseURL: web.URL, TenantURL: tenant, TLS: &tls.Config{RootCAs: roots}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := client.Probe(t.Context(), Credentials{App: "a", Client: "c"})
		client.Close()
		if (err == nil) != isWell || (p.Version == "5.5") != isWell {
			t.Errorf("%s: %+v, %v", tenant, p, err)
		}
		if !p.Connected || !p.Expires.Equal(web.Certificate().NotAfter) || p.Date.Year() != 2024 || p.Took <= 0 {
			t.Errorf("%s: %+v", tenant, p)
		}
	}
	client, err := New(Config{BaseURL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if p, err := client.Probe(t.Context(), Credentials{App: "a", Client: "c"}); err == nil || p.Connected || !p.Date.IsZero() {
		t.Errorf("without its certificate: %+v, %v", p, err)
	}
}
