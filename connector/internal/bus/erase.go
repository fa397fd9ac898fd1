package bus

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/retry"
)

// # What is to be gone from the disk
//
// A message that is removed stays in the server's file until that is written
// anew. One that is erased is overwritten at once. The server erases single
// messages only, writes the whole file anew for each, and erases none where
// deleting is denied, as it is in buckets: there a key's message is purged, which
// leaves no marker with the key in its place.

const (
	apiDelete = "STREAM.MSG.DELETE"
	apiPurge  = "STREAM.PURGE"
)

type removal struct {
	Error   *jetstream.APIError `json:"error"`
	Success bool                `json:"success"`
	Purged  int                 `json:"purged"`
}

// Erase removes a message and has the server overwrite it; false if it is gone.
func (s *Stream) Erase(ctx context.Context, sequence uint64) (bool, error) {
	answer, err := s.remove(ctx, apiDelete, struct {
		Sequence uint64 `json:"seq"`
	}{sequence})
	if codeOf(err) != 0 { // the server says in many ways that there is none
		if _, absent := s.At(ctx, sequence); errors.Is(absent, jetstream.ErrMsgNotFound) {
			return false, nil
		}
	}
	return err == nil && answer.Success, err
}

// Drop removes all messages of a subject, and tells how many there were.
func (s *Stream) Drop(ctx context.Context, subject string) (int, error) {
	answer, err := s.remove(ctx, apiPurge, struct {
		Filter string `json:"filter"`
	}{subject})
	return answer.Purged, err
}

func (s *Stream) remove(ctx context.Context, api string, request any) (removal, error) {
	ctx, cancel := retry.Within(ctx, AnswerPatience)
	defer cancel()
	name := s.CachedInfo().Config.Name
	answer, err := askAPI[removal](ctx, s.js, apiSubject(s.js, api, name), request)
	if err == nil && answer.Error != nil {
		err = answer.Error
	}
	return answer, Explain(name, err)
}

// Each shows every message under a filter, of one subject after the other, each in
// its order. Those may be removed meanwhile that have been shown.
func (s *Stream) Each(ctx context.Context, filter string, show func(*Stored) error) error {
	found, err := s.Subjects(ctx, filter)
	if err != nil {
		return Explain(s.CachedInfo().Config.Name, err)
	}
	for _, subject := range found {
		if err := s.eachOf(ctx, subject, show); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stream) eachOf(ctx context.Context, subject string, show func(*Stored) error) error {
	for next := uint64(1); ; {
		msg, err := s.nextOf(ctx, next, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err == nil {
			err = show(msg)
		}
		if err != nil {
			return err
		}
		next = msg.Sequence + 1
	}
}

func (s *Stream) nextOf(ctx context.Context, from uint64, subject string) (*Stored, error) {
	ctx, cancel := retry.Within(ctx, AnswerPatience)
	defer cancel()
	return s.Next(ctx, from, subject)
}

// Drop removes a key, its value and its marker.
func (b *Bucket) Drop(ctx context.Context, key string) (int, error) {
	return b.stream.Drop(ctx, b.Subject(key))
}

const (
	blockMost   = 8 << 20   // bytes of the server's largest file
	fillerMost  = 128 << 10 // of one message, which watchers of the bucket get, too
	fillerLeast = 1 << 10
	fillerKey   = "filler.block" // no chat's: a chat's key has no dot
)

// TurnOver has the server begin another file for the bucket, so that the one before
// can be written anew without what is removed from it. What it is filled with is gone
// at once, also where the bucket keeps a history, or ctx ends; watchers see a key
// removed that never was.
func (b *Bucket) TurnOver(ctx context.Context) error {
	size := max(fillerLeast, min(fillerMost, int(b.Room()/2-Headroom)))
	for written := 0; written <= blockMost; written += size {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := b.fill(context.WithoutCancel(ctx), size); err != nil {
			return err
		}
	}
	return nil
}

// fill has the bucket hold something for a moment.
func (b *Bucket) fill(ctx context.Context, size int) error {
	filler := nats.NewMsg(b.Target(fillerKey))
	filler.Header.Set("KV-Operation", "DEL")
	filler.Data = make([]byte, size)
	_, _ = rand.Read(filler.Data) // it never fails; and nothing of it can be compressed
	publishing, cancel := retry.Within(ctx, AnswerPatience)
	defer cancel()
	_, err := b.js.PublishMsg(publishing, filler, jetstream.WithRetryAttempts(0))
	_, dropped := b.Drop(ctx, fillerKey)
	return cmp.Or(b.explain(err), dropped)
}

// Name is the bucket's.
func (b *Bucket) Name() string { return b.kv.Bucket() }

// FilesName is that of the store of files.
func (s *Streams) FilesName() string { return s.filesBucket() }

// Objects are the names of the files that are kept.
func (s *Streams) Objects(ctx context.Context) ([]ObjectName, error) {
	beginning := nameSubject(s.filesBucket(), "")
	found, err := s.objects.Subjects(ctx, beginning+">")
	var names []ObjectName
	for _, subject := range found {
		name, err := base64.URLEncoding.DecodeString(strings.TrimPrefix(subject, beginning))
		if err == nil { // else nobody's who writes as the client library does
			names = append(names, ObjectName(name))
		}
	}
	return names, Explain(s.objects.CachedInfo().Config.Name, err)
}

// EraseObject erases a file: its pieces first, so that who breaks off finds it again.
// It tells whether there was anything of it.
func (s *Streams) EraseObject(ctx context.Context, name ObjectName) (bool, error) {
	bucket := s.filesBucket()
	found, err := findObject(ctx, s.objects, bucket, name)
	if err != nil && !errors.Is(err, ErrNoFile) && !errors.Is(err, ErrDamaged) {
		return false, Explain(s.objects.CachedInfo().Config.Name, err)
	}
	if isToken(found.NUID) {
		if _, err := s.objects.EraseAll(ctx, pieceSubject(bucket, found.NUID)); err != nil {
			return false, err
		}
	}
	erased, err := s.objects.EraseAll(ctx, nameSubject(bucket, name))
	return erased > 0, err
}

// EraseAll erases every message under a filter, and tells how many there were.
func (s *Stream) EraseAll(ctx context.Context, filter string) (erased int, err error) {
	err = s.Each(ctx, filter, func(msg *Stored) error {
		was, err := s.Erase(ctx, msg.Sequence)
		if was {
			erased++
		}
		return err
	})
	return erased, err
}

// FindStream finds one stream, and asks for no other; it is an error if it is not
// this connector's.
func FindStream(ctx context.Context, js jetstream.JetStream, cfg Config, name string) (*Stream, error) {
	s, err := openStream(ctx, js, name)
	if err != nil {
		return nil, Explain(name, err)
	}
	ours := Definition{Stream: jetstream.StreamConfig{Metadata: metadata(cfg)}}
	return s, ours.CheckOwner(s.CachedInfo())
}

// Find is Open for who makes nothing and changes nothing. It is an error if one of
// the streams is missing, or is not this connector's.
func Find(ctx context.Context, js jetstream.JetStream, cfg Config) (*Streams, error) {
	if _, err := survey(ctx, js, needs(cfg)); err != nil {
		return nil, err
	}
	s, err := newLayout(cfg).find(ctx, js, cfg)
	if err == nil {
		s.measure(cfg.Metrics)
	}
	return s, err
}
