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

// misnamed is the command of a durable subject whose chat is no token; nil if
// it is no command's.
func misnamed(prefix subjects.Prefix, subject string) *schema.Command {
	for i := range schema.Commands {
		spec := &schema.Commands[i]
		chat, matches := strings.CutPrefix(subject, prefix.Durable(subjects.Command(spec.Name), "")+".")
		if matches && spec.Durable && spec.NamesChat() && !strings.Contains(chat, ".") {
			return spec
		}
	}
	return nil
}

// durableSpec is the command of a durable subject, and the chat that it names;
// nil if it is none. A chat that is no token is one to be refused by name: zero.
func durableSpec(prefix subjects.Prefix, subject string) (spec *schema.Command, chat subjects.ChatToken) {
	parsed, err := prefix.Parse(subject)
	if err != nil {
		return misnamed(prefix, subject), ""
	}
	spec, known := schema.LookupCommand(string(parsed.Command))
	if parsed.Kind != subjects.KindDurable || !known || !spec.Durable || spec.NamesChat() != (parsed.Chat != "") {
		return nil, ""
	}
	return spec, parsed.Chat
}
