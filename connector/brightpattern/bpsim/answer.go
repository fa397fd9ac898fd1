package bpsim

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// answer is complete but not written yet, so that a fault can take its place.
type answer struct {
	status      int // 0: nobody is there to read it
	contentType string
	body        []byte
	location    string // of a redirect
	retryAfter  time.Duration
	takes       time.Duration // until the whole body is written
	refused     bool          // nothing was carried out
	given       []*entry      // the server events given away in it
}

const jsonType = "application/json; charset=UTF-8"

func ok(value any) answer {
	return answer{status: http.StatusOK, contentType: jsonType, body: encode(value)}
}

func empty() answer { return answer{status: http.StatusOK} }

func okEvents(events []json.RawMessage) answer {
	return answer{status: http.StatusOK, contentType: jsonType, body: encodeEvents(events)}
}

// abandoned answers a client that has left.
func abandoned() answer { return answer{} }

func (a answer) carriedOut() bool { return a.status != 0 && !a.refused }

func (a answer) writeHeader(w http.ResponseWriter, length int) {
	h := w.Header()
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	} else {
		h["Content-Type"] = nil // keeps net/http from guessing one
	}
	h.Set("Content-Length", strconv.Itoa(length))
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.retryAfter.Seconds()))))
	}
	w.WriteHeader(a.status)
}

// write reports whether the whole answer went to the connection.
func (a answer) write(w http.ResponseWriter) bool {
	a.writeHeader(w, len(a.body))
	if _, err := w.Write(a.body); err != nil {
		return false
	}
	return http.NewResponseController(w).Flush() == nil
}

// writeHalf leaves the client waiting for the rest.
func (a answer) writeHalf(w http.ResponseWriter) {
	half := a.body[:len(a.body)/2]
	a.writeHeader(w, len(a.body)+1)
	_, _ = w.Write(half)
	_ = http.NewResponseController(w).Flush()
}
