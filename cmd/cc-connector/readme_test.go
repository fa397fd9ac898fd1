package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// settingsTable reads the rows under the heading of the table of settings, cell by cell.
func settingsTable(t *testing.T) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| variable | default | meaning |\n| --- | --- | --- |\n")
	if !found {
		t.Fatal("deploy/README.md has no table of settings")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.SplitSeq(strings.TrimSpace(table), "\n") {
		row := strings.Split(strings.Trim(line, "|"), "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if len(row) != 3 {
			t.Fatalf("a row of the settings has %d cells: %s", len(row), line)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestReadmeListsEverySetting(t *testing.T) {
	rows := settingsTable(t)
	for i, v := range new(settings).variables() {
		fallback := v.fallback
		if fallback != "" {
			fallback = "`" + fallback + "`"
		}
		want := []string{"`" + v.name + "`", fallback, v.doc}
		if i >= len(rows) || !slices.Equal(rows[i], want) {
			t.Fatalf("row %d: got %q, want %q", i+1, rows[min(i, len(rows)):min(i+1, len(rows))], want)
		}
	}
	if known := len(new(settings).variables()); len(rows) > known {
		t.Errorf("there are no such settings: %q", rows[known:])
	}
}
