package connector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// What JetStream keeps for the connector. Each definition is data, so that
// it can be shown to an administrator as well as applied.
type layout struct {
	events   jetstream.StreamConfig      // what the world may read, and the fences
	sessions jetstream.StreamConfig      // one token for each chat to be polled
	holders  jetstream.ConsumerConfig    // hands the tokens to replicas
	commands jetstream.StreamConfig      // durable commands that are not done yet
	runners  jetstream.ConsumerConfig    // hands them to replicas
	dead     jetstream.StreamConfig      // durable commands that were given up
	journal  jetstream.StreamConfig      // bucket: what has become of each command
	chats    jetstream.StreamConfig      // bucket: an entry for each known chat
	state    jetstream.StreamConfig      // bucket: the connector's own memory: message numbers, checkpoints, intentions
	files    jetstream.ObjectStoreConfig // data too large for the bus
}

const (
	metaTenant  = "cc-connector.tenant"
	metaBaseURL = "cc-connector.base-url"
	metaApps    = "cc-connector.apps"

	holdersGroup = "holders"

	// Beyond this a repeat is known by reading back, not by the stream's memory.
	duplicateWindow = 2 * time.Minute
	shortestWindow  = 100 * time.Millisecond // that the server takes
)

func newLayout(cfg Config) layout {
	return layout{
		events:   eventsStream(cfg),
		sessions: sessionsStream(cfg),
		holders:  holdersConsumer(cfg),
		commands: commandsStream(cfg),
		runners:  workers(cfg, "runners"),
		dead:     deadLetterStream(cfg),
		journal:  journalBucket(cfg),
		chats:    chatsBucket(cfg),
		state:    bucket(cfg, "STATE", "The connector's own memory of chats"),
		files: jetstream.ObjectStoreConfig{
			Bucket:      cfg.Prefix.StreamName("FILES"),
			Description: "Data too large for the bus",
			TTL:         cfg.FilesMaxAge,
			Replicas:    cfg.StreamReplicas,
			Metadata:    metadata(cfg),
		},
	}
}

// workers hands out the messages of a work queue; one whose replica falls
// silent goes to another. Nothing is ever given up, and what waits holds up
// nothing else.
func workers(cfg Config, name string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       name,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       cfg.FailoverAfter,
		MaxDeliver:    -1,
		MaxAckPending: -1,
		MaxWaiting:    4096,
	}
}

func holdersConsumer(cfg Config) jetstream.ConsumerConfig {
	c := workers(cfg, "holders")
	// A replica that has fewer chats than its share is served first.
	c.PriorityPolicy, c.PriorityGroups = jetstream.PriorityPolicyPrioritized, []string{holdersGroup}
	return c
}

func eventsStream(cfg Config) jetstream.StreamConfig {
	prefix := string(cfg.Prefix)
	return jetstream.StreamConfig{
		Name:        cfg.Prefix.StreamName("EVENTS"),
		Description: "Contact-center events, results of commands, sessions (CloudEvents)",
		Subjects: []string{
			prefix + ".chat.*.event.>", prefix + ".chat.*.result.>", prefix + ".chat.*.session.>",
			prefix + ".result.>", cfg.Prefix.Internal("events", ">"),
		},
		Storage:    jetstream.FileStorage,
		MaxAge:     cfg.EventsMaxAge,
		MaxBytes:   unlimitedIfZero(cfg.EventsMaxBytes),
		Duplicates: min(duplicateWindow, cfg.EventsMaxAge),
		Replicas:   cfg.StreamReplicas,
		// No direct gets: a replica, or a mirror, that lags may answer them, and a
		// holder must read everything that its predecessor published.
		Metadata: metadata(cfg),
	}
}

func sessionsStream(cfg Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                 cfg.Prefix.StreamName("SESSIONS"),
		Description:          "One token for each chat that is to be polled; its holder polls",
		Subjects:             []string{cfg.Prefix.Internal("session", "*")},
		Retention:            jetstream.WorkQueuePolicy,
		Storage:              jetstream.FileStorage,
		MaxMsgsPerSubject:    1,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		Replicas:             cfg.StreamReplicas,
		Metadata:             metadata(cfg),
	}
}

