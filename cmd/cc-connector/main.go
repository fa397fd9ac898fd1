// Command cc-connector joins a Bright Pattern contact center to NATS. Its settings are environment variables;
// "cc-connector help" lists them, and the other commands.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	exitFailed    = 1
	exitBadConfig = 2
)

// command is one of the things that this program can be told to do.
type command struct {
	name, operands, doc string
	about               string                     // more than fits a line, for its own help
	prepare             func(*flag.FlagSet) action // declares the flags
}

func commands() []command {
	return []command{
		{"run", "", "join the contact center to NATS until SIGINT or SIGTERM (the default)", "", plain(runCommand)},
		{"check", "", "try all that a connector needs, and say what is wrong; exit code 0 or 1", checkAbout, prepareCheck},
		{"health", "", "ask the connector on this machine how it is; exit code 0 or 1", healthAbout, prepareHealth},
		{"chats", "", "list the open chats, and who holds them", chatsAbout, prepareChats},
		{"dead", "[list | show | put-back | delete] [sequence…]", "list, show, put back or delete dead letters", deadAbout, prepareDead},
		{"purge", "", "remove all that is kept of one chat", purgeAbout, preparePurge},
		{"streams", "[stream [consumer]]", "print the streams, buckets and consumers that the connector needs", streamsAbout, prepareStreams},
		{"permissions", "", "print the users that NATS needs, each with the least permissions", permissionsAbout, preparePermissions},
		{"schemas", "[document]", "list, print or write the documents that describe what travels", schemasAbout, prepareSchemas},
		{"version", "", "print the version", "", plain(versionCommand)},
		{"help", "[command]", "print this, with all settings, or what there is to say of a command", "", prepareHelp},
	}
}

// plain is for a command without flags and operands.
func plain(run func(stdout, stderr io.Writer) error) func(*flag.FlagSet) action {
	return func(*flag.FlagSet) action {
		return func(_ []string, stdout, stderr io.Writer) error { return run(stdout, stderr) }
	}
}

func main() {
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}

func execute(args []string, stdout, stderr io.Writer) (exitCode int) {
	chosen, rest, ok := chooseCommand(args)
	if !ok {
		fmt.Fprintf(stderr, "cc-connector: no such command: %s\n", args[0])
		printUsage(stderr)
		return exitBadConfig
	}
	err := chosen.execute(rest, stdout, stderr)
	var bad badSettings
	var misused usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &bad):
		fmt.Fprintf(stderr, "cc-connector: %v\n", err)
		return exitBadConfig
	case errors.As(err, &misused):
		fmt.Fprintf(stderr, "cc-connector %s: %s\nusage: %s\n", chosen.name, oneLine(err), chosen.usage())
		return exitBadConfig
	}
	fmt.Fprintf(stderr, "cc-connector: %s\n", oneLine(err))
	return exitFailed
}

// chooseCommand also takes the habitual -h, --help and --version.
func chooseCommand(args []string) (c command, rest []string, ok bool) {
	if len(args) == 0 {
		args = []string{"run"}
	}
	name := strings.TrimLeft(args[0], "-")
	if name == "h" {
		name = "help"
	}
	c, ok = lookupCommand(name)
	return c, args[1:], ok
}

func lookupCommand(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func (c command) execute(args []string, stdout, stderr io.Writer) error {
	flags, do := c.flags()
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return c.help(stdout)
	case err != nil:
		return usageError(err.Error())
	case flags.NArg() > 0 && c.operands == "":
		return usageError("it takes no argument: " + strings.Join(flags.Args(), " "))
	}
	return do(flags.Args(), stdout, stderr)
}

func (c command) flags() (*flag.FlagSet, action) {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags, c.prepare(flags)
}

func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

func versionCommand(stdout, _ io.Writer) error {
	_, err := fmt.Fprintln(stdout, versionLine())
	return err
}
