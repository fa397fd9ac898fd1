package connector_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// ledger is a chat with all that was asked for on it.
type ledger struct {
	watched
	texts    []string                 // that the customer sends, in this order
	doubtful map[string]bool          // texts of which nobody knows whether they were sent
	numbers  map[string]string        // of texts: the message ids that their results say
	skipped  int                      // how many numbers may have been skipped
	commands []string                 // ids of the commands that have a result
	lossy    bool                     // an answer was lost, or may have been: what was recovered is told
	source   string                   // the stream that has all of it; CC_EVENTS
	told     map[string]schema.Result // of live commands: what their senders were told, by id
	amiss    []string                 // what was seen to be wrong on the way
}

func newLedger(w watched) *ledger {
	return &ledger{watched: w, source: "CC_EVENTS", doubtful: map[string]bool{}, numbers: map[string]string{}, told: map[string]schema.Result{}}
}

// keepAll has a stream of the test's own keep what CC_EVENTS forgets. It is no
// mirror: that would answer direct gets in the place of CC_EVENTS. Call it
// while CC_EVENTS has all, so that both number alike.
func (l *ledger) keepAll() {
	l.Helper()
	l.source = "KEPT"
	_, err := l.js.CreateStream(l.ctx, jetstream.StreamConfig{
		Name: l.source, Sources: []*jetstream.StreamSource{{Name: "CC_EVENTS"}}, Duplicates: 100 * time.Millisecond,
	})
	l.check(err)
}

// shortenMemory has no stream know a repeat by its id for long: whoever publishes
// again after a failover has to look. It is longer than a publication is on its
// way on a busy machine. The streams stay as they are from now on.
func (r *rig) shortenMemory() {
	r.Helper()
	r.config.Provision = false
	names := r.js.StreamNames(r.ctx)
	for name := range names.Name() {
		stream, err := r.js.Stream(r.ctx, name)
		r.check(err)
		config := stream.CachedInfo().Config
		config.Duplicates = min(config.Duplicates, time.Second)
		_, err = r.js.UpdateStream(r.ctx, config)
		r.check(err)
	}
	r.check(names.Err())
}

// account is all in which the two sides of the chat differ, or in which a
// promise was broken. It is empty if every event that the contact center made
// was published once and in order, all that the customer sent arrived once and
// in order, and each command has one result.
func (l *ledger) account() (wrong []string) {
	l.Helper()
	all := l.kept()
	wrong = l.amiss
	for _, check := range []func([]message) []string{
		l.accountEvents, l.accountSequence, l.accountIDs, l.accountSessions, l.accountLosses,
		l.accountCustomer, l.accountResults, l.accountPolls,
	} {
		wrong = append(wrong, check(all)...)
	}
	return wrong
}

// kept is everything that was ever stored, when the copy has it too.
func (l *ledger) kept() []message {
	l.Helper()
	l.eventually("the copy has all", func() bool { return l.lastIn(l.source) >= l.lastIn("CC_EVENTS") })
	return l.storedIn(l.source, "cc.>")
}

func (l *ledger) lastIn(stream string) uint64 {
	l.Helper()
	s, err := l.js.Stream(l.ctx, stream)
	l.check(err)
	return s.CachedInfo().State.LastSeq
}

// isOf tells whether the message is an event or a session message of the chat.
func (l *ledger) isOf(m message) bool {
	return strings.HasPrefix(m.subject, "cc.chat."+string(l.token())+".") && !strings.Contains(m.subject, ".result.")
}

func (l *ledger) accountEvents(all []message) []string {
	var made, published []string
	for _, e := range l.record().Server {
		made = append(made, gist(e.Event))
	}
	for _, m := range all {
		if event, err := schema.DecodeEvent(m.event); err == nil && l.isOf(m) {
			published = append(published, gist(event.Header().Raw))
		}
	}
	if slices.Equal(made, published) {
		return nil
	}
	return []string{fmt.Sprintf("published are\n\t%s\nand the contact center made\n\t%s", strings.Join(published, "\n\t"), strings.Join(made, "\n\t"))}
}

func (l *ledger) accountSequence(all []message) (wrong []string) {
	next := uint64(1)
	for _, m := range all {
		n, err := schema.Sequence(m.event)
		if err != nil || !l.isOf(m) {
			continue
		}
		if n != next {
			wrong = append(wrong, fmt.Sprintf("%s has sequence %d, want %d", m.subject, n, next))
		}
		next = n + 1
	}
	return wrong
}

