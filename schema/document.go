package schema

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ./generate
//go:generate go run ./generate/asyncapi/write

// Document is a published description of what travels: the JSON Schema of a
// payload, or of the CloudEvent around it.
type Document struct {
	Path    string // "v1/event.message.json"; a CloudEvent's dataschema ends with it
	Content []byte // not to be changed
	SHA256  string // of Content, in lower case hex
}

// Documents returns all documents, in the order of their paths.
func Documents() []Document { return slices.Clone(documents()) }

// FindDocument returns the document of exactly that path.
func FindDocument(path string) (Document, bool) {
	i, found := slices.BinarySearchFunc(documents(), path, func(d Document, path string) int { return strings.Compare(d.Path, path) })
	if !found {
		return Document{}, false
	}
	return documents()[i], true
}

//go:embed v1/*.json
var files embed.FS

var documents = sync.OnceValue(func() (all []Document) {
	paths, _ := fs.Glob(files, "v1/*.json") // a constant pattern; what is embedded can be read
	slices.Sort(paths)
	for _, path := range paths {
		content, _ := files.ReadFile(path)
		sum := sha256.Sum256(content)
		all = append(all, Document{path, content, hex.EncodeToString(sum[:])})
	}
	return all
})
