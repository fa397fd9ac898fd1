package permissions_test

import (
	"slices"
	"testing"

	"cc-connector/connector/permissions"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// A commander may send every command that there is.
func TestEveryCommandIsCovered(t *testing.T) {
	users := permissions.Users("cc", chat)
	for _, spec := range schema.Commands {
		if noun := subjects.Command(spec.Name).Noun(); !slices.Contains(users[1].Publish, "cc."+noun+".*") {
			t.Errorf("nobody may send %s", spec.Name)
		}
	}
}
