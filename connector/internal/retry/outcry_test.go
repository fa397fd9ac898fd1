package retry

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestOutcryIsHeardOnce(t *testing.T) {
	var text strings.Builder
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var o Outcry
	for range 3 {
		o.Note(log, "it fails", errors.New("away"))
	}
	o.Note(log, "it fails", errors.New("full"))
	if aloud := strings.Count(text.String(), "level=WARN"); aloud != 2 || strings.Count(text.String(), "level=DEBUG") != 2 {
		t.Errorf("aloud are %d of\n%s", aloud, text.String())
	}
	if !o.isNews("full", time.Now().Add(criedEvery)) {
		t.Error("what lasts is not said again")
	}
}
