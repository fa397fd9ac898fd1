package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

const planted = "pl4nted-s3cret"

// badSetting is what must be refused: the message names the variables, in order.
type badSetting struct {
	why   string
	env   map[string]string
	names []string
}

// one is a bad value of one variable.
func one(name, value string) badSetting {
	return badSetting{name + "=" + value, map[string]string{name: value}, []string{name}}
}

func badSingles() []badSetting {
	return []badSetting{
		one("CC_NATS_URL", "http://127.0.0.1:4222"),
		one("CC_NATS_URL", "nats://a:4222,"),
		one("CC_NATS_URL", "nats://user:"+planted+"@host:port"),
		one("CC_NATS_URL", "nats://user:%"+planted+"@host:4222"),
		one("CC_NATS_URL", "nats://:4222"),
		one("CC_NATS_URL", "nats://a:4222,ws://b:8080"),
		one("CC_NATS_URL", "nats://a:0"),
		one("CC_NATS_URL", "nats://2001:db8::1:4222"),
		one("CC_NATS_TLS_FIRST", "first"),
		one("CC_NATS_JS_DOMAIN", "$JS.hub.API"),
		one("CC_NATS_JS_DOMAIN", "a.b"),
		one("CC_NATS_INBOX_PREFIX", "_INBOX."),
		one("CC_NATS_INBOX_PREFIX", "_INBOX.*"),
		one("CC_NATS_INBOX_PREFIX", "_INBOX_>"),
		one("CC_NATS_INBOX_PREFIX", "$JS"),
		one("CC_NATS_INBOX_PREFIX", "my inbox"),
		one("CC_NATS_INBOX_PREFIX", "cc"),
		one("CC_NATS_INBOX_PREFIX", "cc.inbox"),
		one("CC_SUBJECT_PREFIX", "cc."),
		one("CC_SUBJECT_PREFIX", "CC"),
		one("CC_SUBJECT_PREFIX", "a.*"),
		one("CC_BASE_URL", ""),
		one("CC_BASE_URL", "acme.brightpattern.com"),
		one("CC_BASE_URL", "ftp://acme.brightpattern.com"),
		one("CC_BASE_URL", "http://acme.brightpattern.com"),
		one("CC_BASE_URL", "https://"),
		one("CC_BASE_URL", "https://user:"+planted+"@acme.brightpattern.com"),
		one("CC_BASE_URL", "https://acme.brightpattern.com?key="+planted),
		one("CC_BASE_URL", "https://acme.brightpattern.com/%"+planted),
		one("CC_BASE_URL", "https://acme.brightpattern.com/clientweb/api/v2?tenantUrl="+planted),
		one("CC_BASE_URL", "https://acme.brightpattern.com#"+planted),
		one("CC_BASE_URL", "https://acme.brightpattern.com/clientweb/api/v1"),
		one("CC_BASE_URL", "https://acme.brightpattern.com/clientweb/api/v1/chats"),
		one("CC_BASE_URL", "https://acme.brightpattern.com/clientweb/index.html"),
		one("CC_BASE_URL", "https://acme.brightpattern.com/api/v2"),
		one("CC_BASE_URL", "https://acme.brightpattern.com/admin/"),
		one("CC_BASE_URL", "https://:443"),
		one("CC_BASE_URL", "https:acme.brightpattern.com"),
		one("CC_BASE_URL", "https://acme.brightpattern.com:65536"),
		one("CC_BASE_URL", "https://acme.brightpattern.com:0"),
		one("CC_BASE_URL", "https://acme.brightpattern.com:port"),
		one("CC_BASE_URL", "https://acme bright"),
		one("CC_ALLOW_HTTP", "maybe"),
		one("CC_TENANT_URL", "https://"),
		one("CC_TENANT_URL", "https://user:"+planted+"@acme.brightpattern.com"),
		one("CC_TENANT_URL", "acme.brightpattern.com?x="+planted),
		one("CC_TENANT_URL", "acme brightpattern"),
		one("CC_TENANT_URL", "ftp://acme.brightpattern.com"),
		one("CC_APP_ID", ""),
		one("CC_APP_ID", `"app`+planted),
		one("CC_APP_ID", "an app"),
		one("CC_APNS_BUNDLE_ID", "com/example"),
		one("CC_CASE_PATHS", "both"),
		one("CC_CLOUDEVENTS_MODE", "Structured"),
		one("CC_RESULTS_REQUEST", "yes"),
		one("CC_SCHEMA_BASE_URL", "schemas"),
		one("CC_SCHEMA_BASE_URL", "https://x.example/?a=b"),
		one("CC_SCHEMA_BASE_URL", "https://x.example/%20"),
		one("CC_HTTP_ADDR", "8080"),
		one("CC_HTTP_ADDR", "127.0.0.1:http-alt"),
		one("CC_HTTP_ADDR", "127.0.0.1:65536"),
		one("CC_PPROF", "on"),
		one("CC_HTTP_TIMEOUT", "15"),
		one("CC_HTTP_TIMEOUT", "0s"),
		one("CC_HTTP_TIMEOUT", "-1s"),
		one("CC_HTTP_TIMEOUT", "'15s'"),
		one("CC_POLL_TIMEOUT", "15s"),
		one("CC_MAX_CHATS", "0"),
		one("CC_MAX_CALLS", "many"),
		one("CC_IDEMPOTENCY_WINDOW", "1 day"),
		one("CC_COMMAND_MAX_AGE", "0"),
		one("CC_EVENTS_MAX_AGE", "-168h"),
		one("CC_EVENTS_MAX_BYTES", "-1"),
		one("CC_EVENTS_MAX_BYTES", "0"),
		one("CC_EVENTS_MAX_BYTES", "20GB"),
		one("CC_EVENTS_MAX_BYTES", "9000000TiB"),
		one("CC_FILES_MAX_AGE", "x"),
		one("CC_FILES_MAX_BYTES", "1GB"),
		one("CC_FILE_MAX_BYTES", "5MB"),
		one("CC_FILE_MAX_BYTES", "0"),
		one("CC_FILE_MAX_BYTES", "26MiB"),
		one("CC_FILE_TIMEOUT", "0s"),
		one("CC_STREAM_REPLICAS", "6"),
		one("CC_STREAM_REPLICAS", "0"),
		one("CC_PROVISION", "jein"),
		one("CC_FAILOVER_AFTER", "1999ms"),
		one("CC_DRAIN_TIMEOUT", "20"),
		one("CC_CANARY_INTERVAL", "on"),
		one("CC_CANARY_INTERVAL", "0s"),
		one("CC_CANARY_INTERVAL", "9s"),
		one("CC_LOG_LEVEL", "trace"),
		one("CC_LOG_FORMAT", "xml"),
	}
}

