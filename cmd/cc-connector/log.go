package main

import (
	"io"
	"log"
	"log/slog"
)

func init() {
	// net/http writes there what a contact center sends unasked, and that may be anybody's words.
	log.SetOutput(io.Discard)
}

func newLogger(w io.Writer, cfg logConfig) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.level}
	if cfg.json {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
