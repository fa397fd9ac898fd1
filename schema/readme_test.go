package schema

import (
	"os"
	"reflect"
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

// The maintainers' contract is no part of the module; where it lies beside
// the checkout, its names are held to be the code's.

func contract() string {
	text, err := os.ReadFile("../../shared/contract.md")
	if err != nil {
		return ""
	}
	return string(text)
}

// between cuts out the text between two marks.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, after, began := strings.Cut(text, from)
	inside, _, ended := strings.Cut(after, to)
	if !began || !ended {
		t.Fatalf("nothing stands between %q and %q", from, to)
	}
	return inside
}

func TestContractNamesCommands(t *testing.T) {
	text := contract()
	if text == "" {
		return
	}
	var listed []string
	for line := range strings.SplitSeq(between(t, text, "| subject | protocol method |", "\n\n"), "\n") {
		row := cells(line)
		if len(row) < 4 || !strings.HasPrefix(row[0], "`") {
			continue
		}
		for _, name := range names(row[0]) {
			listed = append(listed, name)
			checkContractFields(t, name, row[2])
		}
	}
	var want []string
	for _, c := range Commands {
		want = append(want, c.Name)
	}
	if !sameNames(listed, want) {
		t.Errorf("the contract has the commands %v, the code %v", listed, want)
	}
}

var (
	aside     = regexp.MustCompile(`\([^)]*\)|\{[^}]*\}|\[[^\]]*\]`)
	dataField = regexp.MustCompile("`([A-Za-z]+)`(\\??)")
)

// checkContractFields compares a command's fields, and which may be left out,
// but for those of which one is to be chosen.
func checkContractFields(t *testing.T, name, cell string) {
	t.Helper()
	c, known := LookupCommand(name)
	if !known {
		return // said by the list of names
	}
	optional := map[string]bool{}
	for _, match := range dataField.FindAllStringSubmatch(aside.ReplaceAllString(cell, ""), -1) {
		optional[match[1]] = match[2] == "?"
	}
	for field := range optional {
		if _, known := c.Field(field); !known {
			t.Errorf("%s: %s is in the contract alone", name, field)
		}
	}
	for _, f := range c.Fields {
		mayLack, listed := optional[f.Name]
		choice := len(c.OneOf) > 0 && slices.Contains(c.OneOf[0], f.Name)
		if !listed && !strings.Contains(cell, "`"+f.Name+"`") || listed && !choice && mayLack == f.Required {
			t.Errorf("%s: %s (required: %v) is not so in the contract: %s", name, f.Name, f.Required, cell)
		}
	}
}

func TestContractNamesErrorCodes(t *testing.T) {
	text := contract()
	if text == "" {
		return
	}
	inside := between(t, text, "Codes are the protocol's own names in snake case: `chat_session_` +", "A 406")
	protocol, ours, _ := strings.Cut(inside, ";")
	var listed, want []string
	for _, name := range names(protocol) {
		listed = append(listed, "chat_session_"+name)
	}
	listed = append(listed, names(ours)...)
	for _, info := range ErrorCodes {
		want = append(want, string(info.Code))
	}
	if !sameNames(listed, want) {
		t.Errorf("the contract has the codes %v, the code %v", listed, want)
	}
}

func TestContractNamesSessionsAndEventFields(t *testing.T) {
	text := contract()
	if text == "" {
		return
	}
	if listed := names(between(t, text, "| `cc.chat.<chat>.session.<name>` |", "|\n")); !sameNames(listed, sessionNames()) {
		t.Errorf("the contract has the sessions %v, the code %v", listed, sessionNames())
	}
	listed := names(between(t, text, "Event data:", ": the wire event as"))
	var want []string
	for _, info := range Events {
		if info.Direction != FromClient {
			want = append(want, jsonNames(reflect.TypeOf(info.empty()).Elem())...)
		}
	}
	if !sameNames(listed, want) {
		t.Errorf("the contract has the fields\n%v, the code\n%v", slices.Sorted(slices.Values(listed)), slices.Compact(slices.Sorted(slices.Values(want))))
	}
}

// jsonNames lists a struct's members as JSON names them.
func jsonNames(of reflect.Type) (all []string) {
	for _, field := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			all = append(all, name)
		}
	}
	return all
}
