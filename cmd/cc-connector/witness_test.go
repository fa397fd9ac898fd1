package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// witness stands before the contact center and notes what nobody else sees:
// which answers did not arrive, and how long a chat was polled by nobody.
type witness struct {
	next http.Handler

	mu        sync.Mutex
	troubles  []trouble
	signal    string // the last one that was sent to a replica
	signalled time.Time
	deaf      map[string]deafness  // by chat
	answered  map[string]time.Time // when the last poll began that was answered, by chat
	takeovers map[string][]time.Duration
}

// deafness is a poll that was cut when its replica got a signal.
type deafness struct {
	signal string
	since  time.Time
}

func newWitness(next http.Handler) *witness {
	return &witness{next: next, deaf: make(map[string]deafness), answered: make(map[string]time.Time), takeovers: make(map[string][]time.Duration)}
}

// outcome is what was answered.
type answerWriter struct {
	http.ResponseWriter
	status int
}

func (a *answerWriter) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answerWriter) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	chat, what := chatCall(r.URL.Path)
	if chat == "" {
		w.next.ServeHTTP(rw, r)
		return
	}
	isPoll := what == "events" && r.Method == http.MethodGet
	began := time.Now()
	if isPoll {
		w.pollBegins(chat, began)
	}
	answer := &answerWriter{ResponseWriter: rw}
	defer func() {
		aborted := recover()
		if aborted != nil || r.Context().Err() != nil || answer.status != http.StatusOK {
			w.failed(trouble{chat: chat, history: what == "history", from: began, to: time.Now()}, isPoll && r.Context().Err() != nil)
		} else if isPoll {
			w.pollAnswered(chat, began)
		}
		if aborted != nil {
			panic(aborted)
		}
	}()
	w.next.ServeHTTP(answer, r)
}

// chatCall takes …/chats/<id>/<what> apart.
func chatCall(path string) (chat, what string) {
	_, rest, found := strings.Cut(path, "/chats/")
	if !found {
		return "", ""
	}
	chat, what, _ = strings.Cut(rest, "/")
	return chat, what
}

// signalled is how soon after a signal a cut poll is put down to it.
const cutWithin = time.Second

func (w *witness) failed(t trouble, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles = append(w.troubles, t)
	if cut && w.signal != "" && t.to.Sub(w.signalled) < cutWithin {
		w.deaf[t.chat] = deafness{w.signal, w.signalled}
	}
}

func (w *witness) pollBegins(chat string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, was := w.deaf[chat]
	if !was {
		return
	}
	delete(w.deaf, chat)
	w.takeovers[d.signal] = append(w.takeovers[d.signal], at.Sub(d.since))
}

// pollAnswered notes the first answer after a signal: only with it does the
// chat's next holder begin to know that no poll from before is held any more.
func (w *witness) pollAnswered(chat string, began time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if began.After(w.signalled) && w.answered[chat].Before(w.signalled) {
		w.troubles = append(w.troubles, trouble{chat: chat, from: w.signalled, to: time.Now().Add(staleFor)})
	}
	w.answered[chat] = began
}

// staleFor is how long the contact center may give to a poll whose replica has gone.
const staleFor = 2 * time.Second

// sends notes a signal that is sent to a replica now: any answer may be lost by it.
func (w *witness) sends(signal string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signal, w.signalled = signal, time.Now()
	w.troubles = append(w.troubles, trouble{from: w.signalled, to: w.signalled.Add(staleFor)})
}

// outage notes that something was away for all.
func (w *witness) outage(from time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles = append(w.troubles, trouble{from: from, to: time.Now()})
}

func (w *witness) allTroubles() []trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.troubles)
}
