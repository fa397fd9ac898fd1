package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"

	"cc-connector/subjects"
)

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		heights []int
		total   int
		level   int
	}{
		{nil, 5, 0},
		{[]int{10}, 0, 0},
		{[]int{10}, 7, 7},
		{[]int{10}, 70, 10},
		{[]int{10, 10}, 7, 4},
		{[]int{2, 10, 10}, 12, 5},
		{[]int{10, 2, 10}, 13, 6},
		{[]int{0, 10}, 3, 3}, // one that leaves
		{[]int{1, 2, 3}, 100, 3},
	} {
		if level := levelOf(c.heights, c.total); level != c.level {
			t.Errorf("%d in %v: level %d, want %d", c.total, c.heights, level, c.level)
		}
	}
}

func TestLevelIsTheLeastThatHoldsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heights := rapid.SliceOfN(rapid.IntRange(0, 50), 1, 8).Draw(t, "heights")
		total := rapid.IntRange(0, 300).Draw(t, "total")
		holds := func(level int) (sum int) {
			for _, height := range heights {
				sum += min(height, level)
			}
			return sum
		}
		level, greatest := levelOf(slices.Clone(heights), total), slices.Max(heights)
		if level > greatest || level < greatest && holds(level) < total {
			t.Fatalf("level %d holds %d", level, holds(level))
		}
		if level > 0 && holds(level-1) >= total {
			t.Fatalf("level %d would do", level-1)
		}
	})
}

// crew are replicas that give chats away and take them, each by its own, older
// picture of the others.
type crew struct {
	*rapid.T
	self      []replicaID
	held      map[replicaID]int
	announced map[replicaID]member
	total     int
}

func newCrew(t *rapid.T) *crew {
	c := &crew{T: t, held: map[replicaID]int{}, announced: map[replicaID]member{}}
	for i := range rapid.IntRange(1, 6).Draw(t, "replicas") {
		id := replicaID(fmt.Sprint(i))
		most := rapid.IntRange(0, 60).Draw(t, "most")
		c.self = append(c.self, id)
		c.held[id] = rapid.IntRange(0, most).Draw(t, "held")
		c.total += c.held[id]
		c.announced[id] = member{MaxChats: most, Chats: rapid.IntRange(0, most).Draw(t, "announced")}
	}
	return c
}

// reckon lets one replica announce itself and give its surplus away, and
// returns how many chats it gave.
func (c *crew) reckon(self replicaID) int {
	record := c.announced[self]
	record.Chats = c.held[self]
	c.announced[self] = record
	shares := fairShares(c.announced, c.total)
	give := surplus(self, c.held[self], c.announced, shares)
	if give > 0 && c.held[self]-give < shares[self] {
		c.Fatalf("%s gives %d of %d, its share is %d", self, give, c.held[self], shares[self])
	}
	for range give {
		c.held[self]--
		c.held[c.taker(shares)]++
	}
	return give
}

// taker is one of those that JetStream serves first.
func (c *crew) taker(shares map[replicaID]int) replicaID {
	lacking := func(id replicaID) bool { return c.held[id] < shares[id] }
	roomy := func(id replicaID) bool { return c.held[id] < c.announced[id].MaxChats }
	for _, able := range []func(replicaID) bool{lacking, roomy} {
		ids := slices.DeleteFunc(slices.Clone(c.self), func(id replicaID) bool { return !able(id) })
		if len(ids) > 0 {
			return rapid.SampledFrom(ids).Draw(c.T, "taker")
		}
	}
	c.Fatal("nobody has room")
	return ""
}

// Whatever they begin with, replicas come to rest, and then nobody lacks much.
func TestSharesComeToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCrew(t)
		for range 4 {
			for _, id := range c.self {
				c.reckon(id)
			}
		}
		shares := fairShares(c.announced, c.total)
		for _, id := range c.self {
			if give := c.reckon(id); give > 0 {
				t.Fatalf("%s still gives %d: %v of %v", id, give, c.held, shares)
			}
			if lack := shares[id] - c.held[id]; lack > slack(shares[id])+len(c.self) {
				t.Fatalf("%s lacks %d: %v of %v", id, lack, c.held, shares)
			}
		}
	})
}

