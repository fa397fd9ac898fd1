// Command cc-connector joins a Bright Pattern contact center to NATS. Its settings are environment variables;
// "cc-connector help" lists them.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

const (
	exitFailed    = 1
	exitBadConfig = 2
)

type command struct {
	name, doc string
	run       func(stdout, stderr io.Writer) error
}

func commands() []command {
	return []command{
		{"run", "join the contact center to NATS until SIGINT or SIGTERM (the default)", runCommand},
		{"version", "print the version", versionCommand},
		{"help", "print this, with all settings", helpCommand},
	}
}

func main() {
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}

func execute(args []string, stdout, stderr io.Writer) (exitCode int) {
	chosen, ok := chooseCommand(args)
	if !ok {
		fmt.Fprintf(stderr, "cc-connector: no such command: %s\n", strings.Join(args, " "))
		printUsage(stderr)
		return exitBadConfig
	}
	err := chosen.run(stdout, stderr)
	if err == nil {
		return 0
	}
	if bad := (badSettings)(nil); errors.As(err, &bad) {
		fmt.Fprintf(stderr, "cc-connector: %v\n", err)
		return exitBadConfig
	}
	fmt.Fprintf(stderr, "cc-connector: %s\n", oneLine(err))
	return exitFailed
}

// chooseCommand also takes the habitual -h, --help and --version.
func chooseCommand(args []string) (command, bool) {
	if len(args) == 0 {
		args = []string{"run"}
	}
	name := strings.TrimLeft(args[0], "-")
	if name == "h" {
		name = "help"
	}
	for _, c := range commands() {
		if c.name == name && len(args) == 1 {
			return c, true
		}
	}
	return command{}, false
}

func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

func versionCommand(stdout, _ io.Writer) error {
	_, err := fmt.Fprintln(stdout, versionLine())
	return err
}

func helpCommand(stdout, _ io.Writer) error {
	printUsage(stdout)
	fmt.Fprint(stdout, "\nSettings, all of them environment variables; an empty one counts as absent:\n\n")
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  VARIABLE\tDEFAULT\tMEANING")
	for _, v := range new(settings).variables() {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", v.name, v.fallback, v.doc)
	}
	return table.Flush()
}

func printUsage(w io.Writer) {
	fmt.Fprint(w, "usage: cc-connector [command]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.doc)
	}
}
