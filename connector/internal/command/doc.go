// Package command runs commands: it reads them, calls the contact center, and
// tells what came of it.
//
//	read → begin → call → conclude → publish
//
// Both lanes go this way (run.go): a command is read (read.go), recorded as
// begun (package journal), run by a table (calls.go), its outcome recorded
// (run.go) and published (result.go, publish.go): at once where the event tells
// all of it (together.go), else one after the other. A live one is then replied
// (live.go, once.go). A durable one waits until it is the head of its chat's queue
// (package queue), is tried until it is done (durable.go, lookup.go) or given up
// (deadletter.go), and then acknowledged. None stays for ever (lastresort.go),
// nor does what comes to lie among them and is no command (package intake). What
// a replica that died owes of live ones is found by its mark in the journal
// (debts.go), and settled by another one (orphans.go).
//
// What must always be true: a command is recorded before it is called. Its
// outcome is on record, and its event stored, before it is replied or
// acknowledged; only where the stream of events is away for long does a reply not
// wait for it. Where event and record differ, the event decides. A message number
// is taken for a command on record, and never given back. Whatever waits does so
// under a limit.
package command