func TestSurplus(t *testing.T) {
	of := func(chats int) member { return member{MaxChats: 100, Chats: chats} }
	for name, c := range map[string]struct {
		held   int
		others []member
		total  int
		give   int
	}{
		"alone":                              {20, nil, 20, 0},
		"one that is new":                    {20, []member{of(0)}, 20, 10},
		"one that is dead and not yet known": {20, []member{of(10)}, 20, 0},
		"small differences":                  {11, []member{of(9)}, 20, 0},
		"small ones of many":                 {40, []member{of(19), of(19), of(19), of(19), of(4)}, 120, 20},
		"one that leaves":                    {20, []member{{Chats: 3}}, 23, 0},
		"a full one":                         {20, []member{{MaxChats: 2, Chats: 2}}, 22, 0},
		"one that has less":                  {3, []member{of(20)}, 23, 0},
	} {
		alive := map[replicaID]member{"self": of(c.held)}
		for i, m := range c.others {
			alive[replicaID(fmt.Sprint(i))] = m
		}
		if give := surplus("self", c.held, alive, fairShares(alive, c.total)); give != c.give {
			t.Errorf("%s: %d are given, want %d", name, give, c.give)
		}
	}
}

// Who lacks chats asks for no more than it lacks, and comes first.
func TestAppetite(t *testing.T) {
	for _, c := range []struct {
		share, held, going, room int
		most                     int
		priority                 uint8
	}{
		{100, 0, 0, 100, tokensPerPull, priorityLacking},
		{10, 7, 0, 100, 3, priorityLacking},
		{10, 7, 0, 2, 2, priorityLacking},
		{10, 12, 5, 100, 3, priorityLacking},
		{10, 10, 0, 100, tokensPerPull, priorityUsual},
		{10, 12, 0, 5, 5, priorityUsual},
	} {
		hs := newHolders(1000)
		hs.setShare(c.share)
		hs.going = c.going
		for i := range c.held {
			hs.add(&holder{chat: chatKey{token: subjects.ChatToken(fmt.Sprint(i))}})
		}
		if most, priority := hs.appetite(c.room); most != c.most || priority != c.priority {
			t.Errorf("%+v: pulls %d with priority %d", c, most, priority)
		}
	}
}

// A token goes to a pull of one that lacks chats, however long others wait.
func TestTokensGoToThoseThatLackThem(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestEver)
	js, err := jetstream.New(r.nc)
	r.check(err)
	l := newLayout(Config{Tenant: "acme.example", Apps: []App{{}}, BaseURL: "x"}.withDefaults())
	stream, err := js.CreateStream(r.ctx, l.sessions)
	r.check(err)
	consumer, err := stream.CreateConsumer(r.ctx, l.holders)
	r.check(err)
	for n := range 10 {
		var batches [2]jetstream.MessageBatch
		for _, priority := range []uint8{priorityUsual, priorityLacking} {
			batches[priority], err = consumer.Fetch(1, jetstream.FetchMaxWait(time.Minute), jetstream.FetchPriorityGroup(holdersGroup), jetstream.FetchPrioritized(priority))
			r.check(err)
		}
		for waiting := 0; waiting < 2; {
			info, err := consumer.Info(r.ctx)
			r.check(err)
			waiting = info.NumWaiting
		}
		subject := subjects.DefaultPrefix.Internal("session", fmt.Sprint(n))
		_, err = js.Publish(r.ctx, subject, nil)
		r.check(err)
		select {
		case msg := <-batches[priorityLacking].Messages():
			r.check(msg.Nak()) // as one that gives it back
		case <-batches[priorityUsual].Messages():
			t.Fatal("the token went to one that lacks none")
		case <-r.ctx.Done():
			t.Fatal(r.ctx.Err())
		}
		r.check((<-batches[priorityUsual].Messages()).Term()) // nobody else is there: it does not wait
	}
}

// The next holder answers what the last one must not take any more, and nobody
// writes before the fence stands.
func TestOnlyTheHolderTakesAnswers(t *testing.T) {
	for want, h := range map[error]*holder{
		errDeparted: {departed: true, chatLog: &chatLog{fence: mark{position: 1}}},
		errNotHeld:  {chatLog: &chatLog{}},
	} {
		h.lease = &lease{ctx: t.Context()}
		if err := h.serveRequest(holderRequest{Where: true}); !errors.Is(err, want) {
			t.Errorf("the question where the chat is: %v", err)
		}
		if err := h.serveRequest(holderRequest{Recover: true}); !errors.Is(err, want) || h.doubt != noDoubt {
			t.Errorf("a wish to recover: %v", err)
		}
		if err := h.serveRequest(holderRequest{Events: []json.RawMessage{json.RawMessage(`{}`)}}); !errors.Is(err, want) {
			t.Errorf("events: %v", err)
		}
	}
}
