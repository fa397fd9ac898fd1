package poller

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"cc-connector/connector/internal/bus"
)

// # A chat of any length
//
// The bus has a largest message, and what is known of a chat's events grows
// with the chat. As long as a checkpoint is small it holds all of it, also in
// the form that earlier versions read. Beyond that the older part is sealed:
// it is written into segments, each far smaller than the bus's largest
// message, which never change and of which each names the one before it. The
// checkpoint names the last one, and holds what is younger.
//
// A segment is written before the checkpoint that names it, and under a name
// that no other holder gives: so neither a crash nor a holder that has been
// overtaken can break the chain that a checkpoint names. When the chat is
// closed its journal is sealed anew, to expire with the checkpoint, and what
// was sealed before is dropped.

// segment is a part of the journal of a chat's published events.
type segment struct {
	Before  segmentName `json:"before,omitempty"`
	Journal []byte      `json:"journal"`
}

// segmentName is the end of a segment's key: the revision of the checkpoint
// that it was written behind, and a UUID.
type segmentName string

// segments are a chat's.
type segments struct {
	bucket *bus.Bucket
	prefix string // of their keys
	log    *slog.Logger
}

// write adds one to a chain. Behind is the revision of the last checkpoint.
func (s segments) write(ctx context.Context, before segmentName, journal []byte, behind uint64, keep time.Duration) (segmentName, error) {
	name := segmentName(fmt.Sprintf("%d.%s", behind, uuid.NewString()))
	_, err := bus.Save(ctx, s.bucket, s.prefix+string(name), segment{before, journal}, 0, keep)
	return name, err
}

// read returns a chain's pieces of the journal, the oldest first.
func (s segments) read(ctx context.Context, last segmentName) (pieces [][]byte, isComplete bool, err error) {
	for name := last; name != ""; {
		found, err := bus.Ask(ctx, s.log, "reading what is known of the chat's published events", func(ctx context.Context) (segment, error) {
			found, _, err := bus.Load[segment](ctx, s.bucket, s.prefix+string(name))
			return found, err
		})
		if err != nil {
			return nil, false, err
		}
		if found.Journal == nil {
			return pieces, false, nil
		}
		pieces, name = append([][]byte{found.Journal}, pieces...), found.Before
	}
	return pieces, true, nil
}

// drop removes those that were written before an earlier checkpoint. A younger
// one may be another holder's, who has overtaken this one.
func (s segments) drop(ctx context.Context, before uint64) error {
	keys, err := s.bucket.Keys(ctx, s.prefix)
	for _, key := range keys {
		if behind, known := revisionIn(strings.TrimPrefix(key, s.prefix)); err == nil && known && behind < before {
			err = s.bucket.Purge(ctx, key)
		}
	}
	return err
}

func revisionIn(name string) (uint64, bool) {
	digits, _, _ := strings.Cut(name, ".")
	revision, err := strconv.ParseUint(digits, 10, 64)
	return revision, err == nil
}
