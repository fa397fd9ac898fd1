package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cc-connector/schema"
)

// madeElsewhere are documents beside those of this program.
var madeElsewhere = []string{"../v1/asyncapi.json"}

// What is published is what the types, comments and tables say now.
func TestFilesAreUpToDate(t *testing.T) {
	files, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile("../" + path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is out of date (%v): run go generate ./schema", path, err)
		}
	}
	there, err := filepath.Glob("../v1/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if files["v1/"+filepath.Base(path)] == nil && !slices.Contains(madeElsewhere, path) {
			t.Errorf("%s is of nothing that exists: remove it", path)
		}
	}
}

// The constants of names are those of the tables.
func TestEveryCommandHasAConstant(t *testing.T) {
	from, err := readSource("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range schema.Commands {
		if !slices.ContainsFunc(from.values[""], func(v value) bool {
			return v.text == c.Name && len(v.name) > len("Command") && v.name[:len("Command")] == "Command"
		}) {
			t.Errorf("%s has no constant in schema/command_constants.go", c.Name)
		}
	}
}

// What is not said in Go is missed by name.
func TestWhatIsNotSaid(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/a.go", []byte("package schema\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := generate(folder); err == nil || !bytes.Contains([]byte(err.Error()), []byte("SessionClosed.Reason")) {
		t.Errorf("types without comments: %v", err)
	}
}
