package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/schema"
)

// Takeover is how a chat came to its holder.
type Takeover string

// The causes of a takeover.
const (
	TakenOver Takeover = "handed_over" // the holder before gave it away in order
	TakenDied Takeover = "died"        // the holder before died, or lost it
	TakenNew  Takeover = "new"         // nobody held this opening of the chat before
)

// Chats are what becomes of the chats that this replica follows.
type Chats struct {
	Open    prometheus.Gauge
	Limit   prometheus.Gauge
	Waiting prometheus.Gauge

	PollsInFlight prometheus.Gauge

	Handovers  prometheus.Counter
	FencesLost prometheus.Counter

	polls           *prometheus.CounterVec
	answered        prometheus.Counter
	takeovers       Counters
	opened          prometheus.Counter
	closed          Counters
	recovered       prometheus.Counter
	eventsRecovered prometheus.Counter
	gaps            Counters
}

func newChats(r *registration) *Chats {
	c := &Chats{
		Open:    r.gauge("cc_chats_open", "Open chats that this replica holds, and polls."),
		Limit:   r.gauge("cc_chats_limit", "Chats that this replica polls at most: CC_MAX_CHATS."),
		Waiting: r.gauge("cc_chats_waiting", "Open chats that nobody polls, because no replica has a place for them. Every replica tells the same number."),

		polls:         r.counters("cc_polls_total", "Polls by what they came to: ok, gone, the error code, or how they failed without one.", "outcome"),
		PollsInFlight: r.gauge("cc_polls_in_flight", "Polls that the contact center holds now."),

		opened: r.counter("cc_sessions_opened_total", "Chats that were announced by session.opened."),
		closed: countersBy(r.counters("cc_sessions_closed_total", "Chats that were closed, by the reason that session.closed tells.", "reason"), closeReasons).fromTheStart(),

		recovered:       r.counter("cc_sessions_recovered_total", "Times that an answer was lost and its events were found in the chat's history (session.recovered)."),
		eventsRecovered: r.counter("cc_events_recovered_total", "Events that were lost on their way and found in the history."),
		gaps:            countersBy(r.counters("cc_session_gaps_total", "Times when events may have been lost for good (session.gap), by reason.", "reason"), gapReasons).fromTheStart(),

		takeovers: countersBy(r.counters("cc_takeovers_total", "Chats that this replica has taken: new ones, those that were handed_over, and those whose holder had died, or lost them.", "cause"),
			[]string{string(TakenOver), string(TakenDied), string(TakenNew)}).fromTheStart(),
		Handovers:  r.counter("cc_handovers_total", "Chats that this replica has given to others in order: it left, or had more than its share."),
		FencesLost: r.counter("cc_fences_lost_total", "Chats that this replica let go because their fence was no longer its own: another replica had taken them, or the stream had lost it."),
	}
	c.answered = c.polls.WithLabelValues(succeeded)
	return c
}

var closeReasons = []string{
	string(schema.ClosedEnded), string(schema.ClosedInactivityTimeout), string(schema.ClosedFailed),
	string(schema.ClosedCompleted), string(schema.ClosedGone), string(schema.ClosedDetached),
}

var gapReasons = []string{string(schema.GapSignaling), string(schema.GapHistoryUnavailable), string(schema.GapHistoryUnreadable)}

// Polled counts a poll by its outcome, which is one of few.
func (c *Chats) Polled(outcome string) {
	if outcome == succeeded {
		c.answered.Inc()
		return
	}
	c.polls.WithLabelValues(outcome).Inc()
}

// Taken counts a chat that was taken over.
func (c *Chats) Taken(how Takeover) { c.takeovers.Inc(string(how)) }

// Announced counts a session message that was published.
func (c *Chats) Announced(said schema.Session) {
	switch said := said.(type) {
	case *schema.SessionOpened:
		c.opened.Inc()
	case *schema.SessionRecovered:
		c.recovered.Inc()
		c.eventsRecovered.Add(float64(said.Events))
	case *schema.SessionGap:
		c.gaps.Inc(string(said.Reason))
	case *schema.SessionClosed:
		c.closed.Inc(string(said.Reason))
	}
}
