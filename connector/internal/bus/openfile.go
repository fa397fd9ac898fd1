package bus

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// # Reading a file
//
// The client library reads an object by a consumer that it makes, and what it
// gives for a digest that does not match has been read by then. Here a piece
// is asked for when it is needed, by the word of the store's leader, so that what
// somebody has just put there is found; and the end of a file is told only if it
// is whole: a reader that hands it on never hands on a broken one as if it were
// not.

// Why a file cannot be read. All other errors are the store's: see IsOutage.
var (
	ErrNoFile = errors.New("there is no such object")
	// ErrDamaged says that the object is not what it says of itself.
	ErrDamaged = errors.New("the object is damaged: pieces of it are missing, or its size or digest is another one")
)

// File is a file in the store, read piece by piece. Its reads fail when the
// context ends with which it was opened. It belongs to one goroutine.
type File struct {
	Size int64 // bytes

	ctx    context.Context
	stream *Stream
	pieces string // their subject
	want   string // the digest
	digest hash.Hash
	next   uint64 // the sequence from which on the next piece is
	piece  []byte // what is left of the last one
	left   int64  // bytes that are not read yet
}

// OpenFile finds an object, which then is read as it is needed.
func (p *Publisher) OpenFile(ctx context.Context, name ObjectName) (*File, error) {
	found, err := findObject(ctx, p.files.stream, p.files.bucket, name)
	if err != nil {
		return nil, Explain(objectPrefix+p.files.bucket, err)
	}
	return &File{
		Size: int64(found.Size), ctx: ctx, stream: p.files.stream, pieces: pieceSubject(p.files.bucket, found.NUID),
		want: found.Digest, digest: sha256.New(), next: 1, left: int64(found.Size),
	}, nil
}

// findObject is what the store knows of an object. One that refers to another,
// or whose size is none, is damaged.
func findObject(ctx context.Context, stream *Stream, bucket string, name ObjectName) (found jetstream.ObjectInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, AnswerPatience)
	defer cancel()
	msg, err := stream.Last(ctx, nameSubject(bucket, name))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return found, ErrNoFile
	}
	if err != nil {
		return found, err
	}
	err = json.Unmarshal(msg.Data, &found)
	switch {
	case err == nil && found.Deleted:
		return found, ErrNoFile
	case err != nil || !isToken(found.NUID) || int64(found.Size) < 0 || found.Digest == "":
		return found, ErrDamaged
	}
	return found, nil
}

// isToken tells what stands for one subject of pieces, and no others': whoever
// may put an object there may have written anything.
func isToken(nuid string) bool {
	return nuid != "" && !strings.ContainsFunc(nuid, func(r rune) bool { return r <= ' ' || strings.ContainsRune(".*>", r) })
}

// Len is how much there is left to be read.
func (f *File) Len() int { return int(f.left) }

func (f *File) Read(p []byte) (int, error) {
	switch {
	case len(f.piece) > 0 || len(p) == 0:
	case f.left == 0:
		return 0, f.end()
	default:
		if err := f.fetch(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.piece)
	f.piece, f.left = f.piece[n:], f.left-int64(n)
	return n, nil
}

// fetch asks for the next piece.
func (f *File) fetch() error {
	ctx, cancel := context.WithTimeout(f.ctx, AnswerPatience)
	defer cancel()
	msg, err := f.stream.Next(ctx, f.next, f.pieces)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return ErrDamaged
	case err != nil:
		return Explain(f.stream.CachedInfo().Config.Name, err)
	case len(msg.Data) == 0 || int64(len(msg.Data)) > f.left:
		return ErrDamaged
	}
	f.piece, f.next = msg.Data, msg.Sequence+1
	f.digest.Write(msg.Data)
	return nil
}

// end is io.EOF if what was read is what the object says of itself.
func (f *File) end() error {
	if jetstream.GetObjectDigestValue(f.digest) != f.want {
		return ErrDamaged
	}
	return io.EOF
}
