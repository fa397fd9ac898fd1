package schema

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"
)

// strictBinary reads a message as the rules of the CloudEvents binding have it
// and forgives nothing. It shares no code with the package.
func strictBinary(m *nats.Msg) (map[string]string, error) {
	if ct := m.Header["Content-Type"]; len(ct) != 1 || strings.HasPrefix(ct[0], "application/cloudevents") {
		return nil, fmt.Errorf("the Content-Type %q makes it structured, or is not there", ct)
	}
	attrs := map[string]string{}
	for key, values := range m.Header {
		name, ok := strings.CutPrefix(key, "ce-")
		if !ok {
			if key != "Content-Type" {
				return nil, fmt.Errorf("what is header %q?", key)
			}
			continue
		}
		value, err := strictValue(name, values)
		if err != nil {
			return nil, err
		}
		attrs[name] = value
	}
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if attrs[name] == "" {
			return nil, errors.New("without " + name)
		}
	}
	return attrs, nil
}

var (
	strictName   = regexp.MustCompile(`^[a-z0-9]+$`)
	strictHeader = regexp.MustCompile(`^([!#$&-~]|%[0-9A-F]{2})*$`) // printable, but no space, quote or bare percent
)

func strictValue(name string, values []string) (string, error) {
	if !strictName.MatchString(name) || len(values) != 1 || !strictHeader.MatchString(values[0]) {
		return "", fmt.Errorf("header ce-%s: %q", name, values)
	}
	return url.PathUnescape(values[0])
}
