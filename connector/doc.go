// Package connector joins a contact center to NATS: commands in, calls out,
// every server event on the bus.
//
//	cc.<noun>.<verb> ──► serve ───┐
//	cc.durable.… ─► lanes ─► durable ─► command ──► calls ──► contact center
//	                                       │          │ result       │ answers
//	                                    journal       ▼              ▼
//	                                               result  holder ◄─ poll
//	                                                  │      │ translate_event
//	                                                  ▼      ▼
//	                                               publish ◄─ chatlog ──► CC_EVENTS
//
// There are two flows, each one way. A command is read (command.go), recorded
// (journal.go), run by a table (calls.go), and its outcome recorded and
// published (result.go). A live one is then replied (serve.go, once.go). A
// durable one waits for its turn (lanes.go), is tried until it is done
// (durable.go, lookup.go) or given up (deadletter.go), and then acknowledged.
// What a replica that died owed is settled by another one (orphans.go).
//
// A chat is followed by its holder (holder.go): it polls (poll.go), turns what
// it gets into CloudEvents (translate_event.go, cloudevents.go) and publishes
// them under a fence (chatlog.go, publish.go).
//
// The flows meet in three places only: a command opens a chat by publishing its
// session token (opening.go, token.go), closes it by writing a wish down
// (closing.go), and hands events that came in an answer to the chat's holder
// (asking.go).
//
// What must always be true:
//
//   - Publish before polling again, publish before replying or acknowledging.
//     What the contact center gives away once must be stored before the next is
//     taken.
//   - Record before calling, and record the outcome before publishing it. Every
//     record is written at the revision that was read, so that of two who run a
//     command one wins (journal.go).
//   - A durable command runs when it is the lowest of its chat that remains in
//     the stream, and not before (lanes.go).
//   - Only the holder of a chat's session token polls it, and only whoever put
//     up the chat's last fence publishes its events (lease.go, chatlog.go).
//   - An event's id is a function of the event, never of when or by whom it
//     was read (identity.go).
//   - The history of a chat is never read while a poll of it is under way: its
//     answer could then be counted twice (recover.go).
//   - A chat is in doubt as long as a call of which the answer is lost may still
//     be given something, and is not handed over as complete (doubt.go).
//   - Nothing of a chat that a later holder needs is in memory alone: it is in
//     the stream of events, in the checkpoint and the entry beside it
//     (checkpoint.go, snapshot.go), or in the token.
//   - A message number is bound to its command before it is used, and never
//     given back (numbers.go).
//   - Whatever waits does so under a limit: commands (serve.go), chats
//     (holders.go), retries (publish.go).
//
// Replicas know each other by records that JetStream expires (members.go), and
// hand chats over until each has its share (share.go). Tokens whose stream was
// deleted are made again (restore.go).
//
// JetStream does the distributed work: durability, leases, hand-over, CAS.
// What each mechanism is good for is shown by tests that leave it out
// (safeguards.go). The streams and buckets are described in streams.go.
package connector
