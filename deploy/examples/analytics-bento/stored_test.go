package main

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// identity is what makes an event itself.
type identity struct{ source, id string }

func (s *system) events() jetstream.Stream {
	s.Helper()
	stream, err := s.js.Stream(s.Context(), "CC_EVENTS")
	s.check(err)
	return stream
}

// stored are the CloudEvents that a reader may read in the stream, each once.
func (s *system) stored() map[identity]event.Event {
	s.Helper()
	stream, all := s.events(), map[identity]event.Event{}
	for next := uint64(1); ; {
		msg, err := stream.GetMsg(s.Context(), next, jetstream.WithGetMsgSubject("cc.>"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return all
		}
		s.check(err)
		ce, _, err := schema.Decode(msg.Header, msg.Data)
		if err == nil && ce.ID() != "" && ce.Source() != "" && !strings.HasPrefix(msg.Subject, "cc.internal.") {
			all[identity{ce.Source(), ce.ID()}] = ce
		}
		next = msg.Sequence + 1
	}
}

// analysis is what the views have to say of a stream.
type analysis struct {
	perHour map[string]int
	first   []float64 // responses, in seconds, sorted
}

func (a analysis) median() float64 {
	if n := len(a.first); n%2 == 1 {
		return a.first[n/2]
	} else {
		return (a.first[n/2-1] + a.first[n/2]) / 2
	}
}

// analyse reads the stream itself, without SQL.
func (s *system) analyse(stored map[identity]event.Event) analysis {
	s.Helper()
	opened, agents, first := map[string]time.Time{}, map[string]bool{}, map[string]time.Time{}
	inOrder := slices.SortedFunc(maps.Values(stored), func(a, b event.Event) int {
		return strings.Compare(schema.Extension(a, schema.AttrSequence), schema.Extension(b, schema.AttrSequence))
	})
	for _, ce := range inOrder {
		if strings.HasSuffix(ce.Type(), ".session.opened.v1") {
			opened[ce.Source()] = ce.Time()
		}
		payload, err := schema.DecodeEvent(ce)
		if err != nil {
			continue // a result, a session message, or elsewhere
		}
		switch e := payload.(type) {
		case *schema.PartyJoined:
			agents[ce.Source()+e.PartyID] = e.PartyType == "internal"
		case *schema.Message:
			if _, answered := first[ce.Source()]; !answered && agents[ce.Source()+e.PartyID] {
				first[ce.Source()] = s.recorded(ce)
			}
		}
	}
	a := analysis{perHour: map[string]int{}}
	for source, at := range opened {
		a.perHour[at.UTC().Format("2006-01-02T15:00Z")]++
		if answered, ok := first[source]; ok {
			a.first = append(a.first, answered.Sub(at).Seconds())
		}
	}
	slices.Sort(a.first)
	return a
}

func (s *system) recorded(ce event.Event) time.Time {
	s.Helper()
	at, err := time.Parse(time.RFC3339Nano, schema.Extension(ce, schema.AttrRecordedTime))
	s.check(err)
	return at
}
