package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/natstest"
)

// The stream is deleted and made anew under an open page, and has more messages
// before anybody looks than it had.
func TestPagesFollowANewStream(t *testing.T) {
	r := newRig(t)
	r.said("c1", "old")
	last := r.said("c1", "old")
	p := r.open("", "")
	p.skip = false
	hello := p.next()
	before := hello.data["stream"]
	if hello.event != "hello" || before == "" || hello.data["replica"] != "r1" || hello.data["version"] != "1.2.3" {
		t.Errorf("the first event is %+v", hello)
	}
	p.skip = true
	p.upTo("live")
	r.Check(r.JS.DeleteStream(r.Ctx, "CC_EVENTS"))
	r.Streams()
	var said []uint64
	for range 5 {
		said = append(said, r.said("c1", "new"))
	}
	_, restarted := p.upTo("restarted")
	after := restarted.data["stream"]
	var ids []string
	for range said {
		ids = append(ids, p.next().id)
	}
	checkIDs(t, "the new stream", ids, said...)
	if after == before || after == nil {
		t.Errorf("the new stream is called %v, the old one %v", after, before)
	}
	r.checkComesBack(fmt.Sprint(before), fmt.Sprint(after), last, said)
}

// checkComesBack has pages come that have seen something of a stream.
func (r *rig) checkComesBack(before, after string, last uint64, said []uint64) {
	r.Helper()
	at := func(stream string) string { return fmt.Sprintf("?after=%d&stream=%s&past=4", last, stream) }
	same, _ := r.open(at(after), "").upTo("live")
	checkIDs(r.TB.(*testing.T), "a page that knows this stream", same, said[last:]...)
	header, _ := r.open(at(after), fmt.Sprint(last+1)).upTo("live")
	checkIDs(r.TB.(*testing.T), "a page whose browser knows better", header, said[last+1:]...)
	ahead, _ := r.open(fmt.Sprintf("?after=%d&stream=%s", last+1000, after), "").upTo("live")
	checkIDs(r.TB.(*testing.T), "a page that another replica has told more", ahead)
	p := r.open(at(before), "")
	p.upTo("restarted")
	other, _ := p.upTo("live")
	checkIDs(r.TB.(*testing.T), "a page that knows another stream", other, said[1:]...)
	r.check(http.StatusBadRequest, "GET", "/console/api/events?after=x", nil)
}

// The stream goes under an open page, and nobody makes it anew: the page is told,
// and the process can end.
func TestConsoleEndsWithoutItsStream(t *testing.T) {
	r := newRig(t)
	p := r.open("", "")
	p.upTo("live")
	r.Check(r.JS.DeleteStream(r.Ctx, "CC_EVENTS"))
	p.skip = false
	for e := p.next(); !strings.Contains(fmt.Sprint(e.data["message"]), "not found"); e = p.next() {
	}
	ended := make(chan struct{})
	go func() { r.console.Close(); r.console.feed.work.Wait(); close(ended) }()
	natstest.Receive(r.Rig, ended)
}

// A page that finds no stream is told why, and when there is one.
func TestPagesAreToldWhyTheyReadNothing(t *testing.T) {
	r := newRig(t)
	r.Check(r.JS.DeleteStream(r.Ctx, "CC_EVENTS"))
	p := r.open("", "")
	p.skip = false
	trouble := func() string {
		e := p.next()
		for ; e.event != "trouble"; e = p.next() {
			if e.event == "hello" {
				t.Error("a stream is told of that is not there")
			}
		}
		return fmt.Sprint(e.data["message"])
	}
	if words := trouble(); !strings.HasPrefix(words, "the stream CC_EVENTS cannot be read: ") || !strings.Contains(words, "cc-connector check") {
		t.Errorf("the page is told %q", words)
	}
	r.Streams()
	p.upTo("hello")
	if words := trouble(); words != "" {
		t.Errorf("the page is told %q", words)
	}
	p.skip = true
	p.upTo("live")
}

// Who has begun to read tries again soon, however quiet the bus has been, and says
// what has ended it.
func TestReadingThatHasBegunIsNoFailure(t *testing.T) {
	r := newRig(t)
	run := newRun(r.console.cfg, usual, newRing(ringMessages, ringBytes))
	type end struct {
		begun bool
		err   error
	}
	ended := make(chan end, 1)
	follow := func() { begun, err := run.follow(); ended <- end{begun, err} }
	go follow()
	var name string
	r.Eventually("it is read", func() bool {
		stream, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
		r.Check(err)
		for name = range stream.ConsumerNames(r.Ctx).Name() {
		}
		return name != ""
	})
	natstest.Receive(r.Rig, run.past) // which the reader closes after it is sure of its consumer
	r.Check(r.JS.DeleteConsumer(r.Ctx, "CC_EVENTS", name))
	if e := natstest.Receive(r.Rig, ended); !e.begun || e.err == nil {
		t.Errorf("it ended by %+v", e)
	}
	r.Check(r.JS.DeleteStream(r.Ctx, "CC_EVENTS"))
	go follow()
	if e := natstest.Receive(r.Rig, ended); e.begun || e.err == nil {
		t.Errorf("it ended by %+v", e)
	}
	silent := wordsOf("CC_EVENTS", jetstream.ErrNoHeartbeat)
	if strings.Contains(silent, "check") || !strings.Contains(silent, "CC_EVENTS is not read at the moment") {
		t.Errorf("of silence is told %q", silent)
	}
}

// A page that is opened on large messages burdens neither memory nor connection.
func TestLargeMessagesAreReadInSmallNumbers(t *testing.T) {
	r := newRig(t)
	pulls, err := r.NC.SubscribeSync("$JS.API.CONSUMER.MSG.NEXT.CC_EVENTS.>")
	r.Check(err)
	const messages = 42
	var last uint64
	for range messages {
		last = r.said("c1", strings.Repeat("x", 900<<10))
	}
	p := r.open("?past=2000", "")
	ids, _ := p.upTo("live")
	if len(ids) > behindBytes/(900<<10) || len(ids) == 0 || ids[len(ids)-1] != fmt.Sprint(last) {
		t.Errorf("the page reads %d messages of 900 KiB, up to %v", len(ids), ids)
	}
	pull, err := pulls.NextMsgWithContext(r.Ctx)
	r.Check(err)
	checkPull(t, pull)
}

func checkPull(t *testing.T, msg *nats.Msg) {
	t.Helper()
	var pull struct {
		Batch    int `json:"batch"`
		MaxBytes int `json:"max_bytes"`
	}
	if json.Unmarshal(msg.Data, &pull) != nil || pull.Batch > pullMessages || pull.MaxBytes == 0 || pull.MaxBytes > pullBytes {
		t.Errorf("it is asked for %s", msg.Data)
	}
}
