package bpsim

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// PushedAt is the field of a flow's events that says when they were due to be
// pushed, in nanoseconds since 1970, as a text. What comes late counts as late.
const PushedAt = "pushed_at"

const flowMost = 100_000 // events a second

// Flow is server events at a fixed rate, for measuring.
type Flow struct {
	PerSecond float64
	For       time.Duration
	App       string // only to chats of this app; none: to all
}

func (f Flow) check() error {
	switch {
	case !(f.PerSecond > 0 && f.PerSecond <= flowMost):
		return errors.New("perSecond: must be more than 0, and at most " + strconv.Itoa(flowMost))
	case f.For <= 0:
		return errors.New("for: must be positive")
	}
	return nil
}

// Flow pushes messages to the open chats, in turn, each when it is due, and
// returns how many it has pushed when the time has passed or ctx has ended. It
// goes on behind the chat at which the last flow ended: short ones, too, reach all.
func (s *Server) Flow(ctx context.Context, f Flow) (pushed int, err error) {
	if err := f.check(); err != nil {
		return 0, err
	}
	chats := s.openChats(f.App)
	if len(chats) == 0 {
		return 0, errors.New("app: there is no open chat")
	}
	begin, first := time.Now(), int(s.flowed.Load()) // each event has a chat's turn
	for i := range int(math.Ceil(f.PerSecond * f.For.Seconds())) {
		due := begin.Add(time.Duration(float64(i) / f.PerSecond * float64(time.Second)))
		if !s.sleepUntil(ctx, due) {
			return pushed, nil
		}
		if s.pushFlow(chats[(first+i)%len(chats)], due) {
			pushed++
		}
	}
	return pushed, nil
}

func (s *Server) openChats(app string) []*chat {
	var open []*chat
	for _, c := range s.allChats() {
		if c.serves(openChat) && (app == "" || app == c.app) {
			open = append(open, c)
		}
	}
	return open
}

// sleepUntil is false if the time does not come.
func (s *Server) sleepUntil(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err() == nil && s.ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.closing():
	}
	return false
}

// pushFlow is false if the session is over.
func (s *Server) pushFlow(c *chat, due time.Time) bool {
	number := strconv.FormatInt(s.flowed.Add(1), 10)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	c.push(object("event", kindMessage, "party_id", "flow", "msg_id", "flow-"+number, "msg", "This is message "+number+" of a flow.",
		PushedAt, strconv.FormatInt(due.UnixNano(), 10)), s.opt.Now())
	return true
}

func (s *Server) httpFlow(r *http.Request) (any, error) {
	var body struct {
		PerSecond float64 `json:"perSecond"`
		For       string  `json:"for"`
		App       string  `json:"app"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	span, err := time.ParseDuration(body.For)
	if err != nil {
		return nil, errors.New(`for: must be a duration such as "1.5s"`)
	}
	pushed, err := s.Flow(r.Context(), Flow{body.PerSecond, span, body.App})
	return map[string]int{"pushed": pushed}, err
}
