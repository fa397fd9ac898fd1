package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table in deploy/README.md anew")

const (
	readme     = "../../../deploy/README.md"
	tableBegin = "<!-- metrics: go test ./connector/internal/metrics -run TestReadmeTable -update -->\n"
	tableEnd   = "<!-- metrics: end -->\n"
)

// table is what deploy/README.md says of the metrics.
func table(families []Family) string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, f := range families {
		labels := ""
		if len(f.Labels) > 0 {
			labels = "`" + strings.Join(f.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, labels, f.Help)
	}
	return b.String()
}

// The table in deploy/README.md says what the metrics say of themselves.
func TestReadmeTable(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), tableBegin)
	found, after, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		t.Fatalf("deploy/README.md has no table between %q and %q", tableBegin, tableEnd)
	}
	want := table(Unregistered().Families())
	if found == want {
		return
	}
	if !*update {
		t.Fatalf("the table of metrics in deploy/README.md is not that of the code: run this test with -update. It is to be\n%s", want)
	}
	if err := os.WriteFile(readme, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
