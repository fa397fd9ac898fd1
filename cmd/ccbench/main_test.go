package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// built is what ccbench builds for itself, once for all tests.
var built programs

// The test binary is also what ccbench starts of itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && parts[os.Args[1]] != nil {
		main()
	}
	dir, err := os.MkdirTemp("", "ccbench-test-")
	if err == nil {
		built, err = gather(context.Background(), settings{}, dir)
	}
	if err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func tiny() settings {
	return settings{plan: tinyPlan, connector: built.contenders[0].path, sim: built.sim}
}

// tinyPlan has everything in it, once.
var tinyPlan = plan{
	form: "tiny", rounds: 1,
	commands: commandsPlan{callers: []int{1, 3}, span: 50 * time.Millisecond},
	chats:    chatsPlan{counts: []int{4, 8}, perSecond: 200, span: 100 * time.Millisecond, idle: 50 * time.Millisecond},
	recovery: recoveryPlan{counts: []int{4}, failover: 2 * time.Second},
	growth:   growthPlan{chats: 3, callers: 2, span: 50 * time.Millisecond, perSecond: 100, flow: 100 * time.Millisecond, idle: 50 * time.Millisecond, stored: 200},
}

// A real run, but for its size: each row is there, and the counts add up.
func TestEverythingIsMeasured(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	folder := t.TempDir()
	set := tiny()
	set.json, set.plot = filepath.Join(folder, "data.json"), folder
	var out, progress bytes.Buffer
	if err := measureAll(t.Context(), set, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	checkNothingIsLeft(t)
	r := readReport(t, set.json)
	checkCommands(t, r)
	checkChats(t, r)
	checkRecovery(t, r)
	checkGrowth(t, r)
	for _, says := range []string{"## Commands", "## Chats", "## Recovery", "## Growth", "nats-server 2.", "go1.", "cc-connector 0.0.0-devel", "cores"} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("%q is not in the table:\n%s", says, out.String())
		}
	}
	for _, file := range []string{"commands.svg", "chats.svg"} {
		picture, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil || !bytes.Contains(picture, []byte("</svg>")) || bytes.Contains(picture, []byte("NaN")) {
			t.Errorf("%s: %d bytes, %v", file, len(picture), err)
		}
	}
}

// readReport refuses fields that a report has not: all that is written is read.
func readReport(t *testing.T, path string) report {
	t.Helper()
	r := readReportText(t, path)
	if r.Machine.Cores == 0 || r.Machine.Memory == 0 || r.NATS == "" || r.Go == "" || len(r.Measured) != 1 || r.Measured[0].Version == "" {
		t.Errorf("it does not say what was measured: %+v", r)
	}
	return r
}

func readReportText(t *testing.T, path string) (r report) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return r
}

func checkCommands(t *testing.T, r report) {
	t.Helper()
	var rows []string
	given := 0
	for _, row := range r.Commands {
		rows = append(rows, row.Lane)
		if row.Commands == 0 || row.OfFloor.Median <= 0 || row.HalfRate <= 0 || !plausible(row.Full) || !plausible(row.Half) {
			t.Errorf("%+v", row)
		}
		if row.Lane == floorLane && row.OfFloor != (spread{1, 1, 1}) {
			t.Errorf("of itself, the floor is %+v", row.OfFloor)
		}
		if row.Of != "" {
			given += row.Commands
		}
	}
	if want := []string{"floor", "live", "durable", "floor", "live", "durable"}; !reflect.DeepEqual(rows, want) {
		t.Errorf("lanes %v, want %v", rows, want)
	}
	if want := []account{{measured, given, given}}; !reflect.DeepEqual(r.Accounts, want) {
		t.Errorf("accounts %+v, want %+v", r.Accounts, want)
	}
}

func plausible(m millis) bool { return m.P50.Median > 0 && m.P50.Median <= m.P99.Median }

func checkChats(t *testing.T, r report) {
	t.Helper()
	if len(r.Chats) != len(tinyPlan.chats.counts) {
		t.Fatalf("%d rows", len(r.Chats))
	}
	for i, row := range r.Chats {
		if row.Chats != tinyPlan.chats.counts[i] || row.Events != 20 || row.Memory < 5 || row.PeakChat < row.PerChat || !plausible(row.Stream) || !plausible(row.Core) {
			t.Errorf("%+v", row)
		}
	}
}

func checkRecovery(t *testing.T, r report) {
	t.Helper()
	if len(r.Recovery) != 2 || r.Recovery[0].By != "kill -9" || r.Recovery[1].By != "SIGTERM" {
		t.Fatalf("%+v", r.Recovery)
	}
	for _, row := range r.Recovery {
		silence := row.Failover / 3 // at least: a replica tells more often that it lives
		if row.Chats != tinyPlan.recovery.counts[0] || row.All.Median < row.Half.Median || row.All.Median+row.Failover <= silence {
			t.Errorf("%+v", row)
		}
	}
}

func checkGrowth(t *testing.T, r report) {
	t.Helper()
	var rows []string
	for _, row := range r.Growth {
		rows = append(rows, row.More)
		if row.EventP50.Median <= 0 || row.Commands != nil && (row.Commands.Median <= 0 || row.Floor.Median <= 0 || row.Durable.Median <= 0 || row.Memory.Median == 0) {
			t.Errorf("%+v", row)
		}
	}
	if want := []string{"twice the chats", "twice the events", "200 stored events"}; !reflect.DeepEqual(rows, want) {
		t.Errorf("rows %v, want %v", rows, want)
	}
}

