package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cc-connector/schema"
)

func TestSchemasAreListedAndPrinted(t *testing.T) {
	setEnv(t, nil)
	var want strings.Builder
	for _, d := range schema.Documents() {
		want.WriteString(d.SHA256 + "  " + d.Path + "\n")
		if got := outputOf(t, "schemas", d.Path); got != string(d.Content) {
			t.Errorf("%s is printed as another text", d.Path)
		}
	}
	if got := outputOf(t, "schemas"); got != want.String() || !strings.Contains(got, "  v1/event.message.json\n") {
		t.Errorf("the list is\n%s", got)
	}
}

func TestSchemasAreWritten(t *testing.T) {
	setEnv(t, nil)
	folder := filepath.Join(t.TempDir(), "to be made")
	for range 2 { // what is there is written over
		if out := outputOf(t, "schemas", "--write", folder); !strings.Contains(out, folder) {
			t.Errorf("it says %q", out)
		}
	}
	for _, d := range schema.Documents() {
		if got, err := os.ReadFile(filepath.Join(folder, d.Path)); err != nil || !bytes.Equal(got, d.Content) {
			t.Errorf("%s is written as another text (%v)", d.Path, err)
		}
	}
}

func TestSchemasRefused(t *testing.T) {
	setEnv(t, nil)
	for _, c := range []struct {
		args []string
		part string
	}{
		{[]string{"v1/none.json"}, `no document "v1/none.json"; there are v1/`},
		{[]string{"../v1/event.message.json"}, "v1/event.message.json"},
		{[]string{""}, "there are v1/"},
		{[]string{"v1/envelope.json", "v1/event.message.json"}, "at most"},
		{[]string{"--write", "x", "v1/event.message.json"}, "give no name"},
		{[]string{"--write", ""}, "must name a folder"},
		{[]string{"--format", "yaml"}, "usage: cc-connector schemas"},
	} {
		var out, errs bytes.Buffer
		if code := execute(append([]string{"schemas"}, c.args...), &out, &errs); code != exitBadConfig || out.Len() > 0 || !strings.Contains(errs.String(), c.part) {
			t.Errorf("%q: exit code %d, %q, %q", c.args, code, out.String(), errs.String())
		}
	}
	file := writeFile(t, "in the way")
	var out, errs bytes.Buffer
	if code := execute([]string{"schemas", "--write", file}, &out, &errs); code != exitFailed || !strings.Contains(errs.String(), file) {
		t.Errorf("a file in the folder's place: exit code %d, %q", code, errs.String())
	}
}
