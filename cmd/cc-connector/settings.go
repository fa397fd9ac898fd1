package main

import (
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// settings are the environment variables as they stand, in the order in which they are documented.
// The tags are the one place that knows their names, defaults and meanings.
type settings struct {
	NATSURL          string `envconfig:"CC_NATS_URL" default:"nats://127.0.0.1:4222" desc:"NATS servers, comma-separated"`
	NATSCreds        string `envconfig:"CC_NATS_CREDS" desc:"sign in to NATS with this credentials file"`
	NATSNkeySeedFile string `envconfig:"CC_NATS_NKEY_SEED_FILE" desc:"sign in to NATS with the user nkey whose seed is in this file"`
	NATSUser         string `envconfig:"CC_NATS_USER" desc:"sign in to NATS as this user"`
	NATSPasswordFile string `envconfig:"CC_NATS_PASSWORD_FILE" desc:"file with the password of CC_NATS_USER"`
	NATSTokenFile    string `envconfig:"CC_NATS_TOKEN_FILE" desc:"sign in to NATS with the token in this file"`
	NATSTLSCA        string `envconfig:"CC_NATS_TLS_CA" desc:"file with the root certificates of NATS"`
	NATSTLSCert      string `envconfig:"CC_NATS_TLS_CERT" desc:"file with the client certificate for NATS"`
	NATSTLSKey       string `envconfig:"CC_NATS_TLS_KEY" desc:"file with the key of CC_NATS_TLS_CERT"`
	NATSTLSFirst     string `envconfig:"CC_NATS_TLS_FIRST" default:"false" desc:"make TLS before the server's greeting, as a server with handshake_first wants it"`
	NATSInboxPrefix  string `envconfig:"CC_NATS_INBOX_PREFIX" default:"_INBOX" desc:"first tokens of the subjects on which replies come to the connector; to be its user's own"`
	NATSJSDomain     string `envconfig:"CC_NATS_JS_DOMAIN" desc:"JetStream domain of the streams, where NATS is a leaf node: the hub's"`
	NATSContext      string `envconfig:"CC_NATS_CONTEXT" desc:"context of the nats CLI, by its name, instead of address and sign-in"`

	SubjectPrefix string `envconfig:"CC_SUBJECT_PREFIX" default:"cc" desc:"first tokens of all subjects; upper-cased, of all stream names"`

	BaseURL      string `envconfig:"CC_BASE_URL" desc:"required: the contact center's address; https unless its host is loopback"`
	AllowHTTP    string `envconfig:"CC_ALLOW_HTTP" default:"false" desc:"allow http for any host"`
	TenantURL    string `envconfig:"CC_TENANT_URL" desc:"the tenant's host name; by default the host of CC_BASE_URL"`
	AppID        string `envconfig:"CC_APP_ID" desc:"the launch point; this or CC_APPS is required"`
	Apps         string `envconfig:"CC_APPS" desc:"several launch points, as name:appId,name:appId; the first is the default"`
	APNsBundleID string `envconfig:"CC_APNS_BUNDLE_ID" desc:"default of appBundleId in push.apns"`
	TLSCA        string `envconfig:"CC_TLS_CA" desc:"file with more root certificates for the contact center"`
	CasePaths    string `envconfig:"CC_CASE_PATHS" default:"chat" desc:"form of the case calls: chat or tenant"`

	CloudEventsMode string `envconfig:"CC_CLOUDEVENTS_MODE" default:"structured" desc:"structured or binary"`
	ResultsRequest  string `envconfig:"CC_RESULTS_REQUEST" default:"true" desc:"results carry the command's data, without its secrets"`
	SchemaBaseURL   string `envconfig:"CC_SCHEMA_BASE_URL" default:"cc-connector:/schemas" desc:"beginning of every dataschema; where /schemas is reachable, to make them resolve"`

	HTTPAddr    string `envconfig:"CC_HTTP_ADDR" default:"127.0.0.1:8080" desc:"where /healthz, /readyz, /metrics and /schemas/ are served; off: nowhere"`
	PProf       string `envconfig:"CC_PPROF" default:"false" desc:"serve Go's profiles under /debug/pprof/ on CC_HTTP_ADDR, to all who reach it"`
	Console     string `envconfig:"CC_CONSOLE" default:"false" desc:"serve a page to watch the bus under /console/ on CC_HTTP_ADDR; it shows what customers write"`
	ConsoleFile string `envconfig:"CC_CONSOLE_TOKEN_FILE" desc:"file with the token that opens the page, 16 characters or more; required unless CC_HTTP_ADDR is loopback"`
	HTTPTimeout string `envconfig:"CC_HTTP_TIMEOUT" default:"15s" desc:"the longest that a call to the contact center may take"`
	PollTimeout string `envconfig:"CC_POLL_TIMEOUT" default:"30s" desc:"the longest that a poll may take; more than 15s"`

	MaxChats string `envconfig:"CC_MAX_CHATS" default:"20000" desc:"how many chats this replica polls at most"`
	MaxCalls string `envconfig:"CC_MAX_CALLS" default:"256" desc:"how many calls are under way at once at most"`

	IdempotencyWindow string `envconfig:"CC_IDEMPOTENCY_WINDOW" default:"24h" desc:"how long the repeat of a command is known as one"`
	CommandMaxAge     string `envconfig:"CC_COMMAND_MAX_AGE" default:"1h" desc:"how long a durable command is tried"`
	EventsMaxAge      string `envconfig:"CC_EVENTS_MAX_AGE" default:"168h" desc:"how long events are kept"`
	EventsMaxBytes    string `envconfig:"CC_EVENTS_MAX_BYTES" desc:"how many bytes of events are kept, also as 512MiB or 20GiB; by default no limit"`
	FilesMaxAge       string `envconfig:"CC_FILES_MAX_AGE" default:"168h" desc:"how long files are kept"`
	FilesMaxBytes     string `envconfig:"CC_FILES_MAX_BYTES" desc:"how many bytes of files are kept, also as 512MiB or 20GiB; by default no limit"`
	FileMaxBytes      string `envconfig:"CC_FILE_MAX_BYTES" default:"25MiB" desc:"largest file that is sent or fetched, also as 5MiB; at most 25MiB, which is all that the contact center takes"`
	FileTimeout       string `envconfig:"CC_FILE_TIMEOUT" default:"15s" desc:"how long an event waits for the file that it tells of"`
	StreamReplicas    string `envconfig:"CC_STREAM_REPLICAS" default:"1" desc:"copies of every stream, 1 to 5"`
	StreamMaxBytes    string `envconfig:"CC_STREAM_MAX_BYTES" desc:"how many bytes each other stream and bucket may hold, also as 512MiB; for accounts that demand a limit"`
	DeadLetterMaxAge  string `envconfig:"CC_DEADLETTER_MAX_AGE" default:"720h" desc:"how long dead letters are kept"`
	Provision         string `envconfig:"CC_PROVISION" default:"true" desc:"make the streams that are missing, also while it runs, and change what the others lack"`

	FailoverAfter string `envconfig:"CC_FAILOVER_AFTER" default:"10s" desc:"a silent replica's chats are taken over after this long; at least 2s"`
	DrainTimeout  string `envconfig:"CC_DRAIN_TIMEOUT" default:"20s" desc:"the longest that leaving may take"`

	CanaryInterval string `envconfig:"CC_CANARY_INTERVAL" default:"off" desc:"now and then try the way to the contact center and over NATS, about as often as this; off: not at all"`

	LogLevel  string `envconfig:"CC_LOG_LEVEL" default:"info" desc:"debug, info, warn or error"`
	LogFormat string `envconfig:"CC_LOG_FORMAT" default:"json" desc:"json or text"`
}

// variable is one setting with what its tags say of it.
type variable struct {
	name, fallback, doc string
	kind                string // how it is checked, of those that others define
	value               *string
}

func (s *settings) variables() []variable { return variablesOf(reflect.ValueOf(s).Elem()) }

// variablesOf are the fields of a struct of settings.
func variablesOf(v reflect.Value) []variable {
	all := make([]variable, 0, v.NumField())
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		all = append(all, variable{
			name:     tag.Get("envconfig"),
			fallback: tag.Get("default"),
			doc:      tag.Get("desc"),
			kind:     tag.Get("kind"),
			value:    v.Field(i).Addr().Interface().(*string),
		})
	}
	return all
}

// readSettings reads the environment. An empty variable counts as absent: compose files and charts often set
// one where they mean none. White space around a value is never meant.
func readSettings() (*settings, error) {
	s := new(settings)
	if err := envconfig.Process("", s); err != nil {
		return nil, err
	}
	for _, v := range s.variables() {
		if *v.value = strings.TrimSpace(*v.value); *v.value == "" {
			*v.value = v.fallback
		}
	}
	return s, nil
}

// unknownVariables names the variables that look like settings and are none: most likely typing errors.
func unknownVariables() []string {
	known := make(map[string]bool)
	for _, v := range new(settings).variables() {
		known[v.name] = true
	}
	var unknown []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "CC_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}
