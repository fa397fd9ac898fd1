package permissions

import (
	"fmt"
	"strings"

	"cc-connector/subjects"
)

const nscHead = `#!/bin/sh
# Adds the users of cc-connector under the prefix %[1]s, each with the least that it needs,
# to an account that nsc keeps: ACCOUNT=name sh users.sh; then push the account, and write
# each user's credentials by "nsc generate creds".
# Made by "cc-connector permissions --format nsc --prefix %[1]s".
#
# Every user has an inbox prefix of its own, which its client must use: the connector by
# CC_NATS_INBOX_PREFIX, the nats CLI by --inbox-prefix, a program by its library's option.
set -eu
: "${ACCOUNT:?set it to the name of the account}"
`

// NSC writes the users as commands for nsc, as a shell script.
func NSC(prefix subjects.Prefix, users []User) string {
	var w strings.Builder
	fmt.Fprintf(&w, nscHead, prefix)
	for _, user := range users {
		user.nsc(&w)
	}
	return w.String()
}

func (u User) nsc(w *strings.Builder) {
	fmt.Fprintf(w, "\n# %s\n# inbox prefix: %s\n", u.Doc, u.InboxPrefix)
	fmt.Fprintf(w, "nsc add user --account \"$ACCOUNT\" --name %s", u.Name)
	for _, list := range []struct {
		flag     string
		subjects []string
	}{{"--allow-pub", u.Publish}, {"--allow-sub", u.subscriptions()}, {"--deny-sub", u.Hidden}} {
		for _, subject := range list.subjects {
			fmt.Fprintf(w, " \\\n  %s '%s'", list.flag, subject)
		}
	}
	if r := u.Responses; r != nil {
		fmt.Fprintf(w, " \\\n  --allow-pub-response=%d --response-ttl %s", r.Max, r.Expires)
	}
	w.WriteString("\n")
}
