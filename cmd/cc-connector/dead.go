package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"

	"cc-connector/connector/admin"
)

const deadAbout = `A durable command that was given up (CC_COMMAND_MAX_AGE, or its expirytime) stands in CC_DEADLETTER. It signs in to NATS
as "run" does, by the same settings; to list and show, the auditor may sign in, too.

  dead [list] [filters]                 list them: sequence, command, chat, code, age, attempts
  dead show SEQUENCE                    its headers, and its data by name and size; with --data all of it, in full
  dead put-back SEQUENCE… | --all [filters]
                                        have it run again, and delete the dead letter
  dead delete SEQUENCE… | --all [filters]

The filters are --command, --chat, --code, --older and --newer. What a customer has said, a clientId, a device token, and
headers that the connector does not know are shown with --data alone.

What is put back is published on its durable subject as it came, under a new id, by which its result tells what caused it;
the failure of the old id stays. The new id is a function of the dead letter: to put it back twice within
CC_IDEMPOTENCY_WINDOW has it run once. So do that where an answer was lost, and put-back does not know what became of it. An
expirytime that is over is taken out, as it would expire at once: it is tried for CC_COMMAND_MAX_AGE from now on. One that
is still to come stays. A command whose outcome is unknown may be carried out twice that way: look at its code and attempts
first. A dead letter is deleted only when JetStream is known to have the command.

put-back and delete ask on a terminal whether that is meant, unless --yes is given. Where one of several fails, the others
are done all the same, and the exit code is 1.

--json prints one object, with version (1). list: letters [{sequence, command, chatId, commandId, code, message, attempts,
firstSeen, storedAt, ageSeconds}]. show: such a letter, with form, expiryTime, headers and attributes [{name, value,
hidden}], fields [{name, kind, bytes}], bytes, and with --data data or dataBase64. put-back: putBack [{sequence, command,
chatId, id, expirytimeOut, stored}], failed [{sequence, error}]. delete: deleted [sequences], failed.`

// deadOptions are the flags of all that can be done to dead letters.
type deadOptions struct {
	json, data, all, isSure bool
	filter                  admin.Filter
}

func (o *deadOptions) declare(flags *flag.FlagSet) {
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	flags.BoolVar(&o.data, "data", false, "show: print headers and data in full, with what is secret in them")
	flags.BoolVar(&o.all, "all", false, "put-back, delete: all that the filters mean")
	flags.BoolVar(&o.isSure, "yes", false, "put-back, delete: do not ask, on a terminal, whether that is meant")
	flags.StringVar(&o.filter.Command, "command", "", "only those of this `COMMAND`, like chat.send")
	flags.StringVar(&o.filter.ChatID, "chat", "", "only those of the chat with this `ID`")
	flags.StringVar(&o.filter.Code, "code", "", "only those with this error `CODE`, like unavailable")
	flags.DurationVar(&o.filter.Older, "older", 0, "only those that were given up at least this `DURATION` ago, like 1h")
	flags.DurationVar(&o.filter.Newer, "newer", 0, "only those that were given up at most this `DURATION` ago")
}

func prepareDead(flags *flag.FlagSet) action {
	var o deadOptions
	o.declare(flags)
	return func(args []string, stdout, stderr io.Writer) error {
		operands, err := interspersed(flags, args)
		if err != nil {
			return err
		}
		w := deadWork{deadOptions: o, verb: "list", stdout: stdout, stderr: stderr}
		if len(operands) > 0 {
			w.verb, operands = operands[0], operands[1:]
		}
		if w.sequences, err = sequencesOf(operands); err != nil {
			return err
		}
		if err := o.check(w.verb, len(w.sequences)); err != nil {
			return err
		}
		return administer(w.do)
	}
}

// deadWork is what is to be done to which dead letters.
type deadWork struct {
	deadOptions
	verb           string
	sequences      []uint64
	stdout, stderr io.Writer
}

func (w deadWork) do(ctx context.Context, a *admin.Admin) (err error) {
	switch w.verb {
	case "list":
		return w.list(ctx, a)
	case "show":
		return w.show(ctx, a)
	}
	if w.all {
		if w.sequences, err = w.meant(ctx, a); err != nil {
			return err
		}
	}
	if err := confirm(w.isSure, w.stderr, fmt.Sprintf("%s %s?", upperFirst(w.verb), counted(len(w.sequences), "dead letter"))); err != nil {
		return err
	}
	if w.verb == "delete" {
		return w.delete(ctx, a)
	}
	return w.putBack(ctx, a)
}

func sequencesOf(operands []string) (all []uint64, err error) {
	for _, operand := range operands {
		n, err := strconv.ParseUint(operand, 10, 64)
		if err != nil || n == 0 {
			return nil, usageError("a dead letter is named by its sequence, a whole number from 1 on: \"cc-connector dead\" lists them")
		}
		all = append(all, n)
	}
	return all, nil
}

func (o deadOptions) check(verb string, given int) error {
	isFiltered := o.filter != admin.Filter{}
	switch {
	case verb != "list" && verb != "show" && verb != "put-back" && verb != "delete":
		return usageError("there are list, show, put-back and delete")
	case o.filter.Older < 0 || o.filter.Newer < 0:
		return usageError("--older and --newer must be more than 0")
	case verb == "list" && given > 0:
		return usageError("list takes filters, and no sequence: see show")
	case verb == "show" && (given != 1 || isFiltered || o.all):
		return usageError("show takes the sequence of one dead letter")
	case verb != "list" && verb != "show" && (given > 0) == o.all:
		return usageError(verb + " takes either sequences or --all")
	case verb != "list" && isFiltered && !o.all:
		return usageError("filters go with list, and with --all")
	case o.data && verb != "show":
		return usageError("--data goes with show")
	}
	return nil
}
