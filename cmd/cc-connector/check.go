package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"cc-connector/connector/check"
)

const checkAbout = `It reads the settings, signs in to NATS as the connector does, and tries all that a connector needs: the address, TLS and
version of NATS; what its user may publish and subscribe to; the account's JetStream; each stream, bucket and consumer;
what waits, and who reads too slowly; the contact center with each app; this machine's limits and files; and the
connector that answers at CC_HTTP_ADDR, if one does. It changes nothing, and may be run beside connectors. A line for
each permission that it tries ("Publish Violation - Reply") appears in the log of nats-server.

Each finding is ok, a warning (it works, but not as it was set, or not for long), wrong, or was not tried. The exit code
is 0 if nothing is wrong, 1 if something is, 2 if the settings are bad.

--json prints one object: "version" (1; fields may be added, never changed), "program", "seconds", "counts" (how many
findings have each status) and "findings", each with "id" (area.thing, which stays the same), "status" (ok, warning,
wrong, not_tried), "about" (which stream, consumer, subject, app, variable), "says", and "do", if something is to be done.`

const checkPatience = 10 * time.Second

func prepareCheck(flags *flag.FlagSet) action {
	asJSON := flags.Bool("json", false, "print the findings as JSON")
	timeout := flags.Duration("timeout", checkPatience, "`DURATION` that everything together may take; default 10s")
	return func(_ []string, stdout, _ io.Writer) error {
		if *timeout <= 0 {
			return usageError("--timeout must be more than 0, like 10s")
		}
		show := printFindings
		if *asJSON {
			show = printFindingsJSON
		}
		return checkCommand(*timeout, func(found []check.Finding, took time.Duration) error { return show(stdout, found, took) })
	}
}

func checkCommand(timeout time.Duration, show func([]check.Finding, time.Duration) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	began := time.Now()
	found, bad := checkWithin(ctx, timeout)
	if found == nil {
		return bad
	}
	if err := show(found, time.Since(began)); err != nil {
		return err
	}
	if bad != nil {
		return bad
	}
	return verdict(found)
}

// verdict is the error of findings of which one is wrong.
func verdict(found []check.Finding) error {
	counts := countFindings(found)
	if counts[check.Wrong] == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d findings are wrong", counts[check.Wrong], len(found))
}

// checkWithin tries everything. Bad settings are found, and an error, too.
func checkWithin(interrupted context.Context, timeout time.Duration) ([]check.Finding, error) {
	cfg, err := readConfig()
	if bad, is := err.(badSettings); is {
		return badFindings(bad), err
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(interrupted, timeout)
	defer cancel()
	done := make(chan []check.Finding, 1)
	go func() { done <- checkAll(ctx, cfg) }()
	select {
	case found := <-done:
		if interrupted.Err() == nil {
			return found, nil
		}
	case <-interrupted.Done():
	}
	return nil, errStopped
}

func checkAll(ctx context.Context, cfg config) []check.Finding {
	found := settingFindings(cfg)
	return append(found, check.Together(ctx,
		func(ctx context.Context) []check.Finding { return checkNATS(ctx, cfg) },
		func(ctx context.Context) []check.Finding {
			return check.ContactCenter(ctx, cfg.client, cfg.connector.Apps)
		},
		func(ctx context.Context) []check.Finding {
			return append(machineFindings(cfg), addressFindings(ctx, cfg.httpAddr)...)
		},
	)...)
}

const (
	configRead      check.ID = "config.settings"
	configBad       check.ID = "config.bad"
	configUnknown   check.ID = "config.unknown"
	configCorrected check.ID = "config.corrected"
)

// badFindings names each bad variable.
func badFindings(bad badSettings) (found []check.Finding) {
	for _, line := range bad {
		variable, _, _ := strings.Cut(line, " ")
		found = append(found, check.Finding{ID: configBad, Status: check.Wrong, About: variable, Says: line, Do: "see " + variable + ` in "cc-connector help"`})
	}
	return append(found, unknownFindings()...)
}

func settingFindings(cfg config) []check.Finding {
	found := []check.Finding{{ID: configRead, Status: check.OK, Says: "the settings are good"}}
	for _, c := range cfg.corrections {
		found = append(found, check.Finding{ID: configCorrected, Status: check.OK, About: c.variable, Says: c.variable + " is taken for what it must mean: " + c.what})
	}
	return append(found, unknownFindings()...)
}

func unknownFindings() (found []check.Finding) {
	for _, name := range unknownVariables() {
		found = append(found, check.Finding{ID: configUnknown, Status: check.Warning, About: name, Says: name + " is no setting: a typing error?", Do: `see "cc-connector help", or leave it away`})
	}
	return found
}
