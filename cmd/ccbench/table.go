package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

const contenderHead = "of"

// print writes the report as Markdown that is also fit for a terminal.
func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "%s, %d cores, %.0f GiB, %s; %s, nats-server %s; %s\n", orUnknown(r.Machine.CPU), r.Machine.Cores, r.Machine.Memory, r.Machine.System, r.Go, r.NATS, r.measured())
	fmt.Fprintf(out, "The %s form, in %.0f s: medians of %d rounds, with the least and the most.\n", r.Form, r.Seconds, r.Rounds)
	for _, table := range []func(*report) (string, [][]string){commandsTable, chatsTable, recoveryTable, growthTable} {
		if title, rows := table(r); len(rows) > 1 {
			printTable(out, title, named(rows, len(r.Measured)))
		}
	}
	for _, a := range r.Accounts {
		fmt.Fprintf(out, "\n%s: %s commands given, %s results stored.\n", a.Of, whole(float64(a.Given)), whole(float64(a.Results)))
	}
}

func orUnknown(name string) string {
	if name == "" {
		return "unknown processor"
	}
	return name
}

func (r *report) measured() string {
	var all []string
	for _, c := range r.Measured {
		all = append(all, c.Name+": "+c.Version)
	}
	return strings.Join(all, ", ")
}

func commandsTable(r *report) (title string, rows [][]string) {
	rows = [][]string{{"chat.send", "callers", "a second", "of the floor", "CPU, µs", "p50, ms", "p99, ms", "at half load", "p50, ms", "p99, ms"}}
	for _, row := range r.Commands {
		rows = append(rows, []string{
			row.title(), whole(float64(row.Callers)), row.PerSecond.as(whole), row.OfFloor.as(hundredths), row.CPU.as(whole), row.Full.P50.as(figures), row.Full.P99.as(figures),
			whole(row.HalfRate), row.Half.P50.as(figures), row.Half.P99.as(figures),
		})
	}
	return "Commands", rows
}

func chatsTable(r *report) (title string, rows [][]string) {
	rows = [][]string{{"chats", contenderHead, "MiB", "KiB a chat", "at most", "idle, cores", "events a second", "CPU, µs", "consumer p50, ms", "p99, ms", "subscriber p50, ms", "p99, ms"}}
	for _, row := range r.Chats {
		rows = append(rows, []string{
			whole(float64(row.Chats)), row.Of, whole(row.Memory), tenths(row.PerChat), tenths(row.PeakChat), hundredths(row.Idle), whole(row.Rate), row.CPU.as(whole),
			row.Stream.P50.as(figures), row.Stream.P99.as(figures), row.Core.P50.as(figures), row.Core.P99.as(figures),
		})
	}
	return "Chats", rows
}

func recoveryTable(r *report) (title string, rows [][]string) {
	rows = [][]string{{"polled again after", contenderHead, "chats", "half, s", "all, s"}}
	for _, row := range r.Recovery {
		after := row.By
		if row.Failover > 0 {
			after += fmt.Sprintf(" and %.0f s", row.Failover)
		}
		rows = append(rows, []string{after, row.Of, whole(float64(row.Chats)), row.Half.as(hundredths), row.All.as(hundredths)})
	}
	return "Recovery", rows
}

func growthTable(r *report) (title string, rows [][]string) {
	rows = [][]string{{"ratio, with", contenderHead, "commands a second", "of the floor's own", "CPU a command", "CPU an event", "consumer p50"}}
	for _, row := range r.Growth {
		rows = append(rows, []string{
			row.More, row.Of, asRatio(row.Commands), asRatio(row.Floor), asRatio(row.CommandCPU), row.EventCPU.as(hundredths), row.EventP50.as(figures),
		})
	}
	return "Growth", rows
}

// asRatio is a dash where there is none.
func asRatio(s *spread) string {
	if s == nil {
		return "–"
	}
	return s.as(hundredths)
}

// named drops the column that names the contender where there is one.
func named(rows [][]string, contenders int) [][]string {
	at := slices.Index(rows[0], contenderHead)
	if at < 0 || contenders > 1 {
		return rows
	}
	for i := range rows {
		rows[i] = slices.Delete(rows[i], at, at+1)
	}
	return rows
}

// as is the median with the least and the most.
func (s spread) as(spell func(float64) string) string {
	if s.Least == s.Most {
		return spell(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", spell(s.Median), spell(s.Least), spell(s.Most))
}

func tenths(f float64) string { return fmt.Sprintf("%.1f", f) }

func hundredths(f float64) string { return fmt.Sprintf("%.2f", f) }

// figures has no more digits than say something.
func figures(f float64) string {
	switch {
	case f < 10:
		return hundredths(f)
	case f < 100:
		return tenths(f)
	}
	return whole(f)
}

// whole has a comma at the thousands.
func whole(f float64) string {
	digits := fmt.Sprintf("%.0f", f)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// printTable aligns the columns. The first row is the head.
func printTable(out io.Writer, title string, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(out, "\n## %s\n\n", title)
	for i, row := range rows {
		fmt.Fprintln(out, line(row, widths, " "))
		if i == 0 {
			fmt.Fprintln(out, line(make([]string, len(widths)), widths, "-"))
		}
	}
}

// line has the first cell at the left, the others at the right.
func line(cells []string, widths []int, fill string) string {
	var b strings.Builder
	for i, cell := range cells {
		padding := strings.Repeat(fill, widths[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			cell += padding
		} else {
			cell = padding + cell
		}
		b.WriteString("| " + cell + " ")
	}
	return b.String() + "|"
}
