package command

import (
	"strconv"
	"strings"

	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

func formatUint(n uint64) string { return strconv.FormatUint(n, 10) }

// readKey is what the journal knows one message of a read by.
func readKey(source, id string, sequence uint64) string {
	return translate.ID("read", source, id, formatUint(sequence))
}

// specOf finds the command of a durable subject whose chat cannot be read.
func specOf(prefix subjects.Prefix, subject string) *schema.Command {
	for i := range schema.Commands {
		spec := &schema.Commands[i]
		if matchesDurable(prefix, subject, spec) {
			return spec
		}
	}
	return &schema.Commands[0]
}

// matchesDurable tells whether a subject is one of the command's, whatever its chat.
func matchesDurable(prefix subjects.Prefix, subject string, spec *schema.Command) bool {
	own := prefix.Durable(subjects.Command(spec.Name), "")
	return subject == own || strings.HasPrefix(subject, own+".")
}
