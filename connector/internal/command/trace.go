package command

import (
	"regexp"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/schema"
)

// The trace that a command belongs to (W3C Trace Context). What a CloudEvent
// says of itself is its sender's word, and is refused if it cannot be carried
// on. Plain headers are put there by whatever the message went through: what is
// wrong with them is no fault of the sender, and they are left out.

// traceOf prefers the CloudEvent's own trace to that of the headers.
func traceOf(e event.Event, h nats.Header) (parent, state string) {
	if e.Context != nil {
		parent, state = schema.Extension(e, schema.AttrTraceParent), schema.Extension(e, schema.AttrTraceState)
	}
	if parent != "" {
		return parent, state
	}
	return traceIn(h)
}

// A parent is of a version, a trace, a span and flags; what later versions add
// stands behind. The state is of printable characters.
var (
	traceParent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]*)?$`)
	traceState  = regexp.MustCompile(`^[ -~]+=[ -~]*$`)
)

const (
	traceAt, spanAt = 3, 36
	parentLength    = 55 // of a parent to which no later version has added anything
	noTrace         = "00000000000000000000000000000000"
	noSpan          = "0000000000000000"
)

func traceIn(h nats.Header) (parent, state string) {
	parents, states := valuesOf(h, schema.AttrTraceParent), valuesOf(h, schema.AttrTraceState)
	if len(parents) != 1 || !isTraceParent(parents[0]) {
		return "", ""
	}
	if state = strings.Join(states, ","); len(state) > schema.MaxString || !traceState.MatchString(state) {
		state = ""
	}
	return parents[0], state
}

func isTraceParent(s string) bool {
	if len(s) > schema.MaxString || !traceParent.MatchString(s) {
		return false
	}
	version, trace, span := s[:2], s[traceAt:spanAt-1], s[spanAt:spanAt+len(noSpan)]
	return version != "ff" && trace != noTrace && span != noSpan && (version != "00" || len(s) == parentLength)
}

// valuesOf takes a header whose name may be written in any case.
func valuesOf(h nats.Header, name string) (values []string) {
	for key := range h {
		if strings.EqualFold(key, name) {
			values = append(values, h[key]...)
		}
	}
	return values
}
