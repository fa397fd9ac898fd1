package command

import (
	"log/slog"

	"cc-connector/connector/internal/journal"
)

// What the log says of commands. A line names its command by the same attributes
// everywhere, and tells nothing of what it says or asks for.

// logOf says of which command a line is.
func logOf(log *slog.Logger, of journal.Identity) *slog.Logger {
	log = log.With("command", of.Command, "commandId", of.ID)
	if of.ChatID != "" {
		log = log.With("chat", of.ChatID)
	}
	if trace := traceIDOf(of); trace != "" {
		log = log.With("traceId", trace)
	}
	return log
}

// traceIDOf is that of the span, or if none is made, of the sender.
func traceIDOf(of journal.Identity) string {
	if id := of.Place.TraceID(); id != "" {
		return id
	}
	if isTraceParent(of.TraceParent) {
		return of.TraceParent[traceAt : spanAt-1]
	}
	return ""
}
