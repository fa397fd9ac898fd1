package natstest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Tap writes down what is published over the rig's connection, but for what
// JetStream's own protocol is.
type Tap struct {
	rig   *Rig
	nc    *nats.Conn
	heard *nats.Subscription
	lines []string
}

// Tap hears everything from now on.
func (r *Rig) Tap() *Tap {
	r.Helper()
	nc := r.Connect()
	heard, err := nc.SubscribeSync(">")
	r.Check(err)
	r.Check(nc.Flush())
	return &Tap{rig: r, nc: nc, heard: heard}
}

// During writes down what do publishes, under a title.
func (t *Tap) During(title string, do func()) {
	t.rig.Helper()
	do()
	t.rig.Check(t.rig.NC.Flush())
	t.rig.Check(t.nc.Flush())
	t.lines = append(t.lines, "# "+title)
	for n, _, err := t.heard.Pending(); n > 0 && err == nil; n, _, err = t.heard.Pending() {
		msg, err := t.heard.NextMsg(time.Second)
		t.rig.Check(err)
		if !strings.HasPrefix(msg.Subject, "$JS.") && !strings.HasPrefix(msg.Subject, "_INBOX.") {
			t.lines = append(t.lines, written(msg)...)
		}
	}
}

func written(msg *nats.Msg) []string {
	lines := []string{msg.Subject}
	for _, name := range slices.Sorted(maps.Keys(msg.Header)) {
		lines = append(lines, "  "+name+": "+strings.Join(msg.Header[name], " | "))
	}
	return append(lines, "  = "+string(msg.Data))
}

var (
	presentTime = regexp.MustCompile(`20(2[1-9]|[3-9]\d)-\d\d-\d\dT[0-9:.]+Z`)
	randomFence = regexp.MustCompile(`fence:[0-9a-f-]{36}`)
)

// Lines are what was heard, without what is another at each run.
func (t *Tap) Lines() []string {
	text := presentTime.ReplaceAllString(strings.Join(t.lines, "\n"), "<now>")
	return strings.Split(randomFence.ReplaceAllString(text, "fence:<random>"), "\n")
}
