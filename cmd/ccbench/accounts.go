package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/subjects"
)

// accounts fails if they do not add up: what loses commands is not measured.
func (s *stand) accounts(ctx context.Context, contenders []contender, rows []commandRow) ([]account, error) {
	given, all := map[string]int{}, 0
	for _, row := range rows {
		given[row.Of] += row.Commands
		all += row.Commands
	}
	var accounts []account
	for _, of := range contenders {
		stored, err := s.awaitStored(ctx, of, subjects.Prefix(of.prefix).Result("*", sendCommand), given[of.Name])
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, account{of.Name, given[of.Name], stored})
	}
	calls, err := s.contact.calls(ctx, "sendEvents")
	if err == nil && calls != all {
		err = fmt.Errorf("%d commands were given, and the contact center has carried out %d", all, calls)
	}
	return accounts, err
}

const storedTime = 10 * time.Second // until what was replied to is stored

// awaitStored waits until the contender's events have as many on the subject.
func (s *stand) awaitStored(ctx context.Context, of contender, subject string, want int) (int, error) {
	deadline := time.Now().Add(storedTime)
	for {
		stored, err := s.stored(ctx, of, subject)
		if err != nil || stored == want {
			return stored, err
		}
		if time.Now().After(deadline) {
			return stored, fmt.Errorf("%s has %d messages where %d are due: something was lost or doubled", subject, stored, want)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stored counts the messages of a subject in the contender's events.
func (s *stand) stored(ctx context.Context, of contender, subject string) (int, error) {
	stream, err := s.js.Stream(ctx, subjects.Prefix(of.prefix).StreamName("EVENTS"))
	if err != nil {
		return 0, err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return 0, err
	}
	stored := 0
	for _, n := range info.State.Subjects {
		stored += int(n)
	}
	return stored, nil
}
