package main

import (
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"cc-connector/schema"
)

// tally counts the events of one chat, and finds a hole in their sequence.
type tally struct {
	chat  string
	count uint64 // events and session messages: the sequence of the last one
	last  string // its type
}

// add takes the next event. Results have no sequence.
func (t *tally) add(ce event.Event) error {
	if schema.Extension(ce, schema.AttrSequence) == "" {
		return nil
	}
	n, err := schema.Sequence(ce)
	if err != nil {
		return fmt.Errorf("%s: %w", ce.Type(), err)
	}
	if n != t.count+1 {
		return fmt.Errorf("the conversation is not whole: sequence %d follows %d in chat %s", n, t.count, t.chat)
	}
	t.count, t.last = n, ce.Type()
	return nil
}

// progress says how far the conversation came, and what then went wrong.
func (t *tally) progress(err error) string {
	switch {
	case t.chat == "":
		return fmt.Sprintf("no chat was had (%v); does a connector run under this prefix?", err)
	case t.count == 0:
		return fmt.Sprintf("chat %s was had, but no event of it came (%v); can the contact center be reached?", t.chat, err)
	}
	return fmt.Sprintf("chat %s has had %d events, and nothing came after %s; does the agent answer?", t.chat, t.count, t.last)
}
