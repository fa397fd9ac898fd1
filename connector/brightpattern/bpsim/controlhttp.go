package bpsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// controlHandler is the control API: what the methods of Server do, over HTTP.
func (s *Server) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, ControlHelp())
	})
	for _, c := range controls {
		mux.Handle(c.pattern, controlFunc(func(r *http.Request) (any, error) { return c.handle(s, r) }))
	}
	return mux
}

// controls are the ways of the control API, and what each is good for.
var controls = []struct {
	pattern, meaning string
	handle           func(*Server, *http.Request) (any, error)
}{
	{"GET /sim/chats", "every chat, in the order in which they were made", (*Server).httpChats},
	{"GET /sim/chats/{id}", "what has happened to a chat: each event, and whether a poll has taken it", (*Server).httpRecord},
	{"POST /sim/chats/{id}/events", `say something as the contact center: a server event, {"event":"chat_session_message",…}`, (*Server).httpPush},
	{"POST /sim/chats/{id}/files", "send a file as an agent: the body, with its Content-Type; ?name=NAME and, at will, &party=ID", (*Server).httpFile},
	{"POST /sim/chats/{id}/end", "end the session, as an agent does", (*Server).httpEnd},
	{"POST /sim/chats/{id}/case", `set the case, {"caseId":"…"}; an empty one clears it`, (*Server).httpCase},
	{"DELETE /sim/chats/{id}", "make the session as if it had never been: each call is answered 5005", (*Server).httpForget},
	{"GET /sim/faults", "the faults that can still strike; times is what is left of it", (*Server).httpFaults},
	{"POST /sim/faults", "let something go wrong: a fault, see below; the answer has its id", (*Server).httpInject},
	{"DELETE /sim/faults", "take all faults away", (*Server).httpClear},
	{"GET /sim/calls", "how often each method was called", (*Server).httpCalls},
	{"GET /sim/polls", "how many chats are open, and polled; ?since=TIME counts those that were polled anew since then", (*Server).httpPolling},
	{"POST /sim/flow", `messages to the open chats in turn at a fixed rate, {"perSecond":1000,"for":"10s"} and, at will, "app":"…", each with its ` + PushedAt + `; answered when the time has passed`, (*Server).httpFlow},
}

// FaultHelp lists what a fault may have.
func FaultHelp() string { return faultHelp(methodNames()) }

// ControlHelp is all that can be done by the control API.
func ControlHelp() string {
	var ways []described
	for _, c := range controls {
		ways = append(ways, described{c.pattern, c.meaning})
	}
	return "The control API of the simulated contact center:\n\n" + table(ways) + "\n" + FaultHelp()
}

type controlFunc func(*http.Request) (any, error)

func (handle controlFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := handle(r)
	status := http.StatusOK
	switch {
	case errors.Is(err, ErrUnknownChat):
		status = http.StatusNotFound
	case errors.Is(err, ErrOver):
		status = http.StatusConflict
	case err != nil:
		status = http.StatusBadRequest
	}
	if err != nil {
		out = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(encode(out), '\n'))
}

var done = struct{}{}

func (s *Server) httpChats(*http.Request) (any, error) {
	return map[string]any{"chats": s.Chats()}, nil
}

func (s *Server) httpRecord(r *http.Request) (any, error) { return s.Record(r.PathValue("id")) }

func (s *Server) httpPush(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJSON))
	if err != nil {
		return nil, errors.New("body: broke off")
	}
	return done, s.Push(r.PathValue("id"), json.RawMessage(body))
}

// httpFile takes the file's bytes as the body, with their Content-Type, and its
// name, and at will its party, in the query.
func (s *Server) httpFile(r *http.Request) (any, error) {
	content, err := io.ReadAll(io.LimitReader(r.Body, maxUpload+1))
	if err != nil {
		return nil, errors.New("body: broke off")
	}
	query := r.URL.Query()
	if query.Get("name") == "" {
		return nil, errors.New("name: missing in the query")
	}
	id, err := s.SendFile(r.PathValue("id"), File{query.Get("name"), r.Header.Get("Content-Type"), query.Get("party"), content})
	return map[string]string{"fileId": id}, err
}

