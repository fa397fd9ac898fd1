package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"cc-connector/subjects"
)

// lane is a way on which a chat.send can be given. Each caller has a chat of
// its own, as a chat's commands run one after the other.
type lane struct {
	name string // floor, live, durable
	of   string // the contender; none is the floor
	on   *process
	call func(ctx context.Context, caller int) error
	// hears begins to listen to what calls wait for, if they wait for anything but
	// a reply. No other lane pays for that: stop it when the load is over.
	hears func() (stop func(), err error)
}

const (
	floorLane   = "floor"
	liveLane    = "live"
	durableLane = "durable"
	sendCommand = subjects.Command("chat.send")
	message     = "hello there"
)

// newFloorLane opens chats that only the floor knows.
func (s *stand) newFloorLane(ctx context.Context, callers int) (lane, error) {
	requests := make([][]byte, callers)
	err := inParallel(ctx, callers, func(ctx context.Context, i int) error {
		client := fmt.Sprintf("floor-%d", i)
		chat, err := s.contact.open(ctx, client)
		requests[i], _ = json.Marshal(floorCommand{chat, client, message})
		return err
	})
	return lane{name: floorLane, on: s.floor, call: func(ctx context.Context, caller int) error {
		return s.request(ctx, floorSubject, requests[caller])
	}}, err
}

// connectorLanes starts a connector and opens a chat for each caller.
func (s *stand) connectorLanes(ctx context.Context, of contender, callers int) ([]lane, error) {
	r, err := s.startReplica(ctx, of)
	if err != nil {
		return nil, err
	}
	chats, err := s.openChats(ctx, of, callers)
	if err != nil {
		return nil, err
	}
	durable, err := s.newDurableLane(r, chats)
	return []lane{s.newLiveLane(r, chats), durable}, err
}

func (s *stand) newLiveLane(r *replica, chats []string) lane {
	requests := sendRequests(chats)
	subject := subjects.Prefix(r.prefix).Live(sendCommand)
	return lane{name: liveLane, of: r.Name, on: r.process, call: func(ctx context.Context, caller int) error {
		return s.request(ctx, subject, requests[caller])
	}}
}

func sendRequests(chats []string) [][]byte {
	requests := make([][]byte, len(chats))
	for i, chat := range chats {
		requests[i], _ = json.Marshal(map[string]string{"chatId": chat, "text": message})
	}
	return requests
}

// request fails if the reply tells a failure.
func (s *stand) request(ctx context.Context, subject string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	reply, err := s.nc.RequestWithContext(ctx, subject, data)
	if err != nil {
		return fmt.Errorf("%s: %w", subject, err)
	}
	if failure := reply.Header.Get("Nats-Service-Error"); failure != "" {
		return fmt.Errorf("%s: %s", subject, failure)
	}
	return nil
}

// durable gives durable commands, and matches their results to them.
type durable struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	results  string // the subject
	subjects []string
	requests [][]byte

	mu      sync.Mutex
	waiting map[string]chan error
}

func (s *stand) newDurableLane(r *replica, chats []string) (lane, error) {
	prefix := subjects.Prefix(r.prefix)
	d := &durable{nc: s.nc, js: s.js, results: prefix.Result("*", sendCommand), requests: sendRequests(chats), waiting: map[string]chan error{}}
	for _, chat := range chats {
		token, err := subjects.EscapeChat(chat)
		if err != nil {
			return lane{}, err
		}
		d.subjects = append(d.subjects, prefix.Durable(sendCommand, token))
	}
	return lane{name: durableLane, of: r.Name, on: r.process, call: d.call, hears: d.listen}, nil
}

// listen returns when the server sends every result here.
func (d *durable) listen() (stop func(), err error) {
	results, err := d.nc.Subscribe(d.results, d.hear)
	if err != nil {
		return nil, fmt.Errorf("listening to %s: %w", d.results, err)
	}
	stop = func() { _ = results.Unsubscribe() } // it fails only where the connection is closed
	if err = errors.Join(results.SetPendingLimits(-1, -1), d.nc.Flush()); err != nil {
		stop()
	}
	return stop, err
}

// call returns when the result's event has come, which may be before the stream's ack.
func (d *durable) call(ctx context.Context, caller int) error {
	id := nuid.Next()
	outcome := d.expect(id)
	defer d.forget(id)
	msg := &nats.Msg{Subject: d.subjects[caller], Data: d.requests[caller]}
	ack, err := d.js.PublishMsgAsync(msg, jetstream.WithMsgID(id))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	select {
	case err := <-outcome:
		return err
	case err := <-ack.Err():
		return fmt.Errorf("%s is not stored: %w", msg.Subject, err)
	case <-ctx.Done():
		return fmt.Errorf("%s: no result: %w", msg.Subject, context.Cause(ctx))
	}
}

func (d *durable) expect(id string) <-chan error {
	d.mu.Lock()
	defer d.mu.Unlock()
	outcome := make(chan error, 1)
	d.waiting[id] = outcome
	return outcome
}

func (d *durable) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, id)
}

func (d *durable) hear(m *nats.Msg) {
	var result struct {
		CausationID string
		Data        struct{ Status string }
	}
	if json.Unmarshal(m.Data, &result) != nil {
		return // then its command is lost
	}
	d.mu.Lock()
	outcome := d.waiting[result.CausationID]
	delete(d.waiting, result.CausationID)
	d.mu.Unlock()
	if outcome == nil {
		return
	}
	if result.Data.Status != "ok" {
		outcome <- errors.New(m.Subject + " tells a failure")
		return
	}
	outcome <- nil
}
