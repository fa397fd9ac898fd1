package connector_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Each test that deploy/README.md names for a promise is there.
func TestReadmePromisesAreTested(t *testing.T) {
	readme, err := os.ReadFile("../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := allTests(t)
	named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(string(readme), -1)
	if len(named) == 0 {
		t.Error("deploy/README.md names no tests")
	}
	for _, name := range named {
		if !strings.Contains(tests, "\nfunc "+name[1]+"(t ") {
			t.Errorf("deploy/README.md names %s, which is not there", name[1])
		}
	}
}

// allTests is the text of all tests of the repository, wherever they are.
func allTests(t *testing.T) string {
	t.Helper()
	var tests strings.Builder
	repository := os.DirFS("..")
	err := fs.WalkDir(repository, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || path != "." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(repository, path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests.String()
}
