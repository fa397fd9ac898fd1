package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"cc-connector/subjects"
)

const defaultLimit = 2 * time.Minute

type settings struct {
	once    bool
	quiet   bool
	web     string // where the page is served
	store   string // folder of NATS's streams; empty: one that is removed in the end
	real    *realContactCenter
	addr    string
	pace    float64
	against string // NATS of a running system; empty: everything runs in this process
	limit   time.Duration
	prefix  subjects.Prefix
}

// Flags of one mode mean nothing in the other.
var (
	onlyEmbedded = []string{"once", "nats", "pace", "http", "store", "quiet"}
	onlyAgainst  = []string{"timeout"}
)

func parse(args []string, errs io.Writer) (settings, error) {
	var set settings
	var prefix string
	flags := flag.NewFlagSet("ccdemo", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.Usage = func() { usage(flags, errs) }
	flags.BoolVar(&set.once, "once", false, "end after the conversation")
	flags.StringVar(&set.addr, "nats", "127.0.0.1:4222", "where NATS listens; if the port is taken, another one is used")
	flags.StringVar(&set.web, "http", "127.0.0.1:8080", "where the page is served, a loopback address (in a container: run it with --network host); if the port is taken, another one is used")
	flags.StringVar(&set.store, "store", "", "keep the streams in this `folder`, for the next time")
	flags.BoolVar(&set.quiet, "quiet", false, "print the addresses only")
	flags.Float64Var(&set.pace, "pace", 1, "how slowly the agent works: 1 is lifelike, 0 does not pause")
	flags.StringVar(&set.against, "against", "", "play against a running system, on this NATS `URL`, and end")
	flags.DurationVar(&set.limit, "timeout", defaultLimit, "with -against: the longest that it may take")
	flags.StringVar(&prefix, "prefix", string(subjects.DefaultPrefix), "the connector's CC_SUBJECT_PREFIX")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	err := errors.Join(set.check(flags), set.usePrefix(prefix), set.useContactCenter())
	if err != nil {
		fmt.Fprintf(errs, "ccdemo: %s; see ccdemo -help\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return set, err
}

func (set *settings) check(flags *flag.FlagSet) error {
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: there are only flags", flags.Arg(0))
	}
	if set.pace < 0 {
		return errors.New("-pace: must not be below 0")
	}
	if host, _, err := net.SplitHostPort(set.web); err != nil || !isLoopback(host) {
		return errors.New("-http: must be a loopback address with a port, like 127.0.0.1:8080, for who sees the page may do everything; in a container, run it with --network host, elsewhere by a tunnel like ssh -L")
	}
	if set.limit <= 0 {
		return errors.New("-timeout: must be above 0")
	}
	foreign, why := onlyAgainst, "belongs to -against"
	if set.against != "" {
		foreign, why = onlyEmbedded, "does not go with -against"
	}
	var err error
	flags.Visit(func(f *flag.Flag) {
		if slices.Contains(foreign, f.Name) {
			err = errors.Join(err, fmt.Errorf("-%s: %s", f.Name, why))
		}
	})
	return err
}

func (set *settings) usePrefix(text string) (err error) {
	if set.prefix, err = subjects.ParsePrefix(text); err != nil {
		return fmt.Errorf("-prefix: %w", err)
	}
	return nil
}

func usage(flags *flag.FlagSet, out io.Writer) {
	fmt.Fprint(out, "usage: ccdemo [flags]\n\n")
	flags.PrintDefaults()
	fmt.Fprint(out, "\nWith these environment variables, the contact center is not simulated:\n\n")
	for _, v := range realVariables {
		fmt.Fprintf(out, "  %-32s %s\n", v.name, v.doc)
	}
	fmt.Fprint(out, "\nWith -against, these environment variables tell how to sign in:\n\n")
	for _, who := range []account{commander, consumer} {
		for _, v := range who.variables() {
			fmt.Fprintf(out, "  %-32s %s\n", v.name, v.doc)
		}
	}
	for _, v := range secureVariables {
		fmt.Fprintf(out, "  %-32s %s\n", v.name, v.doc)
	}
}
