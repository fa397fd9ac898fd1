package bus

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/metrics"
)

// Streams are the handles on what the layout describes.
type Streams struct {
	Events   *Stream
	Sessions *Stream            // of session tokens
	Holders  jetstream.Consumer // hands them out
	Commands *Stream            // durable ones
	Runners  jetstream.Consumer // hands them out
	Dead     *Stream            // letters
	Journal  *Bucket
	Chats    *Bucket
	State    *Bucket
	Files    jetstream.ObjectStore

	objects *Stream // of files
	checked question

	js      jetstream.JetStream
	cfg     Config
	layout  layout
	metrics *metrics.Bus
}

// Open makes what is missing, if it may, and finds every stream. It touches
// nothing of anybody else's (owner.go), and of what an administrator has set only
// what it must (fit.go). An error for which IsPassing holds may be gone soon.
func Open(ctx context.Context, js jetstream.JetStream, cfg Config, log *slog.Logger) (*Streams, error) {
	found, err := survey(ctx, js, needs(cfg))
	if err != nil {
		return nil, err
	}
	if p := (provision{js, cfg, log}); cfg.Provision {
		err = p.all(ctx, found)
	} else {
		err = p.inspect(ctx, found)
	}
	if err != nil {
		return nil, err
	}
	s, err := newLayout(cfg).find(ctx, js, cfg)
	if err == nil {
		s.measure(cfg.Metrics)
	}
	return s, err
}

// measure has what is written counted by stream.
func (s *Streams) measure(m *metrics.Bus) {
	if m == nil {
		m = metrics.Unregistered().Bus
	}
	s.metrics = m
	for _, of := range s.all() {
		of.failed = m.PublishErrors.WithLabelValues(of.CachedInfo().Config.Name)
	}
}

func (s *Streams) all() []*Stream {
	return []*Stream{s.Events, s.Sessions, s.Commands, s.Dead, s.Journal.stream, s.Chats.stream, s.State.stream, s.objects}
}

func (s *Streams) findFiles(ctx context.Context, js jetstream.JetStream) (err error) {
	if s.objects, err = openStream(ctx, js, s.layout.files.Name); err != nil {
		return err
	}
	s.Files, err = js.ObjectStore(ctx, s.filesBucket())
	return err
}

// step is one store of the layout on its way to being found.
type step struct {
	name string
	take func() error
}

func (l layout) find(ctx context.Context, js jetstream.JetStream, cfg Config) (*Streams, error) {
	s := Streams{js: js, cfg: cfg, layout: l}
	for _, step := range []step{
		{l.events.Name, func() (err error) { s.Events, err = openStream(ctx, js, l.events.Name); return }},
		{l.sessions.Name, func() (err error) { s.Sessions, err = openStream(ctx, js, l.sessions.Name); return }},
		{l.holders.Durable, func() (err error) { s.Holders, err = js.Consumer(ctx, l.sessions.Name, l.holders.Durable); return }},
		{l.commands.Name, func() (err error) { s.Commands, err = openStream(ctx, js, l.commands.Name); return }},
		{l.runners.Durable, func() (err error) { s.Runners, err = js.Consumer(ctx, l.commands.Name, l.runners.Durable); return }},
		{l.dead.Name, func() (err error) { s.Dead, err = openStream(ctx, js, l.dead.Name); return }},
		{l.journal.Name, func() (err error) { s.Journal, err = openBucket(ctx, js, l.journal.Name); return }},
		{l.chats.Name, func() (err error) { s.Chats, err = openBucket(ctx, js, l.chats.Name); return }},
		{l.state.Name, func() (err error) { s.State, err = openBucket(ctx, js, l.state.Name); return }},
		{l.files.Name, func() error { return s.findFiles(ctx, js) }},
	} {
		if err := step.take(); err != nil {
			return nil, fmt.Errorf("%s cannot be used: make it beforehand from what `cc-connector streams` prints, or let the connector make it by CC_PROVISION=true (%w)", step.name, Advise(err))
		}
	}
	return &s, nil
}
