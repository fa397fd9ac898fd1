// Package connector joins a contact center to NATS: commands in, calls out,
// every server event on the bus.
//
//	              connector                   New, Run, Ready, and leaving in order
//	             /         \
//	      command           poller            the two flows; neither imports the other
//	     /   |   \         /   |   \
//	queue journal \       /  chatlog throttle
//	  |      |     \     /      |       |
//	lease    |      chats ------+       |     where the flows meet
//	         |     /     \              |
//	         | clients  outbox          |     who the customers are; what replicas owe
//	          \   |     /               |
//	           replicas                 |     who else runs
//	              |                     |
//	             bus   translate        |     JetStream; pure translation
//	                \   |               |
//	     schema  subjects  brightpattern
//
// The poller holds leases, too; retry, drain, failpoint, metrics, tracing and health
// stand beside the drawing, because every package may use them. Package canary tries
// the whole way now and then. Beside the poller stands
// attachments, which fetches the files that agents send; before command intake,
// which tells commands from what is none, and microservice, which shows the live
// ones as a NATS micro service, and inquiry, by which replicas answer an administrator
// (package admin). Two packages stand above: check finds out what would keep a
// connector from working, and console serves a page to watch the bus on. Package
// client is used by none of these but the console: it is for the programs at the
// other end of the bus.
//
// There are two flows, each one way. A command is read, recorded as begun, run,
// its outcome recorded and published, and then replied or acknowledged (package
// command). A poll's answer is translated, published, and then the chat is
// polled again (package poller). They meet in package chats only: a command
// opens a chat by publishing its session token, closes it by writing a close
// request down, hands the events of an answer to the chat's holder, and has it
// look for what a lost answer may have held.
//
// Each package opens with the one hard idea that it is about: the lease, the
// fence of a chat's log (chatlog), the order of durable commands (queue),
// idempotency (journal), what customers are known by (clients), the identity of
// events (translate), how long an event waits for its file (attachments), the
// state machine that knows when a history is to be read (poller/reconcile.go),
// what is owed after a death (outbox), the budget for calls that follow a failure
// (throttle), when a poll is due (poller/due.go), what lasts and what passes by
// itself (health), how one trace goes through it all (tracing).
//
// JetStream does the distributed work: durability, leases, hand-over,
// compare-and-set. What each mechanism is good for is shown by tests that leave
// it out (package failpoint).
//
// # Words
//
//	holder         the replica that holds a chat's session token, and polls it
//	session token  a message in a work queue: one for each chat to be polled
//	opening        one time that a chat is polled, from session.opened to session.closed
//	fence          a message that shuts out earlier holders; its sequence is the fencing token
//	identity       what one spelling tells of an event; two are of one event if nothing differs that both tell
//	fingerprint    what an event was published as; with its ordinal, it makes the event's id
//	segment        a sealed part of a checkpoint: what is known of a chat's older events
//	reconcile      compare a chat's history with what is published
//	orphaned call  one that nobody waits for, and that may still be given events
//	outbox entry   what a replica owes until it is done: outcomes, a look for losses
//	mark           behind it in the journal stands all that a replica may owe of live commands
//	close request  that an opening is to be closed, written down for any holder
//	head           of a chat's queue: its lowest durable command in the stream
//	failpoint      a mechanism that a test leaves out, or a moment at which it lets a process die
package connector
