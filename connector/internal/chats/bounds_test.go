package chats

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// Whatever is said of a chat, its entry can be written, and has who joined last.
func TestEntryIsBounded(t *testing.T) {
	long := strings.Repeat("é", 1<<19)
	hard := strings.Repeat("\x01", 1<<20) // six times as long when written
	e := Entry{}
	e.Apply(&schema.Status{State: hard}, 1)
	e.Apply(&schema.CaseSet{CaseID: &hard}, 2)
	for i := range 300 {
		e.Apply(&schema.PartyJoined{PartyID: fmt.Sprint(i, hard), DisplayName: hard, PartyType: hard}, 3)
	}
	checkSize(t, e, "299")
	e.Apply(&schema.PartyJoined{PartyID: long, DisplayName: long}, 4)
	if last := e.Parties[len(e.Parties)-1]; len(last.DisplayName) != schema.MaxString || !utf8.ValidString(last.DisplayName) || !strings.HasPrefix(long, last.DisplayName) {
		t.Errorf("the name has %d bytes", len(last.DisplayName))
	}
	before := len(e.Parties)
	if e.Apply(&schema.PartyLeft{PartyID: long}, 5); len(e.Parties) != before-1 {
		t.Error("who has left is still there")
	}
}

func checkSize(t *testing.T, e Entry, last string) {
	t.Helper()
	written, err := json.Marshal(e.Chat)
	if err != nil || len(written) > 60<<10 {
		t.Errorf("it has %d bytes, %v", len(written), err)
	}
	if n := len(e.Parties); n == 0 || n > mostParties || !strings.HasPrefix(e.Parties[n-1].PartyID, last) {
		t.Errorf("it has %d parties", n)
	}
}

func TestEntryHasSoManyParties(t *testing.T) {
	e := Entry{}
	for i := range mostParties + 5 {
		e.Apply(&schema.PartyJoined{PartyID: fmt.Sprint(i)}, 1)
	}
	if len(e.Parties) != mostParties || e.Parties[0].PartyID != "5" {
		t.Errorf("%d parties, the first is %s", len(e.Parties), e.Parties[0].PartyID)
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
