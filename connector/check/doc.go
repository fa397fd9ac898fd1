// Package check finds out what keeps a connector from working, before one is
// started or beside one that runs: on the bus ([Bus]) and at the contact center
// ([ContactCenter]). Each thing that was tried is a [Finding] with an id that
// stays the same, a sentence that says what is so, and what to do about it.
//
// It changes nothing. That is easy of streams, which are only looked at, and hard
// of permissions: whether a user may publish to a subject is known only by
// publishing, and who listens there would take the message for one of the
// connector's. So each message carries a reply subject that nats-server keeps for
// itself. The server first asks whether the user may publish there, and then
// refuses the message for its reply subject; either way it says so, in other words,
// and nobody gets anything. A server that says neither would have delivered it, so
// the first message goes to a subject that nobody knows of. If the user may not
// publish there, nothing is shown yet: others of the connector's own are tried.
// Where none shows that the reply subject is refused, nothing more is published. All
// that remains is a line for each in the server's log.
//
// Subscriptions are made, and ended, on subjects on which nothing is said: in the
// connector's queue group a real one would take commands away from those that run.
package check
