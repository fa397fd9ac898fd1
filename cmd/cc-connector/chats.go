package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"cc-connector/connector/admin"
)

const chatsAbout = `It signs in to NATS as "run" does, by the same settings, and asks each replica for the chats that it holds. A chat is

  held     a replica polls it
  waiting  nobody holds it: no replica has a place (CC_MAX_CHATS), or it is just being taken over
  unknown  nobody has told of it, and a replica has not answered that may hold it
  closed   it is polled no more (only with --chat)
  left     it has no session token, though its entry in CC_CHATS is an open one's: attach it again (only with --chat)

LAST POLL is how long ago a poll was answered last. The contact center holds a poll for some 15s if nothing happens;
DUE is for how long the next one is owed. DOUBT is what the holder says of lost events: in_sync (nothing is missing),
history_due (the history is to be read), awaiting_orphan (a lost call may still be given events). Of a chat that nobody
is known to hold, the sequence is that of its entry in CC_CHATS, which may lag.

A replica of an earlier version, or one that is frozen, does not answer: the list says so, and gives of its chats what
stands in JetStream. Where that cannot be read, a line below says so. No client is told, and nothing that was said.

--json prints one object: version (1), open, waiting, unknown, replicas [{replica, chats, maxChats, answered, problem}],
chats [{chatId, state, replica, app, sequence, openedAt, closedAt, closedReason, polledSecondsAgo, pollDueSeconds,
reconcile, problem}]. Members that say nothing are left out; later versions may add some.`

func prepareChats(flags *flag.FlagSet) action {
	asJSON := flags.Bool("json", false, "print one JSON object")
	chat := flags.String("chat", "", "only the chat with this `ID`, also a closed one")
	return func(_ []string, stdout, _ io.Writer) error {
		return administer(func(ctx context.Context, a *admin.Admin) (err error) {
			var found admin.Chats
			if *chat == "" {
				found, err = a.Chats(ctx)
			} else {
				found, err = a.Chat(ctx, *chat)
			}
			switch {
			case err != nil:
				return err
			case *asJSON:
				return printJSON(stdout, found)
			}
			return printChats(stdout, found, *chat == "")
		})
	}
}

func printChats(w io.Writer, found admin.Chats, isAll bool) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHAT\tSTATE\tREPLICA\tAPP\tSEQUENCE\tOPENED\tLAST POLL\tDUE\tDOUBT")
	for _, c := range found.Chats {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", plainID(c.ChatID), state(c), orDash(c.Replica), orDash(c.App),
			c.Sequence, opened(c), lastPoll(c), due(c), orDash(c.Reconcile))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	printProblems(w, found.Chats)
	if !isAll && allAnswered(found) {
		return nil
	}
	return summarize(w, found)
}

func printProblems(w io.Writer, all []admin.Chat) {
	before := "\n"
	for _, c := range all {
		if c.Problem != "" {
			fmt.Fprintf(w, "%s%s: %s\n", before, plainID(c.ChatID), c.Problem)
			before = ""
		}
	}
}

func state(c admin.Chat) string {
	if c.State == admin.Closed && c.ClosedReason != "" {
		return string(c.State) + " (" + string(c.ClosedReason) + ")"
	}
	return string(c.State)
}

func opened(c admin.Chat) string {
	if c.OpenedAt == nil {
		return "-"
	}
	return c.OpenedAt.Format(time.RFC3339)
}

func lastPoll(c admin.Chat) string {
	if c.PolledAgo == nil {
		return "-"
	}
	return ago(*c.PolledAgo) + " ago"
}

func due(c admin.Chat) string {
	if c.DueFor == 0 {
		return "-"
	}
	return ago(c.DueFor)
}

func allAnswered(found admin.Chats) bool {
	for _, r := range found.Replicas {
		if !r.Answered {
			return false
		}
	}
	return true
}

// summarize is the last lines: all chats, and those of each replica.
func summarize(w io.Writer, found admin.Chats) error {
	fmt.Fprintf(w, "\n%d open, %d waiting, %d unknown; %s\n", found.Open, found.Waiting, found.Unknown, counted(len(found.Replicas), "replica"))
	for _, r := range found.Replicas {
		switch {
		case !r.Answered:
			fmt.Fprintf(w, "  %s said last that it holds %d of at most %d; now it tells nothing: %s\n", r.ID, r.Chats, r.MaxChats, r.Problem)
		case r.MaxChats == 0:
			fmt.Fprintf(w, "  %s holds %d, and leaves\n", r.ID, r.Chats)
		default:
			fmt.Fprintf(w, "  %s holds %d of at most %d\n", r.ID, r.Chats, r.MaxChats)
		}
	}
	return nil
}
