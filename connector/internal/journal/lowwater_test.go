package journal

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"cc-connector/connector/internal/natstest"
)

// modelRecord is a command of the replica's, from before its record is written
// until nothing is owed for it.
type modelRecord struct {
	sequence uint64 // 0: it is not written yet
	acked    bool
}

// modelJournal is a journal into which this replica writes, and others.
type modelJournal struct {
	LowWater[*modelRecord]
	last    uint64 // of the journal
	info    uint64 // the last that somebody has read of the stream
	reached uint64 // as far as this replica knows
	told    uint64 // the mark that others know
	owed    []*modelRecord
}

func (m *modelJournal) owe(*rapid.T) {
	r := &modelRecord{}
	m.Owe(r, m.knows())
	m.owed = append(m.owed, r)
}

func (m *modelJournal) knows() uint64 {
	m.reached = max(m.reached, m.info)
	return m.reached
}

func (m *modelJournal) write(t *rapid.T) {
	m.last++
	if r := m.any(t, func(r *modelRecord) bool { return r.sequence == 0 }); r != nil {
		r.sequence = m.last
	}
}

func (m *modelJournal) ack(t *rapid.T) {
	if r := m.any(t, func(r *modelRecord) bool { return r.sequence != 0 && !r.acked }); r != nil {
		r.acked = true
		m.reached = max(m.reached, r.sequence)
	}
}

func (m *modelJournal) settle(t *rapid.T) {
	if r := m.any(t, func(r *modelRecord) bool { return r.acked || r.sequence == 0 }); r != nil {
		m.Settle(r)
		m.owed = slices.DeleteFunc(m.owed, func(other *modelRecord) bool { return other == r })
	}
}

// any is one of those that are owed; nil if none is such.
func (m *modelJournal) any(t *rapid.T, is func(*modelRecord) bool) *modelRecord {
	var such []*modelRecord
	for _, r := range m.owed {
		if is(r) {
			such = append(such, r)
		}
	}
	if len(such) == 0 {
		return nil
	}
	return rapid.SampledFrom(such).Draw(t, "record")
}

// Whatever the order in which records are written, confirmed and settled, and
// whenever the stream is looked at and the mark is told: nothing that is owed stands
// at the mark or below it.
func TestMarkNeverLeads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &modelJournal{}
		t.Repeat(map[string]func(*rapid.T){
			"owe": m.owe, "write": m.write, "others write": func(*rapid.T) { m.last++ }, "ack": m.ack, "settle": m.settle,
			"tell": func(*rapid.T) { m.told = m.Mark(m.knows()) }, "look": func(*rapid.T) { m.info = m.last },
			"": func(t *rapid.T) {
				for _, r := range m.owed {
					if r.sequence != 0 && r.sequence <= max(m.told, m.Mark(m.reached)) {
						t.Fatalf("a record is owed at %d, the mark is %d, and others know %d", r.sequence, m.Mark(m.reached), m.told)
					}
				}
				if len(m.owed) != m.Len() || len(m.owed) == 0 && m.Mark(m.reached) != m.reached {
					t.Fatalf("%d are owed, and the mark has %d and is %d of %d", len(m.owed), m.Len(), m.Mark(m.reached), m.reached)
				}
			},
		})
	})
}

// In a journal that was made anew, what is owed may stand anywhere.
func TestMarkInAJournalThatWasLost(t *testing.T) {
	var l LowWater[string]
	l.Owe("a", 90)
	l.BeginAnew()
	l.Owe("b", 5)
	if l.Mark(7) != 0 {
		t.Errorf("the mark is %d", l.Mark(7))
	}
	if l.Settle("a"); l.Mark(7) != 5 || l.Behind("b") != 5 {
		t.Errorf("the mark is %d", l.Mark(7))
	}
}

// What others write moves what is reached, as soon as the stream is looked at. But what
// is known of one that was lost says nothing of the one in its place.
func TestReached(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	mine, others := New(streams.Journal, natstest.Log()), New(streams.Journal, natstest.Log())
	write := func() {
		r.Check(others.Write(r.Ctx, recordOf("other", uuid.NewString())))
		_, err := streams.Journal.AwaitSettled(r.Ctx) // which looks
		r.Check(err)
	}
	write()
	write()
	if mine.Reached() != 2 {
		t.Errorf("it has reached %d", mine.Reached())
	}
	mine.BeginAnew(1)
	write()
	if mine.note(2); mine.Reached() != 2 {
		t.Errorf("made anew, it has reached %d", mine.Reached())
	}
}