func (s *Server) httpEnd(r *http.Request) (any, error) { return done, s.End(r.PathValue("id")) }

func (s *Server) httpCase(r *http.Request) (any, error) {
	var body struct {
		CaseID *string `json:"caseId"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	if body.CaseID == nil {
		return nil, errors.New("caseId: missing")
	}
	return done, s.SetCase(r.PathValue("id"), *body.CaseID)
}

func (s *Server) httpForget(r *http.Request) (any, error) { return done, s.Forget(r.PathValue("id")) }

func (s *Server) httpFaults(*http.Request) (any, error) {
	list := []faultJSON{}
	for _, f := range s.Faults() {
		list = append(list, f.toJSON())
	}
	return map[string]any{"faults": list}, nil
}

func (s *Server) httpInject(r *http.Request) (any, error) {
	var body faultJSON
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	f, err := body.fault()
	if err != nil {
		return nil, err
	}
	id, err := s.Inject(f)
	return map[string]string{"id": id}, err
}

func (s *Server) httpClear(*http.Request) (any, error) {
	s.ClearFaults()
	return done, nil
}

func (s *Server) httpCalls(*http.Request) (any, error) {
	return map[string]any{"calls": s.Calls()}, nil
}

// readControl refuses unknown fields: a misspelt one would be a fault that
// never strikes.
func readControl(r *http.Request, into any) error {
	dec := json.NewDecoder(io.LimitReader(r.Body, maxJSON))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mistyped):
		return errors.New(mistyped.Field + ": must not be a " + mistyped.Value)
	case err != nil:
		return errors.New("body: " + err.Error())
	}
	return nil
}

// faultJSON is a Fault with durations as in Go: "1.5s".
type faultJSON struct {
	ID          string `json:"id,omitempty"`
	Method      string `json:"method,omitempty"`
	Chat        string `json:"chat,omitempty"`
	Reads       bool   `json:"reads,omitempty"`
	Body        string `json:"body,omitempty"`
	Kind        string `json:"kind"`
	Status      int    `json:"status,omitempty"`
	Code        string `json:"code,omitempty"`
	Message     string `json:"message,omitempty"`
	HTML        bool   `json:"html,omitempty"`
	Location    string `json:"location,omitempty"`
	RetryAfter  string `json:"retryAfter,omitempty"`
	Delay       string `json:"delay,omitempty"`
	Times       int    `json:"times,omitempty"`
	For         string `json:"for,omitempty"`
	AfterEffect bool   `json:"afterEffect,omitempty"`

	Then *faultJSON `json:"then,omitempty"`
}

func (f Fault) toJSON() faultJSON {
	var then *faultJSON
	if f.Then != nil {
		then = new(f.Then.toJSON())
	}
	return faultJSON{
		f.ID, f.Method, f.Chat, f.Reads, f.Body, f.Kind, f.Status, f.Code, f.Message, f.HTML, f.Location,
		spellDuration(f.RetryAfter), spellDuration(f.Delay), f.Times, spellDuration(f.For), f.AfterEffect, then,
	}
}

func (j faultJSON) fault() (Fault, error) {
	f := Fault{
		Method: j.Method, Chat: j.Chat, Reads: j.Reads, Body: j.Body, Kind: j.Kind, Status: j.Status, Code: j.Code,
		Message: j.Message, HTML: j.HTML, Location: j.Location, Times: j.Times, AfterEffect: j.AfterEffect,
	}
	for _, d := range []struct {
		field string
		text  string
		into  *time.Duration
	}{{"retryAfter", j.RetryAfter, &f.RetryAfter}, {"delay", j.Delay, &f.Delay}, {"for", j.For, &f.For}} {
		if d.text == "" {
			continue
		}
		value, err := time.ParseDuration(d.text)
		if err != nil {
			return Fault{}, errors.New(d.field + `: must be a duration such as "1.5s"`)
		}
		*d.into = value
	}
	return f.followedBy(j.Then)
}

func (f Fault) followedBy(j *faultJSON) (Fault, error) {
	if j == nil {
		return f, nil
	}
	then, err := j.fault()
	if err != nil {
		return Fault{}, fmt.Errorf("then: %w", err)
	}
	f.Then = &then
	return f, nil
}

func spellDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
