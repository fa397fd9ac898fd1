package check

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/permissions"
)

// picture is what the bus showed, each thing asked for once and all at once. What
// is said of it is worked out afterwards: of one thing by what is known of others.
type picture struct {
	cfg     connector.Config
	streams []*streamSeen
	tier    *jetstream.Tier // of the account; nil: not known
	clock   *clock
	waited  string // how long JetStream had to answer

	readers    []*jetstream.ConsumerInfo // of the stream of events
	noReaders  error
	captors    []captor
	noCaptors  error
	captorsAre sync.Mutex
}

// streamSeen is a definition and what is there in its place.
type streamSeen struct {
	connector.Definition
	info      *jetstream.StreamInfo
	err       error
	consumers []consumerSeen
}

// isOurs tells whether it is there, and the connector's.
func (s *streamSeen) isOurs() bool { return s.info != nil && s.CheckOwner(s.info) == nil }

type consumerSeen struct {
	jetstream.ConsumerConfig // as it is defined
	info                     *jetstream.ConsumerInfo
	err                      error
}

// captor is another stream that takes subjects of the connector's.
type captor struct {
	stream, subject string
	of              string // our stream; "": live commands
}

func (l *looker) look(ctx context.Context, tier *jetstream.Tier) *picture {
	p := &picture{cfg: l.cfg, tier: tier, clock: &l.clock, waited: left(ctx)}
	var asking sync.WaitGroup
	for _, d := range connector.Definitions(l.cfg) {
		s := &streamSeen{Definition: d}
		p.streams = append(p.streams, s)
		asking.Go(func() { l.lookAt(ctx, p, s) })
	}
	for _, subject := range l.live() {
		asking.Go(func() { l.captors(ctx, p, subject, "") })
	}
	asking.Wait()
	return p
}

// live are the subjects of live commands.
func (l *looker) live() (all []string) {
	for _, s := range permissions.Users(l.cfg.Prefix, "check")[0].Subscribe {
		if s.Queue != "" {
			all = append(all, s.Subject)
		}
	}
	return all
}

func (l *looker) lookAt(ctx context.Context, p *picture, s *streamSeen) {
	name := s.Stream.Name
	s.info, s.err = l.stream(ctx, name)
	for _, subject := range s.lacking() {
		l.captors(ctx, p, subject, name)
	}
	if !s.isOurs() {
		return
	}
	for _, c := range s.Consumers {
		info, err := l.consumer(ctx, name, c.Durable)
		s.consumers = append(s.consumers, consumerSeen{c, info, err})
	}
	if name == l.cfg.Prefix.StreamName("EVENTS") {
		p.readers, p.noReaders = l.readers(ctx, name)
	}
}

func (l *looker) stream(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	if !l.may("STREAM.INFO." + name) {
		return nil, errForbidden
	}
	asked := time.Now()
	s, err := l.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	info := s.CachedInfo()
	l.clock.saw(asked, time.Now(), info.TimeStamp)
	return info, nil
}

func (l *looker) consumer(ctx context.Context, stream, name string) (*jetstream.ConsumerInfo, error) {
	if !l.may("CONSUMER.INFO." + stream + "." + name) {
		return nil, errForbidden
	}
	c, err := l.js.Consumer(ctx, stream, name)
	if err != nil {
		return nil, err
	}
	return c.CachedInfo(), nil
}

func (l *looker) readers(ctx context.Context, stream string) (all []*jetstream.ConsumerInfo, err error) {
	if !l.may("CONSUMER.LIST." + stream) {
		return nil, errForbidden
	}
	s, err := l.js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	list := s.ListConsumers(ctx)
	for info := range list.Info() {
		all = append(all, info)
	}
	return all, list.Err()
}

// lacking are subjects of ours that the stream has not, so that another may have them.
func (s *streamSeen) lacking() []string {
	if s.info != nil && !s.isOurs() {
		return nil // it is itself what stands in the way
	}
	var there []string
	if s.info != nil {
		there = s.info.Config.Subjects
	}
	return slices.DeleteFunc(slices.Clone(s.Stream.Subjects), func(subject string) bool {
		return slices.ContainsFunc(there, func(wide string) bool { return bus.Covers(wide, subject) })
	})
}

// captors finds other streams that take a subject.
func (l *looker) captors(ctx context.Context, p *picture, subject, of string) {
	names, err := l.takers(ctx, subject)
	p.captorsAre.Lock()
	defer p.captorsAre.Unlock()
	if err != nil {
		p.noCaptors = err
	}
	for _, name := range names {
		if name != of {
			p.captors = append(p.captors, captor{name, subject, of})
		}
	}
}

func (l *looker) takers(ctx context.Context, subject string) (names []string, err error) {
	if !l.may("STREAM.NAMES") {
		return nil, errForbidden
	}
	list := l.js.StreamNames(ctx, jetstream.WithStreamListSubject(subject))
	for name := range list.Name() {
		names = append(names, name)
	}
	return names, list.Err()
}
