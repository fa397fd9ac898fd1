package schema

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tables reads those of the README's tables that have this heading: their
// rows, cell by cell.
func tables(t *testing.T, heading string) (found [][][]string) {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range strings.Split(string(text), heading+"\n")[1:] {
		var rows [][]string
		for line := range strings.SplitSeq(after, "\n") {
			if !strings.HasPrefix(line, "|") {
				break
			}
			if !strings.HasPrefix(line, "| ---") {
				rows = append(rows, cells(line))
			}
		}
		found = append(found, rows)
	}
	return found
}

func cells(line string) []string {
	row := strings.Split(strings.Trim(line, "|"), "|")
	for i := range row {
		row[i] = strings.TrimSpace(row[i])
	}
	return row
}

func TestReadmeListsEveryErrorCode(t *testing.T) {
	var want [][]string
	for _, info := range ErrorCodes {
		want = append(want, []string{"`" + string(info.Code) + "`", info.WireCode, info.Meaning})
	}
	compareTables(t, tables(t, "| code | wire code | meaning |"), [][][]string{want})
}

// What only the client causes has a table of its own, the second.
func TestReadmeListsEveryEvent(t *testing.T) {
	want := make([][][]string, 2)
	for _, info := range Events {
		which := 0
		if info.Direction == FromClient {
			which = 1
		}
		want[which] = append(want[which], []string{"`" + info.Name + "`", info.Doc})
	}
	compareTables(t, tables(t, "| event | what |"), want)
}

func compareTables(t *testing.T, got, want [][][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("the README has %d such tables, want %d", len(got), len(want))
	}
	for i := range want {
		for n := range max(len(got[i]), len(want[i])) {
			if n >= len(got[i]) || n >= len(want[i]) || !slices.Equal(got[i][n], want[i][n]) {
				t.Fatalf("table %d, from row %d on: got\n%q\nwant\n%q", i+1, n+1, rest(got[i], n), rest(want[i], n))
			}
		}
	}
}

func rest(rows [][]string, n int) [][]string { return rows[min(n, len(rows)):min(n+3, len(rows))] }

// TestReadmeNamesEverySession also holds the text around the tables to the code.
func TestReadmeNamesEverySession(t *testing.T) {
	for _, row := range slices.Concat(tables(t, "| subject | what |")...) {
		if strings.HasSuffix(row[0], ".session.<name>`") {
			if got := names(row[1]); !sameNames(got, sessionNames()) {
				t.Errorf("the README knows the sessions %v, want %v", got, sessionNames())
			}
			return
		}
	}
	t.Error("the README has no row about sessions")
}

func sessionNames() (all []string) {
	for name := range sessions {
		all = append(all, name)
	}
	return all
}

var quoted = regexp.MustCompile("`([A-Za-z_][A-Za-z0-9_.]*)`")

// names lists what stands in backticks, in order.
func names(text string) (all []string) {
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}
