package bus

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Health remembers what readiness cannot ask for at the moment of the
// question. Its zero value is that of a connector that does not serve yet.
type Health struct {
	mu           sync.Mutex
	serving      bool
	selfFailure  error
	pullFailures map[string]error // by what does not work
	storeFailure failure
	filesFailure failure
	unremembered unremembered
}

// failure is what an earlier try came to. The zero value is none.
type failure struct {
	err error
	at  time.Time
}

// isRecent tells whether it says something about now.
func (f failure) isRecent() bool { return f.err != nil && time.Since(f.at) < StoreMemory }

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
	h.selfFailure = err
}

// pulled notes whether a loop that takes chats or commands got an answer.
func (h *Health) pulled(failing string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pullFailures == nil {
		h.pullFailures = make(map[string]error)
	}
	h.pullFailures[failing] = err
}

// stored notes whether a publication got through.
func (h *Health) stored(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.storeFailure = failure{err, time.Now()}
}

// kept notes whether the store of files took what is too large for the bus.
func (h *Health) kept(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.filesFailure = failure{err, time.Now()}
}

// StoreMemory is how long a failed publication says something about now: it
// is tried again, and one that failed longer ago has been given up.
const StoreMemory = 30 * time.Second

// IsStoreDown tells whether the last publication failed, and not for what it was.
func (h *Health) IsStoreDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.storeFailure.isRecent() && IsOutage(h.storeFailure.err)
}

// Check says what does not work, if anything.
func (h *Health) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.serving:
		return errors.New("the connector is not serving: it is starting or leaving")
	case h.selfFailure != nil:
		return fmt.Errorf("the other replicas cannot be told of this one: %w", h.selfFailure)
	case h.storeFailure.isRecent():
		return fmt.Errorf("events and results cannot be published: %w", h.storeFailure.err)
	case h.filesFailure.isRecent():
		return fmt.Errorf("what is too large for the bus cannot be kept: %w", h.filesFailure.err)
	}
	return errors.Join(h.unremembered.check(time.Now()), h.checkPulls())
}

func (h *Health) checkPulls() error {
	for failing, err := range h.pullFailures {
		if err != nil {
			return fmt.Errorf("%s: %w", failing, err)
		}
	}
	return nil
}

// What is known of a chat's published events has to be written down before the
// stream forgets them. When that cannot be done nothing is lost yet, and nobody
// else would notice; so readiness tells.

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

// check says what does not work, if it will not pass or has not for long.
func (u unremembered) check(now time.Time) error {
	lasting, last := 0, error(nil)
	for _, f := range u {
		if IsRefused(f.err) || now.Sub(f.at) > rememberPatience {
			lasting, last = lasting+1, f.err
		}
	}
	if lasting == 0 {
		return nil
	}
	return fmt.Errorf("what is known of the published events of %d chats cannot be written down: %w", lasting, last)
}
