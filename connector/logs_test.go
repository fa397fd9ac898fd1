package connector_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logged are the attributes of log lines, each with its one meaning and spelling. There is none for what people say,
// are called, or sign in by: who needs a new attribute says here what it tells.
var logged = map[string]string{
	"chat":       "the chat's id, as the contact center has it",
	"command":    "the command's name, such as chat.send",
	"commandId":  "the command's id, as its sender gave it",
	"traceId":    "the trace that it belongs to",
	"error":      "why it failed",
	"reason":     "why it was done: a word of ours",
	"remedy":     "what to do about it",
	"code":       "the error code that a sender is told",
	"outcome":    "whether a command that failed may have been done",
	"sequence":   "the command's place in its stream",
	"replica":    "which of the connectors",
	"app":        "the launch point's name",
	"refusal":    "what the contact center's answer means",
	"connection": "to NATS, where it is not the connector's own",
	"part":       "of the data path, as readiness names it",

	"prefix": "the subject prefix", "tenant": "the contact center's host", "version": "of the connector", "baseUrl": "the contact center's address",
	"server": "that NATS is connected to", "servers": "the addresses of NATS", "to": "a host", "address": "where HTTP is served",
	"subject": "of a message", "subjects": "of a stream", "stream": "its name", "consumer": "its name", "name": "of a stream, or consumer and stream", "key": "in a bucket",
	"field": "of a stream's configuration", "there": "its value in NATS", "here": "what the connector would make it", "changes": "of a configuration",
	"messages": "how many", "bytes": "how many", "events": "how many", "chats": "how many", "places": "how many", "replicas": "how many", "apps": "how many", "lost": "how many",
	"held": "chats that this replica has", "share": "chats that it should have", "since": "a time", "patience": "a duration",
	"variable": "a setting's name", "variables": "their names", "taken": "what a setting is taken for", "signal": "of the operating system",
	"doing": "what is waited for", "written": "whether it is kept for another replica",
}

// logging are the packages that log.
var logging = []string{"*.go", "internal/*/*.go", "brightpattern/*.go", "../cmd/cc-connector/*.go"}

// Every line of the log tells one fact, and its attributes are known.
func TestLogAttributes(t *testing.T) {
	unused, lines := map[string]bool{}, 0
	for key := range logged {
		unused[key] = true
	}
	for _, pattern := range logging {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, line := range logLines(t, file) {
				lines++
				line.check(t, unused)
			}
		}
	}
	for key := range unused {
		t.Errorf("no line has the attribute %q", key)
	}
	if lines < 100 {
		t.Errorf("only %d lines were found", lines)
	}
}

// logLine is a call of a logger.
type logLine struct {
	place   string
	message ast.Expr // nil: it only adds attributes
	pairs   []ast.Expr
	spread  bool // the attributes come from elsewhere
}

// before tells how many arguments stand before the attributes.
var before = map[string]int{"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "With": 0, "DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2, "Log": 3}

func logLines(t *testing.T, path string) (all []logLine) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, is := n.(*ast.CallExpr)
		if !is {
			return true
		}
		method, is := call.Fun.(*ast.SelectorExpr)
		if !is || !isLogger(method.X) {
			return true
		}
		skip, known := before[method.Sel.Name]
		if !known || len(call.Args) < skip {
			return true
		}
		line := logLine{place: set.Position(call.Pos()).String(), pairs: call.Args[skip:], spread: call.Ellipsis.IsValid()}
		if skip > 0 {
			line.message = call.Args[skip-1]
		}
		all = append(all, line)
		return true
	})
	return all
}

// isLogger goes by the name of what is called, and of what makes a logger.
func isLogger(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return strings.EqualFold(x.Name, "log")
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "log")
	case *ast.CallExpr:
		made, is := x.Fun.(*ast.SelectorExpr)
		return is && slices.Contains([]string{"With", "log", "logOf", "logOfRun"}, made.Sel.Name)
	}
	return false
}

func (l logLine) check(t *testing.T, unused map[string]bool) {
	t.Helper()
	if sum, is := l.message.(*ast.BinaryExpr); is { // what is done, and what became of it
		l.message = sum.Y
	}
	if text, is := textOf(l.message); l.message != nil && (!is && !isParameter(l.message) || strings.ContainsAny(text, "%\n")) {
		t.Errorf("%s: a message is a fixed text; what changes stands in attributes", l.place)
	}
	if l.spread {
		return
	}
	for i := 0; i < len(l.pairs); i += 2 {
		key, is := textOf(l.pairs[i])
		if _, known := logged[key]; !is || !known {
			t.Errorf("%s: the attribute %q is not known", l.place, key)
		}
		delete(unused, key)
	}
}

// isParameter tells a message that somebody else hands over, where it is checked.
func isParameter(e ast.Expr) bool {
	name, is := e.(*ast.Ident)
	return is && name.Name == "what"
}

func textOf(e ast.Expr) (string, bool) {
	literal, is := e.(*ast.BasicLit)
	if !is || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}
