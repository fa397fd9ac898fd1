package command

import (
	"testing"

	"cc-connector/schema"
)

// What the table of calls names must be a command, else it could never be run.
func TestEveryCallIsACommand(t *testing.T) {
	for name := range calls {
		if _, known := schema.LookupCommand(string(name)); !known {
			t.Errorf("%s runs, but is no command: nobody can send it", name)
		}
	}
}
