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
	for range 3 { // in turn
		o.Note(log, "it fails", errors.New("away"))
		o.Note(log, "it fails", errors.New("full"))
		o.Note(log, "another one fails", errors.New("full"))
	}
	if aloud := strings.Count(text.String(), "level=WARN"); aloud != 3 || strings.Count(text.String(), "level=DEBUG") != 6 {
		t.Errorf("aloud are %d of\n%s", aloud, text.String())
	}
	if !o.isNews("it fails", "full", time.Now().Add(criedEvery)) {
		t.Error("what lasts is not said again")
	}
}

// However many reasons there are, few are kept, and the last ones.
func TestOutcryForgets(t *testing.T) {
	var o Outcry
	now, said := time.Now(), 0
	say := func(n int) bool { return o.isNews("it fails", strings.Repeat("x", n), now) }
	for ; said < 3*reasonsMost; said++ {
		if !say(said) {
			t.Errorf("reason %d is no news", said)
		}
	}
	if len(o.said) != reasonsMost || say(said-1) || say(said-reasonsMost) || !say(said-reasonsMost-1) {
		t.Errorf("of %d reasons %d are kept", said, len(o.said))
	}
}
