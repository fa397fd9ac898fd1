package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"cc-connector/subjects"
)

const (
	openers     = 32                   // at once
	openingCost = 2 * time.Millisecond // of a chat, about
)

// inParallel does n things, some of them at once, until one fails.
func inParallel(ctx context.Context, n int, do func(context.Context, int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(n, openers) {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// openChats has the connector open chats, and returns their ids.
func (s *stand) openChats(ctx context.Context, of contender, n int) ([]string, error) {
	subject := subjects.Prefix(of.prefix).Live("chat.request")
	chats := make([]string, n)
	return chats, inParallel(ctx, n, func(ctx context.Context, i int) (err error) {
		for range openTries {
			if chats[i], err = s.openChat(ctx, subject); err == nil || ctx.Err() != nil {
				break
			}
		}
		return err
	})
}

const openTries = 5 // thousands at once may be too much for a moment, and are not what is measured

func (s *stand) openChat(ctx context.Context, subject string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	reply, err := s.nc.RequestWithContext(ctx, subject, []byte(`{"from":"Ada"}`))
	if err != nil {
		return "", fmt.Errorf("%s: %w", subject, err)
	}
	var made struct{ Result struct{ ChatID string } }
	if err := json.Unmarshal(reply.Data, &made); err != nil || made.Result.ChatID == "" {
		return "", fmt.Errorf("%s: %s", subject, reply.Header.Get("Nats-Service-Error"))
	}
	return made.Result.ChatID, nil
}
