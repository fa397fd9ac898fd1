package connector_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Limits that an operator, or a sender, meets are told as the code has them.
func TestReadmeTellsLimits(t *testing.T) {
	text, err := os.ReadFile("../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range limitRows(t) {
		if !strings.Contains(string(text), row) {
			t.Errorf("deploy/README.md does not tell: %s", row)
		}
	}
}

func limitRows(t *testing.T) []string {
	row := fmt.Sprintf
	return []string{
		row("| `text`, `html`, `signal`, a form's `data` | %d KiB each; `signal` and `data` nested %d levels |", same(t, schema.MaxText, schema.MaxObject)>>10, schema.MaxNesting),
		row("| `content` of `chat.file` | %d KiB, decoded |", schema.MaxContent>>10),
		row("| a file in `CC_FILES`, either way | `CC_FILE_MAX_BYTES`, at most %d MiB;", brightpattern.MaxFile>>20),
		row("| `parameters` | %d, a name %d KiB, a value %d KiB |", schema.MaxParameters, schema.MaxString>>10, schema.MaxParameter>>10),
		row("a launch point's name and id | %d bytes |", schema.MaxID),
		row("| `deviceToken` | %d KiB |", schema.MaxToken>>10),
		row("| other strings | %d KiB |", schema.MaxString>>10),
		row("| `push.received`, whose other fields are free | %d fields, nested %d levels |", schema.MaxMembers, schema.MaxDepth),
		row("| a CloudEvent's attributes | %d, of %d KiB each |", schema.MaxAttributes, schema.MaxAttribute>>10),
		row("| durable commands that wait, of one chat and verb | %s;", thousands(waitingMost(t))),
		row("| memory of all answers together | %d MiB, or a quarter of `GOMEMLIMIT` |", brightpattern.DefaultMemory>>20),
		row("| levels in `raw` | %d; deeper, `raw` is a text |", schema.MaxNesting),
		row("| an event's wire name | %d bytes;", subjects.MaxWireName),
	}
}

// same is what two limits are that are told as one.
func same(t *testing.T, a, b int) int {
	t.Helper()
	if a != b {
		t.Errorf("limits that are told as one are %d and %d", a, b)
	}
	return a
}

func waitingMost(t *testing.T) int {
	t.Helper()
	for _, d := range connector.Definitions(connector.Config{Tenant: "t", BaseURL: "https://t"}) {
		if d.Stream.Name == "CC_COMMANDS" {
			return int(d.Stream.MaxMsgsPerSubject)
		}
	}
	t.Error("there is no stream of commands")
	return 0
}

func thousands(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }
