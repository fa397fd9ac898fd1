package bus_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/schema"
)

// keepCommon returns the name of the object that the message refers to.
func (f *files) keepCommon(e event.Event) string {
	f.Helper()
	msg, err := f.p.TryCommonMessage(f.Ctx, e, schema.Binary)
	if err != nil {
		f.Error(err)
		return ""
	}
	told, form, err := schema.Decode(msg.Header, msg.Data)
	_, object, elsewhere := schema.DataRef(told)
	if err != nil || !elsewhere || form.Mode() != schema.Binary || told.ID() != e.ID() {
		f.Errorf("it is in the form %s and refers to no object: %v", form, err)
	}
	return object
}

// What is the same for all who ask is kept once, and takes of what reads may
// bring once, however many ask at a time. (Twice, where a window ends meanwhile.)
func TestCommonDataAreKeptOnce(t *testing.T) {
	t.Parallel()
	f := newFiles(t, func(c *bus.Config) { c.FilesMaxBytes = 256 << 20 })
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() { f.checkKept(f.keepCommon(f.large(fmt.Sprint("at once ", i), "1")), f.large("", "1")) })
	}
	all.Wait()
	for i := range 40 { // as many objects would be more than reads may bring
		f.keepCommon(f.large(fmt.Sprint("later ", i), "1"))
	}
	if other := f.large("other", "2"); f.keepCommon(other) == f.keepCommon(f.large("again", "1")) {
		t.Error("other data are the same object")
	}
	names, pieces := f.messages()
	most := 3 * (1 + int(f.NC.MaxPayload())/(128<<10))
	if names < 2 || names > 3 || pieces > most {
		t.Errorf("%d objects are kept, of %d pieces, want 2 of at most %d", names, pieces, most)
	}
}

// messages counts those that are in the store, and finds what stays too long or
// not long enough: who is told of an object at the end of a window needs it, too.
func (f *files) messages() (names, pieces int) {
	f.Helper()
	stream, err := f.JS.Stream(f.Ctx, "OBJ_CC_FILES")
	f.Check(err)
	for n := f.state().FirstSeq; n <= f.state().LastSeq; n++ {
		msg, err := stream.GetMsg(f.Ctx, n)
		if err != nil { // of one that came second
			continue
		}
		if ttl, err := time.ParseDuration(msg.Header.Get(jetstream.MsgTTLHeader)); err != nil || ttl <= bus.ReadsKept || ttl > 2*bus.ReadsKept {
			f.Errorf("%s lives for %v, %v", msg.Subject, ttl, err)
		}
		pieces++
		if strings.HasPrefix(msg.Subject, "$O.CC_FILES.M.") {
			names, pieces = names+1, pieces-1
		}
	}
	return names, pieces
}

// An object is not told of when it has not ReadsKept to live.
func TestCommonNames(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	name := bus.CommonName([]byte("a"), at)
	if name != bus.CommonName([]byte("a"), at.Add(time.Minute)) || name == bus.CommonName([]byte("b"), at) {
		t.Error("the name is not that of the content")
	}
	if name == bus.CommonName([]byte("a"), at.Add(bus.ReadsKept/2)) {
		t.Error("an object is told of in the next window")
	}
}
