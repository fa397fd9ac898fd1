package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// # Contexts of the nats CLI
//
// A context is a JSON file that says where NATS is and how one signs in. Here it
// only fills in the settings: where a field names a file, the setting does; where
// it holds a secret itself, it is the secret's source, and read again at the next
// connection like any other. The library that the CLI reads contexts with brings
// a server, a language for expressions and a terminal's tables along; a file of
// two dozen known fields does not earn that.

var contextName = regexp.MustCompile(`^[^/\\\s]{1,128}$`)

// cliContext are a context's fields as they stand.
type cliContext map[string]json.RawMessage

// idleFields say nothing of a connection.
var idleFields = []string{"name", "description", "color_scheme", "jetstream_event_prefix"}

// foreignFields are those of which the connector does not do what they ask for.
var foreignFields = map[string]string{
	"nsc":                    "is looked up by nsc, which the connector does not start: write the credentials to a file (nsc generate creds), and name it in creds",
	"socks_proxy":            "asks for a SOCKS proxy, which the connector does not go through: name a server that is reached without",
	"jetstream_api_prefix":   "asks for another prefix of JetStream's subjects: name the domain in jetstream_domain, if it is one",
	"windows_cert_store":     "asks for the certificate store of Windows: name files in cert, key and ca",
	"windows_cert_match_by":  "asks for the certificate store of Windows: name files in cert, key and ca",
	"windows_cert_match":     "asks for the certificate store of Windows: name files in cert, key and ca",
	"windows_ca_certs_match": "asks for the certificate store of Windows: name files in cert, key and ca",
}

// useContext fills in the settings of the connection. What a variable gives beside address and sign-in stays.
func (r *reader) useContext() {
	if r.NATSContext == "" || r.wrong[&r.NATSContext] != "" {
		return
	}
	for _, setting := range []*string{&r.NATSURL, &r.NATSCreds, &r.NATSNkeySeedFile, &r.NATSUser, &r.NATSPasswordFile, &r.NATSTokenFile} {
		if strings.TrimSpace(os.Getenv(r.nameOf(setting))) != "" {
			r.bad(setting, "and CC_NATS_CONTEXT are both given; a context stands instead of address and sign-in: keep one of them")
			return
		}
	}
	path, problem := contextPath(r.NATSContext)
	if problem == "" {
		var fields cliContext
		if fields, problem = readContext(path); problem == "" {
			r.fillIn(path, fields)
			return
		}
	}
	r.bad(&r.NATSContext, problem)
}

const whereContextsLie = `"nats context ls" lists them; they lie in $XDG_CONFIG_HOME/nats/context, or else in .config/nats/context of the home directory`

func contextPath(name string) (path, problem string) {
	if !contextName.MatchString(name) || strings.HasPrefix(name, ".") {
		return "", "must be the name of a context, not a path; " + whereContextsLie
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", "cannot be looked up: HOME and XDG_CONFIG_HOME are both unset; set one of them"
		}
		config = filepath.Join(home, ".config")
	}
	path = filepath.Join(config, "nats", "context", name+".json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", "names a context that is not there; " + whereContextsLie
	}
	return path, ""
}

func readContext(path string) (fields cliContext, problem string) {
	content, problem := readFile(path)
	if problem != "" {
		return nil, problem
	}
	if json.Unmarshal(content, &fields) != nil || fields == nil {
		return nil, "names a context whose file is no JSON object; write it anew by nats context"
	}
	return fields, ""
}

// text is a field's, if it is one.
func (c cliContext) text(field string) (value string, ok bool) {
	raw, there := c[field]
	if !there || string(raw) == "null" {
		return "", true
	}
	ok = json.Unmarshal(raw, &value) == nil
	return value, ok
}

// isEmpty tells a field that asks for nothing.
func (c cliContext) isEmpty(field string) bool {
	return slices.Contains([]string{`""`, "null", "false", "[]", "0", "{}"}, string(c[field]))
}

func (r *reader) fillIn(path string, fields cliContext) {
	plain := map[string]*string{"url": &r.NATSURL, "user": &r.NATSUser, "inbox_prefix": &r.NATSInboxPrefix, "jetstream_domain": &r.NATSJSDomain}
	files := map[string]*string{"creds": &r.NATSCreds, "nkey": &r.NATSNkeySeedFile, "cert": &r.NATSTLSCert, "key": &r.NATSTLSKey, "ca": &r.NATSTLSCA}
	secrets := map[string]*string{"password": &r.NATSPasswordFile, "token": &r.NATSTokenFile}
	known := slices.Concat(idleFields, []string{"tls_first", "user_jwt", "user_seed"})
	for _, settings := range []map[string]*string{plain, files, secrets} {
		known = append(known, slices.Collect(maps.Keys(settings))...)
	}
	r.refuseForeign(fields, known)
	for field, setting := range plain {
		r.take(field, setting, r.contextText(fields, field))
	}
	for field, setting := range files {
		r.take(field, setting, expandHome(r.contextFile(fields, field)))
	}
	for field, setting := range secrets {
		r.takeSecret(path, fields, field, setting)
	}
	r.takeJWT(path, fields)
	r.takeTLSFirst(fields)
}

