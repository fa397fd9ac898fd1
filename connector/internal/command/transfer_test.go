package command

import (
	"testing"
	"time"

	"cc-connector/connector/internal/journal"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

// What moves a file may take as long as a file may, and NATS still lets it be answered.
func TestTimeForFiles(t *testing.T) {
	const timeout = 98 * time.Second // the longest of which package permissions speaks
	for _, spec := range schema.Commands {
		most := timeFor(&spec, timeout)
		if moves := spec.Name == "chat.file" || spec.Name == "chat.photo"; moves != (most > transferMost+callsMost*timeout-1) {
			t.Errorf("%s may take %v", spec.Name, most)
		}
		for _, user := range permissions.Users("cc", "") {
			if user.Responses != nil && user.Responses.Expires < most+startWithin+replyPatience {
				t.Errorf("%s may take %v, and is not allowed to be answered after %v", spec.Name, most, user.Responses.Expires)
			}
		}
	}
}

// A look for a file's message waits until the last call that may send it is over.
func TestLookForWhatWasSentTwice(t *testing.T) {
	begun := time.Now()
	for name, most := range map[string]time.Duration{"chat.send": time.Second, "chat.file": callsMost * time.Second} {
		spec, _ := schema.LookupCommand(name)
		d := durable{
			commands: &Commands{Needs: Needs{Self: "here"}, cfg: Config{CallTimeout: time.Second}},
			cmd:      &command{spec: spec, record: &journal.Record{LastCall: begun, Replica: "here"}},
		}
		if wait := d.canBeLookedUp().Sub(begun); wait != most+beginMost {
			t.Errorf("%s is looked for after %v, want %v", name, wait, most+beginMost)
		}
	}
}
