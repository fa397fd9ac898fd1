package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"

	"cc-connector/connector"
	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

// account is one of the two NATS users that play against a running system:
// neither can do what the other does.
type account struct {
	role, does string
}

var (
	commander = account{"COMMANDER", "publishes commands"}
	consumer  = account{"CONSUMER", "reads events"}
)

type variable struct{ name, doc string }

func (a account) user() string         { return "CCDEMO_" + a.role + "_USER" }
func (a account) passwordFile() string { return "CCDEMO_" + a.role + "_PASSWORD_FILE" }
func (a account) creds() string        { return "CCDEMO_" + a.role + "_CREDS" }
func (a account) inboxPrefix() string  { return "CCDEMO_" + a.role + "_INBOX_PREFIX" }

const consumerVariable = "CCDEMO_CONSUMER_NAME"

func (a account) variables() []variable {
	all := []variable{
		{a.user(), "the user that " + a.does},
		{a.passwordFile(), "file with its password"},
		{a.creds(), "its credentials file, instead of user and password"},
		{a.inboxPrefix(), "where replies to it come (default _INBOX)"},
	}
	if a == consumer {
		all = append(all, variable{consumerVariable, "the consumer that was made for it (default its user's name)"})
	}
	return all
}

// name is that of the consumer that was made for the account.
func (a account) name(prefix subjects.Prefix) string {
	return cmp.Or(os.Getenv(consumerVariable), os.Getenv(a.user()), permissions.UserName(prefix, permissions.Consumer))
}

// options are the account's sign-in and inbox prefix, or an error that names the bad variable.
func (a account) options() ([]nats.Option, error) {
	secure, err := secureOptions()
	if err != nil {
		return nil, err
	}
	options := append(connector.NATSOptions(), nats.Name("ccdemo "+strings.ToLower(a.role)))
	options = append(options, secure...)
	if inbox := os.Getenv(a.inboxPrefix()); inbox != "" {
		options = append(options, nats.CustomInboxPrefix(inbox))
	}
	user, file, creds := os.Getenv(a.user()), os.Getenv(a.passwordFile()), os.Getenv(a.creds())
	switch {
	case creds != "" && user+file != "":
		return nil, fmt.Errorf("%s: is one of two ways to sign in, %s is the other; keep one", a.creds(), a.user())
	case creds != "":
		return append(options, nats.UserCredentials(creds)), nil
	case user == "" && file != "":
		return nil, fmt.Errorf("%s: is missing, %s needs its user", a.user(), a.passwordFile())
	case user != "" && file == "":
		return nil, fmt.Errorf("%s: is missing, %s needs its password, in a file", a.passwordFile(), a.user())
	case user == "":
		return options, nil
	}
	password, err := readSecret(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.passwordFile(), err)
	}
	return append(options, nats.UserInfo(user, password)), nil
}

func readSecret(file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(strings.TrimPrefix(string(content), "\ufeff"), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return secret, nil
}

// connect signs in. What the server forbids later goes to forbidden.
func (a account) connect(url string, forbidden func(error)) (*nats.Conn, error) {
	options, err := a.options()
	if err != nil {
		return nil, err
	}
	options = append(options, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			forbidden(fmt.Errorf("NATS forbids it to the user that %s (%s): %w", a.does, a.user(), err))
		}
	}))
	nc, err := nats.Connect(url, options...)
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return nil, fmt.Errorf("NATS refuses the user that %s: %w; check %s and %s", a.does, err, a.user(), a.passwordFile())
	case err != nil:
		return nil, fmt.Errorf("-against: NATS at %s cannot be reached: %w", shown(url), err)
	}
	return nc, nil
}
