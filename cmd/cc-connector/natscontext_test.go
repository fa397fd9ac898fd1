package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// writeContext makes a context of the nats CLI, and the folder in which it is looked for.
func writeContext(t *testing.T, name, text string) (path string) {
	t.Helper()
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	path = filepath.Join(config, "nats", "context", name+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func contextText(t *testing.T, fields map[string]any) string {
	t.Helper()
	all := map[string]any{ // as the CLI writes it
		"description": "a test", "url": "", "socks_proxy": "", "token": "", "user": "", "password": "", "creds": "", "nkey": "", "cert": "", "key": "", "ca": "",
		"nsc": "", "jetstream_domain": "", "jetstream_api_prefix": "", "jetstream_event_prefix": "", "inbox_prefix": "", "user_jwt": "", "user_seed": "",
		"color_scheme": "blue", "tls_first": false, "windows_cert_store": "", "windows_ca_certs_match": nil,
	}
	for field, value := range fields {
		all[field] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestContextSignsIn(t *testing.T) {
	public, seed := userNkey(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	if err := os.WriteFile(filepath.Join(home, "seed"), []byte(seed), 0o600); err != nil {
		t.Fatal(err)
	}
	password := server.Options{Username: "u", Password: planted}
	jwt, _, _ := strings.Cut(strings.TrimPrefix(credentials(seed), "-----BEGIN NATS USER JWT-----\n"), "\n")
	for name, c := range map[string]struct {
		server server.Options
		fields map[string]any
	}{
		"nobody":            {server.Options{}, nil},
		"password":          {password, map[string]any{"user": "u", "password": planted}},
		"password's file":   {password, map[string]any{"user": "u", "password": "file://" + writeFile(t, planted+"\n")}},
		"token":             {server.Options{Authorization: planted}, map[string]any{"token": planted}},
		"nkey in the home":  {server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}}, map[string]any{"nkey": "~/seed"}},
		"nkey by $HOME":     {server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}}, map[string]any{"nkey": "$HOME/seed"}},
		"credentials":       {server.Options{}, map[string]any{"creds": writeFile(t, credentials(seed))}},
		"JWT and seed":      {server.Options{}, map[string]any{"user_jwt": jwt, "user_seed": seed}},
		"inbox and domain ": {server.Options{}, map[string]any{"inbox_prefix": "_INBOX_me", "jetstream_domain": "hub"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.fields == nil {
				c.fields = make(map[string]any)
			}
			c.fields["url"] = startNATS(t, c.server).ClientURL()
			writeContext(t, "mine", contextText(t, c.fields))
			nc, out, err := connect(t, map[string]string{"CC_NATS_CONTEXT": "mine"}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), planted) {
				t.Errorf("the secret is logged: %s", out)
			}
			if want := c.fields["inbox_prefix"]; want != nil && nc.Opts.InboxPrefix != want {
				t.Errorf("the inboxes are under %q", nc.Opts.InboxPrefix)
			}
		})
	}
}

// Beside address and sign-in, a variable counts for more than the context.
func TestContextFillsInTheRest(t *testing.T) {
	cert, key := keyPair(t)
	writeContext(t, "mine", contextText(t, map[string]any{
		"url": "nats://a.example,nats://b.example", "inbox_prefix": "_INBOX_theirs", "jetstream_domain": "hub", "tls_first": true, "ca": cert, "cert": cert, "key": key,
	}))
	setEnv(t, with(map[string]string{"CC_NATS_CONTEXT": "mine", "CC_NATS_INBOX_PREFIX": "_INBOX_ours"}))
	r, err := newReader()
	if err != nil {
		t.Fatal(err)
	}
	cfg := r.nats()
	if err := r.err(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.urls, []string{"nats://a.example", "nats://b.example"}) || cfg.domain != "hub" || !cfg.tlsFirst || r.NATSInboxPrefix != "_INBOX_ours" {
		t.Errorf("got %v, domain %q, TLS first %v, inbox %q", cfg.urls, cfg.domain, cfg.tlsFirst, r.NATSInboxPrefix)
	}
}

