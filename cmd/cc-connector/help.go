package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

func prepareHelp(*flag.FlagSet) action {
	return func(operands []string, stdout, _ io.Writer) error {
		if len(operands) == 0 {
			return printHelp(stdout)
		}
		c, ok := lookupCommand(operands[0])
		if !ok || len(operands) > 1 {
			return usageError("no such command: " + strings.Join(operands, " "))
		}
		return c.help(stdout)
	}
}

func printHelp(stdout io.Writer) error {
	printUsage(stdout)
	fmt.Fprint(stdout, "\nSettings, all of them environment variables; an empty one counts as absent:\n\n")
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  VARIABLE\tDEFAULT\tMEANING")
	for _, v := range new(settings).variables() {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", v.name, v.fallback, v.doc)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return printTracingHelp(stdout)
}

const tracingAbout = `
Traces (OpenTelemetry), by its own variables; OTEL_EXPORTER_OTLP_TRACES_… goes before OTEL_EXPORTER_OTLP_… of each, and
what else the SDK knows of batches and limits is heeded, too:

`

func printTracingHelp(stdout io.Writer) error {
	fmt.Fprint(stdout, tracingAbout)
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, v := range listedTracing() {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", v.name, v.fallback, v.doc)
	}
	return table.Flush()
}

func printUsage(w io.Writer) {
	fmt.Fprint(w, "usage: cc-connector [command] [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-12s %s\n", c.name, c.doc)
	}
}

// usage is how the command is written.
func (c command) usage() string {
	line := "cc-connector " + c.name
	flags, _ := c.flags()
	flags.VisitAll(func(f *flag.Flag) { line += " [" + written(f) + "]" })
	if c.operands != "" {
		line += " " + c.operands
	}
	return line
}

func written(f *flag.Flag) string {
	value, _ := flag.UnquoteUsage(f)
	return strings.TrimSpace("--" + f.Name + " " + value)
}

// help prints all that there is to say of the command.
func (c command) help(w io.Writer) error {
	fmt.Fprintf(w, "usage: %s\n\n%s.\n", c.usage(), upperFirst(c.doc))
	if c.about != "" {
		fmt.Fprintf(w, "\n%s\n", c.about)
	}
	flags, _ := c.flags()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	separator := "\n"
	flags.VisitAll(func(f *flag.Flag) {
		_, doc := flag.UnquoteUsage(f)
		fmt.Fprintf(table, "%s  %s\t%s\n", separator, written(f), doc)
		separator = ""
	})
	return table.Flush()
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
