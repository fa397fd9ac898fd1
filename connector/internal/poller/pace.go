package poller

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/throttle"
)

// What a poll came to, and when the next one is to be. All of it are values: a
// chat's polls belong to the goroutine that runs its holder.

// pollOutcome is what a poll came to, as far as the chat's events go.
type pollOutcome int

const (
	pollAnswered pollOutcome = iota // what it was given has arrived
	pollFailed                      // it was given nothing
	pollRefused                     // for the configuration: polling again does not mend that
	pollLost                        // it may have been given something that has not arrived
	// The contact center holds another poll of the chat: a dead process's, or
	// one that was given up here. What is given to it never arrives.
	pollContended
	pollMissed  // the contact center knows no such session
	pollUnfound // nor does who knows who, without a code
)

// isOfContactCenter tells whether it was the contact center that answered.
func (o pollOutcome) isOfContactCenter() bool {
	return o == pollAnswered || o == pollContended || o == pollMissed
}

// pollVerdict is all that is to be known of a poll that has come back.
type pollVerdict struct {
	outcome    pollOutcome
	reason     string        // the label of its metric
	retryAfter time.Duration // the contact center asked for it
	pays       bool          // the next one is paid for: see budget
	isWord     bool          // an error of the contact center itself, which is neither away nor refuses the app
}

func judgePoll(err error) pollVerdict {
	var failure *brightpattern.Error
	switch {
	case err == nil:
		return pollVerdict{outcome: pollAnswered, reason: brightpattern.Kind(nil)}
	case !errors.As(err, &failure):
		return pollVerdict{outcome: pollFailed, reason: brightpattern.Kind(err)}
	case failure.Code == brightpattern.CodeNotFound:
		return pollVerdict{outcome: pollMissed, reason: "gone"}
	}
	return pollVerdict{
		outcome: outcomeOfFailure(failure), reason: brightpattern.Kind(failure),
		retryAfter: failure.RetryAfter, pays: throttle.IsBackOff(failure),
		isWord: brightpattern.IsOwnWord(failure) && !throttle.IsMisconfigured(failure),
	}
}

func outcomeOfFailure(failure *brightpattern.Error) pollOutcome {
	switch {
	case failure.Code == brightpattern.CodeTooManyPollRequests:
		return pollContended
	case failure.Effect == brightpattern.EffectUnknown, failure.IsGateway():
		return pollLost
	case throttle.IsMisconfigured(failure):
		return pollRefused
	case brightpattern.IsUnfound(failure):
		return pollUnfound
	}
	return pollFailed
}

const (
	longestPause = 30 * time.Second
	// An empty answer that came sooner than this was not held, and polling
	// on at once would spin.
	shortestHold = 500 * time.Millisecond
	unheldPause  = time.Second
	lostPause    = 2 * time.Second // what was lost can be had from the history
	// A poll that is in the way is gone when it is answered, if not before.
	contendedPause = 5 * time.Second
	missedPause    = 2 * time.Second // a fail-over takes no longer than a few of them
)

// pace spaces the polls of one chat.
type pace struct {
	failures backoff.ExponentialBackOff
	refusals backoff.ExponentialBackOff // for the configuration
	last     string                     // the last poll's reason
}

func newPace() pace {
	return pace{failures: *retry.NewBackOff(retry.FirstPause, longestPause), refusals: *retry.NewBackOff(retry.FirstPause, retry.LongestRetryAfter)}
}

// nextPoll says when the next poll is to be.
type nextPoll struct {
	pause        time.Duration
	whenAccepted bool // not before the app is accepted again; the pause is only the least
	pays         bool // from the budget
	isNews       bool // the last one came to something else than the one before: worth a line in the log
}

// after is what follows a poll that gave so many events and took so long.
func (p *pace) after(v pollVerdict, events int, took time.Duration) nextPoll {
	next := nextPoll{whenAccepted: v.outcome == pollRefused, pays: v.pays, isNews: v.reason != p.last && (p.last != "" || v.outcome != pollAnswered)}
	p.last = v.reason
	next.pause = p.pause(v, events, took)
	return next
}

func (p *pace) pause(v pollVerdict, events int, took time.Duration) time.Duration {
	if v.outcome == pollAnswered && (events > 0 || took >= shortestHold) {
		p.failures.Reset()
		p.refusals.Reset()
		return 0
	}
	least := min(v.retryAfter, retry.LongestRetryAfter)
	switch v.outcome {
	case pollAnswered:
		return min(p.failures.NextBackOff(), unheldPause)
	case pollRefused:
		return max(p.refusals.NextBackOff(), least)
	case pollLost:
		return max(min(p.failures.NextBackOff(), lostPause), least)
	case pollMissed:
		return max(min(p.failures.NextBackOff(), missedPause), least)
	case pollContended:
		return max(min(p.failures.NextBackOff(), contendedPause), least)
	}
	return max(p.failures.NextBackOff(), least)
}

// isGood tells whether the last poll was answered.
func (p *pace) isGood() bool { return p.last == "ok" }

// polls are one chat's polls by one holder.
type polls struct {
	begun  bool // the chat is taken over, and polled from here
	polled bool // at least once
	// Since when a poll may have an answer on its way; zero if none can have.
	open    time.Time
	wasCut  bool // a poll, to poll anew: whether it may have held something the next one tells
	pace    pace
	next    nextPoll
	history nextHistory
}

// nextHistory says when the history may be read again.
type nextHistory struct {
	pays      bool // from the budget
	notBefore time.Time
}

func (p *polls) begin() { p.begun, p.pace = true, newPace() }

func (p *polls) send(now time.Time) { p.polled, p.open = true, now }

// cut says that a poll was given up in order to poll anew, at once.
func (p *polls) cut() { p.wasCut, p.next = true, nextPoll{} }

// arrived says that what a poll was given is published, or that it was given nothing.
func (p *polls) arrived() { p.open = time.Time{} }

// isOpen tells whether a poll may have an answer on its way.
func (p *polls) isOpen() bool { return !p.open.IsZero() }

// areComplete tells whether all that was ever given to one has been published.
func (p *polls) areComplete() bool { return p.begun && !p.isOpen() && !p.wasCut }
