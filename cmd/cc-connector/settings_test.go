package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// setEnv leaves exactly these settings in the environment.
func setEnv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "CC_") || strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, value) // puts it back in the end
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
}

// with returns settings that are good but for the given ones.
func with(env map[string]string) map[string]string {
	all := map[string]string{"CC_BASE_URL": "https://acme.brightpattern.com", "CC_APP_ID": "app-1"}
	maps.Copy(all, env)
	return all
}

// documented are the variables in the order in which users read of them, with their defaults.
var documented = [][2]string{
	{"CC_NATS_URL", "nats://127.0.0.1:4222"},
	{"CC_NATS_CREDS", ""},
	{"CC_NATS_NKEY_SEED_FILE", ""},
	{"CC_NATS_USER", ""},
	{"CC_NATS_PASSWORD_FILE", ""},
	{"CC_NATS_TOKEN_FILE", ""},
	{"CC_NATS_TLS_CA", ""},
	{"CC_NATS_TLS_CERT", ""},
	{"CC_NATS_TLS_KEY", ""},
	{"CC_NATS_TLS_FIRST", "false"},
	{"CC_NATS_INBOX_PREFIX", "_INBOX"},
	{"CC_NATS_JS_DOMAIN", ""},
	{"CC_NATS_CONTEXT", ""},
	{"CC_SUBJECT_PREFIX", "cc"},
	{"CC_BASE_URL", ""},
	{"CC_ALLOW_HTTP", "false"},
	{"CC_TENANT_URL", ""},
	{"CC_APP_ID", ""},
	{"CC_APPS", ""},
	{"CC_APNS_BUNDLE_ID", ""},
	{"CC_TLS_CA", ""},
	{"CC_CASE_PATHS", "chat"},
	{"CC_CLOUDEVENTS_MODE", "structured"},
	{"CC_RESULTS_REQUEST", "true"},
	{"CC_SCHEMA_BASE_URL", "cc-connector:/schemas"},
	{"CC_HTTP_ADDR", "127.0.0.1:8080"},
	{"CC_PPROF", "false"},
	{"CC_CONSOLE", "false"},
	{"CC_CONSOLE_TOKEN_FILE", ""},
	{"CC_HTTP_TIMEOUT", "15s"},
	{"CC_POLL_TIMEOUT", "30s"},
	{"CC_MAX_CHATS", "20000"},
	{"CC_MAX_CALLS", "256"},
	{"CC_IDEMPOTENCY_WINDOW", "24h"},
	{"CC_COMMAND_MAX_AGE", "1h"},
	{"CC_EVENTS_MAX_AGE", "168h"},
	{"CC_EVENTS_MAX_BYTES", ""},
	{"CC_FILES_MAX_AGE", "168h"},
	{"CC_FILES_MAX_BYTES", ""},
	{"CC_FILE_MAX_BYTES", "25MiB"},
	{"CC_FILE_TIMEOUT", "15s"},
	{"CC_STREAM_REPLICAS", "1"},
	{"CC_STREAM_MAX_BYTES", ""},
	{"CC_DEADLETTER_MAX_AGE", "720h"},
	{"CC_PROVISION", "true"},
	{"CC_FAILOVER_AFTER", "10s"},
	{"CC_DRAIN_TIMEOUT", "20s"},
	{"CC_CANARY_INTERVAL", "off"},
	{"CC_LOG_LEVEL", "info"},
	{"CC_LOG_FORMAT", "json"},
}

func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	var got [][2]string
	for _, v := range new(settings).variables() {
		got = append(got, [2]string{v.name, v.fallback})
		if v.doc == "" {
			t.Errorf("%s has no doc", v.name)
		}
	}
	if !slices.Equal(got, documented) {
		t.Errorf("got  %v\nwant %v", got, documented)
	}
}

func TestEmptyVariableCountsAsAbsent(t *testing.T) {
	setEnv(t, with(map[string]string{"CC_LOG_LEVEL": "", "CC_HTTP_TIMEOUT": ""}))
	s, err := readSettings()
	if err != nil {
		t.Fatal(err)
	}
	if s.LogLevel != "info" || s.HTTPTimeout != "15s" {
		t.Errorf("got level %q, timeout %q", s.LogLevel, s.HTTPTimeout)
	}
}

func TestUnknownVariables(t *testing.T) {
	setEnv(t, with(map[string]string{"CC_HTTP_TIMOUT": "1s", "CC_A_SERVICE_HOST": "10.0.0.1", "CCX": "1"}))
	want := []string{"CC_A_SERVICE_HOST", "CC_HTTP_TIMOUT"}
	if got := unknownVariables(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