// Of one chat and verb no more durable commands wait than these: the next
// one's publisher gets an error, and knows.
const waitingMost = 1000

func commandsStream(cfg Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                 cfg.Prefix.StreamName("COMMANDS"),
		Description:          "Durable commands that are not done yet",
		Subjects:             durableSubjects(cfg.Prefix),
		Retention:            jetstream.WorkQueuePolicy,
		Storage:              jetstream.FileStorage,
		MaxMsgsPerSubject:    waitingMost,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		// A repeat gets the first one's result from the journal; dropped here it
		// would get none, nor would a corrected command, or another under its id.
		Duplicates: shortestWindow,
		Replicas:   cfg.StreamReplicas,
		// No direct gets: their answer tells a message's place in headers, which
		// the message's own can belie; and a replica that lags could show a
		// command that is done, or none.
		Metadata: metadata(cfg),
	}
}

// durableSubjects are listed one by one, so that JetStream refuses a misspelt one.
func durableSubjects(prefix subjects.Prefix) []string {
	var list []string
	for _, spec := range schema.Commands {
		name := subjects.Command(spec.Name)
		switch {
		case !spec.Durable || calls[name] == nil:
		case spec.NamesChat():
			list = append(list, prefix.Durable(name, "*"))
		default:
			list = append(list, prefix.Durable(name, ""))
		}
	}
	return list
}

func deadLetterStream(cfg Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        cfg.Prefix.StreamName("DEADLETTER"),
		Description: "Durable commands that were given up, with the reason in their headers",
		Subjects:    []string{cfg.Prefix.AllDeadLetters()},
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		Duplicates:  duplicateWindow,
		Replicas:    cfg.StreamReplicas,
		Metadata:    metadata(cfg),
	}
}

// chatsBucket has no direct gets either: others may mirror it.
func chatsBucket(cfg Config) jetstream.StreamConfig {
	b := bucket(cfg, "CHATS", "An entry for each known chat")
	b.AllowDirect = false
	return b
}

// journalBucket forgets a command when it may be forgotten; one that is still
// tried is younger than that.
func journalBucket(cfg Config) jetstream.StreamConfig {
	b := bucket(cfg, "JOURNAL", "What has become of each command")
	b.MaxAge = max(cfg.IdempotencyWindow, cfg.CommandMaxAge+duplicateWindow)
	b.AllowMsgTTL, b.SubjectDeleteMarkerTTL = false, 0
	b.Compression = jetstream.S2Compression
	return b
}

// bucket is the stream of a key-value bucket whose values may expire. It is
// written out because a bucket's own configuration always allows direct gets,
// which a replica that lags may answer, and who reads here relies on the latest.
func bucket(cfg Config, name, description string) jetstream.StreamConfig {
	bucket := cfg.Prefix.StreamName(name)
	return jetstream.StreamConfig{
		Name:                   bucketPrefix + bucket,
		Description:            description,
		Subjects:               []string{"$KV." + bucket + ".>"},
		Storage:                jetstream.FileStorage,
		MaxMsgsPerSubject:      1,
		Discard:                jetstream.DiscardNew,
		DenyDelete:             true,
		AllowRollup:            true,
		AllowDirect:            cfg.StreamReplicas == 1,
		AllowMsgTTL:            true,
		SubjectDeleteMarkerTTL: time.Second, // the least; the marker of an expired value serves nobody
		Duplicates:             duplicateWindow,
		Replicas:               cfg.StreamReplicas,
		Metadata:               metadata(cfg),
	}
}

// bucketPrefix begins the name of a bucket's stream.
const bucketPrefix = "KV_"

func unlimitedIfZero(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

func metadata(cfg Config) map[string]string {
	var apps []string
	for _, app := range cfg.Apps {
		apps = append(apps, app.Name+":"+string(app.ID))
	}
	return map[string]string{metaTenant: cfg.Tenant, metaBaseURL: cfg.BaseURL, metaApps: strings.Join(apps, ",")}
}

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
