package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/health"
)

const (
	// checkPatience is how long the streams may take to answer, all together.
	checkPatience = 2 * time.Second
	// checkedFor is known what they have answered. Keep looks more often, so
	// that readiness has to ask only where that one is held up.
	checkedFor = longestKeep + longestKeep/2
)

// Faults are the streams without which the connector does not work, or not for
// long, and what is wrong with them. However often and by however many it is asked
// itself, JetStream is asked once at a time, and once a second.
func (s *Streams) Faults() (all []health.Fault) {
	for _, answer := range s.asked.ask(checkedFor, s.askAll) {
		if answer.err != nil {
			all = append(all, s.fault(answer))
		}
	}
	return append(all, s.faultsOfRoom()...)
}

// DoAnswer tells whether the streams that open chats rest on answered lately. It
// costs what Faults does.
func (s *Streams) DoAnswer() bool {
	return !slices.ContainsFunc(s.asked.ask(checkedFor, s.askAll), func(a answer) bool { return a.err != nil && s.layout.restsOn(a.stream) })
}

// faultsOfRoom are the streams that are full. Of events and files, Health tells
// what cannot be published.
func (s *Streams) faultsOfRoom() (all []health.Fault) {
	for _, of := range []*Stream{s.Sessions, s.Dead, s.Journal.stream, s.Chats.stream, s.State.stream} {
		name := of.CachedInfo().Config.Name
		if full := of.full.now(); full.isRecent(s.cfg.Quiet) {
			full.err = Explain(name, full.err)
			all = append(all, full.fault(health.Stream, name, s.layout.what(name)))
		}
	}
	return all
}

// Check names all that is wrong, also for a moment.
func (s *Streams) Check() error {
	var all []error
	for _, f := range s.Faults() {
		all = append(all, f.Err)
	}
	return errors.Join(all...)
}

// fault is at once one that stays, where nobody makes again what has vanished.
func (s *Streams) fault(a answer) health.Fault {
	vanished := errors.Is(a.err, jetstream.ErrStreamNotFound) || errors.Is(a.err, jetstream.ErrConsumerNotFound)
	return health.Fault{
		Part: health.Stream, Name: a.stream, Err: fmt.Errorf("%s: %w", s.layout.what(a.stream), a.err),
		Stays: vanished && !s.cfg.Provision || errors.As(a.err, new(stranger)),
	}
}

// askAll asks each stream beside the others: one that does not answer holds up no other.
func (s *Streams) askAll() []answer {
	ctx, cancel := context.WithTimeout(context.Background(), checkPatience)
	defer cancel()
	return ofEach(needs(s.cfg), func(n need) error { return s.askStream(ctx, n) })
}

func ofEach(all []need, ask func(need) error) []answer {
	answers := make([]answer, len(all))
	var asking sync.WaitGroup
	for i, n := range all {
		asking.Go(func() { answers[i] = answer{n.Stream.Name, ask(n)} })
	}
	asking.Wait()
	return answers
}

// stranger is a stream that somebody else has made in the place of the connector's.
type stranger struct{ error }

// askStream says what is wrong with a stream or its consumers, if anything.
func (s *Streams) askStream(ctx context.Context, n need) error {
	info, err := s.handle(n.Stream.Name).Info(ctx) // which also brings what is known of it up to date
	if err != nil {
		return Explain(n.Stream.Name, err)
	}
	if err := n.CheckOwner(info); err != nil {
		return stranger{err}
	}
	for _, c := range n.Consumers {
		if _, err := s.js.Consumer(ctx, n.Stream.Name, c.Durable); err != nil {
			return explainConsumer(n.Stream.Name, err)
		}
	}
	return nil
}

// what a stream is, in an operator's words.
func (l layout) what(stream string) string {
	all := []struct{ name, what string }{
		{l.events.Name, "stream of events"}, {l.sessions.Name, "stream of chats to poll"},
		{l.commands.Name, "stream of durable commands"}, {l.dead.Name, "stream of dead letters"},
		{l.journal.Name, "journal of commands"}, {l.chats.Name, "bucket of chats"},
		{l.state.Name, "bucket of the connector's memory"}, {l.files.Name, "store of files"},
	}
	i := slices.IndexFunc(all, func(one struct{ name, what string }) bool { return one.name == stream })
	return all[i].what
}
