package bus

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"cc-connector/connector/internal/retry"
)

// AnswerPatience is how long JetStream may take for one answer. What was asked
// just before a connection broke is never answered.
const AnswerPatience = 5 * time.Second

const (
	firstAsk   = 50 * time.Millisecond
	longestAsk = 2 * time.Second
)

// Ask repeats an operation on JetStream until it succeeds, fails for good or
// ctx ends; it logs when the reason changes, not every time.
func Ask[T any](ctx context.Context, log *slog.Logger, doing string, operation func(context.Context) (T, error)) (T, error) {
	return ask(ctx, &retry.Trouble{Log: log, Doing: doing}, operation)
}

func ask[T any](ctx context.Context, trouble *retry.Trouble, operation func(context.Context) (T, error)) (T, error) {
	value, err := try(ctx, trouble, operation)
	if err == nil { // nearly always
		return value, nil
	}
	return again(ctx, trouble, value, err, operation)
}

// again goes on after a first try that failed.
func again[T any](ctx context.Context, trouble *retry.Trouble, value T, err error, operation func(context.Context) (T, error)) (T, error) {
	isTried := true
	return backoff.Retry(ctx, func() (T, error) {
		if isTried {
			isTried = false
			return value, err
		}
		return try(ctx, trouble, operation)
	}, backoff.WithBackOff(retry.NewBackOff(firstAsk, longestAsk)), backoff.WithMaxElapsedTime(0))
}

// try marks an error that repeating cannot mend.
func try[T any](ctx context.Context, trouble *retry.Trouble, operation func(context.Context) (T, error)) (T, error) {
	trying, cancel := retry.Within(ctx, AnswerPatience)
	defer cancel()
	value, err := operation(trying)
	switch {
	case err == nil, retry.IsFinal(err):
		return value, err
	case IsWrongSequence(err), isFinal(err):
		return value, retry.Final(err)
	}
	if ctx.Err() == nil {
		trouble.Note(err)
	}
	return value, err
}
