package bus

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// Stream is a handle on a stream of which messages are read by the word of its
// leader, whatever their headers say.
type Stream struct {
	jetstream.Stream
	js     jetstream.JetStream
	first  time.Time          // when the stream that was found was made
	failed prometheus.Counter // tries to write to it that failed
	full   fullness
}

// fullness is that of a stream, as the last tries to write to it found it.
type fullness struct {
	mu sync.Mutex
	trouble
}

func (f *fullness) wrote(err error) {
	if err != nil && !isFull(err) {
		return // which says nothing of the room
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noteOne(err, time.Now())
}

func (f *fullness) now() trouble {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trouble
}

func openStream(ctx context.Context, js jetstream.JetStream, name string) (*Stream, error) {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	return &Stream{Stream: s, js: js, first: s.CachedInfo().Created}, nil
}

// Wrote counts a try to write that failed, and notes whether there is room. That somebody else has written first,
// and that nobody waits any more, are no failures.
func (s *Stream) Wrote(err error) error {
	s.full.wrote(err)
	if err != nil && !IsConflict(err) && !errors.Is(err, context.Canceled) {
		s.failed.Inc()
	}
	return err
}

// judge is Wrote that explains what is in the way.
func (s *Stream) judge(err error) error { return Explain(s.CachedInfo().Config.Name, s.Wrote(err)) }

// Subjects are those of a filter that the stream has messages of.
func (s *Stream) Subjects(ctx context.Context, filter string) ([]string, error) {
	counts, err := s.CountBySubject(ctx, filter)
	return slices.Collect(maps.Keys(counts)), err
}

// CountBySubject tells how many messages the stream has of each subject of a filter.
func (s *Stream) CountBySubject(ctx context.Context, filter string) (map[string]uint64, error) {
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}

// Stored is a message as it stands in a stream.
type Stored struct {
	Subject    string
	Sequence   uint64
	Header     nats.Header
	Data       []byte
	Time       time.Time
	Unreadable bool // its headers are none
}

// At reads one message; jetstream.ErrMsgNotFound if it is no more.
func (s *Stream) At(ctx context.Context, sequence uint64) (*Stored, error) {
	return s.get(ctx, getRequest{Sequence: sequence})
}

// Next reads the first message of a subject from a sequence on;
// jetstream.ErrMsgNotFound if there is none. Of a wildcard the server looks at
// every message from there on, unless that is the beginning of the stream.
func (s *Stream) Next(ctx context.Context, from uint64, subject string) (*Stored, error) {
	return s.get(ctx, getRequest{Sequence: from, Next: subject})
}

// Last reads the last message of a subject; jetstream.ErrMsgNotFound if there
// is none.
func (s *Stream) Last(ctx context.Context, subject string) (*Stored, error) {
	return s.get(ctx, getRequest{Last: subject})
}

// getRequest and getAnswer are JetStream's, as they travel.
type getRequest struct {
	Sequence uint64 `json:"seq,omitempty"`
	Next     string `json:"next_by_subj,omitempty"`
	Last     string `json:"last_by_subj,omitempty"`
}

type getAnswer struct {
	Error   *jetstream.APIError `json:"error"`
	Message *storedWire         `json:"message"`
}

type storedWire struct {
	Subject  string    `json:"subject"`
	Sequence uint64    `json:"seq"`
	Header   []byte    `json:"hdrs"`
	Data     []byte    `json:"data"`
	Time     time.Time `json:"time"`
}

func (s *Stream) get(ctx context.Context, request getRequest) (*Stored, error) {
	answer, err := askAPI[getAnswer](ctx, s.js, apiSubject(s.js, apiGet, s.CachedInfo().Config.Name), request)
	switch {
	case err != nil:
		return nil, err
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, jetstream.ErrMsgNotFound
	case answer.Error != nil:
		return nil, answer.Error
	case answer.Message == nil:
		return nil, jetstream.ErrInvalidJetStreamResponse
	}
	return answer.Message.read(), nil
}

func (w *storedWire) read() *Stored {
	m := &Stored{Subject: w.Subject, Sequence: w.Sequence, Data: w.Data, Time: w.Time}
	if len(w.Header) > 0 {
		var err error
		m.Header, err = nats.DecodeHeadersMsg(w.Header)
		m.Unreadable = err != nil
	}
	return m
}
