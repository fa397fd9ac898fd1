package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const checkTime = 2 * time.Second

// check asks a ccsim that runs already, as a container's health check does.
func check(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/sim/calls", http.NoBody)
	if err != nil {
		return fmt.Errorf("-check: %w", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // whatever proxy the environment names
	answer, err := client.Do(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("-check: no answer from %s within %v", addr, checkTime)
	}
	if err != nil {
		return fmt.Errorf("-check: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("-check: %s is no ccsim, it answers %s", addr, answer.Status)
	}
	return nil
}
