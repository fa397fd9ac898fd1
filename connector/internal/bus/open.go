package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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

	objects jetstream.Stream // of files
	checked question

	cfg    Config
	layout layout
}

// Open makes what is missing, if it may, and finds every stream. It refuses to
// touch anything of another tenant: two connectors would publish each other's
// chats.
func Open(ctx context.Context, js jetstream.JetStream, cfg Config) (*Streams, error) {
	l := newLayout(cfg)
	if err := l.refuseForeign(ctx, js, cfg); err != nil {
		return nil, err
	}
	if cfg.Provision {
		if err := l.provision(ctx, js); err != nil {
			return nil, err
		}
	}
	return l.find(ctx, js, cfg)
}

// errNoMsgTTL says what an older definition of the store of files lacks.
var errNoMsgTTL = errors.New("single messages cannot expire there: allow_msg_ttl must be true, as `cc-connector streams` prints it")

func (s *Streams) findFiles(ctx context.Context, js jetstream.JetStream) (err error) {
	if s.objects, err = js.Stream(ctx, s.layout.files.Name); err != nil {
		return err
	}
	if !s.objects.CachedInfo().Config.AllowMsgTTL {
		return errNoMsgTTL
	}
	s.Files, err = js.ObjectStore(ctx, s.filesBucket())
	return err
}

func (s *Streams) filesBucket() string { return strings.TrimPrefix(s.layout.files.Name, objectPrefix) }

// checkPatience is how long the streams may take to answer, all together.
const checkPatience = 2 * time.Second

// Check asks for each stream without which the connector does not work, or not
// for long. However often and by however many it is asked itself, JetStream is
// asked once at a time, and once a second.
func (s *Streams) Check() error {
	return s.checked.ask(time.Second, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), checkPatience)
		defer cancel()
		return s.check(ctx)
	})
}

func (s *Streams) check(ctx context.Context) error {
	for _, part := range s.parts() {
		if err := part.ask(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.what, Explain(part.stream, err))
		}
	}
	return nil
}

type part struct {
	what   string // in an operator's words
	stream string
	ask    func(context.Context) error
}

func (s *Streams) parts() []part {
	stream := func(what string, of jetstream.Stream) part {
		return part{what, of.CachedInfo().Config.Name, func(ctx context.Context) error { _, err := of.Info(ctx); return err }}
	}
	consumer := func(what string, of jetstream.Stream, c jetstream.Consumer) part {
		return part{what, of.CachedInfo().Config.Name, func(ctx context.Context) error { _, err := c.Info(ctx); return err }}
	}
	return []part{
		stream("stream of events", s.Events), consumer("stream of chats to poll", s.Sessions, s.Holders),
		consumer("stream of durable commands", s.Commands, s.Runners), stream("stream of dead letters", s.Dead),
		stream("journal of commands", s.Journal.stream), stream("bucket of chats", s.Chats.stream),
		stream("bucket of the connector's memory", s.State.stream),
	}
}

func (l layout) streamNames() []string {
	return []string{l.events.Name, l.sessions.Name, l.commands.Name, l.dead.Name, l.journal.Name, l.chats.Name, l.state.Name, l.files.Name}
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
		if owner, marked := there[key]; marked && !isSameAddress(owner, ours[key]) {
			return fmt.Errorf("stream %s belongs to another contact center (%s is %q, here %q): choose another CC_SUBJECT_PREFIX, or the settings that it was made with", stream, key, owner, ours[key])
		}
	}
	return nil
}

func explainJetStream(err error) error {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) || errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("JetStream is not enabled: start nats-server with -js and allow it for the account; behind a leaf node, name the hub's domain in CC_NATS_JS_DOMAIN (%w)", err)
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
		{l.files.Name, func() error { _, err := js.CreateOrUpdateStream(ctx, l.files); return err }},
	} {
		if err := s.take(); err != nil {
			return fmt.Errorf("making %s: %w", s.name, explainJetStream(err))
		}
	}
	return nil
}

func (l layout) find(ctx context.Context, js jetstream.JetStream, cfg Config) (*Streams, error) {
	s := Streams{cfg: cfg, layout: l}
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
			return nil, fmt.Errorf("%s cannot be used: make it beforehand, or let the connector make it by CC_PROVISION=true (%w)", step.name, explainJetStream(err))
		}
	}
	return &s, nil
}
