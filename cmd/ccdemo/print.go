package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"golang.org/x/term"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// printer shows what passes, one line each, in colour on a terminal.
type printer struct {
	out    io.Writer
	prefix subjects.Prefix
	paint  func(colour, text string) string
}

const (
	dim    = "2"
	green  = "32"
	yellow = "33"
	blue   = "34"
	cyan   = "36"
)

func newPrinter(out io.Writer, prefix subjects.Prefix) *printer {
	p := &printer{out: out, prefix: prefix, paint: func(_, text string) string { return text }}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == "" {
		p.paint = func(colour, text string) string { return "\x1b[" + colour + "m" + text + "\x1b[0m" }
	}
	return p
}

// addresses stand alone, so that programs find them.
func (p *printer) addresses(s *stage) {
	kind := "simulated"
	if s.sim == nil {
		kind = "real"
	}
	fmt.Fprintf(p.out, "Page                 %s\nNATS with JetStream  %s\nContact center       %s (%s)\nConnector            ready\n\n", s.page, s.nats.url, s.job.BaseURL, kind)
}

func (p *printer) legend() {
	fmt.Fprintf(p.out, "%s\n", p.paint(dim, "→ a command that is published    ← a CloudEvent in the stream "+p.prefix.StreamName("EVENTS")))
}

// whole is said of a conversation that was played to its end.
func (p *printer) whole(t tally) {
	fmt.Fprintf(p.out, "\nThe conversation was whole: chat %s, sequence 1 to %d without a hole.\n", t.chat, t.count)
}

// interrupted is said of a conversation that could not go on: somebody has things go wrong.
func (p *printer) interrupted(err error) {
	fmt.Fprintf(p.out, "\nThe conversation was interrupted: %s\n", printable(err.Error()))
}

// ending is said where somebody ends it: leaving takes a while.
func (p *printer) ending(ctx context.Context) {
	if ctx.Err() != nil {
		fmt.Fprintln(p.out, "\nending … (Ctrl-C once more ends it at once)")
	}
}

// repeat says that a command is published again.
func (p *printer) repeat(name subjects.Command, err error) {
	fmt.Fprintf(p.out, "%s   %s\n", now(), p.paint(dim, printable(fmt.Sprintf("%s is repeated: %v", name, err))))
}

// command shows a command that is about to be published.
func (p *printer) command(name subjects.Command, what string) {
	fmt.Fprintf(p.out, "%s → %s %s\n", now(), p.paint(green, fmt.Sprintf("%-40s", p.prefix.Live(name))), what)
}

var kinds = map[subjects.Kind]string{subjects.KindEvent: cyan, subjects.KindSession: yellow, subjects.KindResult: blue}

// event shows a CloudEvent by its subject, its sequence and its data.
func (p *printer) event(subject string, ce event.Event) {
	parsed, err := p.prefix.Parse(subject)
	if err != nil {
		return
	}
	short := strings.Replace(subject, string(parsed.Chat), shortened(string(parsed.Chat)), 1)
	sequence := "   "
	if n, err := schema.Sequence(ce); err == nil {
		sequence = fmt.Sprintf("%3d", n)
	}
	fmt.Fprintf(p.out, "%s ← %s %s %s\n", now(), p.paint(kinds[parsed.Kind], fmt.Sprintf("%-40s", printable(short))), p.paint(dim, sequence), essence(ce))
}

func now() string { return time.Now().Format("15:04:05.000") }

func shortened(chat string) string {
	if len(chat) <= 8 {
		return chat
	}
	return chat[:6] + "…"
}

// essence is the event's data without what every event has.
func essence(ce event.Event) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(ce.Data(), &fields) != nil {
		return printable(string(ce.Data()))
	}
	for _, repeated := range []string{"chatId", "raw", "timestamp", "command"} {
		delete(fields, repeated)
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	parts := make([]string, 0, len(names))
	for _, name := range names {
		parts = append(parts, printable(name+"="+abridged(plain(fields[name]))))
	}
	return strings.Join(parts, " ")
}

// abridged cuts an id in two that nobody reads to the end.
func abridged(value string) string {
	if id, err := uuid.Parse(strings.Trim(value, `"`)); err == nil {
		return id.String()[:6] + "…"
	}
	return value
}

// printable spells what a terminal would obey, or would turn around.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// plain shows JSON as people write it.
func plain(raw json.RawMessage) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(raw) != nil {
		return string(raw)
	}
	return strings.TrimSpace(strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(b.String()))
}

// invite says how to go on from another terminal.
func (p *printer) invite(s *stage) {
	server := ""
	if s.nats.url != nats.DefaultURL {
		server = " -s " + s.nats.url
	}
	fmt.Fprintf(p.out, `
Everything goes on running. Open the page and play a chat from both sides, or try from another terminal:

  nats%[1]s sub '%[3]s'
  nats%[1]s req %[2]s.chat.request '{"from":"Grace"}' -H 'Nats-Msg-Id:{{ID}}' --timeout 35s
  nats%[1]s req %[2]s.chat.send '{"chatId":"<the chatId of the reply>","text":"Hello"}' -H 'Nats-Msg-Id:{{ID}}' --timeout 35s
  nats%[1]s pub --jetstream %[2]s.durable.chat.send.<the chatId> '{"text":"Kept until it is done"}' -H 'Nats-Msg-Id:{{ID}}'
  nats%[1]s stream view %[4]s --subject '%[3]s'

The first shows what happens from then on, the last what has happened. {{ID}} is filled
in by nats: each command has an id, and one that is repeated under its id is run once.
A reply may take half a minute; without --timeout, nats gives up after 5 seconds.
A simulated agent answers a request that has "parameters":{"script":"echo"}; else answer on the page.
What happens shows here, too. Ctrl-C ends it.

`, server, p.prefix, p.prefix.AllChats(), p.prefix.StreamName("EVENTS"))
}
