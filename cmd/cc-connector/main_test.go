package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// binary is the command itself, built for the tests that run it as a process.
var binary string

// signalsChild in the environment makes the test binary a process that stops for nothing but a second signal.
const signalsChild = "TEST_SIGNALS_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(signalsChild) != "" {
		onSignals(slog.New(slog.NewTextHandler(os.Stderr, nil)), func() {})
		fmt.Fprintln(os.Stderr, "waiting for signals")
		select {}
	}
	if slices.ContainsFunc(os.Args, func(arg string) bool {
		return strings.HasPrefix(arg, "-test.fuzz=") || strings.HasPrefix(arg, "-test.fuzzworker")
	}) {
		os.Exit(m.Run()) // each worker would build the program
	}
	dir, err := os.MkdirTemp("", "cc-connector-test")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "cc-connector")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v1.2.3", "-o", binary, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic("go build: " + err.Error())
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func TestHelpListsEverySetting(t *testing.T) {
	for _, arg := range []string{"help", "-h", "--help"} {
		var out, errs bytes.Buffer
		if code := execute([]string{arg}, &out, &errs); code != 0 || errs.Len() > 0 {
			t.Fatalf("%s: exit code %d, %s", arg, code, errs.String())
		}
		for _, v := range append(new(settings).variables(), listedTracing()...) {
			row := regexp.MustCompile(`(?m)^  ` + v.name + ` +` + regexp.QuoteMeta(v.fallback) + ` *` + regexp.QuoteMeta(v.doc) + `$`)
			if !row.MatchString(out.String()) {
				t.Errorf("%s does not list %s", arg, v.name)
			}
		}
		for _, c := range commands() {
			if !strings.Contains(out.String(), "\n  "+c.name+" ") {
				t.Errorf("%s does not list the command %s", arg, c.name)
			}
		}
	}
}

func TestUnknownCommandIsRefused(t *testing.T) {
	for _, args := range [][]string{{"walk"}, {"run", "fast"}, {"run", "--fast"}, {"help", "walk"}, {""}, {"--nats"}} {
		var out, errs bytes.Buffer
		if code := execute(args, &out, &errs); code != exitBadConfig {
			t.Errorf("%q: exit code %d", args, code)
		}
		if out.Len() > 0 || !strings.Contains(errs.String(), "usage: cc-connector") {
			t.Errorf("%q: wrote %q, %q", args, out.String(), errs.String())
		}
	}
}

func TestHelpOfEachCommand(t *testing.T) {
	for _, c := range commands() {
		var asked, flagged, errs bytes.Buffer
		if code := execute([]string{"help", c.name}, &asked, &errs); code != 0 || !strings.Contains(asked.String(), "usage: "+c.usage()) {
			t.Errorf("help %s: exit code %d, %s%s", c.name, code, asked.String(), errs.String())
		}
		if code := execute([]string{c.name, "--help"}, &flagged, &errs); code != 0 || flagged.String() != asked.String() {
			t.Errorf("%s --help: exit code %d, %s%s", c.name, code, flagged.String(), errs.String())
		}
	}
}

func TestVersionIsASemVer(t *testing.T) {
	defer func(was string) { version = was }(version)
	for set, want := range map[string]string{
		"v1.2.3": "1.2.3", "1.2.3-rc.1+4": "1.2.3-rc.1+4", "abc123": "0.0.0-devel", "(devel)": "0.0.0-devel",
	} {
		version = set
		if got := buildVersion(); got != want {
			t.Errorf("%s: got %s, want %s", set, got, want)
		}
	}
}

func TestVersionLine(t *testing.T) {
	var out bytes.Buffer
	if code := execute([]string{"--version"}, &out, &out); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if !regexp.MustCompile(`^cc-connector \d+\.\d+\.\d+\S*( [0-9a-f]{40})? go1\.\S+\n$`).MatchString(out.String()) {
		t.Errorf("got %q", out.String())
	}
}
