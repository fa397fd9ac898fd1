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
	fmt.Fprintf(out, "The %s form, in %.0f s: medians of %d rounds, and in brackets the least and the most of them.\n", r.Form, r.Seconds, r.Rounds)
	for _, tableOf := range []func(*report) table{commandsTable, chatsTable, recoveryTable, growthTable} {
		if t := tableOf(r); len(t.rows) > 1 {
			t.rows = named(t.rows, len(r.Measured))
			t.print(out)
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

func commandsTable(r *report) table {
	rows := [][]string{{"chat.send", "callers", "a second", "of the floor", "CPU, µs", "p50, ms", "p99, ms", "at half load", "p50, ms", "p99, ms"}}
	for _, row := range r.Commands {
		rows = append(rows, []string{
			row.title(), whole(float64(row.Callers)), row.PerSecond.as(whole), row.OfFloor.as(hundredths), row.CPU.as(whole), row.Full.P50.as(figures), row.Full.P99.as(figures),
			whole(row.HalfRate), row.Half.P50.as(figures), row.Half.P99.as(figures),
		})
	}
	return table{"Commands", "`of the floor` is divided round by round; `CPU` is the lane's process's, a command; `half load` is an open loop at half of the median rate, its latencies counted from when a command was due.", rows}
}

func chatsTable(r *report) table {
	rows := [][]string{{"chats", contenderHead, "MiB", "KiB a chat", "at most", "idle, cores", "events a second", "CPU, µs", "consumer p50, ms", "p99, ms", "subscriber p50, ms", "p99, ms"}}
	for _, row := range r.Chats {
		rows = append(rows, []string{
			whole(float64(row.Chats)), row.Of, whole(row.Memory), tenths(row.PerChat), tenths(row.PeakChat), hundredths(row.Idle), whole(row.Rate), row.CPU.as(whole),
			row.Stream.P50.as(figures), row.Stream.P99.as(figures), row.Core.P50.as(figures), row.Core.P99.as(figures),
		})
	}
	return table{"Chats", "Memory is the connector's, resident, when all chats are polled and nothing happens; `at most` is its peak, with the events. `CPU` is an event's. Latencies are from when the contact center's push was due, to a JetStream consumer, and to a subscriber of core NATS.", rows}
}

func recoveryTable(r *report) table {
	rows := [][]string{{"polled again after", contenderHead, "chats", "half, s", "all, s"}}
	for _, row := range r.Recovery {
		after := row.By
		if row.Failover > 0 {
			after += fmt.Sprintf(" and %.0f s", row.Failover)
		}
		rows = append(rows, []string{after, row.Of, whole(float64(row.Chats)), row.Half.as(hundredths), row.All.as(hundredths)})
	}
	return table{"Recovery", "The time that no replica polls a chat: until half of the chats are polled by another one, and until all are.", rows}
}

func growthTable(r *report) table {
	rows := [][]string{{"ratio, with", contenderHead, "commands a second", "of the floor's own", "durable a second", "CPU a command", "CPU an event", "consumer p50", "memory a chat", "idle CPU a chat"}}
	for _, row := range r.Growth {
		rows = append(rows, []string{
			row.More, row.Of, asRatio(row.Commands), asRatio(row.Floor), asRatio(row.Durable), asRatio(row.CommandCPU), row.EventCPU.as(hundredths), row.EventP50.as(figures),
			asRatio(row.Memory), asRatio(row.Idle),
		})
	}
	return table{"Growth", "Each figure with more, divided by the one with less in the same round. Memory and idle CPU are looked at once, before the rounds.", rows}
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

// table has its head as the first row.
type table struct {
	title, note string
	rows        [][]string
}

// print aligns the columns.
func (t table) print(out io.Writer) {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(out, "\n## %s\n\n%s\n\n", t.title, t.note)
	for i, row := range t.rows {
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
