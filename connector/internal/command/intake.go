package command

import (
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/metrics"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// What is no command, though it came on a command's subject. Who may create
// consumers can have the server deliver what is stored to any subject, and who
// may send a request chooses the subject of its reply; the connector has rights
// that they have not. So its own CloudEvents come back are not run, and nothing
// is said where their sender could not speak.

// notACommand says why a message is not taken for a command; empty: it is one.
// The reasons are those of the metric.
type notACommand string

// headerStatus is where NATS itself says what a message without a payload is about.
const headerStatus = "Status"

// judge looks at the whole message.
func (c *Commands) judge(h nats.Header, data []byte) notACommand {
	if why := c.judgeHeaders(h, len(data) == 0); why != "" {
		return why
	}
	if schema.IsOwn(h, data) {
		return metrics.IgnoredOwn
	}
	return ""
}

// judgeStored is judge for a message of the stream of commands. One that is
// unreadable has headers that are none.
func (c *Commands) judgeStored(h nats.Header, data []byte, isUnreadable bool) notACommand {
	if isUnreadable {
		return metrics.IgnoredUnreadable
	}
	return c.judge(h, data)
}

// judgeHeaders is for where nothing may cost anything. A message that is
// suspect has no payload, or was delivered by somebody's consumer.
func (c *Commands) judgeHeaders(h nats.Header, isSuspect bool) notACommand {
	switch {
	case len(h) == 0:
		return ""
	case h.Values(headerStatus) != nil: // the server's own, or in its name
		return metrics.IgnoredStatus
	case isSuspect && hasOwnID(h), c.isOfOwnStream(h):
		return metrics.IgnoredOwn
	}
	return ""
}

// hasOwnID tells a CloudEvent by the id that the connector gives its own in the
// stream, also where the payload was left out.
func hasOwnID(h nats.Header) bool {
	kind, id, _ := strings.Cut(h.Get(nats.MsgIdHdr), ":")
	if kind != "event" && kind != "result" && kind != "session" {
		return false
	}
	return uuid.Validate(id) == nil && schema.LooksLikeCloudEvent(h)
}

// headerStreamSource is the header of a message that a stream took from another.
const headerStreamSource = "Nats-Stream-Source"

// isOfOwnStream tells what the stream of events was made to republish, or to
// give to another stream.
func (c *Commands) isOfOwnStream(h nats.Header) bool {
	own := c.cfg.Prefix.StreamName("EVENTS")
	source, _, _ := strings.Cut(h.Get(headerStreamSource), " ")
	if h.Get(jetstream.StreamHeader) == own || source == own {
		return true
	}
	from, err := c.cfg.Prefix.Parse(h.Get(jetstream.SubjectHeader))
	return err == nil && (from.Kind == subjects.KindEvent || from.Kind == subjects.KindResult || from.Kind == subjects.KindSession)
}

const longestReply = 1 << 10 // bytes of a reply subject; the server cuts off who publishes on one beyond its own limit

// mayReply tells whether a reply may go to a subject: never where only the
// connector or the server may publish. A request without one may be run, too.
func mayReply(prefix subjects.Prefix, reply string) bool {
	own := string(prefix)
	return len(reply) <= longestReply && !strings.HasPrefix(reply, "$") && !strings.ContainsAny(reply, "*> \t") &&
		reply != own && !strings.HasPrefix(reply, own+".")
}

// ignored has the log say once in a while what is ignored, and why.
type ignored struct {
	mu   sync.Mutex
	told map[notACommand]time.Time
}

const ignoredTold = time.Minute // between two log lines for one reason

func (i *ignored) isDue(why notACommand, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if told, any := i.told[why]; any && now.Sub(told) < ignoredTold {
		return false
	}
	if i.told == nil {
		i.told = map[notACommand]time.Time{}
	}
	i.told[why] = now
	return true
}

// ignore counts a message that is no command.
func (c *Commands) ignore(why notACommand, name string) {
	c.Metrics.Ignored.WithLabelValues(string(why)).Inc()
	if c.ignored.isDue(why, time.Now()) {
		c.Log.Warn("a message on a command's subject was not taken for a command; more for the same reason are only counted for a while",
			"command", name, "reason", string(why))
	}
}