// refuseForeign names the first field that asks for what is not done.
func (r *reader) refuseForeign(fields cliContext, known []string) {
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(known, field) || fields.isEmpty(field) {
			continue
		}
		why, foreign := foreignFields[field]
		if !foreign {
			why = "is not known to the connector: take it out, or set the CC_NATS_ variables instead of the context"
		}
		if len(field) > 40 {
			field = field[:40]
		}
		r.bad(&r.NATSContext, "names a context whose field "+strings.ToValidUTF8(field, "?")+" "+why)
	}
}

// contextText is a field's text, "" where that is wrong.
func (r *reader) contextText(fields cliContext, field string) string {
	value, ok := fields.text(field)
	r.require(ok, &r.NATSContext, "names a context whose field "+field+" must be a text")
	return strings.TrimSpace(value)
}

// referred are the ways in which the CLI finds a secret elsewhere.
var referred = []string{"op://", "nsc://", "env://", "data:"}

// contextFile is the path that a field holds.
func (r *reader) contextFile(fields cliContext, field string) string {
	value := r.contextText(fields, field)
	for _, scheme := range referred {
		r.require(!strings.HasPrefix(value, scheme), &r.NATSContext,
			"names a context whose field "+field+" refers to another place ("+scheme+"), where the connector does not look: write it to a file, and name that")
	}
	return strings.TrimPrefix(value, "file://")
}

// take fills in a setting, unless a variable has.
func (r *reader) take(field string, setting *string, value string) {
	if strings.TrimSpace(os.Getenv(r.nameOf(setting))) != "" {
		return
	}
	if value != "" {
		*setting = value
	}
	r.contextual[setting] = field
}

// takeSecret takes what stands in the context itself, or in the file that it names.
func (r *reader) takeSecret(path string, fields cliContext, field string, setting *string) {
	value := r.contextFile(fields, field)
	r.take(field, setting, value)
	if value != "" && !strings.HasPrefix(r.contextText(fields, field), "file://") {
		r.inline[setting] = func() ([]byte, string) { return contextSecret(path, field) }
	}
}

// contextSecret reads it from the context anew.
func contextSecret(path, field string) (content []byte, problem string) {
	fields, problem := readContext(path)
	if problem != "" {
		return nil, problem
	}
	value, ok := fields.text(field)
	if !ok || value == "" {
		return nil, "is not in the context any more"
	}
	return []byte(value), ""
}

// takeJWT makes credentials of the two halves that stand in the context.
func (r *reader) takeJWT(path string, fields cliContext) {
	jwt, seed := r.contextFile(fields, "user_jwt"), r.contextFile(fields, "user_seed")
	if jwt == "" && seed == "" {
		return
	}
	const both = "names a context of whose fields user_jwt and user_seed one is missing: the connector signs in by both, or by a file that creds names"
	r.require(jwt != "" && seed != "", &r.NATSContext, both)
	if r.NATSCreds != "" {
		r.bad(&r.NATSContext, "names a context with several ways to sign in, creds and user_jwt; keep one of them")
		return
	}
	r.take("user_jwt", &r.NATSCreds, "user_jwt and user_seed")
	r.inline[&r.NATSCreds] = func() ([]byte, string) {
		jwt, noJWT := contextSecret(path, "user_jwt")
		seed, noSeed := contextSecret(path, "user_seed")
		if noJWT+noSeed != "" {
			return nil, noJWT + noSeed
		}
		return decorated(jwt, seed), ""
	}
}

// decorated is a credentials file as tools write it.
func decorated(jwt, seed []byte) []byte {
	return []byte("-----BEGIN NATS USER JWT-----\n" + string(jwt) + "\n------END NATS USER JWT------\n\n" +
		"-----BEGIN USER NKEY SEED-----\n" + string(seed) + "\n------END USER NKEY SEED------\n")
}

func (r *reader) takeTLSFirst(fields cliContext) {
	raw, there := fields["tls_first"]
	if !there || string(raw) == "null" {
		return
	}
	ok := string(raw) == "true" || string(raw) == "false"
	r.require(ok, &r.NATSContext, "names a context whose field tls_first must be true or false")
	if ok {
		r.take("tls_first", &r.NATSTLSFirst, string(raw))
	}
}

// expandHome is how the CLI reads paths in a context.
func expandHome(path string) string {
	path = os.ExpandEnv(path)
	home, err := os.UserHomeDir()
	if rest, ok := strings.CutPrefix(path, "~"); ok && err == nil {
		return home + rest
	}
	return path
}