// badFiles are the settings that name files: a path that does not exist (perhaps the secret itself, put there by
// mistake), an empty file, a directory, and a file that holds something else.
func badFiles(t *testing.T) []badSetting {
	var bad []badSetting
	alone := []string{"CC_NATS_CREDS", "CC_NATS_NKEY_SEED_FILE", "CC_NATS_TLS_CA", "CC_TLS_CA"}
	for _, name := range append(alone, "CC_NATS_TOKEN_FILE") {
		bad = append(bad, one(name, planted), one(name, writeFile(t, "")), one(name, t.TempDir()))
	}
	for _, name := range alone {
		bad = append(bad, one(name, writeFile(t, planted+"\n")))
	}
	for _, text := range []string{"\n", "\r\n\r\n", "\xef\xbb\xbf\n", "\xff\xfes\x00", strings.Repeat("x", 2<<20)} {
		bad = append(bad, badSetting{"token in a file that is none", map[string]string{"CC_NATS_TOKEN_FILE": writeFile(t, text)}, []string{"CC_NATS_TOKEN_FILE"}})
	}
	return bad
}

func badCombinations(t *testing.T) []badSetting {
	cert, key := keyPair(t)
	_, otherKey := keyPair(t)
	secret := writeFile(t, planted)
	_, seed := userNkey(t)
	return []badSetting{
		{"user without password", map[string]string{"CC_NATS_USER": "u"}, []string{"CC_NATS_PASSWORD_FILE"}},
		{"password without user", map[string]string{"CC_NATS_PASSWORD_FILE": secret}, []string{"CC_NATS_USER"}},
		{"two ways to sign in", map[string]string{
			"CC_NATS_TOKEN_FILE": secret, "CC_NATS_USER": "u", "CC_NATS_PASSWORD_FILE": secret,
		}, []string{"CC_NATS_USER", "CC_NATS_TOKEN_FILE"}},
		{"two other ways to sign in", map[string]string{
			"CC_NATS_CREDS": writeFile(t, credentials(seed)), "CC_NATS_NKEY_SEED_FILE": writeFile(t, seed),
		}, []string{"CC_NATS_CREDS", "CC_NATS_NKEY_SEED_FILE"}},
		{"URL and file", map[string]string{
			"CC_NATS_URL": "nats://u:" + planted + "@127.0.0.1", "CC_NATS_TOKEN_FILE": secret,
		}, []string{"CC_NATS_URL", "CC_NATS_TOKEN_FILE"}},
		{"certificate without key", map[string]string{"CC_NATS_TLS_CERT": cert}, []string{"CC_NATS_TLS_KEY"}},
		{"key without certificate", map[string]string{"CC_NATS_TLS_KEY": key}, []string{"CC_NATS_TLS_CERT"}},
		{"key of another certificate", map[string]string{
			"CC_NATS_TLS_CERT": cert, "CC_NATS_TLS_KEY": otherKey,
		}, []string{"CC_NATS_TLS_CERT"}},
		{"both kinds of app", map[string]string{"CC_APPS": "a:1"}, []string{"CC_APPS"}},
		{"IPv6 without brackets", map[string]string{"CC_BASE_URL": "https://2001:db8::1/", "CC_TENANT_URL": "acme.example"}, []string{"CC_BASE_URL"}},
		{"host is no tenant", map[string]string{"CC_BASE_URL": "https://[2001:db8::1]/"}, []string{"CC_TENANT_URL"}},
	}
}

