// Package failpoint is the one seam by which tests change a connector: they
// leave out a mechanism that a promise rests on, to see that the promise is
// then broken, and let a process die at a named moment between two effects.
package failpoint

// Mechanism is something that a promise rests on. All of them are always on;
// only a test can leave one out: what cannot fail proves nothing.
type Mechanism string

// The mechanisms, with what each of them is good for.
const (
	Fence        Mechanism = "fence"               // a fencing token on every publication: an overtaken holder cannot publish
	SelfFence    Mechanism = "self-fence"          // a lease that ends by the holder's own clock: an overtaken holder does not poll
	PublishFirst Mechanism = "publish before poll" // an answer's events are stored before the next poll
	Counting     Mechanism = "counting"            // events with one fingerprint are counted, and so told apart
	Journal      Mechanism = "journal"             // an idempotency record: a command is run once
	RecordFirst  Mechanism = "record first"        // a durable command's call is on record before it is made: whoever takes over looks
	AckLast      Mechanism = "acknowledge last"    // a durable command is removed when its outcome and its result are stored
	Order        Mechanism = "order"               // a durable command runs when it is the head of its chat's queue
	Numbers      Mechanism = "numbers"             // a message number is taken at the revision of the count that is known: never twice
	LookUp       Mechanism = "look-up"             // a message of unknown outcome is looked up before it is sent again
	Refence      Mechanism = "re-fence"            // a fence is put up anew before the stream forgets it
	Debts        Mechanism = "debts"               // what a dead replica owes is found in the journal
	EventDecides Mechanism = "event decides"       // before an outcome is said to be unknown, its event is looked for
	OutcomeFirst Mechanism = "outcome first"       // nobody is told an outcome that is not on record
	Checkpoint   Mechanism = "checkpoint"          // what is published is known also when the stream has forgotten it
	GoodOrder    Mechanism = "good order"          // a chat is called handed over with nothing lost only if that is so
)

// Point is a moment between two effects, at which a process may die.
type Point string

// The points.
const (
	Taken             Point = "a chat is taken, its fence stands"
	Announced         Point = "session.opened is published"
	Polled            Point = "a poll has given events, none is published"
	FileKept          Point = "an agent's file is kept, and its event not published"
	Published         Point = "an event is published"
	Read              Point = "a history is read, nothing of it is published"
	Closed            Point = "session.closed is published, the token stands"
	Begun             Point = "a command is recorded as begun, nothing is called"
	Numbered          Point = "a message number is taken, and not in the journal"
	Uploaded          Point = "a file is uploaded, and not in the journal"
	Called            Point = "a call is answered, and nothing recorded"
	Entered           Point = "a chat has its entry, and no token"
	Tokened           Point = "a chat has its token, and its command no outcome"
	HandedOver        Point = "events of an answer are handed over, and not published"
	Recorded          Point = "an outcome is recorded, and not published"
	ResultPublished   Point = "a result is published, and its command not removed"
	DeadLetter        Point = "a dead letter is published, and its result not"
	CheckpointWritten Point = "a checkpoint is written"
)

// Plan is what a test changes in a connector. The zero value changes nothing.
type Plan struct {
	LeftOut map[Mechanism]bool
	Reached func(Point) // called at each point, in the goroutine that reaches it
}

// LeavesOut tells whether the test has left the mechanism out.
func (p Plan) LeavesOut(m Mechanism) bool { return p.LeftOut[m] }

// Reach tells the test that the point is reached.
func (p Plan) Reach(at Point) {
	if p.Reached != nil {
		p.Reached(at)
	}
}
