package command

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/schema"
)

const aTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// The headers' trace is taken as far as it is one; nothing in them makes a
// command be refused.
func TestTraceInHeaders(t *testing.T) {
	spec, _ := schema.LookupCommand("service.version")
	later := "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"
	for _, c := range []struct {
		header        nats.Header
		parent, state string
	}{
		{nats.Header{"traceparent": {aTrace}, "tracestate": {"a=1,b=2"}}, aTrace, "a=1,b=2"},
		{nats.Header{"Traceparent": {aTrace}, "TraceState": {"a=1", "b=2"}}, aTrace, "a=1,b=2"},
		{nats.Header{"traceparent": {later}}, later, ""},
		{nats.Header{"traceparent": {aTrace}, "tracestate": {strings.Repeat("a=1,", 300)}}, aTrace, ""},
		{nats.Header{"traceparent": {aTrace}, "tracestate": {"a=\x01"}}, aTrace, ""},
		{nats.Header{"traceparent": {aTrace}, "tracestate": {"nothing"}}, aTrace, ""},
		{nats.Header{"tracestate": {"a=1"}}, "", ""},
		{nats.Header{"traceparent": {aTrace, aTrace}}, "", ""},
		{nats.Header{"traceparent": {aTrace}, "Traceparent": {aTrace}}, "", ""},
		{nats.Header{"traceparent": {""}}, "", ""},
		{nats.Header{"traceparent": {"x"}, "tracestate": {"a=1"}}, "", ""},
		{nats.Header{"traceparent": {aTrace + "-more"}}, "", ""},
		{nats.Header{"traceparent": {strings.ToUpper(aTrace)}}, "", ""},
		{nats.Header{"traceparent": {"ff" + aTrace[2:]}}, "", ""},
		{nats.Header{"traceparent": {"00-00000000000000000000000000000000-b7ad6b7169203331-01"}}, "", ""},
		{nats.Header{"traceparent": {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"}}, "", ""},
		{nats.Header{"traceparent": {later + strings.Repeat("x", 2000)}}, "", ""},
		{nats.Header{"traceparent": {aTrace + "\n"}}, "", ""},
	} {
		cmd, refused := read(spec, arrival{header: c.header, id: "x"})
		if refused != nil || cmd.TraceParent != c.parent || cmd.TraceState != c.state {
			t.Errorf("%.200q: %q, %q, %v", c.header, cmd.TraceParent, cmd.TraceState, refused)
		}
	}
}

// A CloudEvent's own trace wins, whole: a state belongs to its parent.
func TestTraceOfACloudEvent(t *testing.T) {
	spec, _ := schema.LookupCommand("service.version")
	headers := func(more nats.Header) nats.Header {
		all := nats.Header{"traceparent": {aTrace}, "tracestate": {"header=1"}}
		for name, values := range more {
			all[name] = values
		}
		return all
	}
	binary := nats.Header{"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"/s"}, "ce-type": {"t"}}
	own := nats.Header{"ce-traceparent": {"own"}, "ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"/s"}, "ce-type": {"t"}}
	for _, c := range []struct {
		header        nats.Header
		data          string
		parent, state string
	}{
		{headers(binary), "", aTrace, "header=1"},
		{headers(own), "", "own", ""},
		{headers(nil), `{"specversion":"1.0","id":"1","source":"/s","type":"t","traceparent":"own","tracestate":"own=1"}`, "own", "own=1"},
		{headers(nil), `{"specversion":"1.0","id":"1","source":"/s","type":"t"}`, aTrace, "header=1"},
		{headers(nil), `{"specversion":"1.0","id":"1","source":"/s","type":"t","tracestate":"own=1"}`, aTrace, "header=1"},
	} {
		cmd, refused := read(spec, arrival{header: c.header, data: []byte(c.data), id: "x"})
		if refused != nil || cmd.TraceParent != c.parent || cmd.TraceState != c.state {
			t.Errorf("%s: %q, %q, %v", c.data, cmd.TraceParent, cmd.TraceState, refused)
		}
	}
}
