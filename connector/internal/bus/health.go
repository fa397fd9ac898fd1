package bus

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"cc-connector/connector/internal/health"
)

// Health remembers what readiness cannot ask for at the moment of the
// question. Its zero value is that of a connector that does not serve yet.
type Health struct {
	Quiet time.Duration // after it what stays is over where something succeeds; 5s

	mu           sync.Mutex
	serving      bool
	selfFailure  trouble
	pulls        map[string]pullTrouble // by the stream that is pulled from
	storeFailure trouble
	filesFailure trouble
	unremembered unremembered
}

// trouble is what the last tries came to. The zero value is none.
type trouble struct {
	err    error
	since  time.Time // of failures without a success between them
	last   time.Time
	passed bool // something else has succeeded since
}

func (t *trouble) note(err error, now time.Time) {
	switch {
	case err == nil:
		*t = trouble{}
		return
	case t.err == nil, now.Sub(t.last) > StoreMemory:
		t.since = now
	}
	t.err, t.last, t.passed = err, now, false
}

// noteOne is note for one of many that differ: where what is small finds room, or is
// taken, what is larger may fail all the same. So of what stays a success says little.
func (t *trouble) noteOne(err error, now time.Time) {
	if err == nil && stays(t.err) {
		t.passed = true
		return
	}
	t.note(err, now)
}

// usualQuiet is how long ago the last failure is when a success after it says that
// what stays is over: what waits is tried again more often than that.
const usualQuiet = 5 * time.Second

// isRecent tells whether it says something about now.
func (t trouble) isRecent(quiet time.Duration) bool {
	memory := StoreMemory
	if t.passed {
		memory = cmp.Or(quiet, usualQuiet)
	}
	return t.err != nil && time.Since(t.last) < memory
}

func (t trouble) fault(part health.Part, name, words string) health.Fault {
	return health.Fault{Part: part, Name: name, Err: fmt.Errorf("%s: %w", words, t.err), Stays: stays(t.err), Since: t.since, Last: t.last}
}

// stays tells the errors that somebody has to mend: what is full, or does not
// take what is stored there, stays so.
func stays(err error) bool { return IsRefused(err) || isFull(err) }

// pullTrouble is what a loop that takes chats or commands is told.
type pullTrouble struct {
	trouble
	failing string // in an operator's words
}

// Serve says whether commands and chats are taken.
func (h *Health) Serve(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serving = on
}

// IsServing tells whether commands and chats are taken.
func (h *Health) IsServing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.serving
}

// Announced notes whether the other replicas could be told of this one.
func (h *Health) Announced(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.selfFailure.note(err, time.Now())
}

// pulled notes whether a loop that takes chats or commands got an answer.
func (h *Health) pulled(stream, failing string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pulls == nil {
		h.pulls = make(map[string]pullTrouble)
	}
	t := h.pulls[stream]
	t.failing = failing
	t.note(err, time.Now())
	h.pulls[stream] = t
}

// stored notes whether a publication got through.
func (h *Health) stored(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.storeFailure.noteOne(err, time.Now())
}

// kept notes whether the store of files took what is too large for the bus.
func (h *Health) kept(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.filesFailure.noteOne(err, time.Now())
}

// StoreMemory is how long a failed publication says something about now: it
// is tried again, and one that failed longer ago has been given up.
const StoreMemory = 30 * time.Second

// IsStoreDown tells whether the last publication failed, and not for what it was.
func (h *Health) IsStoreDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.storeFailure
	return !t.passed && t.isRecent(h.Quiet) && IsOutage(t.err)
}

// IsPublishingDown tells whether anything that is published had to wait lately, and
// not for what it was: whatever is published may wait then.
func (h *Health) IsPublishingDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	isDown := func(t trouble) bool { return t.isRecent(h.Quiet) && (IsOutage(t.err) || IsPassing(t.err)) }
	return isDown(h.storeFailure) || isDown(h.filesFailure)
}

// Check says what does not work, if anything, also for a moment.
func (h *Health) Check() error {
	var all []error
	for _, f := range h.Faults() {
		all = append(all, f.Err)
	}
	return errors.Join(all...)
}

// Faults are what does not work.
func (h *Health) Faults() (all []health.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.serving {
		return []health.Fault{{Part: health.Starting, Err: errors.New("the connector is not serving: it is starting or leaving")}}
	}
	if h.selfFailure.err != nil {
		all = append(all, h.selfFailure.fault(health.Replicas, "", "the other replicas cannot be told of this one"))
	}
	if h.storeFailure.isRecent(h.Quiet) {
		all = append(all, h.storeFailure.fault(health.Publishing, "events", "events and results cannot be published"))
	}
	if h.filesFailure.isRecent(h.Quiet) {
		all = append(all, h.filesFailure.fault(health.Publishing, "files", "what is too large for the bus cannot be kept"))
	}
	for stream, t := range h.pulls {
		if t.err != nil {
			all = append(all, t.fault(health.Intake, stream, t.failing))
		}
	}
	return append(all, h.unremembered.faults(time.Now())...)
}

// What is known of a chat's published events has to be written down before the
// stream forgets them. When that cannot be done nothing is lost yet, and nobody
// else would notice; so readiness tells.

// failure is what a try came to, and since when.
type failure struct {
	err error
	at  time.Time
}

// unremembered are the chats of which that fails, and since when.
type unremembered map[string]failure

// rememberPatience is how long it may fail for what may pass.
const rememberPatience = StoreMemory

// Remembered notes whether what is known of a chat could be written down.
func (h *Health) Remembered(chat string, err error) {
	if errors.Is(err, ErrFenced) { // by another replica
		err = nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		delete(h.unremembered, chat)
		return
	}
	if h.unremembered == nil {
		h.unremembered = make(unremembered)
	}
	since := time.Now()
	if earlier, fails := h.unremembered[chat]; fails {
		since = earlier.at
	}
	h.unremembered[chat] = failure{err, since}
}

// IsUnremembered tells whether what is known of a chat is still to be written down.
func (h *Health) IsUnremembered(chat string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, fails := h.unremembered[chat]
	return fails
}

// LetGo notes that a chat is no longer this replica's.
func (h *Health) LetGo(chat string) { h.Remembered(chat, nil) }

// faults are what does not work, if it will not pass or has not for long.
func (u unremembered) faults(now time.Time) []health.Fault {
	lasting, last, since := 0, error(nil), now
	for _, f := range u {
		if IsRefused(f.err) || now.Sub(f.at) > rememberPatience {
			lasting, last = lasting+1, f.err
			since = earlierOf(since, f.at)
		}
	}
	if lasting == 0 {
		return nil
	}
	return []health.Fault{{
		Part: health.Publishing, Name: "checkpoints", Stays: true, Since: since,
		Err: fmt.Errorf("what is known of the published events of %d chats cannot be written down: %w", lasting, last),
	}}
}

func earlierOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
