package chats

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
	"cc-connector/schema"
)

// room is what the smallest bus has beside the headers that a value needs.
const room = bus.LeastPayload - 1<<10

// Whatever is said of a chat, its entry can be written, and has who joined last.
func TestEntryIsBounded(t *testing.T) {
	long := strings.Repeat("é", 1<<19)
	hard := strings.Repeat("\x01", 1<<20) // six times as long when written
	e := Entry{Chat: schema.Chat{
		ChatID: strings.Repeat("\x01", schema.MaxID), ClientRef: strings.Repeat("r", 32), App: strings.Repeat("a", 256), AppID: strings.Repeat("i", 256),
		OpenedAt: *schema.NewTime(time.Now()),
	}}
	e.Apply(&schema.Status{State: hard}, 1, 10)
	e.Apply(&schema.CaseSet{CaseID: &hard}, 2, 20)
	for i := range 300 {
		e.Apply(&schema.PartyJoined{PartyID: fmt.Sprint(i, hard), DisplayName: hard, PartyType: hard}, 3, 30)
	}
	checkSize(t, e, "299")
	e.Apply(&schema.PartyJoined{PartyID: long, DisplayName: long}, 4, 40)
	if last := e.Parties[len(e.Parties)-1]; len(last.DisplayName) != longestValue || !utf8.ValidString(last.DisplayName) || !strings.HasPrefix(long, last.DisplayName) {
		t.Errorf("the name has %d bytes", len(last.DisplayName))
	}
	before := len(e.Parties)
	if e.Apply(&schema.PartyLeft{PartyID: long}, 5, 50); len(e.Parties) != before-1 {
		t.Error("who has left is still there")
	}
}

func checkSize(t *testing.T, e Entry, last string) {
	t.Helper()
	e.Sequence, e.StreamSequence = math.MaxUint64, math.MaxUint64
	e.MarkClosed(schema.ClosedInactivityTimeout, time.Now())
	stored := storedEntry{Chat: e.Chat, ClientID: brightpattern.ClientID(strings.Repeat(`"`, schema.MaxID))}
	if size := writtenSize(stored); size > room {
		t.Errorf("it has %d bytes", size)
	}
	if n := len(e.Parties); n == 0 || n > mostParties || !strings.HasPrefix(e.Parties[n-1].PartyID, last) {
		t.Errorf("it has %d parties", n)
	}
}

func TestEntryHasSoManyParties(t *testing.T) {
	e := Entry{}
	for i := range mostParties + 5 {
		e.Apply(&schema.PartyJoined{PartyID: fmt.Sprint(i)}, 1, 10)
	}
	if len(e.Parties) != mostParties || e.Parties[0].PartyID != "5" {
		t.Errorf("%d parties, the first is %s", len(e.Parties), e.Parties[0].PartyID)
	}
}

// One that an earlier version wrote, with more in it, is written as all are.
func TestEntryOfAnEarlierVersionIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, natstest.SmallBus)
	c, key := r.replica("self"), r.key("chat")
	e := Entry{client: "client", Chat: schema.Chat{ChatID: "chat", State: strings.Repeat("s", 9<<10), CaseID: strings.Repeat("c", 9<<10)}}
	for i := range 90 {
		e.Parties = append(e.Parties, schema.Party{PartyID: fmt.Sprint(i), DisplayName: strings.Repeat("d", 1<<10)})
	}
	r.Check(c.Save(r.Ctx, key, &e))
	found, err := c.Find(r.Ctx, key)
	if n := len(found.Parties); err != nil || n == 0 || found.Parties[n-1].PartyID != "89" {
		t.Errorf("found are %d parties, %v", n, err)
	}
}

