package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

type settings struct {
	plan      plan
	connector string // a binary; empty: it is built
	against   string // another connector's binary, to compare with
	sim       string // a binary; empty: it is built
	only      []string
	json      string
	plot      string
}

var errUsage = errors.New("ccbench -h lists the flags")

// parse names the flag that is wrong.
func parse(args []string, errs io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("ccbench", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	quick := flags.Bool("quick", false, "take less than 2 minutes, with fewer chats and shorter rounds, in place of 12")
	flags.StringVar(&set.connector, "connector", "", "the cc-connector `binary` to measure (default: built from this source)")
	flags.StringVar(&set.against, "against", "", "another cc-connector `binary`, measured in turn with the first")
	flags.StringVar(&set.sim, "ccsim", "", "the ccsim `binary` to use (default: built from this source)")
	only := flags.String("only", "", "measure only these `sections`, separated by commas: "+strings.Join(sectionNames, ", "))
	flags.StringVar(&set.json, "json", "", "write the data to this `file`, too")
	flags.StringVar(&set.plot, "plot", "", "draw pictures (SVG) into this `folder`, too")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(errs)
		flags.Usage()
		return set, err
	case err != nil:
		return set, fmt.Errorf("%w; %w", err, errUsage)
	case flags.NArg() > 0:
		return set, fmt.Errorf("unexpected argument %q: there are only flags; %w", flags.Arg(0), errUsage)
	}
	set.plan = wholePlan
	if *quick {
		set.plan = quickPlan
	}
	set.only = slices.DeleteFunc(strings.Split(*only, ","), func(name string) bool { return name == "" })
	return set, set.check()
}

func (set settings) check() error {
	var wrong []error
	for _, name := range set.only {
		if !slices.Contains(sectionNames, name) {
			wrong = append(wrong, fmt.Errorf("-only: must name some of %s", strings.Join(sectionNames, ", ")))
		}
	}
	for _, binary := range []struct{ flag, path string }{{"connector", set.connector}, {"against", set.against}, {"ccsim", set.sim}} {
		if binary.path != "" && !isProgram(binary.path) {
			wrong = append(wrong, fmt.Errorf("-%s: must name a program that can be run", binary.flag))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w; %w", errors.Join(wrong...), errUsage)
	}
	return nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
