package connector

// safeguard is a mechanism that a promise rests on. All of them are always on.
// Only tests can leave one out, to see that without it the promise is broken:
// what cannot fail proves nothing.
type safeguard string

const (
	safeFence        safeguard = "fence"               // an overtaken holder cannot publish
	safeSelfFence    safeguard = "self-fence"          // nor poll, by its own clock
	safePublishFirst safeguard = "publish before poll" // what is given away is stored before more is taken
	safeCounting     safeguard = "counting"            // look-alikes are told apart
	safeJournal      safeguard = "journal"             // a command is run once
	safeOrder        safeguard = "order"               // and not before those of its chat that came before
	safeLookUp       safeguard = "look-up"             // a message is not sent again unseen
	safeRefence      safeguard = "re-fence"            // the stream does not forget the rightful holder
	safeCheckpoint   safeguard = "checkpoint"          // nor, with the events, that they were published
)

// rehearsal is what a test changes in a connector. The zero value changes nothing.
type rehearsal struct {
	without map[safeguard]bool
	at      func(point) // called at each named point between two effects
}

// point is a moment between two effects, at which a process may die.
type point string

const (
	pointTaken      point = "a chat is taken, its fence stands"
	pointAnnounced  point = "session.opened is published"
	pointPolled     point = "a poll has given events, none is published"
	pointPublished  point = "an event is published"
	pointRead       point = "a history is read, nothing of it is published"
	pointClosed     point = "session.closed is published, the token stands"
	pointBegun      point = "a command is recorded as begun, nothing is called"
	pointNumbered   point = "a message number is taken, and not in the journal"
	pointCalled     point = "a call is answered, and nothing recorded"
	pointEntered    point = "a chat has its entry, and no token"
	pointTokened    point = "a chat has its token, and its command no outcome"
	pointHandedOver point = "events of an answer are handed over, and not published"
	pointRecorded   point = "an outcome is recorded, and not published"
	pointResult     point = "a result is published, and its command not removed"
	pointDeadLetter point = "a dead letter is published, and its result not"
	pointCheckpoint point = "a checkpoint is written"
)

func (r rehearsal) leaseMargin() float64 {
	if r.without[safeSelfFence] {
		return 1e6
	}
	return leaseMargin
}

func (r rehearsal) reach(p point) {
	if r.at != nil {
		r.at(p)
	}
}
