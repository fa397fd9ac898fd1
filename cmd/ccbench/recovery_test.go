package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// polled is a chat of a simulator, and who polls it.
type polled struct {
	*testing.T
	s    *stand
	sim  *bpsim.Server
	chat string
}

const someone = "someone"

// newPolled lets a test do something at each look at the polls, by its number.
func newPolled(t *testing.T, look func(p polled, number int)) polled {
	t.Helper()
	p := polled{T: t, sim: bpsim.New(bpsim.Options{Hold: time.Hour})}
	looks := 0
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, request *http.Request) {
		if strings.HasPrefix(request.URL.Path, "/sim/polls") {
			looks++
			look(p, looks)
		}
		p.sim.ServeHTTP(rw, request)
	}))
	t.Cleanup(func() { p.sim.Close(); front.Close() })
	p.s = &stand{contact: newContact(front.URL)}
	t.Cleanup(p.s.contact.close)
	var err error
	if p.chat, err = p.s.contact.open(t.Context(), someone); err != nil {
		t.Fatal(err)
	}
	return p
}

// poll returns when the poll is held.
func (p polled) poll() (leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = p.s.contact.callBy(ctx, http.MethodGet, "chats/"+p.chat+"/events?timestamp=1&tenantUrl="+tenant, someone, nil) // until it is left
	}()
	leave = func() { cancel(); <-done; p.untilHeld(0) }
	p.Cleanup(leave)
	p.untilHeld(1)
	return leave
}

func (p polled) untilHeld(polls int) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	if err := p.sim.WaitFor(ctx, func() bool { return p.sim.Polling(time.Time{}).Held == polls }); err != nil {
		p.Errorf("%d polls are not held: %v", polls, err)
	}
}

// The poll of a replica that is held already when the other one ends would count
// when it is next begun: as late as a hold allows.
func TestAChatThatIsPolledBeforeTheEndIsBack(t *testing.T) {
	p := newPolled(t, func(polled, int) {})
	ended := make(chan error, 1)
	ended <- nil
	c := comeback{chats: 1, since: time.Now(), ended: ended}
	p.poll()
	c.begun = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	if _, err := p.s.awaitBack(ctx, &c); err != nil {
		t.Error(err)
	}
}

// A poll that the ending replica has begun meanwhile counts for nothing.
func TestAChatThatIsLeftIsNotBack(t *testing.T) {
	ended := make(chan error, 1)
	c := comeback{chats: 1, since: time.Now(), ended: ended}
	var leave func()
	var back time.Time
	p := newPolled(t, func(p polled, look int) {
		switch look {
		case 2:
			leave()
			ended <- nil
		case 4:
			back = time.Now()
			p.poll()
		}
	})
	leave = p.poll()
	c.begun = time.Now()
	got, err := p.s.awaitBack(t.Context(), &c)
	if least := back.Sub(c.begun).Seconds(); err != nil || got.half < least || got.all < least {
		t.Errorf("it is told to be back after %+v, and was after %v s; %v", got, least, err)
	}
}
