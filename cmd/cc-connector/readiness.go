package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"cc-connector/connector"
)

// What /healthz and /readyz answer, and "cc-connector health" reads.
const (
	statusAlive    = "alive"
	statusReady    = "ready"
	statusNotReady = "not_ready"
)

// report is the body of an answer.
type report struct {
	Status   string    `json:"status"`
	Replica  string    `json:"replica,omitempty"` // not known until NATS is connected
	Version  string    `json:"version,omitempty"`
	Problems []problem `json:"problems,omitempty"`
}

type problem struct {
	Part    connector.Part `json:"part"`
	Name    string         `json:"name,omitempty"`
	Message string         `json:"message"`
	Since   time.Time      `json:"since"`
}

func reportOf(h connector.Health) report {
	r := report{Status: statusReady, Replica: h.Replica, Version: h.Version}
	if !h.Ready {
		r.Status = statusNotReady
	}
	for _, p := range h.Problems {
		r.Problems = append(r.Problems, problem{p.Part, p.Name, p.Message, p.Since.UTC().Truncate(time.Millisecond)})
	}
	return r
}

// readReport understands a body, if it is one.
func readReport(body []byte) (r report, ok bool) {
	err := json.Unmarshal(body, &r)
	return r, err == nil && r.Status != ""
}

// says what does not work, in one line.
func (r report) says() string {
	var all []string
	for _, p := range r.Problems {
		all = append(all, strings.Join(strings.Fields(p.Message), " "))
	}
	return strings.Join(all, "; ")
}

// readiness answers by what it asks, which changes while the process starts and leaves.
type readiness struct {
	ask atomic.Pointer[func() connector.Health]
}

func newReadiness(reason string) *readiness {
	r := new(readiness)
	r.not("", reason)
	return r
}

func (r *readiness) use(ask func() connector.Health) { r.ask.Store(&ask) }

// not is ready, for a reason that no connector knows.
func (r *readiness) not(replica, reason string) {
	problem := connector.Problem{Part: connector.Starting, Message: reason, Since: time.Now()}
	h := connector.Health{Replica: replica, Version: buildVersion(), Problems: []connector.Problem{problem}}
	r.use(func() connector.Health { return h })
}

func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := (*r.ask.Load())()
	status := http.StatusOK
	if !h.Ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, reportOf(h))
}

// alive costs nothing, and depends on nothing.
func alive(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, report{Status: statusAlive, Version: buildVersion()})
}

func answer(w http.ResponseWriter, status int, r report) {
	body, err := json.Marshal(r)
	if err != nil { // of strings alone: it cannot be
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
