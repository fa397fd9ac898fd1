package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"cc-connector/connector/admin"
)

const purgeAbout = `It removes all that is kept of the chat: its events, results, session messages and fences (CC_EVENTS), its durable
commands that wait (CC_COMMANDS) or were given up (CC_DEADLETTER), its entry (CC_CHATS), its files and what was too large
for a message (CC_FILES; not a file that another chat has sent, too), and what the connector remembers: the records of
its commands, message numbers, checkpoints, close requests, what replicas owe it, and its client, if no other chat has the
same one. It signs in to NATS as "run" does, by the same settings.

It refuses while a replica of an earlier version runs, which would attach the chat again: end an update first.

An open chat is not purged, unless --detach has it detached first, by chat.detach; at the contact center it stays open. A
chat that the connector does not know any more is purged all the same. To purge it twice is harmless. What could not be
removed is said, and the exit code is 1: purge it once more. For some minutes the chat cannot be attached again; after
that its sequence begins anew.

What is erased is overwritten on the disk at once, but not all can be: the output says what is left in nats-server's
files, and until when. For each message that is erased nats-server writes up to 8 MiB, and once 25 MiB more: a long chat
takes some seconds. The contact center's own copy, mirrors, backups and readers' copies are not reached.

--json prints one object: version (1), chatId, detached (if it was), removed [{from, what, count}], failed [texts], notes [texts].`

// errIncomplete says that not all is gone; what is said stands in the output.
var errIncomplete = errors.New("not all of the chat could be removed: see above; purge it once more")

func preparePurge(flags *flag.FlagSet) action {
	chat := flags.String("chat", "", "`ID` of the chat; required")
	detach := flags.Bool("detach", false, "have an open chat detached first")
	isSure := flags.Bool("yes", false, "do not ask, on a terminal, whether that is meant")
	asJSON := flags.Bool("json", false, "print one JSON object")
	return func(_ []string, stdout, stderr io.Writer) error {
		if *chat == "" {
			return usageError("--chat must be given: the id of the chat")
		}
		if err := confirm(*isSure, stderr, "Remove all that is kept of this chat?"); err != nil {
			return err
		}
		return administer(func(ctx context.Context, a *admin.Admin) error {
			report, err := a.Purge(ctx, *chat, *detach)
			return tellPurged(stdout, report, err, *asJSON)
		})
	}
}

// tellPurged prints what was done, also where it came to an error. Where nothing was,
// the error tells all.
func tellPurged(w io.Writer, report admin.Purged, err error, asJSON bool) error {
	if err != nil && !report.Detached && len(report.Removed) == 0 && len(report.Failed) == 0 {
		return err
	}
	if err == nil && len(report.Failed) > 0 {
		err = errIncomplete
	}
	if asJSON {
		return errors.Join(err, printJSON(w, report))
	}
	return errors.Join(err, printPurged(w, report, err == nil))
}

func printPurged(w io.Writer, report admin.Purged, isWhole bool) error {
	if report.Detached {
		fmt.Fprintln(w, "The chat is detached: it is followed again when it is attached.")
	}
	if isWhole && len(report.Removed) == 0 {
		fmt.Fprintln(w, "Nothing is kept of the chat.")
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range report.Removed {
		fmt.Fprintf(table, "%s\t%d %s removed\n", r.From, r.Count, r.What)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, failed := range report.Failed {
		fmt.Fprintf(w, "NOT REMOVED: %s\n", failed)
	}
	for _, note := range report.Notes {
		fmt.Fprintf(w, "- %s\n", note)
	}
	return nil
}
