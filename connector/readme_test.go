package connector_test

import (
	"os"
	"path/filepath"
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
	var tests strings.Builder
	for _, pattern := range []string{"*_test.go", "client/*_test.go", "permissions/*_test.go", "console/*_test.go", "internal/*/*_test.go", "../cmd/*/*_test.go", "../schema/*_test.go", "../schema/generate/*_test.go", "../schema/generate/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(string(readme), -1)
	if len(named) == 0 {
		t.Error("deploy/README.md names no tests")
	}
	for _, name := range named {
		if !strings.Contains(tests.String(), "\nfunc "+name[1]+"(t ") {
			t.Errorf("deploy/README.md names %s, which is not there", name[1])
		}
	}
}
