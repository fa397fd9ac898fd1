package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestOutcome(t *testing.T) {
	broken, failed := errors.New("broken"), errors.New("failed")
	for name, c := range map[string]struct{ cause, err, want error }{
		"orderly":                    {errStopped, nil, errStopped},
		"start broken off":           {errStopped, fmt.Errorf("streams: %w", context.Canceled), errStopped},
		"leaving fails":              {errStopped, failed, failed},
		"a part breaks":              {broken, nil, broken},
		"a part breaks at the start": {broken, context.Canceled, broken},
		"cannot start":               {nil, failed, failed},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		if c.cause != nil {
			cancel(c.cause)
		}
		if got := outcome(ctx, c.err); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
		cancel(nil)
	}
}