func badAppLists() []badSetting {
	var bad []badSetting
	for _, apps := range []string{",", "a", "a:", ":1", "a:1,", "a:1,a:2", "a:1,b: 2", "a b:1", `a:"1"`} {
		bad = append(bad, badSetting{"apps " + apps, map[string]string{"CC_APP_ID": "", "CC_APPS": apps}, []string{"CC_APPS"}})
	}
	return bad
}

// named returns the variables that the lines of the message begin with.
func named(err error) []string {
	var bad badSettings
	if !errors.As(err, &bad) {
		return nil
	}
	var names []string
	for _, line := range bad {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	return names
}

func TestBadSettings(t *testing.T) {
	for _, bad := range slices.Concat(badSingles(), badFiles(t), badCombinations(t), badAppLists()) {
		t.Run(bad.why, func(t *testing.T) {
			setEnv(t, with(bad.env))
			_, err := readConfig()
			if got := named(err); !slices.Equal(got, bad.names) {
				t.Errorf("got %v, want %v: %v", got, bad.names, err)
			}
			if strings.Contains(fmt.Sprint(err), planted) {
				t.Errorf("the secret is shown: %v", err)
			}
		})
	}
}

// The tests may run as a user who may read everything, so the system's answer is given, not provoked.
func TestUnreadableFile(t *testing.T) {
	got := fileProblem(nil, &fs.PathError{Op: "open", Path: "/secret", Err: syscall.EACCES})
	if got != "names a file that this user may not read" {
		t.Errorf("got %q", got)
	}
}

// A value that cannot be read is not also told to be too small.
func TestFirstMistakeIsTold(t *testing.T) {
	setEnv(t, with(map[string]string{"CC_FAILOVER_AFTER": "10"}))
	_, err := readConfig()
	if want := "CC_FAILOVER_AFTER is not a duration; write it like 15s, 2m or 24h"; !strings.HasSuffix(fmt.Sprint(err), want) {
		t.Errorf("got %v", err)
	}
}

func TestAllBadSettingsAreToldAtOnce(t *testing.T) {
	all, want := map[string]string{}, []string{}
	for _, v := range new(settings).variables() {
		all[v.name] = "'" + planted + "'"
		want = append(want, v.name)
	}
	setEnv(t, all)
	_, err := readConfig()
	if got := named(err); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if lines := strings.Count(err.Error(), "\n"); lines != len(want) {
		t.Errorf("%d lines for %d variables", lines, len(want))
	}
	if strings.Contains(err.Error(), planted) {
		t.Error("the secret is shown")
	}
}

func TestSmallestConfig(t *testing.T) {
	setEnv(t, with(map[string]string{"CC_BASE_URL": "https://Acme.BrightPattern.com:8443/"}))
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	want := connector.Config{
		Prefix: "cc", Tenant: "acme.brightpattern.com", BaseURL: "https://acme.brightpattern.com:8443",
		Mode: schema.Structured, SchemaBaseURL: "cc-connector:/schemas",
		CallTimeout: 15 * time.Second, MaxChats: 20000, MaxCalls: 256, FileMaxBytes: 25 << 20, FileTimeout: 15 * time.Second,
		IdempotencyWindow: 24 * time.Hour, CommandMaxAge: time.Hour, Provision: true,
		FailoverAfter: 10 * time.Second, DrainTimeout: 20 * time.Second,
		Apps: []connector.App{{Name: "default", ID: "app-1"}},
	}
	checkSame(t, cfg.connector, want)
	checkSame(t, cfg.client, brightpattern.Config{
		BaseURL: want.BaseURL, TenantURL: want.Tenant, Timeout: 15 * time.Second, PollTimeout: 30 * time.Second,
		CasePaths: brightpattern.CasePathsChat, MaxPolls: 20000, Memory: brightpattern.DefaultMemory,
	})
	checkSame(t, cfg.log, logConfig{level: slog.LevelInfo, json: true})
	checkSame(t, cfg.httpAddr, "127.0.0.1:8080")
	checkSame(t, cfg.profiles, false)
}

func TestFullConfig(t *testing.T) {
	cert, _ := keyPair(t)
	setEnv(t, map[string]string{
		"CC_NATS_URL": "nats://a.example, tls://b.example:4443", "CC_SUBJECT_PREFIX": "acme.eu-1",
		"CC_BASE_URL": "http://proxy.example/bp/", "CC_ALLOW_HTTP": "true", "CC_TENANT_URL": "acme.example",
		"CC_APPS": "sales:1, support:2:3", "CC_APNS_BUNDLE_ID": "com.example.app", "CC_TLS_CA": cert,
		"CC_CASE_PATHS": "tenant", "CC_CLOUDEVENTS_MODE": "binary", "CC_RESULTS_REQUEST": "false", "CC_SCHEMA_BASE_URL": "https://x.example/schemas/",
		"CC_HTTP_ADDR": "off", "CC_HTTP_TIMEOUT": "1s", "CC_POLL_TIMEOUT": "16s", "CC_MAX_CHATS": "3", "CC_MAX_CALLS": "4",
		"CC_IDEMPOTENCY_WINDOW": "5h", "CC_COMMAND_MAX_AGE": "6h", "CC_EVENTS_MAX_AGE": "7h", "CC_EVENTS_MAX_BYTES": "2GiB",
		"CC_FILES_MAX_AGE": "8h", "CC_FILES_MAX_BYTES": "3GiB", "CC_FILE_MAX_BYTES": "5MiB", "CC_FILE_TIMEOUT": "7s", "CC_STREAM_REPLICAS": "5", "CC_PROVISION": "false",
		"CC_STREAM_MAX_BYTES": "64MiB", "CC_DEADLETTER_MAX_AGE": "9h", "CC_FAILOVER_AFTER": "2s",
		"CC_DRAIN_TIMEOUT": "9s", "CC_LOG_LEVEL": "debug", "CC_LOG_FORMAT": "text",
	})
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, cfg.connector, connector.Config{
		Prefix: "acme.eu-1", Tenant: "acme.example", BaseURL: "http://proxy.example/bp", APNsBundleID: "com.example.app",
		Mode: schema.Binary, WithoutRequests: true, SchemaBaseURL: "https://x.example/schemas",
		CallTimeout: time.Second, MaxChats: 3, MaxCalls: 4,
		EventsMaxAge: 7 * time.Hour, EventsMaxBytes: 2 << 30, FilesMaxAge: 8 * time.Hour, FilesMaxBytes: 3 << 30,
		FileMaxBytes: 5 << 20, FileTimeout: 7 * time.Second,
		IdempotencyWindow: 5 * time.Hour, CommandMaxAge: 6 * time.Hour, StreamReplicas: 5,
		StreamMaxBytes: 64 << 20, DeadLetterMaxAge: 9 * time.Hour,
		FailoverAfter: 2 * time.Second, DrainTimeout: 9 * time.Second,
		Apps: []connector.App{{Name: "sales", ID: "1"}, {Name: "support", ID: "2:3"}},
	})
	if cfg.client.Roots == nil || cfg.client.Roots() == nil {
		t.Error("the root certificates are not used")
	}
	cfg.client.Roots = nil
	checkSame(t, cfg.client, brightpattern.Config{
		BaseURL: "http://proxy.example/bp", TenantURL: "acme.example", Timeout: time.Second, PollTimeout: 16 * time.Second,
		CasePaths: brightpattern.CasePathsTenant, MaxPolls: 3, Memory: brightpattern.DefaultMemory,
	})
	checkSame(t, cfg.log, logConfig{level: slog.LevelDebug})
	checkSame(t, cfg.httpAddr, "")
	checkSame(t, cfg.nats.urls, []string{"nats://a.example", "tls://b.example:4443"})
}

func checkSame(t *testing.T, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("\ngot  %s\nwant %s", g, w)
	}
}

func TestHTTPIsForLoopback(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:1234", "http://localhost", "http://LOCALHOST:80"} {
		setEnv(t, with(map[string]string{"CC_BASE_URL": base}))
		if _, err := readConfig(); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "1": 1, "1073741824": 1 << 30, "3KiB": 3 << 10, "5MiB": 5 << 20, "1TiB": 1 << 40} {
		setEnv(t, with(map[string]string{"CC_EVENTS_MAX_BYTES": text}))
		cfg, err := readConfig()
		if err != nil || cfg.connector.EventsMaxBytes != want {
			t.Errorf("%q: got %d, %v", text, cfg.connector.EventsMaxBytes, err)
		}
	}
}

// Where GOMEMLIMIT is set, answers take a part of it; else what they usually do.
func TestAnswersMemory(t *testing.T) {
	for limit, want := range map[int64]int64{
		math.MaxInt64: 256 << 20, 4 << 30: 256 << 20, 512 << 20: 128 << 20, 64 << 20: 16 << 20, 0: 1,
	} {
		if got := answersMemory(limit); got != want {
			t.Errorf("of %d it is %d, want %d", limit, got, want)
		}
	}
}