// A text is cut no more than it must be, and not within a character.
func TestBeginning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, most := rapid.String().Draw(t, "text"), rapid.IntRange(0, 40).Draw(t, "most")
		got := beginning(s, most)
		size := func(s string) int { return writtenSize(s) - len(`""`) }
		if !strings.HasPrefix(s, got) || !utf8.ValidString(got) || size(got) > most {
			t.Fatalf("the beginning of %q is %q", s, got)
		}
		if again := beginning(got, most); again != got {
			t.Fatalf("cut once more it is %q, and was %q", again, got)
		}
		if size(s) <= most && got != s {
			t.Fatalf("%q is cut to %q", s, got)
		}
	})
}

// Whatever a command and the contact center say, the token can be written.
func TestTokenIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, natstest.SmallBus)
	c := r.replica("self")
	hard := strings.Repeat("\u2028", schema.MaxString/3)
	key, _, err := c.Open(r.Ctx, Opening{
		Chat: brightpattern.Chat{ID: brightpattern.ChatID(strings.Repeat("\x01", schema.MaxID)), State: strings.Repeat("\x01", 100<<10), IsNew: true},
		App:  App{strings.Repeat("a", 256), brightpattern.AppID(strings.Repeat("i", 256))}, Client: brightpattern.ClientID(strings.Repeat(`"`, schema.MaxID)),
		Cause: strings.Repeat(`"`, schema.MaxID), Correlation: hard, Requested: true,
	})
	r.Check(err)
	token, err := c.currentToken(r.Ctx, key)
	r.Check(err)
	if size := writtenSize(token); size > room || token.Correlation != hard {
		t.Errorf("it has %d bytes", size)
	}
	if size := writtenSize(c.Opened(token)); size > room/2 {
		t.Errorf("session.opened has %d bytes", size)
	}
}

// What counts messages does not grow with them.
func TestCountIsBounded(t *testing.T) {
	c := count{Next: maxNumber}
	for range boundMost {
		c.Bound = append(c.Bound, boundNumber{uuid.NewString(), maxNumber})
	}
	if size := writtenSize(c); size > room/4 {
		t.Errorf("it has %d bytes", size)
	}
}

// A request with the events of an answer is one that the smallest bus takes,
// also where they are nested so deep that they are written as texts.
func TestRequestsAreBounded(t *testing.T) {
	flat := brightpattern.ParseEvent(json.RawMessage(`{"event":"x","a":"` + strings.Repeat(`\"`, 700) + `"}`))
	nested := brightpattern.ParseEvent(json.RawMessage(strings.Repeat("[", 60) + `"` + strings.Repeat(`\"`, 950) + `"` + strings.Repeat("]", 60)))
	if !isTooDeep(nested) || isTooDeep(flat) {
		t.Fatal("they are not nested as they should be")
	}
	sent := 0
	for part := range parts([]brightpattern.Event{flat, nested, flat, flat, nested, nested}, bus.LeastPayload/grown) {
		w := Publish{Events: part}.wire()
		w.To = replicas.NewID()
		if size := writtenSize(w); size > room {
			t.Errorf("a request with %d events has %d bytes", len(part), size)
		}
		sent += len(part)
	}
	if sent != 6 {
		t.Errorf("%d of 6 events are sent", sent)
	}
}

// The events of an answer go to the holder in requests that the bus takes.
func TestParts(t *testing.T) {
	event := func(size int) brightpattern.Event { return brightpattern.Event{Raw: make([]byte, size)} }
	for name, c := range map[string]struct {
		sizes []int
		want  string
	}{
		"none":     {nil, "[]"},
		"one":      {[]int{5}, "[1]"},
		"fitting":  {[]int{5, 5}, "[2]"},
		"too many": {[]int{5, 5, 1, 9, 1}, "[2 2 1]"},
		"large":    {[]int{50, 1, 50, 50}, "[1 1 1 1]"},
	} {
		var events []brightpattern.Event
		for _, size := range c.sizes {
			events = append(events, event(size))
		}
		var got []int
		for part := range parts(events, 10) {
			got = append(got, len(part))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
