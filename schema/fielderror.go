package schema

import "strconv"

// FieldError says which field or attribute of a message is wrong, and what to
// do about it. It never quotes a value, so it may be logged and sent anywhere.
type FieldError struct {
	Field   string // a name of this package's tables, or a foreign one, quoted and cut
	Problem string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

const maxForeignName = 64 // bytes of a foreign name before quoting

// foreignName makes a name that a sender chose fit for an error.
func foreignName(name string) string {
	if len(name) > maxForeignName {
		return strconv.QuoteToASCII(name[:maxForeignName]) + "…"
	}
	return strconv.QuoteToASCII(name)
}
