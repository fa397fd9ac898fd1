package poller

import (
	"context"
	"log/slog"

	"cc-connector/connector/brightpattern"
)

// chatHandler says of which chat a line is. A logger made by With keeps it as it is
// to be written; there are many chats, and few lines.
type chatHandler struct {
	slog.Handler
	chat brightpattern.ChatID
}

func logOf(log *slog.Logger, chat brightpattern.ChatID) *slog.Logger {
	return slog.New(&chatHandler{log.Handler(), chat})
}

func (h *chatHandler) said() slog.Handler {
	return h.Handler.WithAttrs([]slog.Attr{slog.String("chat", string(h.chat))})
}

func (h *chatHandler) Handle(ctx context.Context, record slog.Record) error {
	return h.said().Handle(ctx, record)
}

func (h *chatHandler) WithAttrs(attrs []slog.Attr) slog.Handler { return h.said().WithAttrs(attrs) }
func (h *chatHandler) WithGroup(name string) slog.Handler       { return h.said().WithGroup(name) }
