package main

import (
	"strings"
	"testing"
)

// What can be meant by one thing only is taken for it, and told.
func TestAddressAsPasted(t *testing.T) {
	for given, c := range map[string]struct {
		want string
		told bool
	}{
		"https://acme.example":                                            {"https://acme.example", false},
		"https://acme.example/":                                           {"https://acme.example", false},
		"  https://acme.example \t":                                       {"https://acme.example", false},
		"HTTPS://Acme.Example":                                            {"https://acme.example", false},
		"https://acme.example:443":                                        {"https://acme.example", false},
		"https://acme.example:":                                           {"https://acme.example", false},
		"https://acme.example:8443/":                                      {"https://acme.example:8443", false},
		"http://127.0.0.1:80":                                             {"http://127.0.0.1", false},
		"https://acme.example/clientweb":                                  {"https://acme.example", true},
		"https://acme.example/clientweb/":                                 {"https://acme.example", true},
		"https://acme.example/clientweb/api":                              {"https://acme.example", true},
		"https://acme.example/clientweb/api/v2":                           {"https://acme.example", true},
		"https://acme.example/clientweb/api/v2/":                          {"https://acme.example", true},
		"https://acme.example/clientweb/api/v2/chats":                     {"https://acme.example", true},
		"https://acme.example/ClientWeb//api/v2/chats/active":             {"https://acme.example", true},
		"https://proxy.example/bp":                                        {"https://proxy.example/bp", false},
		"https://proxy.example/bp/":                                       {"https://proxy.example/bp", false},
		"https://proxy.example/bp/clientweb/api/v2/chats/1/events":        {"https://proxy.example/bp", true},
		"https://proxy.example/api/bp":                                    {"https://proxy.example/api/bp", false},
		"https://acme.example/my%20proxy/clientweb/api/v2":                {"https://acme.example/my%20proxy", true},
		" https://ACME.example:443/clientweb/api/v2/availability/ \r\n\t": {"https://acme.example", true},
	} {
		setEnv(t, with(map[string]string{"CC_BASE_URL": given}))
		cfg, err := readConfig()
		if err != nil {
			t.Errorf("%q: %v", given, err)
			continue
		}
		if cfg.client.BaseURL != c.want || cfg.connector.BaseURL != c.want {
			t.Errorf("%q is taken for %s, want %s", given, cfg.client.BaseURL, c.want)
		}
		if told := len(cfg.corrections) == 1 && cfg.corrections[0].variable == "CC_BASE_URL"; told != c.told {
			t.Errorf("%q: told %v", given, cfg.corrections)
		}
	}
}

func TestTenantAsPasted(t *testing.T) {
	for given, told := range map[string]bool{
		"tenant.example": false, " tenant.example\n": false, "https://tenant.example": true, "https://tenant.example:443/clientweb/": true,
		"tenant.example/": true, "tenant.example:443": true,
	} {
		setEnv(t, with(map[string]string{"CC_TENANT_URL": given}))
		cfg, err := readConfig()
		if err != nil || cfg.client.TenantURL != "tenant.example" || (len(cfg.corrections) == 1) != told {
			t.Errorf("%q: got %q, %v, %v", given, cfg.client.TenantURL, cfg.corrections, err)
		}
	}
}

func TestAppsAsPasted(t *testing.T) {
	setEnv(t, with(map[string]string{"CC_APP_ID": "", "CC_APPS": " sales:1, support:2 ,\tother:3\n"}))
	cfg, err := readConfig()
	if err != nil || len(cfg.connector.Apps) != 3 || cfg.connector.Apps[2].Name != "other" {
		t.Errorf("got %v, %v", cfg.connector.Apps, err)
	}
	setEnv(t, with(map[string]string{"CC_APP_ID": " app-1 \n"}))
	if cfg, err = readConfig(); err != nil || cfg.connector.Apps[0].ID != "app-1" {
		t.Errorf("got %v, %v", cfg.connector.Apps, err)
	}
}

// Each refusal says what to do, and repeats nothing.
func TestWhatIsWrongWithAnAddress(t *testing.T) {
	for given, part := range map[string]string{
		"https://2001:db8::1/":                                 "brackets",
		"https://acme.example:99999":                           "1 to 65535",
		"https://acme.example/clientweb/api/v2?tenantUrl=acme": "CC_TENANT_URL",
		"https://acme.example/clientweb/api/v1":                "/clientweb/api/v2",
		"acme.example":                                         "write it like https://",
		"https://https://acme.example/clientweb/api/v2":        "more than one address",
	} {
		setEnv(t, with(map[string]string{"CC_BASE_URL": given, "CC_TENANT_URL": "tenant.example"}))
		_, err := readConfig()
		if err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), given) {
			t.Errorf("%q: %v", given, err)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"https://acme.example/clientweb/api/v2/", "http://[::1]:80", "https://a/b?c#d", "://", "%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		r := readerOf(&settings{BaseURL: given, TenantURL: given, AllowHTTP: "true"})
		base := r.baseURL()
		r.tenant(base)
		if r.err() != nil {
			return
		}
		again := readerOf(&settings{BaseURL: base.String(), AllowHTTP: "true"})
		if got := again.baseURL(); again.err() != nil || got.String() != base.String() {
			t.Errorf("%q is taken for %q, and that for %q, %v", given, base, got, again.err())
		}
	})
}