// Two connectors share a NATS server, and each has its own rows.
func TestTwoConnectorsAreCompared(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	set := tiny()
	set.against, set.only, set.plan.commands.callers = set.connector, []string{"commands"}, []int{2}
	r, err := measure(t.Context(), set, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, row := range r.Commands {
		rows = append(rows, row.title())
	}
	if want := []string{"floor", "live", "durable", "live (against)", "durable (against)"}; !reflect.DeepEqual(rows, want) || len(r.Accounts) != 2 {
		t.Errorf("lanes %v, want %v; accounts %+v", rows, want, r.Accounts)
	}
	checkNothingIsLeft(t)
}

// checkNothingIsLeft looks for files, and for processes that this one has started.
func checkNothingIsLeft(t *testing.T) {
	t.Helper()
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("processes are left: %d, %v", pid, err)
	}
}

// interruptAt ends the run when the progress says something.
type interruptAt struct {
	text      string
	interrupt context.CancelFunc
}

func (i interruptAt) Write(b []byte) (int, error) {
	if strings.Contains(string(b), i.text) {
		i.interrupt()
	}
	return len(b), nil
}

func TestAnInterruptLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	set := tiny()
	set.only, set.plan.commands.span = []string{"commands"}, time.Hour
	if _, err := measure(ctx, set, interruptAt{"full load, round 1", interrupt}); !errors.Is(err, errInterrupted) {
		t.Errorf("it ends by %v", err)
	}
	checkNothingIsLeft(t)
}

// A process that dies is named, with what it said last.
func TestADeadProcessIsTold(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	broken := filepath.Join(t.TempDir(), "broken")
	script := "#!/bin/sh\nif [ \"$1\" = version ]; then echo broken; exit 0; fi\necho no such luck >&2\nexit 3\n"
	if err := os.WriteFile(broken, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	set := tiny()
	set.connector = broken
	_, err := measure(t.Context(), set, new(bytes.Buffer))
	if err == nil {
		t.Fatal("nothing is told")
	}
	for _, says := range []string{"cc-connector (connector)", "exit status 3", "no such luck"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not in %q", says, err)
		}
	}
	checkNothingIsLeft(t)
}

// Until there are new results, the last ones stay.
func TestResultsAreReplacedAtTheEnd(t *testing.T) {
	folder := t.TempDir()
	last := filepath.Join(folder, "last.json")
	if err := os.WriteFile(last, []byte("last"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{last, filepath.Join(folder, "new.json")} {
		if err := (settings{json: path}).prepareOutput(); err != nil {
			t.Error(err)
		}
	}
	if text, err := os.ReadFile(last); err != nil || string(text) != "last" {
		t.Errorf("before anything is measured it says %q, %v", text, err)
	}
	if err := new(report).writeJSON(last); err != nil {
		t.Error(err)
	}
	readReportText(t, last)
	if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
		t.Errorf("the folder has %v, %v", files, err)
	}
}

func TestABadFlagIsNamed(t *testing.T) {
	for _, test := range []struct{ args, names string }{
		{"-bogus", "-bogus"},
		{"-quick=perhaps", "-quick"},
		{"-only=commands,all", "-only"},
		{"-connector=/nowhere/at/all", "-connector"},
		{"-against=/dev/null", "-against"},
		{"-ccsim=.", "-ccsim"},
		{"-json=/nowhere/at/all", "-json"},
		{"-plot=/dev/null", "-plot"},
		{"more", "more"},
	} {
		var errs strings.Builder
		code := run(t.Context(), strings.Fields(test.args), new(bytes.Buffer), &errs)
		if code != exitUsage || !strings.Contains(errs.String(), test.names) {
			t.Errorf("%s: exit code %d, %q", test.args, code, errs.String())
		}
	}
}

// Both forms take as long as the flags and the documents say.
func TestFormsTakeTheirTime(t *testing.T) {
	for most, p := range map[time.Duration]plan{2 * time.Minute: quickPlan, 12 * time.Minute: wholePlan} {
		var sum time.Duration
		for _, section := range sections {
			sum += section.cost(p, 1)
		}
		t.Logf("the %s form is thought to take %v", p.form, sum)
		if sum > most {
			t.Errorf("the %s form is thought to take %v, which is more than %v", p.form, sum, most)
		}
	}
}

// What -only names can be measured, and nothing else.
func TestEverySectionHasItsName(t *testing.T) {
	if names := slices.Sorted(maps.Keys(sections)); !slices.Equal(names, slices.Sorted(slices.Values(sectionNames))) {
		t.Errorf("sections %v, names %v", names, sectionNames)
	}
}

func TestHelpIsNoError(t *testing.T) {
	var errs strings.Builder
	if code := run(t.Context(), []string{"-h"}, new(bytes.Buffer), &errs); code != 0 || !strings.Contains(errs.String(), "-against") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

func TestTooFewFilesAreTold(t *testing.T) {
	if err := requireFiles(1 << 40); err == nil || !strings.Contains(err.Error(), "ulimit") {
		t.Errorf("it says %v", err)
	}
}
