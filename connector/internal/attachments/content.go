package attachments

import (
	"mime"
	"path"
	"slices"
	"strings"

	"cc-connector/schema"
)

// What the contact center says of a file is believed only as far as it can be.

// canBeAskedFor tells whether a file's id can stand in a path.
func canBeAskedFor(id string) bool {
	return id != "" && len(id) <= schema.MaxString && schema.FitsPath(id)
}

// unknownType is what nobody knows more of.
const unknownType = "application/octet-stream"

// contentType is a Content-Type in its usual spelling, or unknownType.
func contentType(said string) string {
	kind, parameters, err := mime.ParseMediaType(said)
	if err != nil {
		return unknownType
	}
	spelt := mime.FormatMediaType(kind, parameters)
	if spelt == "" || len(spelt) > schema.MaxString {
		return unknownType
	}
	return spelt
}

// isPage tells what a browser shows as a page. It comes from a proxy more often
// than from an agent.
func isPage(said string) bool {
	kind, _, _ := mime.ParseMediaType(said)
	return kind == "text/html" || kind == "application/xhtml+xml"
}

var pageEndings = []string{".html", ".htm", ".xhtml", ".xht", ".shtml"}

// mayBePage tells whether an agent may have sent a page, by the file's name.
func mayBePage(file *schema.File) bool {
	return file.FileType != "image" && slices.Contains(pageEndings, strings.ToLower(path.Ext(file.FileName)))
}
