package permissions_test

import (
	"slices"
	"strings"
	"testing"

	"cc-connector/connector/permissions"
)

// In a domain nobody may ask the JetStream of the server itself, and nothing else is another.
func TestUsersInADomain(t *testing.T) {
	users := users("cc")
	there := permissions.InDomain(users, "hub")
	for i, user := range there {
		here := users[i]
		if len(user.Publish) != len(here.Publish) || !slices.Equal(user.Subscribe, here.Subscribe) || user.InboxPrefix != here.InboxPrefix {
			t.Errorf("%s may do more or less", user.Name)
		}
		for j, subject := range user.Publish {
			if strings.HasPrefix(subject, "$JS.API.") || strings.HasPrefix(subject, "$KV.") {
				t.Errorf("%s may publish %s, which no leaf node lets through", user.Name, subject)
			}
			rest, moved := strings.CutPrefix(subject, "$JS.hub.API.")
			if moved && rest != strings.TrimPrefix(here.Publish[j], "$JS.API.") {
				t.Errorf("%s may publish %s in place of %s", user.Name, subject, here.Publish[j])
			}
		}
	}
	if !slices.Contains(there[0].Publish, "$JS.hub.API.$KV.CC_STATE.>") || !slices.Contains(there[0].Publish, "$JS.hub.API.STREAM.INFO.CC_EVENTS") {
		t.Errorf("the connector may publish %q", there[0].Publish)
	}
	if !slices.EqualFunc(permissions.InDomain(users, ""), users, func(a, b permissions.User) bool { return slices.Equal(a.Publish, b.Publish) }) {
		t.Error("without a domain something is another")
	}
}
