package bus

import (
	"cmp"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/metrics"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Config is what the layout depends on.
type Config struct {
	Prefix                subjects.Prefix
	Tenant, BaseURL, Apps string           // in the streams' metadata: whose they are
	Durable               []schema.Command // that have a durable lane
	Lately                []schema.Command // those of them that an earlier version cannot run; see Widen
	Mode                  schema.Mode      // how CloudEvents are written

	// What stays as an administrator has set it, unless a setting says otherwise.
	// 0 is no setting: a stream that is made gets the default.
	EventsMaxAge, FilesMaxAge, DeadLetterMaxAge   time.Duration
	EventsMaxBytes, FilesMaxBytes, StreamMaxBytes int64 // the last one of each other stream; no limit
	Replicas                                      int

	IdempotencyWindow, CommandMaxAge time.Duration
	FailoverAfter                    time.Duration // AckWait of the consumers
	Provision                        bool          // make or update what is missing

	Metrics *metrics.Bus  // of what is written; nobody's
	Quiet   time.Duration // as that of Health
}

// What a stream that is made gets where no setting says otherwise.
const (
	DefaultMaxAge           = 7 * 24 * time.Hour // of events and files
	DefaultDeadLetterMaxAge = 30 * 24 * time.Hour
	defaultReplicas         = 1
)

func (c Config) withDefaults() Config {
	c.EventsMaxAge = cmp.Or(c.EventsMaxAge, DefaultMaxAge)
	c.FilesMaxAge = cmp.Or(c.FilesMaxAge, DefaultMaxAge)
	c.DeadLetterMaxAge = cmp.Or(c.DeadLetterMaxAge, DefaultDeadLetterMaxAge)
	c.Replicas = cmp.Or(c.Replicas, defaultReplicas)
	return c
}

// What JetStream keeps for the connector. Each definition is data, so that
// it can be shown to an administrator as well as applied.
type layout struct {
	events   jetstream.StreamConfig   // what the world may read, and the fences
	sessions jetstream.StreamConfig   // one token for each chat to be polled
	holders  jetstream.ConsumerConfig // hands the tokens to replicas
	commands jetstream.StreamConfig   // durable commands that are not done yet
	runners  jetstream.ConsumerConfig // hands them to replicas
	lately   []string                 // subjects of those that an earlier version cannot run
	dead     jetstream.StreamConfig   // durable commands that were given up
	journal  jetstream.StreamConfig   // bucket: what has become of each command
	chats    jetstream.StreamConfig   // bucket: an entry for each known chat
	state    jetstream.StreamConfig   // bucket: the connector's own memory: clients, message numbers, checkpoints, close requests, replicas, the outbox
	files    jetstream.StreamConfig   // object store: data too large for the bus
}

const (
	markPrefix  = "cc-connector." // of what the connector says in a stream's metadata
	metaTenant  = markPrefix + "tenant"
	metaBaseURL = markPrefix + "base-url"
	metaApps    = markPrefix + "apps"
	metaRemade  = markPrefix + "made-again" // since when it stands in the place of one that had vanished

	// HoldersGroup is the priority group of the consumer that hands out session tokens.
	HoldersGroup = "holders"

	// Beyond this a repeat is known by reading back, not by the stream's memory.
	duplicateWindow = 2 * time.Minute
	shortestWindow  = 100 * time.Millisecond // that the server takes
)

func newLayout(cfg Config) layout {
	cfg = cfg.withDefaults()
	return layout{
		events:   eventsStream(cfg),
		sessions: sessionsStream(cfg),
		holders:  holdersConsumer(cfg),
		commands: commandsStream(cfg),
		runners:  workers(cfg, "runners"),
		lately:   durableSubjects(cfg.Prefix, cfg.Lately),
		dead:     deadLetterStream(cfg),
		journal:  journalBucket(cfg),
		chats:    chatsBucket(cfg),
		state:    bucket(cfg, "STATE", "The connector's own memory"),
		files:    filesStore(cfg),
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
	c.PriorityPolicy, c.PriorityGroups = jetstream.PriorityPolicyPrioritized, []string{HoldersGroup}
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
		Replicas:   cfg.Replicas,
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
		MaxBytes:             unlimitedIfZero(cfg.StreamMaxBytes),
		Replicas:             cfg.Replicas,
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
		Subjects:             durableSubjects(cfg.Prefix, cfg.Durable),
		Retention:            jetstream.WorkQueuePolicy,
		Storage:              jetstream.FileStorage,
		MaxMsgsPerSubject:    waitingMost,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		// A repeat gets the first one's result from the journal; dropped here it
		// would get none, nor would a corrected command, or another under its id.
		Duplicates: shortestWindow,
		MaxBytes:   unlimitedIfZero(cfg.StreamMaxBytes),
		Replicas:   cfg.Replicas,
		// No direct gets: their answer tells a message's place in headers, which
		// the message's own can belie; and a replica that lags could show a
		// command that is done, or none.
		Metadata: metadata(cfg),
	}
}

// durableSubjects are listed one by one, so that JetStream refuses a misspelt one.
func durableSubjects(prefix subjects.Prefix, durable []schema.Command) []string {
	var list []string
	for _, spec := range durable {
		subject := prefix.Durable(subjects.Command(spec.Name), "")
		if spec.NamesChat() {
			subject = prefix.Durable(subjects.Command(spec.Name), "*")
		}
		list = append(list, subject)
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
		MaxAge:      cfg.DeadLetterMaxAge,
		MaxBytes:    unlimitedIfZero(cfg.StreamMaxBytes),
		Duplicates:  min(duplicateWindow, cfg.DeadLetterMaxAge),
		Replicas:    cfg.Replicas,
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
	b.MaxAge = journalAge(cfg)
	b.AllowMsgTTL, b.SubjectDeleteMarkerTTL = false, 0
	b.Compression = jetstream.S2Compression
	return b
}

func journalAge(cfg Config) time.Duration {
	return max(cfg.IdempotencyWindow, cfg.CommandMaxAge+duplicateWindow)
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
		AllowDirect:            cfg.Replicas == 1,
		AllowMsgTTL:            true,
		SubjectDeleteMarkerTTL: time.Second, // the least; the marker of an expired value serves nobody
		Duplicates:             duplicateWindow,
		MaxBytes:               unlimitedIfZero(cfg.StreamMaxBytes),
		Replicas:               cfg.Replicas,
		Metadata:               metadata(cfg),
	}
}

// Beginnings of the names of streams.
const (
	bucketPrefix = "KV_"
	objectPrefix = "OBJ_"
)

func isBucket(stream string) bool      { return strings.HasPrefix(stream, bucketPrefix) }
func isObjectStore(stream string) bool { return strings.HasPrefix(stream, objectPrefix) }

// filesStore is the stream that the client library makes of an object store,
// but that single objects may expire: what a read brought is kept for less.
func filesStore(cfg Config) jetstream.StreamConfig {
	bucket := cfg.Prefix.StreamName("FILES")
	return jetstream.StreamConfig{
		Name:        objectPrefix + bucket,
		Description: "Data too large for the bus",
		Subjects:    []string{"$O." + bucket + ".C.>", "$O." + bucket + ".M.>"},
		Storage:     jetstream.FileStorage,
		MaxAge:      cfg.FilesMaxAge,
		MaxBytes:    unlimitedIfZero(cfg.FilesMaxBytes),
		Discard:     jetstream.DiscardNew,
		AllowRollup: true,
		AllowDirect: true,
		AllowMsgTTL: true,
		Replicas:    cfg.Replicas,
		Metadata:    metadata(cfg),
	}
}

func unlimitedIfZero(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

func metadata(cfg Config) map[string]string {
	marks := map[string]string{metaTenant: cfg.Tenant, metaBaseURL: cfg.BaseURL}
	if cfg.Apps != "" {
		marks[metaApps] = cfg.Apps
	}
	return marks
}
