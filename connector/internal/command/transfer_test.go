package command

import (
	"testing"
	"time"

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
