// Package command runs commands: it reads them, calls the contact center, and
// tells what came of it.
//
//	read → begin → call → conclude → publish
//
// Both lanes go this way (run.go): a command is read (read.go), recorded as
// begun (package journal), run by a table (calls.go), and its outcome recorded
// and then published (result.go). A live one is then replied (live.go,
// once.go). A durable one waits until it is the head of its chat's queue
// (package queue), is tried until it is done (durable.go, lookup.go) or given
// up (deadletter.go), and then acknowledged. None stays for ever (lastresort.go),
// nor does what comes to lie among them and is no command (package intake). What
// a replica that died owed is settled by another one (orphans.go).
//
// What must always be true: a command is recorded before it is called, and its
// outcome before it is published; it is published before the command is
// replied or acknowledged. A message number is bound to its command before it
// is used, and never given back. Whatever waits does so under a limit.
package command
