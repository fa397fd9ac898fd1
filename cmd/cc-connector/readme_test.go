package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// settingsTable reads the rows under the heading of the table of settings, cell by cell.
func settingsTable(t *testing.T, file string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| variable | default | meaning |\n| --- | --- | --- |\n")
	if !found {
		t.Fatalf("%s has no table of settings", file)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.SplitSeq(strings.TrimSpace(table), "\n") {
		row := strings.Split(strings.Trim(line, "|"), "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if len(row) != 3 {
			t.Fatalf("a row of %s has %d cells: %s", file, len(row), line)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestReadmeListsEverySetting(t *testing.T) {
	rows := settingsTable(t, "../../README.md")
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

var quoted = regexp.MustCompile("`([^`]+)`")

// The maintainers' contract is no part of the module; where it lies beside the checkout, its settings are held to
// be the code's.
func TestContractListsSettings(t *testing.T) {
	const contract = "../../../shared/contract.md"
	text, err := os.ReadFile(contract)
	if err != nil {
		return
	}
	ours := map[string]string{}
	for _, v := range new(settings).variables() {
		ours[v.name] = v.fallback
		if !strings.Contains(string(text), "`"+v.name) {
			t.Errorf("the contract does not know %s", v.name)
		}
	}
	for _, row := range settingsTable(t, contract) {
		names := quoted.FindAllStringSubmatch(row[0], -1)
		for i, name := range names {
			fallback, known := ours[name[1]]
			if want := fallbackIn(row[1], i, len(names)); strings.HasPrefix(name[1], "CC_") && (!known || fallback != want) {
				t.Errorf("%s has the default %q (known: %v), in the contract %q", name[1], fallback, known, want)
			}
		}
	}
}

// fallbackIn takes the i-th of a cell's defaults: what stands in backticks is a value, other words describe one.
func fallbackIn(cell string, i, of int) string {
	values := strings.Split(cell, ", ")
	if len(values) != of {
		return ""
	}
	if value := quoted.FindStringSubmatch(values[i]); value != nil && value[0] == values[i] {
		return value[1]
	}
	return ""
}
