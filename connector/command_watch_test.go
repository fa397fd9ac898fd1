package connector_test

import (
	"strings"

	"github.com/nats-io/nats.go"

	"cc-connector/subjects"
)

// watching hears what is said on the bus, one message at a time.
type watching struct {
	outsider
	nc   *nats.Conn
	over chan struct{}
}

const lastWord = "test.watch.over"

// watch calls hear for every message until end has returned.
func (o outsider) watch(hear func(*nats.Msg)) watching {
	o.Helper()
	w := watching{o, o.connect(), make(chan struct{})}
	sub, err := w.nc.Subscribe(">", func(msg *nats.Msg) {
		if msg.Subject == lastWord {
			close(w.over)
			return
		}
		hear(msg)
	})
	o.check(err)
	o.check(sub.SetPendingLimits(-1, -1))
	o.check(w.nc.Flush())
	return w
}

// end returns when everything that was said before has been heard.
func (w watching) end() {
	w.Helper()
	w.check(w.nc.Publish(lastWord, nil))
	select {
	case <-w.over:
	case <-w.ctx.Done():
		w.Fatal("the last word was not heard")
	}
}

// isOwnSubject tells the subjects that the connector may publish on: its own,
// and those by which clients speak to NATS.
func isOwnSubject(subject string) bool {
	for _, prefix := range []string{"_INBOX.", "_INBOX_cc-connector.", "$JS.", "$SRV.", "$KV.CC_", "$O.CC_"} {
		if strings.HasPrefix(subject, prefix) {
			return true
		}
	}
	_, err := subjects.DefaultPrefix.Parse(subject)
	return err == nil
}

// watchForStrays fails the test, at its end, for every message on a subject
// that is none of the connector's.
func (o outsider) watchForStrays() watching {
	o.Helper()
	return o.watch(func(msg *nats.Msg) {
		if !isOwnSubject(msg.Subject) {
			o.Errorf("a message on %q", msg.Subject)
		}
	})
}
