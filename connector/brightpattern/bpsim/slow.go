package bpsim

import (
	"net/http"
	"slices"
	"time"
)

// Answers that take their time, of the faults "slow" and "endless". Neither
// goes on when the client has left or the server closes.

const slowPieces = 16

// write reports whether the whole answer went to the connection.
func (s *Server) write(w http.ResponseWriter, c *call, a answer) bool {
	if a.takes == 0 {
		return a.write(w)
	}
	a.writeHeader(w, len(a.body))
	size := max(1, (len(a.body)+slowPieces-1)/slowPieces)
	for piece := range slices.Chunk(a.body, size) {
		_, err := w.Write(piece)
		if err != nil || http.NewResponseController(w).Flush() != nil || !s.pause(c, a.takes/slowPieces) {
			return false
		}
	}
	return true
}

// writeForEver says nothing of a length, and goes on behind the body.
func (s *Server) writeForEver(w http.ResponseWriter, c *call, a answer) {
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
	}
	w.WriteHeader(a.status)
	_, err := w.Write(a.body)
	for more := make([]byte, 32<<10); err == nil && s.pause(c, time.Millisecond); {
		_, err = w.Write(more)
	}
}

// pause reports false if nobody is there any more.
func (s *Server) pause(c *call, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
	case <-s.closing():
	}
	return false
}
