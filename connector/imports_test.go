package connector_test

import (
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed says which packages of this module a package imports: the drawing of
// the architecture, from below to above, of which nothing may be left out.
// Each package is named by the last part of its path.
var allowed = map[string]string{
	"brightpattern": "", "bpsim": "", "subjects": "", "schema": "",
	"retry": "", "failpoint": "", "drain": "", "lease": "",
	"metrics":   "brightpattern schema",
	"health":    "",
	"canary":    "brightpattern bus health metrics retry",
	"generate":  "schema",
	"tracing":   "brightpattern schema subjects",
	"asyncapi":  "schema subjects",
	"write":     "asyncapi",
	"translate": "brightpattern schema subjects",
	"throttle":  "brightpattern health metrics retry",
	"bus":       "health metrics retry schema subjects",
	"replicas":  "bus retry schema",
	"outbox":    "bus replicas retry",
	"clients":   "brightpattern bus replicas retry schema",
	"journal":   "brightpattern bus replicas retry schema subjects tracing",
	"queue":     "drain failpoint lease metrics schema subjects",
	"intake":    "bus metrics schema subjects",
	"chats":     "brightpattern bus clients drain failpoint intake metrics outbox replicas retry schema subjects tracing translate",
	"chatlog":   "brightpattern bus chats failpoint schema subjects tracing translate",

	"attachments": "brightpattern bus failpoint metrics retry schema subjects throttle translate",

	"microservice": "intake metrics schema translate",
	"inquiry":      "intake metrics replicas schema subjects",

	// The two flows. They meet in chats; neither knows the other.
	"poller":  "attachments brightpattern bus chatlog chats drain failpoint lease metrics replicas retry schema subjects throttle tracing translate",
	"command": "brightpattern bus chats clients drain failpoint intake journal lease metrics microservice outbox queue replicas retry schema subjects tracing translate",

	"connector":    "attachments brightpattern bus canary chats clients command drain failpoint health inquiry intake journal lease metrics outbox poller replicas retry schema subjects throttle tracing translate",
	"admin":        "brightpattern bus chatlog chats inquiry journal replicas retry schema subjects translate",
	"permissions":  "subjects",
	"console":      "admin client connector schema subjects",
	"check":        "brightpattern bus connector permissions subjects throttle",
	"client":       "schema subjects", // for programs on the bus
	"cc-connector": "admin brightpattern check connector console permissions schema subjects",
	"ccbench":      "subjects",
	"ccdemo":       "admin bpsim brightpattern connector console permissions schema subjects",
	"ccsim":        "bpsim",

	"allocs": "", "golden": "schema", "natstest": "bus schema subjects", // for tests alone
}

// foreign are modules that a package must not reach, not even through others:
// the wire client knows nothing of NATS, and production has no embedded server.
var foreign = map[string][]string{
	"cc-connector/connector/brightpattern": {"github.com/nats-io/", "go.opentelemetry.io/"},
	"cc-connector/schema":                  {"go.opentelemetry.io/"},
	"cc-connector/subjects":                {"github.com/", "go.opentelemetry.io/"},
	"cc-connector/cmd/cc-connector":        {"github.com/nats-io/nats-server"},
	"cc-connector/connector/client":        {"cc-connector/connector/internal", "go.opentelemetry.io/"},
	"cc-connector/connector":               {"go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters"},
}

func TestImports(t *testing.T) {
	undrawn := maps.Clone(allowed)
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "cc-connector/...") {
		importer, imports, _ := strings.Cut(line, " ")
		name := path.Base(importer)
		drawn, known := undrawn[name]
		if !known {
			t.Errorf("%s is new, or has the name of another package: say here what it imports", importer)
			continue
		}
		delete(undrawn, name)
		if own := strings.Join(ofThisModule(imports), " "); own != drawn {
			t.Errorf("%s imports\n%s\nand may import\n%s", name, own, drawn)
		}
	}
	for name := range undrawn {
		t.Errorf("there is no package %s", name)
	}
}

// ofThisModule are the names of the packages that are this module's own.
func ofThisModule(imports string) []string {
	var names []string
	for _, imported := range strings.Fields(imports) {
		if strings.HasPrefix(imported, "cc-connector/") {
			names = append(names, path.Base(imported))
		}
	}
	slices.Sort(names)
	return names
}

// hashing are the files whose JSON is hashed or compared alone, and never stored or sent.
var hashing = []string{"internal/translate/fingerprint.go", "internal/translate/parts.go", "internal/command/read.go", "internal/bus/differences.go"}

// All JSON that is stored or sent is written in one way, by schema.JSON.
func TestJSONIsWrittenInOneWay(t *testing.T) {
	files, err := filepath.Glob("internal/*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || slices.Contains(hashing, file) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"json.Marshal(", "json.NewEncoder(", ".SetData(event."} {
			if strings.Contains(string(text), other) {
				t.Errorf("%s writes JSON by %s", file, other)
			}
		}
	}
}

func TestDependencies(t *testing.T) {
	for importer, modules := range foreign {
		for _, dependency := range goList(t, "-deps", importer) {
			if slices.ContainsFunc(modules, func(module string) bool { return strings.HasPrefix(dependency, module) }) {
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