func (l *ledger) accountIDs(all []message) (wrong []string) {
	seen := map[string]string{}
	for _, m := range all {
		if other, twice := seen[m.msgID]; twice && m.msgID != "" {
			wrong = append(wrong, fmt.Sprintf("%s and %s have the id %s", other, m.subject, m.msgID))
		}
		seen[m.msgID] = m.subject
	}
	return wrong
}

// accountSessions: opened once at the beginning, and closed once at the end, if at all.
func (l *ledger) accountSessions(all []message) (wrong []string) {
	all = slices.DeleteFunc(slices.Clone(all), func(m message) bool { return !l.isOf(m) })
	for i, m := range all {
		_, name, _ := strings.Cut(m.subject, ".session.")
		if (name == "opened") != (i == 0) || name == "closed" && i != len(all)-1 {
			wrong = append(wrong, fmt.Sprintf("message %d of %d is %s", i+1, len(all), m.subject))
		}
	}
	return wrong
}

// accountLosses: no loss is told of that cannot have been. No chat here loses
// what no history gives back.
func (l *ledger) accountLosses(all []message) (wrong []string) {
	for _, m := range all {
		gap := strings.HasSuffix(m.subject, ".session.gap")
		if l.isOf(m) && (gap || strings.HasSuffix(m.subject, ".session.recovered") && !l.lossy) {
			wrong = append(wrong, fmt.Sprintf("%s is told, and nothing was lost: %s", m.subject, m.event.Data()))
		}
	}
	return wrong
}

// accountCustomer compares what the customer was to say with what arrived.
func (l *ledger) accountCustomer([]message) (wrong []string) {
	var texts []string
	next, skipped := uint64(0), 0
	for _, e := range l.record().Client {
		var m struct {
			Event string
			ID    brightpattern.MessageID `json:"msg_id"`
			Text  string                  `json:"msg_text"`
			File  string                  `json:"file_name"`
		}
		l.check(json.Unmarshal(e.Event, &m))
		switch m.Event {
		case "chat_session_message":
		case "chat_session_file":
			m.Text = m.File
		default:
			continue
		}
		texts = append(texts, m.Text)
		n, ours := brightpattern.ParseClientMessageID(brightpattern.ChatID(l.chat), m.ID)
		if promised := l.numbers[m.Text]; !ours || n < next || promised != "" && promised != string(m.ID) {
			wrong = append(wrong, fmt.Sprintf("the message %q has the id %s; its result says %q, and the next number is %d", m.Text, m.ID, promised, next))
		}
		skipped += int(n - next)
		next = n + 1
	}
	if skipped > l.skipped {
		wrong = append(wrong, fmt.Sprintf("%d message numbers were skipped", skipped))
	}
	want := slices.DeleteFunc(slices.Clone(l.texts), func(text string) bool { return l.doubtful[text] && !slices.Contains(texts, text) })
	if !slices.Equal(texts, want) {
		wrong = append(wrong, fmt.Sprintf("the customer said %q, want %q", texts, want))
	}
	return wrong
}

func (l *ledger) accountResults(all []message) (wrong []string) {
	for _, id := range l.commands {
		n, event := 0, schema.Result{}
		for _, m := range all {
			if strings.Contains(m.subject, "result.") && schema.Extension(m.event, schema.AttrCausationID) == id {
				n++
				if result, err := schema.DecodeResult(m.event); err == nil {
					event = *result
				}
			}
		}
		if n != 1 {
			wrong = append(wrong, fmt.Sprintf("the command %s has %d results", id, n))
		}
		if told, is := l.told[id]; is && n > 0 && !isSame(told, event) {
			wrong = append(wrong, fmt.Sprintf("the sender of %s is told %+v, and its event %+v", id, told, event))
		}
	}
	return wrong
}

// isSame tells whether a sender was told what the event says. One whose outcome is
// not there yet is told so.
func isSame(told, event schema.Result) bool {
	if told.Error == nil || event.Error == nil {
		return told.Status == event.Status || told.Error != nil && told.Error.Code == schema.CodeTimeout
	}
	return told.Error.Code == schema.CodeTimeout || told.Error.Code == event.Error.Code && told.Error.Outcome == event.Error.Outcome
}

func (l *ledger) accountPolls([]message) []string {
	if n := l.record().MostPolls; n != 1 {
		return []string{fmt.Sprintf("%d polls were held at once", n)}
	}
	return nil
}
