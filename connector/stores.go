package connector

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// stores are the handles on what the layout describes.
type stores struct {
	events   jetstream.Stream
	tokens   jetstream.Stream
	holders  jetstream.Consumer
	commands jetstream.Stream
	runners  jetstream.Consumer
	dead     jetstream.Stream
	journal  jetstream.KeyValue
	chats    jetstream.KeyValue
	state    jetstream.KeyValue
	files    jetstream.ObjectStore
}

// store is one of them, for whoever asks whether it is there.
type store struct {
	what   string
	stream string
	ask    func(context.Context) error
}

// all are the stores without which the connector does not work, or not for long.
func (s *stores) all() []store {
	stream := func(what string, st jetstream.Stream) store {
		return store{what, st.CachedInfo().Config.Name, func(ctx context.Context) error { _, err := st.Info(ctx); return err }}
	}
	consumer := func(what string, of jetstream.Stream, c jetstream.Consumer) store {
		return store{what, of.CachedInfo().Config.Name, func(ctx context.Context) error { _, err := c.Info(ctx); return err }}
	}
	bucket := func(what string, b jetstream.KeyValue) store {
		return store{what, bucketPrefix + b.Bucket(), func(ctx context.Context) error { _, err := b.Status(ctx); return err }}
	}
	return []store{
		stream("stream of events", s.events), consumer("stream of chats to poll", s.tokens, s.holders),
		consumer("stream of durable commands", s.commands, s.runners), stream("stream of dead letters", s.dead),
		bucket("journal of commands", s.journal), bucket("bucket of chats", s.chats), bucket("bucket of the connector's memory", s.state),
	}
}

// openStores makes what is missing, if it may, and finds every store. It
// refuses to touch anything of another tenant: two connectors would publish
// each other's chats.
func openStores(ctx context.Context, js jetstream.JetStream, cfg Config) (*stores, error) {
	l := newLayout(cfg)
	if err := l.refuseForeign(ctx, js, cfg); err != nil {
		return nil, err
	}
	if cfg.Provision {
		if err := l.provision(ctx, js); err != nil {
			return nil, err
		}
	}
	return l.find(ctx, js)
}

func (l layout) streamNames() []string {
	return []string{l.events.Name, l.sessions.Name, l.commands.Name, l.dead.Name, l.journal.Name, l.chats.Name, l.state.Name, "OBJ_" + l.files.Bucket}
}

func (l layout) refuseForeign(ctx context.Context, js jetstream.JetStream, cfg Config) error {
	for _, name := range l.streamNames() {
		s, err := js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("stream %s: %w", name, explainJetStream(err))
		}
		if err := sameOwner(name, s.CachedInfo().Config.Metadata, metadata(cfg)); err != nil {
			return err
		}
	}
	return nil
}

func sameOwner(stream string, there, ours map[string]string) error {
	for _, key := range []string{metaTenant, metaBaseURL} {
		if owner, marked := there[key]; marked && owner != ours[key] {
			return fmt.Errorf("stream %s belongs to another contact center (%s is %q, here %q): choose another CC_SUBJECT_PREFIX, or the settings that it was made with", stream, key, owner, ours[key])
		}
	}
	return nil
}

func explainJetStream(err error) error {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) || errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("JetStream is not enabled: start nats-server with -js and allow it for the account (%w)", err)
	}
	return err
}

// step is one store of the layout on its way to being there or being found.
type step struct {
	name string
	take func() error
}

func (l layout) provision(ctx context.Context, js jetstream.JetStream) error {
	for _, s := range []step{
		{l.events.Name, func() error { _, err := js.CreateOrUpdateStream(ctx, l.events); return err }},
		{l.sessions.Name, func() error { _, err := js.CreateOrUpdateStream(ctx, l.sessions); return err }},
		{l.holders.Durable, func() error { _, err := js.CreateOrUpdateConsumer(ctx, l.sessions.Name, l.holders); return err }},
		{l.commands.Name, func() error { _, err := js.CreateOrUpdateStream(ctx, l.commands); return err }},
		{l.runners.Durable, func() error { _, err := js.CreateOrUpdateConsumer(ctx, l.commands.Name, l.runners); return err }},
		{l.dead.Name, func() error { _, err := js.CreateOrUpdateStream(ctx, l.dead); return err }},
		{l.journal.Name, func() error { _, err := js.CreateOrUpdateStream(ctx, l.journal); return err }},
		{l.chats.Name, func() error { _, err := js.CreateOrUpdateStream(ctx, l.chats); return err }},
		{l.state.Name, func() error { _, err := js.CreateOrUpdateStream(ctx, l.state); return err }},
		{l.files.Bucket, func() error { _, err := js.CreateOrUpdateObjectStore(ctx, l.files); return err }},
	} {
		if err := s.take(); err != nil {
			return fmt.Errorf("making %s: %w", s.name, explainJetStream(err))
		}
	}
	return nil
}

func (l layout) find(ctx context.Context, js jetstream.JetStream) (*stores, error) {
	var s stores
	for _, step := range []step{
		{l.events.Name, func() (err error) { s.events, err = js.Stream(ctx, l.events.Name); return }},
		{l.sessions.Name, func() (err error) { s.tokens, err = js.Stream(ctx, l.sessions.Name); return }},
		{l.holders.Durable, func() (err error) { s.holders, err = js.Consumer(ctx, l.sessions.Name, l.holders.Durable); return }},
		{l.commands.Name, func() (err error) { s.commands, err = js.Stream(ctx, l.commands.Name); return }},
		{l.runners.Durable, func() (err error) { s.runners, err = js.Consumer(ctx, l.commands.Name, l.runners.Durable); return }},
		{l.dead.Name, func() (err error) { s.dead, err = js.Stream(ctx, l.dead.Name); return }},
		{l.journal.Name, func() (err error) { s.journal, err = js.KeyValue(ctx, l.journal.Name[len(bucketPrefix):]); return }},
		{l.chats.Name, func() (err error) { s.chats, err = js.KeyValue(ctx, l.chats.Name[len(bucketPrefix):]); return }},
		{l.state.Name, func() (err error) { s.state, err = js.KeyValue(ctx, l.state.Name[len(bucketPrefix):]); return }},
		{l.files.Bucket, func() (err error) { s.files, err = js.ObjectStore(ctx, l.files.Bucket); return }},
	} {
		if err := step.take(); err != nil {
			return nil, fmt.Errorf("%s cannot be used: make it beforehand, or let the connector make it by CC_PROVISION=true (%w)", step.name, explainJetStream(err))
		}
	}
	return &s, nil
}
