package intake

import (
	"strings"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/metrics"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Reason says why a message is not taken for a command; empty: it is one.
// The reasons are those of the metric.
type Reason string

// headerStatus is where NATS itself says what a message without a payload is about.
const headerStatus = "Status"

// JudgeRequest does without looking into the payload.
func (g *Guard) JudgeRequest(msg *nats.Msg) Reason {
	if msg.Header == nil && msg.Size() > len(msg.Subject)+len(msg.Reply)+len(msg.Data) {
		return metrics.IgnoredUnreadable // it has headers, and the library could not read them
	}
	if why := g.judgeHeaders(msg.Header, len(msg.Data) == 0 || bus.IsDelivered(msg)); why != "" {
		return why
	}
	if !g.MayReply(msg.Reply) {
		return metrics.IgnoredReply
	}
	return ""
}

// Judge looks at the whole message.
func (g *Guard) Judge(h nats.Header, data []byte) Reason {
	if why := g.judgeHeaders(h, len(data) == 0); why != "" {
		return why
	}
	if schema.IsOwn(h, data) {
		return metrics.IgnoredOwn
	}
	return ""
}

// JudgeStored is Judge for a message of the stream of commands. One that is
// unreadable has headers that are none.
func (g *Guard) JudgeStored(h nats.Header, data []byte, isUnreadable bool) Reason {
	if isUnreadable {
		return metrics.IgnoredUnreadable
	}
	return g.Judge(h, data)
}

// judgeHeaders is for where nothing may cost anything. A message that is
// suspect has no payload, or was delivered by somebody's consumer.
func (g *Guard) judgeHeaders(h nats.Header, isSuspect bool) Reason {
	switch {
	case len(h) == 0:
		return ""
	case h.Values(headerStatus) != nil: // the server's own, or in its name
		return metrics.IgnoredStatus
	case isSuspect && hasOwnID(h), g.isOfOwnStream(h):
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
func (g *Guard) isOfOwnStream(h nats.Header) bool {
	own := g.prefix.StreamName("EVENTS")
	source, _, _ := strings.Cut(h.Get(headerStreamSource), " ")
	if h.Get(jetstream.StreamHeader) == own || source == own {
		return true
	}
	from, err := g.prefix.Parse(h.Get(jetstream.SubjectHeader))
	return err == nil && (from.Kind == subjects.KindEvent || from.Kind == subjects.KindResult || from.Kind == subjects.KindSession)
}
