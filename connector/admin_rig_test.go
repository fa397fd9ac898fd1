package connector_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/admin"
)

// admin is who signs in as the connector does, and types commands.
func (r *rig) admin(change ...func(*admin.Config)) *admin.Admin {
	r.Helper()
	nc := r.connect(asConnector(r.config.Prefix)...)
	js, err := jetstream.New(nc)
	r.check(err)
	cfg := admin.Config{
		Prefix: r.config.Prefix, Tenant: r.config.Tenant, BaseURL: r.config.BaseURL, CallTimeout: r.config.CallTimeout,
		Answer: patience, UnderWay: patience,
	}
	for _, do := range change {
		do(&cfg)
	}
	a, err := admin.Open(r.ctx, nc, js, cfg)
	r.check(err)
	return a
}

// traces are the messages of all streams in which one of the texts stands: in a
// subject, a header or the data.
func (r *rig) traces(texts ...string) (found []string) {
	r.Helper()
	for _, name := range r.streamNames() {
		stream, err := r.js.Stream(r.ctx, name)
		r.check(err)
		for next := uint64(1); ; {
			msg, err := stream.GetMsg(r.ctx, next, jetstream.WithGetMsgSubject(">"))
			if err != nil {
				break
			}
			header, _ := json.Marshal(msg.Header)
			for _, text := range texts {
				if strings.Contains(msg.Subject, text) || bytes.Contains(header, []byte(text)) || bytes.Contains(msg.Data, []byte(text)) {
					found = append(found, fmt.Sprintf("%s: %s", name, msg.Subject))
					break
				}
			}
			next = msg.Sequence + 1
		}
	}
	return found
}

func (r *rig) checkNoTraces(texts ...string) {
	r.Helper()
	if found := r.traces(texts...); len(found) > 0 {
		r.Errorf("of the chat there is still\n%s", strings.Join(found, "\n"))
	}
}

// countOf is how many of a kind a purge says that it removed.
func countOf(report admin.Purged, from, what string) int {
	for _, removed := range report.Removed {
		if removed.From == from && removed.What == what {
			return removed.Count
		}
	}
	return 0
}
