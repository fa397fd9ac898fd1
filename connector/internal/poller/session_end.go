package poller

import (
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// # The end of a session
//
// The contact center says that a session has ended: then it is closed. Less than
// that is no end yet, and three things are less. A state that announces the end:
// a survey may come, so the chat is polled on until nothing has come for a while,
// were it for errors that are the contact center's own word.
// A poll that finds no such session: it may be a fail-over in the contact center,
// so the history is asked, too, and the poll tried again for a while. And a 404
// without a code, which is not the contact center's word: only when polls and
// histories have been answered so for very long is the session taken for gone.
//
// sessionEnd is what is known of all that. It is a plain value: it knows no
// clock, no lock and no network. What a method reports true is that the session
// is over.
type sessionEnd struct {
	announced brightpattern.EndReason // by the chat's state; "" if it is not
	came      time.Time               // the last event, or the chat to this holder
	missing   time.Time               // since when polls find no such session; zero: they do
	unfound   time.Time               // since when polls are answered a bare 404; zero: they are not
	history   bool                    // and the history as well, when it was asked last
	anew      time.Time               // when a poll was cut last because a command had found no session
}

// Patience is how long a holder believes that a session goes on.
type Patience struct {
	Missing   time.Duration // of which polls say that there is none; 10s
	Unfound   time.Duration // that nothing but bare 404s tell of; 10m
	Announced time.Duration // whose end was announced, and of which nothing comes any more; 60s
}

// anewPart of the patience with a missing session passes between two polls that
// are cut because commands have found none.
const anewPart = 5

// WithDefaults fills in what is zero.
func (p Patience) WithDefaults() Patience {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&p.Missing, 10 * time.Second}, {&p.Unfound, 10 * time.Minute}, {&p.Announced, time.Minute}} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	return p
}

// eventCame takes in that an event has come, after which the chat has this state.
func (s *sessionEnd) eventCame(state string, now time.Time) {
	s.announced, s.came = brightpattern.AnnouncedBy(state), now
}

// reason is why a session is over that was found to be so.
func (s *sessionEnd) reason(found schema.CloseReason) schema.CloseReason {
	if s.announced != "" {
		return schema.CloseReason(s.announced)
	}
	return found
}

// pollAnswered says that a poll has found the session.
func (s *sessionEnd) pollAnswered(now time.Time, p Patience) (over bool) {
	s.missing, s.unfound, s.history = time.Time{}, time.Time{}, false
	return s.isSilent(now, p)
}

// pollMissed says that a poll has found no such session.
func (s *sessionEnd) pollMissed(now time.Time, p Patience) (over bool) {
	s.unfound, s.history = time.Time{}, false
	if s.missing.IsZero() {
		s.missing = now
	}
	return now.Sub(s.missing) >= p.Missing
}

// pollUnfound says that a poll was answered a bare 404.
func (s *sessionEnd) pollUnfound(now time.Time, p Patience) (over bool) {
	if s.unfound.IsZero() {
		s.unfound = now
	}
	return s.history && now.Sub(s.unfound) >= p.Unfound
}

// pollFailed says that a poll has told nothing of the session. What was not found
// before is forgotten: only what is told all the time is believed. And nothing is
// over while nobody answers: what came last stands in a history that is away. But
// the contact center's own word, an error though it be, is an answer without events.
func (s *sessionEnd) pollFailed(isWord bool, now time.Time, p Patience) (over bool) {
	s.missing, s.unfound, s.history = time.Time{}, time.Time{}, false
	return isWord && s.isSilent(now, p)
}

// isSilent tells whether an end was announced, and nothing has come since for long.
func (s *sessionEnd) isSilent(now time.Time, p Patience) bool {
	return s.announced != "" && now.Sub(s.came) >= p.Announced
}

// historyFound says that there is a history.
func (s *sessionEnd) historyFound() { s.unfound, s.history = time.Time{}, false }

// historyUnfound says that the history was answered a bare 404.
func (s *sessionEnd) historyUnfound() { s.history = !s.unfound.IsZero() }

// historyFailed says that the history has told nothing of the session.
func (s *sessionEnd) historyFailed() { s.history = false }

// historyMissed says that there is no such session to the history, either.
func (s *sessionEnd) historyMissed() (over bool) { return !s.missing.IsZero() }

// mayPollAnew tells whether a poll may be cut because a command has found no
// such session: not while that is being found out, nor for each of many commands.
func (s *sessionEnd) mayPollAnew(now time.Time, p Patience) bool {
	if !s.missing.IsZero() || now.Sub(s.anew) < p.Missing/anewPart {
		return false
	}
	s.anew = now
	return true
}
