package console

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

const (
	pastUsual  = 500
	reconnects = "retry: 1000\n\n"
)

// serveEvents feeds one page.
func (c *Console) serveEvents(w http.ResponseWriter, r *http.Request) {
	past := pastUsual
	if text := r.URL.Query().Get("past"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > ringMessages {
			refuse(w, http.StatusBadRequest, "past: must be a whole number, 0 to 2000")
			return
		}
		past = n
	}
	run, err := c.feed.join()
	if err != nil {
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	defer c.feed.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // of proxies
	p := &page{run: run, out: w, control: http.NewResponseController(w), past: past}
	p.seen, _ = strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64)
	_ = p.control.SetReadDeadline(time.Time{})
	_ = p.feed(r.Context()) // it has gone, or will come again
}

// page is one that is being fed.
type page struct {
	run     *run
	out     http.ResponseWriter
	control *http.ResponseController
	past    int    // messages that it wants of what was before
	seen    uint64 // the message that it has seen last; 0: none

	at   place
	end  uint64 // number of the entry with which what is new begins
	live bool   // it has been told so
}

func (p *page) feed(ctx context.Context) error {
	if err := p.write([]byte(reconnects)); err != nil {
		return err
	}
	past := p.run.past
	var more <-chan struct{} // while nil, the past is waited for
	for {
		status, changed := p.run.latestStatus()
		if len(status) > 0 {
			if err := p.write(status); err != nil {
				return err
			}
		}
		for changedStatus := false; !changedStatus; {
			select {
			case <-past:
				past, more = nil, closed
				p.enter()
			case <-more:
				var err error
				if more, err = p.catchUp(); err != nil {
					return err
				}
			case <-changed:
				changedStatus = true
			case <-ctx.Done():
				return ctx.Err()
			case <-p.run.ctx.Done():
				return p.run.ctx.Err()
			}
		}
	}
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// enter finds the page's place in the ring.
func (p *page) enter() {
	known := false
	if p.seen > 0 {
		p.at, p.end, known = p.run.ring.behind(p.seen)
	}
	if !known {
		p.at, p.end = p.run.ring.latest(p.past)
	}
}

// catchUp writes one batch. The channel is closed when there is more.
func (p *page) catchUp() (more <-chan struct{}, err error) {
	batch, missed, changed := p.run.ring.read(&p.at)
	var text []byte
	if missed != nil {
		text = append(text, eventText("skipped", missed.To, map[string]uint64{"from": missed.From, "to": missed.To})...)
	}
	for _, e := range batch {
		text = append(text, e.text...)
	}
	if !p.live && p.at.next >= p.end {
		p.live = true
		text = append(text, eventText("live", 0, struct{}{})...)
	}
	if len(text) > 0 {
		err = p.write(text)
	}
	if len(batch) > 0 {
		changed = closed
	}
	return changed, err
}

func (p *page) write(text []byte) error {
	_ = p.control.SetWriteDeadline(time.Now().Add(p.run.pace.write))
	if _, err := p.out.Write(text); err != nil {
		return err
	}
	return p.control.Flush()
}
