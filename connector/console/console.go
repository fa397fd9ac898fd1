package console

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/admin"
	"cc-connector/subjects"
)

// Config is what a console needs.
type Config struct {
	NATS      *nats.Conn // of pages alone: what they read holds up nothing else
	JetStream jetstream.JetStream
	Prefix    subjects.Prefix
	Admin     admin.Config // by which dead letters are found

	Ready  func() bool // asked often
	Status func(context.Context) Status

	Version, Replica string
	NATSURL          string // shown; without credentials
	Loopback         bool   // it is served on a loopback address, and on no other

	// Token is what who looks must have; it may become another one. Nil: nothing,
	// which is for a loopback address only.
	Token func() string

	Workbench *Workbench // nil: pages can only look
}

func (c Config) status(ctx context.Context) Status {
	s := c.Status(ctx)
	s.Replica = c.Replica
	return s
}

func (c Config) events() string { return c.Prefix.StreamName("EVENTS") }

// Console serves the page and its API.
type Console struct {
	cfg   Config
	api   *http.ServeMux
	feed  *feed
	token *secret
	tries *tries // to sign in
}

var errNoToken = errors.New("console: on an address that is not loopback, Config.Token is required")

// New starts nothing: there is work only while pages are open.
func New(cfg Config) (*Console, error) {
	if !cfg.Loopback && cfg.Token == nil {
		return nil, errNoToken
	}
	c := &Console{
		cfg: cfg, api: http.NewServeMux(), feed: &feed{cfg: cfg, pace: usual, room: room{ringMessages, ringBytes}},
		token: &secret{read: cfg.Token}, tries: newTries(),
	}
	c.routes()
	return c, nil
}

// Close ends all pages. It is called before the server of HTTP is shut down, which waits for them.
func (c *Console) Close() { c.feed.close() }

// At is where a console is served.
const At = "/console/"

const apiAt = At + "api/"

// ServeHTTP serves what is under At.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fence(w)
	switch path := r.URL.Path; {
	case !c.checkHost(r):
		refuse(w, http.StatusForbidden, "the Host header must be localhost, 127.0.0.1 or [::1], and is "+r.Host)
	case path+"/" == At:
		http.Redirect(w, r, At, http.StatusMovedPermanently)
	case !strings.HasPrefix(path, apiAt):
		servePage(w, r)
	case fromOtherSite(r):
		refuse(w, http.StatusForbidden, otherSite(r))
	case path == apiAt+"login" && r.Method == http.MethodPost:
		c.serveLogin(w, r)
	case path == apiAt+"login" && r.Method == http.MethodDelete:
		guarded(signOut)(w, r)
	case !c.signedIn(r):
		refuse(w, http.StatusUnauthorized, "sign in first")
	default:
		c.api.ServeHTTP(w, r)
	}
}

// ServeWaiting answers as long as there is no console yet.
func ServeWaiting(w http.ResponseWriter, why string) {
	fence(w)
	w.Header().Set("Retry-After", "1")
	refuse(w, http.StatusServiceUnavailable, why)
}

func fence(w http.ResponseWriter) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
}

// routes are the API. What changes anything is there on a workbench only.
func (c *Console) routes() {
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET about":          c.serveAbout,
		"GET events":         c.serveEvents,
		"GET status":         c.serveStatus,
		"GET messages/{seq}": c.serveMessage,
		"GET validate/{seq}": c.serveValidation,
		"GET contract":       c.serveContract,
		"GET dead":           c.serveLetters,
		"GET dead/{seq}":     c.serveLetter,
	} {
		c.handle(pattern, handle)
	}
	changes := map[string]http.HandlerFunc{
		"POST command":               c.runCommand,
		"POST files":                 c.putFile,
		"GET agent/chats":            c.serveAgentChats,
		"POST agent/{chat}/{action}": c.act,
		"POST weather/{name}":        c.setWeather,
		"POST dead/{seq}/put-back":   c.putBack,
		"DELETE dead/{seq}":          c.deleteLetter,
	}
	for pattern, handle := range changes {
		if c.cfg.Workbench == nil {
			handle = readOnly
		}
		c.handle(pattern, guarded(handle))
	}
	c.api.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "there is no such call") })
}

func (c *Console) handle(pattern string, handle http.HandlerFunc) {
	method, path, _ := strings.Cut(pattern, " ")
	c.api.HandleFunc(method+" "+apiAt+path, handle)
}

func readOnly(w http.ResponseWriter, _ *http.Request) {
	refuse(w, http.StatusForbidden, "pages of this console can only look")
}

func guarded(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if why, ok := mayChange(r); r.Method != http.MethodGet && !ok {
			refuse(w, http.StatusForbidden, why)
			return
		}
		handle(w, r)
	}
}
