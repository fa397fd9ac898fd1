package connector_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// flock makes canaries: texts that are found again wherever they get to. All
// of one flock begin alike.
type flock struct {
	beginning string
	laid      []string
}

// lay makes one more. It is of letters and digits, which no encoding but
// base64 changes, and says what it is for.
func (f *flock) lay(what string) string {
	canary := fmt.Sprintf("%s%s%03d", f.beginning, what, len(f.laid))
	f.laid = append(f.laid, canary)
	return canary
}

// findings is everything that was seen, by the place where it was seen.
type findings map[string]*strings.Builder

func (f findings) add(place string, parts ...any) {
	if f[place] == nil {
		f[place] = &strings.Builder{}
	}
	fmt.Fprintln(f[place], parts...)
}

// places quotes what is around a text wherever it stands, as it is or in base64.
func (f findings) places(text string) map[string]string {
	found := map[string]string{}
	for place, all := range f {
		for _, form := range formsOf(text) {
			if i := strings.Index(all.String(), form); i >= 0 {
				found[place] = all.String()[max(0, i-200):min(all.Len(), i+100)]
			}
		}
	}
	return found
}

func (f findings) checkNone(t *testing.T, fl *flock) {
	t.Helper()
	for place, around := range f.places(fl.beginning) {
		t.Errorf("%s has one of %s: …%s…", place, fl.beginning, around)
	}
}

// ownPlaces are where nobody reads but the connector, and of dead letters an auditor.
var ownPlaces = map[string]bool{
	"CC_SESSIONS": true, "CC_COMMANDS": true, "CC_DEADLETTER": true,
	"KV_CC_JOURNAL": true, "$KV.CC_JOURNAL": true, "KV_CC_STATE": true, "$KV.CC_STATE": true,
}

// checkHidden is checkNone where others read, for each of the flock.
func (f findings) checkHidden(t *testing.T, fl *flock) {
	t.Helper()
	for _, text := range append([]string{fl.beginning}, fl.laid...) {
		for place, around := range f.places(text) {
			if !ownPlaces[place] {
				t.Errorf("%s has %s: …%s…", place, text, around)
			}
		}
	}
}

// formsOf gives a text as it is and as it stands within base64: that depends
// on where it begins, and its edges on what is beside it.
func formsOf(s string) []string {
	forms := []string{s}
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + s))
		forms = append(forms, encoded[(before*8+5)/6:(before+len(s))*8/6])
	}
	return forms
}

func TestFormsOfCanary(t *testing.T) {
	canaries := flock{beginning: "Q7Test"}
	for before := range 7 {
		text := strings.Repeat("z", before) + canaries.lay("self") + strings.Repeat("z", before%5)
		for _, text := range []string{text, base64.StdEncoding.EncodeToString([]byte(text))} {
			seen := findings{}
			if seen.add("here", text); len(seen.places(canaries.beginning)) != 1 {
				t.Errorf("nothing is found in %s", text)
			}
		}
	}
}

// ransack reads every message of every stream, and every object, as they are.
func (r *rig) ransack() findings {
	r.Helper()
	seen := findings{}
	streams := r.js.ListStreams(r.ctx)
	for info := range streams.Info() {
		stream, err := r.js.Stream(r.ctx, info.Config.Name)
		r.check(err)
		for n := max(info.State.FirstSeq, 1); n <= info.State.LastSeq; n++ { // an empty stream begins at 0
			msg, err := stream.GetMsg(r.ctx, n)
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			r.check(err)
			seen.add(info.Config.Name, msg.Subject, msg.Header, string(msg.Data))
		}
	}
	r.check(streams.Err())
	r.ransackObjects(seen)
	return seen
}

// ransackObjects puts together what the stream has in pieces.
func (r *rig) ransackObjects(seen findings) {
	r.Helper()
	files, err := r.js.ObjectStore(r.ctx, r.config.Prefix.StreamName("FILES"))
	r.check(err)
	list, err := files.List(r.ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return
	}
	r.check(err)
	for _, info := range list {
		content, err := files.GetBytes(r.ctx, info.Name)
		r.check(err)
		seen.add("objects", string(content))
	}
}

// tapBuckets sees every value that is written to a bucket, also those that
// the next one replaces. What it has seen is complete when it returns it.
func (r *rig) tapBuckets() func() findings {
	r.Helper()
	tap := r.connect()
	sub, err := tap.SubscribeSync("$KV.>")
	r.check(err)
	r.check(tap.Flush())
	return func() findings {
		r.Helper()
		r.check(tap.Flush())
		seen := findings{}
		for {
			msg, err := sub.NextMsg(0)
			if errors.Is(err, nats.ErrTimeout) {
				return seen
			}
			r.check(err)
			tokens := strings.SplitN(msg.Subject, ".", 3)
			seen.add(tokens[0]+"."+tokens[1], msg.Subject, msg.Header, string(msg.Data))
		}
	}
}
