package connector_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Where the documents of this repository point within it, something is: each
// file is there, and each heading.
func TestLinksLeadSomewhere(t *testing.T) {
	documents, links, read := documents(t), 0, shelf{}
	for _, document := range documents {
		for _, link := range linksOf(t, document) {
			links++
			if err := read.follow(document, link); err != nil {
				t.Errorf("%s links to %s: %v", document, link, err)
			}
		}
	}
	if links < len(documents) {
		t.Errorf("%d documents hold %d links: they are not found", len(documents), links)
	}
}

// documents are all that are in the repository.
func documents(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var (
	fences    = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	codeSpans = regexp.MustCompile("`[^`\n]*`")
	linkForm  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings  = regexp.MustCompile(`(?m)^#{1,6} +(.*)$`)
)

// linksOf are the document's, but for those to elsewhere, and what only looks like one in code.
func linksOf(t *testing.T, document string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	prose := codeSpans.ReplaceAllString(fences.ReplaceAllString(string(text), ""), "")
	for _, found := range linkForm.FindAllStringSubmatch(prose, -1) {
		if !strings.Contains(found[1], "://") {
			all = append(all, found[1])
		}
	}
	return all
}

// shelf has the anchors of the documents that were read.
type shelf map[string]map[string]bool

// follow is an error for a link of a document that leads nowhere.
func (s shelf) follow(document, link string) error {
	path, anchor, _ := strings.Cut(link, "#")
	if path = filepath.Join(filepath.Dir(document), path); strings.HasPrefix(link, "#") {
		path = document
	}
	if _, err := os.Stat(path); err != nil || anchor == "" {
		return err
	}
	if s[path] == nil {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s[path] = anchorsOf(string(text))
	}
	if !s[path][anchor] {
		return errors.New("there is no such heading")
	}
	return nil
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

// anchorsOf are those that GitHub gives the headings of a document.
func anchorsOf(text string) map[string]bool {
	anchors, counts := map[string]bool{}, map[string]int{}
	for _, found := range headings.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		name := strings.ReplaceAll(strings.ToLower(notInAnchors.ReplaceAllString(linkForm.ReplaceAllString(found[1], ""), "")), " ", "-")
		counts[name]++
		if n := counts[name]; n > 1 {
			name = fmt.Sprintf("%s-%d", name, n-1)
		}
		anchors[name] = true
	}
	return anchors
}

// Anchors as they stand in the pages that GitHub shows.
func TestAnchors(t *testing.T) {
	anchors := anchorsOf("# Users & secrets\n## `CC_CHATS`, and [more](x.md)\n```sh\n# no heading\n```\n## It is down?\n## It is down?\n")
	for _, want := range []string{"users--secrets", "cc_chats-and-more", "it-is-down", "it-is-down-1"} {
		if !anchors[want] {
			t.Errorf("there is no %s among %v", want, anchors)
		}
	}
	if len(anchors) != 4 {
		t.Errorf("got %v", anchors)
	}
}
