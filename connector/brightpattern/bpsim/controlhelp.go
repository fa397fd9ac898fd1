package bpsim

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// What the control API tells of itself: whoever has nothing but a running
// simulator finds all that it can do at GET /sim/.

type described struct{ name, meaning string }

// faultFields are those of a fault, as JSON has them.
var faultFields = []described{
	{"kind", "what goes wrong, see below; the only field that must be there"},
	{"method", `only calls of this method, see below; "*" or none: any`},
	{"chat", "only calls on the chat with this id; none: any call, also one on no chat"},
	{"reads", "true: only calls that are a GET"},
	{"body", "only calls that have this text in their body"},
	{"status", "of kind status: the HTTP status, 300 to 599; default 500"},
	{"code", "of kind status: the error_code of the answer, such as \"5005\""},
	{"message", "of kind status: its error_message"},
	{"html", "of kind status, true: the answer is a page in HTML, as of a proxy; else, without code and message, it is empty"},
	{"location", "of kind status, 300 to 399: where it redirects to"},
	{"retryAfter", "of the kinds status and page: the Retry-After of the answer, such as \"3s\""},
	{"delay", "of the kinds delay and slow: how long, such as \"1.5s\""},
	{"times", "how many calls it strikes; none: until it is taken away, or for has passed"},
	{"for", "how long it is there, such as \"1m\"; none: until it is taken away, or has struck times calls"},
	{"afterEffect", "of the kinds status, page and delay, true: it strikes the answer, when the call has had its effect; events in an answer that it destroys are lost"},
	{"then", "a fault that takes its place and its id once it has struck times calls, on the chat that it struck last"},
	{"id", "given by the simulator: leave it out"},
}

// faultKindsExplained are all that there are.
var faultKindsExplained = []described{
	{"status", "the answer is an error, or a redirect"},
	{"page", "the answer is 200 with a maintenance page in HTML"},
	{"delay", "the call waits before it has its effect"},
	{"hang", "the call waits until the fault is taken away or has passed, or its client leaves"},
	{"cut_before", "the connection is cut before the call has its effect"},
	{"cut_after", "the connection is cut after the call has had its effect, in place of the answer"},
	{"truncate", "half of the answer comes"},
	{"garbage", "the answer is 200, and cannot be read"},
	{"slow", "its body takes the delay to come"},
	{"endless", "its body never ends"},
	{"lose", "as cut_after, but only of an answer that gives events away"},
}

func faultHelp(methods []string) string {
	return "A fault is a JSON object of:\n\n" + table(faultFields) + "\nIts kind is one of:\n\n" + table(faultKindsExplained) +
		"\nIts method is one of " + strings.Join(methods, ", ") + ".\n"
}

func table(rows []described) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(w, "  %s\t%s\n", row.name, row.meaning)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}
