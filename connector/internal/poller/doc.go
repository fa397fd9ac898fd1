// Package poller follows the open chats: whoever holds a chat's session token
// polls it, and publishes what the contact center gives away.
//
// A chat is followed by its holder (holder.go). It takes the chat over
// (takeover.go): it puts up its fence, reads back what earlier holders have
// published, and reconciles that with the chat's history (reconcile.go,
// recover.go). Then it polls (poll.go), publishes what it gets through one
// door (publish.go), and polls again. When the session is over (session_end.go)
// it says the last word (closing.go); or it hands the chat over (handover.go).
//
// What must always be true:
//
//   - Publish before polling again: what the contact center gives away once
//     must be stored before the next is taken.
//   - Only the holder of a chat's session token polls it, and only whoever put
//     up the chat's last fence publishes its events.
//   - The history of a chat is never read while a poll of it is under way: its
//     answer could then be counted twice.
//   - As long as a call of which the answer is lost may still be given
//     something, the chat is not in sync, and is not handed over as complete.
//   - Nothing of a chat that a later holder needs is in memory alone: it is in
//     the stream of events, in the checkpoint (checkpoint.go) and the entry
//     beside it, or in the token.
//
// Replicas hand chats over until each has its share (share.go). What stood in
// streams that were lost is put back (restore.go).
package poller
