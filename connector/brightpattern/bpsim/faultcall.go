package bpsim

import (
	"html"
	"net/http"
	"strconv"
	"time"
)

// ending is how a call's connection ends.
type ending int

const (
	endAnswered ending = iota
	endCut
	endHalf
	endNever
)

// faultBefore strikes a call that has just arrived. hit: the call is over.
func (s *Server) faultBefore(c *call) (a answer, end ending, hit bool) {
	f := s.strike(c, false, false)
	if f == nil {
		return answer{}, endAnswered, false
	}
	switch f.Kind {
	case "status", "page":
		return f.answer(), endAnswered, true
	case "cut_before":
		return answer{}, endCut, true
	case "delay":
		s.wait(f.Delay)
		return answer{}, endAnswered, false
	default: // hang
		return s.hang(c, f)
	}
}

// faultAfter strikes an answer that is ready.
func (s *Server) faultAfter(c *call, a answer) (answer, ending) {
	if a.status == 0 {
		return a, endCut
	}
	f := s.strike(c, true, len(a.given) > 0)
	if f == nil {
		return a, endAnswered
	}
	switch f.Kind {
	case "delay":
		s.wait(f.Delay)
		return a, endAnswered
	case "slow":
		a.takes = f.Delay
		return a, endAnswered
	}
	if len(a.given) > 0 {
		c.chat.settle(a.given, LostByFault, false)
		a.given = nil
	}
	return f.destroy(a)
}

// destroy is what arrives instead of the answer.
func (f *liveFault) destroy(a answer) (answer, ending) {
	switch f.Kind {
	case "status", "page":
		return f.answer(), endAnswered
	case "truncate":
		return a, endHalf
	case "endless":
		return a, endNever
	case "garbage":
		return answer{status: http.StatusOK, contentType: jsonType, body: []byte("{\"events\":[{\"eve\x00\xff")}, endAnswered
	default: // cut_after, lose
		return answer{}, endCut
	}
}

func (s *Server) strike(c *call, after, gives bool) *liveFault {
	f := s.faults.strike(c, after, gives, s.live)
	if f != nil {
		s.opt.Log.Info("fault", "id", f.ID, "kind", f.Kind, "method", c.route.method)
		s.changed()
	}
	return f
}

// wait is not cut short by a client that leaves: what it asked for happens.
func (s *Server) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing():
	}
}

// hang holds the call back; only if it is let go does it take its effect.
func (s *Server) hang(c *call, f *liveFault) (a answer, end ending, hit bool) {
	select {
	case <-f.cleared:
		return answer{}, endAnswered, false
	case <-s.closing():
		return shuttingDown.answer(), endAnswered, true
	case <-c.ctx.Done():
		return answer{}, endCut, true
	}
}

const maintenance = "<html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>"

// answer of a fault of kind status or page.
func (f Fault) answer() answer {
	if f.Kind == "page" {
		return answer{status: http.StatusOK, contentType: "text/html", body: []byte(maintenance), retryAfter: f.RetryAfter, refused: true}
	}
	a := answer{status: orDefault(f.Status, http.StatusInternalServerError), location: f.Location, retryAfter: f.RetryAfter, refused: true}
	switch {
	case f.HTML:
		title := html.EscapeString(strconv.Itoa(a.status) + " " + orDefault(f.Message, http.StatusText(a.status)))
		a.contentType = "text/html"
		a.body = []byte("<html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>")
	case f.Code != "" || f.Message != "":
		a.contentType, a.body = jsonType, encode(f.errorBody())
	}
	return a
}

func (f Fault) errorBody() map[string]any {
	body := map[string]any{"error_message": f.Message}
	if f.Code != "" {
		body["error_code"] = f.Code
	}
	return body
}
