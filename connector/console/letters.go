package console

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"cc-connector/connector/admin"
	"cc-connector/schema"
)

// letter is a dead letter as the page lists it.
type letter struct {
	Sequence  uint64       `json:"seq"`
	Command   string       `json:"command"`
	Chat      string       `json:"chat"`
	Code      string       `json:"code"`
	Message   string       `json:"message"`
	Attempts  int          `json:"attempts"`
	FirstSeen *schema.Time `json:"firstSeen"`
	Age       float64      `json:"age"` // in seconds
}

// withDead looks for the stream anew each time: it may have been made meanwhile.
func (c *Console) withDead(ctx context.Context, do func(context.Context, *admin.Dead) (any, error)) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	dead, err := admin.OpenDead(ctx, c.cfg.JetStream, c.cfg.Admin)
	if err != nil {
		return nil, err
	}
	return do(ctx, dead)
}

// letters are some of them: there may be very many.
type letters struct {
	Letters schema.List[letter] `json:"letters"`
	More    bool                `json:"more"`
	Total   uint64              `json:"total"`
}

const lettersMost = 200

func (c *Console) serveLetters(w http.ResponseWriter, r *http.Request) {
	f := admin.Filter{Most: lettersMost}
	var err error
	if text := r.URL.Query().Get("after"); text != "" {
		if f.After, err = strconv.ParseUint(text, 10, 64); err != nil {
			refuse(w, http.StatusBadRequest, "after: must be the sequence of a dead letter")
			return
		}
	}
	if text := r.URL.Query().Get("most"); text != "" {
		if f.Most, err = strconv.Atoi(text); err != nil || f.Most < 1 || f.Most > lettersMost {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("most: must be a whole number, 1 to %d", lettersMost))
			return
		}
	}
	list, err := c.withDead(r.Context(), func(ctx context.Context, dead *admin.Dead) (any, error) {
		found, err := dead.Letters(ctx, f)
		list := letters{More: found.More, Total: found.Stored}
		for _, l := range found.Letters {
			list.Letters = append(list.Letters, letter{l.Sequence, l.Command, l.ChatID, l.Code, l.Message, l.Attempts, l.FirstSeen, l.Age})
		}
		return list, err
	})
	c.answer(w, list, err)
}

// onLetter does something with the letter that the path names.
func (c *Console) onLetter(w http.ResponseWriter, r *http.Request, do func(context.Context, *admin.Dead, uint64) (any, error)) {
	sequence, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	if err != nil {
		c.answer(w, nil, admin.ErrNoLetter)
		return
	}
	done, err := c.withDead(r.Context(), func(ctx context.Context, dead *admin.Dead) (any, error) { return do(ctx, dead, sequence) })
	c.answer(w, done, err)
}

func (c *Console) serveLetter(w http.ResponseWriter, r *http.Request) {
	c.onLetter(w, r, func(ctx context.Context, dead *admin.Dead, sequence uint64) (any, error) {
		return dead.Describe(ctx, sequence)
	})
}

// putBack publishes: so all streams must be there, and the connector's.
func (c *Console) putBack(w http.ResponseWriter, r *http.Request) {
	c.onLetter(w, r, func(ctx context.Context, _ *admin.Dead, sequence uint64) (any, error) {
		a, err := admin.Open(ctx, c.cfg.NATS, c.cfg.JetStream, c.cfg.Admin)
		if err != nil {
			return nil, err
		}
		return a.PutBack(ctx, sequence)
	})
}

func (c *Console) deleteLetter(w http.ResponseWriter, r *http.Request) {
	c.onLetter(w, r, func(ctx context.Context, dead *admin.Dead, sequence uint64) (any, error) {
		return struct{}{}, dead.Delete(ctx, sequence)
	})
}
