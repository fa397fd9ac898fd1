package console

import "sync"

// What the ring holds at most.
const (
	ringMessages = 2000
	ringBytes    = 16 << 20
)

// entry is something that every page is told: the lines of a server-sent event.
type entry struct {
	sequence uint64 // in the stream; 0: it stands in no stream
	text     []byte
}

// place is where a page is in the ring: the number of the entry that it reads next,
// and the last message that it was told, of which stream.
type place struct {
	next uint64
	seen uint64
	made int
}

// hole is what a page was not told: messages of the stream.
type hole struct{ From, To uint64 }

// room is for so many entries, and so many bytes of them.
type room struct{ messages, bytes int }

// ring holds the latest entries, each under a number that is one higher than that
// of the one before.
type ring struct {
	messages, limit int // at most, of entries and their bytes

	mu      sync.Mutex
	entries []entry
	first   uint64 // number of entries[0]
	bytes   int
	gone    uint64 // no message up to this one is in the ring
	last    uint64 // message
	stream  string // the identity of what is read; empty: not known yet
	made    int    // how often it was made anew
	changed chan struct{}
}

func newRing(messages, limit int) *ring {
	return &ring{messages: messages, limit: limit, changed: make(chan struct{})}
}

// add drops the oldest entries as need be, but never the new one.
func (r *ring) add(e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
	r.bytes += len(e.text)
	r.last = max(r.last, e.sequence)
	for len(r.entries) > 1 && (len(r.entries) > r.messages || r.bytes > r.limit) {
		r.drop()
	}
	r.tell()
}

func (r *ring) drop() {
	r.gone = max(r.gone, r.entries[0].sequence)
	r.bytes -= len(r.entries[0].text)
	r.entries[0] = entry{}
	r.entries = r.entries[1:]
	r.first++
}

func (r *ring) tell() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// begin says behind which message of the stream the ring begins.
func (r *ring) begin(behind uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone, r.last = max(r.gone, behind), max(r.last, behind)
}

// restart is for a stream that was made anew: what was seen says nothing any more.
func (r *ring) restart(said entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.first += uint64(len(r.entries))
	r.entries, r.bytes, r.gone, r.last = []entry{said}, len(said.text), 0, 0
	r.made++
	r.tell()
}

func (r *ring) readsFrom(stream string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stream = stream
}

func (r *ring) reading() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream
}

func (r *ring) lastMessage() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// latest is the place of a page that wants so many messages of the past, and the
// number at which the past ends.
func (r *ring) latest(past int) (at place, end uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := len(r.entries)
	for i > 0 && past > 0 {
		if i--; r.entries[i].sequence > 0 {
			past--
		}
	}
	return place{r.first + uint64(i), r.before(i), r.made}, r.first + uint64(len(r.entries))
}

// before is the last message in front of an entry.
func (r *ring) before(i int) uint64 {
	for i--; i >= 0; i-- {
		if sequence := r.entries[i].sequence; sequence > 0 {
			return sequence
		}
	}
	return r.gone
}

// behind is the place of a page that has seen a message of a stream; empty: it does
// not say of which. It is false if that message is none of this stream's. One of this
// stream may be ahead of the ring: another replica has told it first, or what it was
// is no more.
func (r *ring) behind(seen uint64, stream string) (at place, end uint64, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stream == "" && seen > r.last || stream != "" && stream != r.stream {
		return place{}, 0, false
	}
	i := len(r.entries)
	for i > 0 && (r.entries[i-1].sequence == 0 || r.entries[i-1].sequence > seen) {
		i--
	}
	return place{r.first + uint64(i), seen, r.made}, r.first + uint64(len(r.entries)), true
}

// Bounds of what is read at once, and so written to a page at once.
const (
	batchEntries = 64
	batchBytes   = 256 << 10
)

// read returns what follows a place and was not seen there, the hole in front of it,
// and a channel that is closed when there is more.
func (r *ring) read(at *place) (batch []entry, missed *hole, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at.next = max(at.next, r.first)
	if at.made != r.made {
		at.seen, at.made = 0, r.made
	}
	if at.seen < r.gone {
		missed = &hole{at.seen + 1, r.gone}
		at.seen = r.gone
	}
	bytes := 0
	for _, e := range r.entries[at.next-r.first:] {
		if len(batch) == batchEntries || len(batch) > 0 && bytes+len(e.text) > batchBytes {
			break
		}
		at.next++
		if e.sequence > 0 && e.sequence <= at.seen {
			continue
		}
		batch, bytes = append(batch, e), bytes+len(e.text)
		at.seen = max(at.seen, e.sequence)
	}
	return batch, missed, r.changed
}
