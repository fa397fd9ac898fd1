package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"

	"cc-connector/connector/check"
)

// areas are the headings, by the first part of the ids.
var areas = map[string]string{
	"config": "Settings", "nats": "NATS", "permission": "Permissions", "jetstream": "JetStream", "stream": "Streams and buckets",
	"consumer": "Consumers", "commands": "Commands", "chats": "Chats", "contact": "Contact center", "machine": "This machine", "connector": "Connector",
}

var marks = map[check.Status]string{check.OK: "ok", check.Warning: "warning", check.Wrong: "WRONG", check.NotTried: "not tried"}

// What lines are wide where it is not known, and at least.
const (
	usualWidth = 100
	leastWidth = 50
	markWidth  = 11
)

func printFindings(stdout io.Writer, found []check.Finding, took time.Duration) error {
	var text strings.Builder
	width := widthOf(stdout)
	for _, area := range inOrder(found) {
		fmt.Fprintf(&text, "%s\n", area)
		for _, f := range found {
			if headingOf(f) == area {
				writeFinding(&text, f, width)
			}
		}
	}
	fmt.Fprintf(&text, "\n%s; it took %s\n", summary(found), check.Shown(took))
	_, err := io.WriteString(stdout, text.String())
	return err
}

func widthOf(w io.Writer) int {
	file, is := w.(*os.File)
	if !is {
		return usualWidth
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return usualWidth
	}
	return max(width-1, leastWidth)
}

func headingOf(f check.Finding) string {
	if heading := areas[f.ID.Area()]; heading != "" {
		return heading
	}
	return upperFirst(f.ID.Area())
}

// inOrder are the headings as they come.
func inOrder(found []check.Finding) (headings []string) {
	seen := make(map[string]bool)
	for _, f := range found {
		if heading := headingOf(f); !seen[heading] {
			seen[heading] = true
			headings = append(headings, heading)
		}
	}
	return headings
}

// writeFinding has what is to be done, and the id, in lines of their own where
// somebody has to look.
func writeFinding(w *strings.Builder, f check.Finding, width int) {
	says := sentence(f.Says)
	if f.Status != check.OK {
		says += " (" + string(f.ID) + ")"
	}
	indent := "  " + strings.Repeat(" ", markWidth)
	first := fmt.Sprintf("  %-*s", markWidth, marks[f.Status])
	writeWrapped(w, first, indent, says, width)
	if f.Do != "" {
		writeWrapped(w, indent+"-> ", indent+"   ", sentence(f.Do), width)
	}
}

// sentence begins large, unless it begins with what somebody has named so.
func sentence(text string) string {
	if word, _, _ := strings.Cut(text, " "); strings.Trim(word, "abcdefghijklmnopqrstuvwxyz',:") == "" {
		text = upperFirst(text)
	}
	return text + "."
}

// writeWrapped breaks a text at its spaces. A word that is too long stays whole:
// it is a subject or an address, which somebody may copy.
func writeWrapped(w *strings.Builder, first, next, text string, width int) {
	line, begin := "", first
	for _, word := range strings.Fields(printable(text)) {
		if line != "" && len([]rune(begin))+len([]rune(line))+1+len([]rune(word)) > width {
			fmt.Fprintf(w, "%s%s\n", begin, line)
			line, begin = "", next
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	fmt.Fprintf(w, "%s%s\n", begin, line)
}

// printable leaves away what would steer a terminal: others have named streams and consumers.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

func countFindings(found []check.Finding) map[check.Status]int {
	counts := map[check.Status]int{check.OK: 0, check.Warning: 0, check.Wrong: 0, check.NotTried: 0}
	for _, f := range found {
		counts[f.Status]++
	}
	return counts
}

func summary(found []check.Finding) string {
	counts := countFindings(found)
	return fmt.Sprintf("wrong: %d, warnings: %d, ok: %d, not tried: %d", counts[check.Wrong], counts[check.Warning], counts[check.OK], counts[check.NotTried])
}

// checkResult is what --json prints. Its form has the version 1: see checkAbout.
type checkResult struct {
	Version  int                  `json:"version"`
	Program  string               `json:"program"`
	Seconds  float64              `json:"seconds"`
	Counts   map[check.Status]int `json:"counts"`
	Findings []check.Finding      `json:"findings"`
}

func printFindingsJSON(stdout io.Writer, found []check.Finding, took time.Duration) error {
	return printJSON(stdout, checkResult{1, buildVersion(), took.Round(time.Millisecond).Seconds(), countFindings(found), found})
}
