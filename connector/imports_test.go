package connector_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed says which packages of this module a package may import.
var allowed = map[string][]string{
	"cc-connector/subjects":                      {},
	"cc-connector/schema":                        {},
	"cc-connector/connector/brightpattern":       {},
	"cc-connector/connector/brightpattern/bpsim": {},
	"cc-connector/connector":                     {"cc-connector/connector/brightpattern", "cc-connector/schema", "cc-connector/subjects"},
	"cc-connector/connector/permissions":         {"cc-connector/subjects"},
	"cc-connector/cmd/ccsim":                     {"cc-connector/connector/brightpattern/bpsim"},
	"cc-connector/cmd/cc-connector":              {"cc-connector/connector", "cc-connector/connector/brightpattern", "cc-connector/connector/permissions", "cc-connector/schema", "cc-connector/subjects"},
	"cc-connector/cmd/ccdemo":                    {"cc-connector/connector", "cc-connector/connector/brightpattern", "cc-connector/connector/brightpattern/bpsim", "cc-connector/schema", "cc-connector/subjects"},
}

// foreign are modules that a package must not reach, not even through others:
// the wire client knows nothing of NATS, and production has no embedded server.
var foreign = map[string]string{
	"cc-connector/connector/brightpattern": "github.com/nats-io/",
	"cc-connector/subjects":                "github.com/",
	"cc-connector/cmd/cc-connector":        "github.com/nats-io/nats-server",
}

func TestImports(t *testing.T) {
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "cc-connector/...") {
		importer, imports, _ := strings.Cut(line, " ")
		may, known := allowed[importer]
		if !known {
			t.Errorf("%s is new: say here what it may import", importer)
		}
		for _, imported := range strings.Fields(imports) {
			if strings.HasPrefix(imported, "cc-connector/") && !slices.Contains(may, imported) {
				t.Errorf("%s must not import %s", importer, imported)
			}
		}
	}
}

func TestDependencies(t *testing.T) {
	for importer, module := range foreign {
		for _, dependency := range goList(t, "-deps", importer) {
			if strings.HasPrefix(dependency, module) {
				t.Errorf("%s must not depend on %s", importer, dependency)
			}
		}
	}
}

func goList(t *testing.T, arguments ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, arguments...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
