package console

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	pastUsual     = 500
	comesBack     = "retry: 1000\n\n" // how soon; for clients that come back by themselves, as the page does not
	helloPatience = time.Second
)

// serveEvents feeds one page.
func (c *Console) serveEvents(w http.ResponseWriter, r *http.Request) {
	p, wrong := wanted(r)
	if wrong != "" {
		refuse(w, http.StatusBadRequest, wrong)
		return
	}
	if r.URL.Query().Get("probe") != "" {
		c.serveProbe(w)
		return
	}
	run, err := c.feed.join()
	if err != nil {
		refuseForNow(w, err)
		return
	}
	defer c.feed.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // of proxies
	p.run, p.out, p.control = run, w, http.NewResponseController(w)
	p.mayStay = func() bool { return c.signedIn(r) }
	_ = p.control.SetReadDeadline(time.Time{})
	_ = p.feed(r.Context()) // it has gone, or will come again
}

// serveProbe tells what a browser does not tell of an event stream that is refused.
func (c *Console) serveProbe(w http.ResponseWriter) {
	if err := c.feed.probe(); err != nil {
		refuseForNow(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func refuseForNow(w http.ResponseWriter, err error) {
	w.Header().Set("Retry-After", "5")
	refuse(w, http.StatusServiceUnavailable, err.Error())
}

// wanted reads what a page asks for. The page itself says in the address where it goes
// on; a client that comes back by itself has the same address, and says by
// Last-Event-ID what is newer.
func wanted(r *http.Request) (p *page, wrong string) {
	p = &page{past: pastUsual, stream: r.URL.Query().Get("stream")}
	var err error
	if text := r.URL.Query().Get("past"); text != "" {
		if p.past, err = strconv.Atoi(text); err != nil || p.past < 0 || p.past > ringMessages {
			return nil, fmt.Sprintf("past: must be a whole number, 0 to %d", ringMessages)
		}
	}
	if text := r.URL.Query().Get("after"); text != "" {
		if p.seen, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, "after: must be the sequence of a message"
		}
	}
	if seen, err := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64); err == nil {
		p.seen = seen
	}
	return p, ""
}

// page is one that is being fed.
type page struct {
	run     *run
	out     http.ResponseWriter
	control *http.ResponseController
	mayStay func() bool // asked at each news, of which there is some each second
	past    int         // messages that it wants of what was before
	seen    uint64      // the message that it has seen last; 0: none
	stream  string      // of which; empty: it does not say

	greeted         bool
	status, trouble int // numbers of what it was told last
	entered         bool
	at              place
	end             uint64 // number of the entry with which what is new begins
	live            bool   // it has been told so
}

func (p *page) feed(ctx context.Context) error {
	err := p.write([]byte(comesBack))
	p.awaitHello(ctx)
	for err == nil && p.mayStay() {
		text, news, more := p.next()
		if len(text) > 0 {
			err = p.write(text)
			continue
		}
		select {
		case <-news:
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.run.ctx.Done():
			return p.run.ctx.Err()
		}
	}
	return err
}

// awaitHello waits until it is known which stream is read, so that pages hear this
// first. It gives up soon: that it cannot be read is to be heard, too.
func (p *page) awaitHello(ctx context.Context) {
	late := time.NewTimer(helloPatience)
	defer late.Stop()
	for {
		news := p.run.latest()
		if news.stream != "" || news.trouble != "" {
			return
		}
		select {
		case <-news.changed:
		case <-late.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// next is what the page was not told yet, or some of it. The channels are closed
// when there is more.
func (p *page) next() (text []byte, news, more <-chan struct{}) {
	text, news = p.catchUpNews()
	if !p.greeted {
		return text, news, nil
	}
	select {
	case <-p.run.past:
	default:
		return text, news, p.run.past
	}
	if !p.entered {
		text = append(text, p.enter()...)
	}
	batch, more := p.catchUp()
	return append(text, batch...), news, more
}

// hello tells a page from whom it hears, and of what.
type hello struct {
	Stream  string `json:"stream"` // when it was made: its sequences are other ones than those of one before
	Replica string `json:"replica"`
	Version string `json:"version"`
}

func (p *page) catchUpNews() (text []byte, changed <-chan struct{}) {
	news := p.run.latest()
	if !p.greeted && news.stream != "" {
		p.greeted = true
		text = eventText("hello", 0, hello{news.stream, p.run.cfg.Replica, p.run.cfg.Version})
	}
	if news.troubleNumber != p.trouble {
		p.trouble = news.troubleNumber
		text = append(text, eventText("trouble", 0, map[string]string{"message": news.trouble})...)
	}
	if news.statusNumber != p.status {
		p.status = news.statusNumber
		text = append(text, news.status...)
	}
	return text, news.changed
}

// enter finds the page's place in the ring. A page whose messages are none of the
// stream's is told so.
func (p *page) enter() (text []byte) {
	p.entered = true
	if p.seen > 0 {
		var known bool
		if p.at, p.end, known = p.run.ring.behind(p.seen, p.stream); known {
			return nil
		}
		text = restarted(p.run.ring.reading())
	}
	p.at, p.end = p.run.ring.latest(p.past)
	return text
}

// catchUp is one batch. The channel is closed when there is more.
func (p *page) catchUp() (text []byte, more <-chan struct{}) {
	batch, missed, changed := p.run.ring.read(&p.at)
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
	return text, changed
}

func (p *page) write(text []byte) error {
	_ = p.control.SetWriteDeadline(time.Now().Add(p.run.pace.write))
	if _, err := p.out.Write(text); err != nil {
		return err
	}
	return p.control.Flush()
}
