package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

const permissionsAbout = `The users: the connector; a commander on the live and one on the durable lane; a commander of one chat; a consumer,
who reads; an auditor, who also sees dead letters and how JetStream is. Each may do the least that it needs, and has
an inbox prefix of its own. Consumer and auditor read the stream of events by a consumer that has the user's name and is
made for it: see "cc-connector streams --help". On demand: one more reader (--reader), and a commander on both lanes who
also puts the files that chat.file sends into the store (--files), and can replace or remove any file there. Two forms:

  conf  for nats-server, to be included: authorization { include "users.conf" }. The passwords are variables
  nsc   a shell script of "nsc add user" commands, for accounts of JWTs

Where NATS is a leaf node and the streams are in a JetStream domain of its hub, --domain (or CC_NATS_JS_DOMAIN) names
that: the users are then for the leaf node.

It needs no connection, and of the settings CC_SUBJECT_PREFIX and CC_NATS_JS_DOMAIN alone.`

func preparePermissions(flags *flag.FlagSet) action {
	format := flags.String("format", "conf", "`FORMAT`: conf or nsc; default conf")
	prefix := flags.String("prefix", "", "`PREFIX` of the subjects; default CC_SUBJECT_PREFIX, or else cc")
	chat := flags.String("chat", "example", "`CHAT`, the id of the chat of the commander of one chat; default example")
	reader := flags.String("reader", "", "`NAME` of one more user that reads, with a consumer of its own")
	files := flags.String("files", "", "`NAME` of one more user that sends commands and puts files, and is trusted with all files")
	domain := flags.String("domain", "", "JetStream `DOMAIN` of the streams, for users of a leaf node; default CC_NATS_JS_DOMAIN, or else none")
	only := flags.String("only", "", "`NAMES` of the users to print, joined by commas, for accounts of their own; default all")
	return func(_ []string, stdout, _ io.Writer) error {
		write, known := map[string]func(subjects.Prefix, []permissions.User) string{"conf": permissions.Conf, "nsc": permissions.NSC}[*format]
		if !known {
			return usageError(fmt.Sprintf("--format is %q; it must be conf or nsc", *format))
		}
		p, err := chosenPrefix(*prefix)
		if err != nil {
			return err
		}
		token, err := subjects.EscapeChat(*chat)
		if err != nil {
			return usageError("--chat is empty; it must be the id of a chat")
		}
		users, err := onDemand(permissions.Users(p, token), p, *reader, *files)
		if err != nil {
			return err
		}
		if users, err = chosen(users, *only); err != nil {
			return err
		}
		in, err := chosenDomain(*domain)
		if err != nil {
			return err
		}
		users = permissions.InDomain(users, in)
		_, err = io.WriteString(stdout, write(p, users))
		return err
	}
}

// onDemand adds the users that have names of their own.
func onDemand(users []permissions.User, p subjects.Prefix, reader, files string) ([]permissions.User, error) {
	for _, more := range []struct {
		flag, name string
		user       func(subjects.Prefix, string) permissions.User
	}{{"--reader", reader, permissions.Reader}, {"--files", files, permissions.FileSender}} {
		if more.name == "" {
			continue
		}
		if err := checkUserName(more.flag, more.name); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(users, func(u permissions.User) bool { return u.Name == more.name }) {
			return nil, usageError(more.flag + " must be the name of no other user here")
		}
		users = append(users, more.user(p, more.name))
	}
	return users, nil
}

// chosenPrefix is the flag's, or the environment's.
func chosenPrefix(given string) (subjects.Prefix, error) {
	raw, err := readSettings()
	if err != nil {
		return "", err
	}
	source := fmt.Sprintf("--prefix %q", given)
	if given == "" {
		source = "CC_SUBJECT_PREFIX" // may hold a secret that is misplaced
	}
	given = cmp.Or(given, raw.SubjectPrefix)
	prefix, err := subjects.ParsePrefix(given)
	if err != nil {
		return "", usageError(source + " is no prefix: it must be one or more tokens of a-z, 0-9 and -, joined by dots, like cc or acme.eu")
	}
	return prefix, nil
}

// chosenDomain is the flag's, or the environment's.
func chosenDomain(given string) (string, error) {
	raw, err := readSettings()
	if err != nil {
		return "", err
	}
	source := "--domain"
	if given == "" {
		source = "CC_NATS_JS_DOMAIN"
	}
	given = cmp.Or(given, raw.NATSJSDomain)
	if given != "" && !domainName.MatchString(given) {
		return "", usageError(source + " must be the name of a JetStream domain, of A-Z, a-z, 0-9, _ and -, like hub")
	}
	return given, nil
}

// chosen are the users with these names.
func chosen(users []permissions.User, names string) (some []permissions.User, err error) {
	if names == "" {
		return users, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		user, err := find(users, name, "user", func(u permissions.User) string { return u.Name })
		if err != nil {
			return nil, err
		}
		some = append(some, user)
	}
	return some, nil
}
