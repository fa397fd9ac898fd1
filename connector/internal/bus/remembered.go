package bus

import (
	"errors"
	"fmt"
	"time"
)

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