func TestContextSecretIsReadAgain(t *testing.T) {
	s := startReloadable(t, `authorization: {users: [{user: u, password: "old"}]}`)
	path := writeContext(t, "mine", contextText(t, map[string]any{"url": s.ClientURL(), "user": "u", "password": "old"}))
	nc, _, err := connect(t, map[string]string{"CC_NATS_CONTEXT": "mine"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, path, contextText(t, map[string]any{"url": s.ClientURL(), "user": "u", "password": "new"}))
	s.change(`authorization: {users: [{user: u, password: "new"}]}`)
	awaitConnected(t, nc)
}

func TestContextRefused(t *testing.T) {
	_, seed := userNkey(t)
	for name, c := range map[string]struct {
		text string
		env  map[string]string
		part string
	}{
		"not there":            {"", nil, "nats context ls"},
		"no JSON":              {"{", nil, "no JSON object"},
		"null":                 {"null", nil, "no JSON object"},
		"no text":              {`{"url": 1}`, nil, "field url must be a text"},
		"bad address":          {`{"url": "http://` + planted + `"}`, nil, "field url must hold addresses"},
		"nsc":                  {`{"nsc": "nsc://` + planted + `"}`, nil, "nsc generate creds"},
		"SOCKS":                {`{"socks_proxy": "` + planted + `"}`, nil, "socks_proxy"},
		"another API":          {`{"jetstream_api_prefix": "` + planted + `"}`, nil, "jetstream_domain"},
		"Windows":              {`{"windows_cert_store": "` + planted + `"}`, nil, "windows_cert_store"},
		"a new field":          {`{"quantum": "` + planted + `"}`, nil, "field quantum is not known"},
		"a reference":          {`{"creds": "op://` + planted + `"}`, nil, "refers to another place"},
		"a password's":         {`{"user": "u", "password": "env://` + planted + `"}`, nil, "refers to another place"},
		"no such file":         {`{"creds": "/no/` + planted + `"}`, nil, "field creds names a file that does not exist"},
		"no password":          {`{"user": "u"}`, nil, "field password is missing"},
		"no seed":              {`{"user_jwt": "a.b.c"}`, nil, "user_seed"},
		"several ways":         {`{"token": "` + planted + `", "user": "u", "password": "p"}`, nil, "one of several ways"},
		"several ways, by JWT": {`{"creds": "` + planted + `", "user_jwt": "a.b.c", "user_seed": "` + seed + `"}`, nil, "several ways"},
		"TLS first":            {`{"tls_first": "yes"}`, nil, "tls_first must be true or false"},
		"a bad domain":         {`{"jetstream_domain": "a b"}`, nil, "field jetstream_domain must"},
		"a path":               {"{}", map[string]string{"CC_NATS_CONTEXT": "../mine"}, "not a path"},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeContext(t, "mine", c.text)
			if c.text == "" {
				_ = os.Remove(path)
			}
			env := map[string]string{"CC_NATS_CONTEXT": "mine"}
			for name, value := range c.env {
				env[name] = value
			}
			setEnv(t, with(env))
			_, err := readConfig()
			if got := named(err); !slices.Equal(got, []string{"CC_NATS_CONTEXT"}) {
				t.Fatalf("got %v: %v", got, err)
			}
			if !strings.Contains(err.Error(), c.part) || strings.Contains(err.Error(), planted) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestContextBesideVariables(t *testing.T) {
	writeContext(t, "mine", "{}")
	for _, name := range []string{"CC_NATS_URL", "CC_NATS_CREDS", "CC_NATS_NKEY_SEED_FILE", "CC_NATS_USER", "CC_NATS_TOKEN_FILE"} {
		setEnv(t, with(map[string]string{"CC_NATS_CONTEXT": "mine", name: "nats://127.0.0.1"}))
		if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), name+" and CC_NATS_CONTEXT are both given") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzContext(f *testing.F) {
	for _, seed := range []string{"{}", `{"url":"nats://a","user":"u","password":"p"}`, `{"tls_first":true,"user_jwt":"a.b.c","user_seed":"SU"}`, `{"nsc":1}`, `{"\u0000":[]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		writeContext(t, "mine", text)
		setEnv(t, with(map[string]string{"CC_NATS_CONTEXT": "mine"}))
		_, err := readConfig()
		for _, name := range named(err) {
			if name != "CC_NATS_CONTEXT" {
				t.Errorf("%s is blamed: %v", name, err)
			}
		}
	})
}
