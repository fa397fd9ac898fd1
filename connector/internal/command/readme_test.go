package command

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// The README lists the commands that run, each with its fields and results.
func TestReadmeListsEveryCommand(t *testing.T) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| command | what it does | data | result |\n| --- | --- | --- | --- |\n")
	if !found {
		t.Fatal("the README has no table of commands")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	for _, spec := range schema.Commands {
		if calls[subjects.Command(spec.Name)] == nil {
			continue
		}
		if len(rows) == 0 {
			t.Fatalf("%s is missing at the table's end", spec.Name)
		}
		checkCommandRow(t, &spec, rows[0])
		rows = rows[1:]
	}
	if len(rows) > 0 {
		t.Errorf("nothing runs of %q", rows)
	}
}

func checkCommandRow(t *testing.T, spec *schema.Command, row string) {
	t.Helper()
	cells := strings.Split(strings.Trim(row, "|"), "|")
	if len(cells) != 4 {
		t.Fatalf("a row has %d cells: %s", len(cells), row)
	}
	for i, want := range []string{"`" + spec.Name + "`", "", fieldsOf(spec), resultsOf(spec)} {
		got := strings.TrimSpace(cells[i])
		if i == 1 && got == "" || i != 1 && got != want {
			t.Errorf("%s: column %d is %q, want %q", spec.Name, i+1, got, want)
		}
	}
}

func fieldsOf(spec *schema.Command) string {
	var all []string
	for _, field := range spec.Fields {
		all = append(all, listed(field.Name, !field.Required))
	}
	return strings.Join(all, ", ")
}

// resultsOf goes by the tags: a reply lacks what is omitted when empty; what
// is omitted when zero is left out of the event alone.
func resultsOf(spec *schema.Command) string {
	if spec.NewResult() == nil {
		return ""
	}
	var all []string
	for _, field := range reflect.VisibleFields(reflect.TypeOf(spec.NewResult()).Elem()) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		all = append(all, listed(name, options == "omitempty"))
	}
	return strings.Join(all, ", ")
}

func listed(name string, optional bool) string {
	if optional {
		return "`" + name + "`?"
	}
	return "`" + name + "`"
}

// What the table of calls names must be a command, else it could never be run.
func TestEveryCallIsACommand(t *testing.T) {
	for name := range calls {
		if _, known := schema.LookupCommand(string(name)); !known {
			t.Errorf("%s runs, but is no command: nobody can send it", name)
		}
	}
}
