package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/schema"
)

// Why a message on a command subject is not taken for a command: the reasons of Ignored.
const (
	IgnoredUnreadable = "unreadable"     // not to be read as a NATS message
	IgnoredStatus     = "status_header"  // carries the server's own control header
	IgnoredOwn        = "own_cloudevent" // the connector's own CloudEvent, come back
	IgnoredSubject    = "no_command"     // on a subject that is no command's
	IgnoredReply      = "reply_subject"  // wants its reply where the sender could not publish
)

// Commands are what becomes of commands. Each message on a command subject is
// counted once: as done, as a repeat, or as ignored.
type Commands struct {
	Live        *Lane
	Durable     *Lane
	Retries     Counters         // durable tries that were put off, by command
	DeadLetters Counters         // by command
	Stored      prometheus.Gauge // dead letters
	Ignored     Counters         // by reason
}

// A command that succeeds takes some milliseconds of JetStream and one call; it may
// wait for seconds, a durable one until its time is over.
var commandBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}

func newCommands(r *registration, pressure prometheus.Counter) *Commands {
	v := commandVectors{
		done:     r.counters("cc_commands_total", "Commands that were run or refused, by what they came to: outcome is ok, not_done or unknown, code is ok or the error code.", "command", "lane", "outcome", "code"),
		took:     r.secondsBy("cc_command_duration_seconds", "Time from a command's receipt, of a durable one by its stream, until its outcome was told or recorded.", commandBuckets, "command", "lane"),
		repeated: r.counters("cc_commands_repeated_total", "Commands that came again under their id: they were not run again, but got what is on record.", "command", "lane"),
		running:  r.gauges("cc_commands_running", "Commands under way in this replica.", "lane"),
		waiting:  r.gauges("cc_commands_waiting", "Commands that this replica has in hand and that wait for a place to run (CC_MAX_CALLS).", "lane"),
	}
	retries := r.counters("cc_command_retries_total", "Tries of durable commands that failed for the moment and will be made again.", "command")
	dead := r.counters("cc_dead_letters_total", "Durable commands that were given up, and kept as dead letters.", "command")
	return &Commands{
		Live: v.lane("live", pressure), Durable: v.lane("durable", pressure),
		Retries:     countersBy(retries, durableNames()),
		DeadLetters: countersBy(dead, durableNames()).fromTheStart(),
		Stored:      r.gauge("cc_dead_letters_stored", "Dead letters in the stream, as it was seen last. Every replica tells the same number."),
		Ignored: countersBy(r.counters("cc_messages_ignored_total", "Messages on command subjects that were not taken for commands, by reason. reply_subject: the reply was wanted where its sender may not publish.", "reason"),
			[]string{IgnoredUnreadable, IgnoredStatus, IgnoredOwn, IgnoredSubject, IgnoredReply}).fromTheStart(),
	}
}

// commandVectors are what both lanes share.
type commandVectors struct {
	done, repeated   *prometheus.CounterVec
	took             *prometheus.HistogramVec
	running, waiting *prometheus.GaugeVec
}

// Lane is one of the two ways in which commands come.
type Lane struct {
	Running prometheus.Gauge
	Places  Wait // for a place to run

	name  string
	done  *prometheus.CounterVec
	by    map[string]laneCommand
	other laneCommand
}

// laneCommand is one command on one lane.
type laneCommand struct {
	ok, repeated lazily[prometheus.Counter]
	took         lazily[prometheus.Observer]
}

func (v commandVectors) lane(name string, pressure prometheus.Counter) *Lane {
	l := &Lane{
		Running: v.running.WithLabelValues(name), Places: Wait{v.waiting.WithLabelValues(name), pressure},
		name: name, done: v.done, by: make(map[string]laneCommand, len(schema.Commands)), other: v.command(Other, name),
	}
	for i := range schema.Commands {
		command := schema.Commands[i].Name
		l.by[command] = v.command(command, name)
	}
	return l
}

func (v commandVectors) command(command, lane string) laneCommand {
	return laneCommand{
		ok: counterIn(v.done, command, lane, succeeded, succeeded), repeated: counterIn(v.repeated, command, lane), took: observerIn(v.took, command, lane),
	}
}

const succeeded = "ok" // the outcome and the code of what has succeeded

func (l *Lane) of(command string) laneCommand {
	if known, is := l.by[command]; is {
		return known
	}
	return l.other
}

// Done notes what a command came to, and how long that took from its receipt.
func (l *Lane) Done(command string, failure *schema.Error, took time.Duration) {
	l.Settled(command, failure)
	l.of(command).took().Observe(max(0, took.Seconds())) // two clocks may differ
}

// Settled is Done for a command that another replica received.
func (l *Lane) Settled(command string, failure *schema.Error) {
	if failure == nil {
		l.of(command).ok().Inc()
		return
	}
	if _, known := l.by[command]; !known {
		command = Other
	}
	l.done.WithLabelValues(command, l.name, outcomeOf(failure), codeOf(failure)).Inc()
}

// Repeated notes a command that the journal has already.
func (l *Lane) Repeated(command string) { l.of(command).repeated().Inc() }

func outcomeOf(failure *schema.Error) string {
	if failure.Outcome == schema.OutcomeNotDone {
		return string(schema.OutcomeNotDone)
	}
	return string(schema.OutcomeUnknown)
}

// codeOf is Other for a code that only a later version knows.
func codeOf(failure *schema.Error) string {
	if errorCodes[failure.Code] {
		return string(failure.Code)
	}
	return Other
}

var errorCodes = func() map[schema.ErrorCode]bool {
	known := make(map[schema.ErrorCode]bool, len(schema.ErrorCodes))
	for _, info := range schema.ErrorCodes {
		known[info.Code] = true
	}
	return known
}()

func durableNames() (names []string) {
	for i := range schema.Commands {
		if spec := &schema.Commands[i]; spec.Durable {
			names = append(names, spec.Name)
		}
	}
	return names
}
