package permissions

import (
	"fmt"
	"strconv"
	"strings"

	"cc-connector/subjects"
)

// PasswordsFile is the name of the file, beside the one that [Conf] makes, that
// sets the variables of the passwords.
const PasswordsFile = "passwords.conf"

const confHead = `# The users of cc-connector under the prefix %[1]s, each with the least that it needs.
# Made by "cc-connector permissions --prefix %[1]s": make it anew, do not change it.
#
# Include it where users may stand, in nats-server's configuration:
#
#   authorization { include "users.conf" }
#
# Passwords are not in here. %[2]s, in the same directory, gives each of these variables
# a value, in quotes, in plain text or as a bcrypt hash ("nats server passwd" makes one):
#
%[3]s#
# Where %[2]s holds none of them (a comment alone, say), they are taken from the environment
# of nats-server. A variable that is set nowhere stops nats-server, which names it.
#
# Every user has an inbox prefix of its own, which its client must use: the connector by
# CC_NATS_INBOX_PREFIX, the nats CLI by --inbox-prefix, a program by its library's option.
#
# Nobody but the connector may create consumers, pull or get messages directly: each of these
# lets who does it choose a subject to which stored messages go, because nats-server does not
# ask for the right to publish there. Who reads the stream of events has a push consumer that
# was made for it, by its own name: see "cc-connector streams --help".
# Nor does it ask where JetStream's answers go. Who is not to be trusted with that gets an
# account of its own: deploy/README.md shows how.

include "%[2]s"

users = [
`

// Conf writes the users for nats-server's configuration, to be included in authorization or an account.
func Conf(prefix subjects.Prefix, users []User) string {
	var variables, all strings.Builder
	for _, user := range users {
		fmt.Fprintf(&variables, "#   %s: \"…\"\n", PasswordVariable(user.Name))
		user.conf(&all)
	}
	return fmt.Sprintf(confHead, prefix, PasswordsFile, variables.String()) + all.String() + "]\n"
}

// PasswordVariable is the name of the variable that holds a user's password: CC_CONNECTOR_PASSWORD.
func PasswordVariable(user string) string {
	return strings.ToUpper(strings.ReplaceAll(user, "-", "_")) + "_PASSWORD"
}

func (u User) conf(w *strings.Builder) {
	fmt.Fprintf(w, "  # %s\n  # inbox prefix: %s\n", u.Doc, u.InboxPrefix)
	fmt.Fprintf(w, "  {\n    user: %q\n    password: $%s\n    permissions: {\n", u.Name, PasswordVariable(u.Name))
	fmt.Fprintf(w, "      publish: {\n        allow: %s\n      }\n", confList(u.Publish))
	fmt.Fprintf(w, "      subscribe: {\n        allow: %s\n", confList(u.subscriptions()))
	if len(u.Hidden) > 0 {
		fmt.Fprintf(w, "        deny: %s\n", confList(u.Hidden))
	}
	w.WriteString("      }\n")
	if r := u.Responses; r != nil {
		fmt.Fprintf(w, "      allow_responses: {max: %d, expires: %q}\n", r.Max, r.Expires.String())
	}
	w.WriteString("    }\n  }\n")
}

// subscriptions are in the form that nats-server and nsc share: a queue group after the subject.
func (u User) subscriptions() (all []string) {
	for _, s := range u.Subscribe {
		all = append(all, strings.TrimSpace(s.Subject+" "+s.Queue))
	}
	return all
}

func confList(subjects []string) string {
	var w strings.Builder
	w.WriteString("[\n")
	for _, subject := range subjects {
		w.WriteString("          " + strconv.Quote(subject) + "\n")
	}
	w.WriteString("        ]")
	return w.String()
}
