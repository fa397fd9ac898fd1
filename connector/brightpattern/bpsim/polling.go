package bpsim

import (
	"errors"
	"net/http"
	"time"
)

// Polling is how far the open chats are polled.
type Polling struct {
	Open  int `json:"open"`  // chats whose session is not over
	Held  int `json:"held"`  // of these, those with a poll under way whose client is there
	Since int `json:"since"` // and those whose latest poll began since then, and was not left by its client
}

// Polling tells who is polled, also since a moment: after a client's death,
// whether another one has come.
func (s *Server) Polling(since time.Time) Polling {
	var p Polling
	for _, c := range s.allChats() {
		c.addTo(&p, since)
	}
	return p
}

func (c *chat) addTo(p *Polling, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	p.Open++
	if c.holder != nil && !c.holder.left {
		p.Held++
	}
	if c.latest != nil && !c.latest.left && !c.latest.begun.Before(since) {
		p.Since++
	}
}

func (s *Server) httpPolling(r *http.Request) (any, error) {
	var since time.Time
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return nil, errors.New("since: must be a time such as 2006-01-02T15:04:05.999Z")
		}
	}
	return s.Polling(since), nil
}
