package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// Errors of [Client.Put].
var (
	// ErrNoStore says that there is nowhere to put a file.
	ErrNoStore = errors.New("client: there is no store of files of this prefix: no connector has made it here")
	// ErrNameTaken says that the name stands, or stood, for another content.
	ErrNameTaken = errors.New("client: another object of the store of files has, or had, this name: choose another one, or none")
	// ErrTooLarge says that no chat could be given such a file.
	ErrTooLarge = errors.New("client: the content is larger than 25 MiB: the contact center takes no larger file")
)

const (
	largestFile  = 25 << 20
	longestName  = 1 << 10 // bytes: it is part of a subject
	usualPiece   = 128 << 10
	tidyPatience = time.Second
)

// Put puts a file into the connector's store, and returns its name there: it is
// the Object of a [schema.ChatFile]. Without a name it gets a new UUID. The
// content is read once, from where it stands, and never held as a whole.
//
// No object is written over: [ErrNameTaken]. The same content under the same name
// is there already, and that is no error. So after an error that leaves it open
// whether the object is there, such as that of a context that has ended, put the
// same again, under the same name. Of what could not be put nothing can be read.
//
// What "cc-connector permissions" prints allows it to no user but the one that
// --files names.
func (c *Client) Put(ctx context.Context, name string, content io.Reader) (object string, err error) {
	if name == "" {
		name = uuid.NewString()
	}
	if err := checkName(name); err != nil {
		return "", err
	}
	ctx, cancel := c.patient(ctx)
	defer cancel()
	u, err := c.upload(ctx, name)
	if err != nil {
		return "", err
	}
	if err := u.writePieces(ctx, content); err != nil {
		u.discard(ctx)
		return "", err
	}
	if err := u.writeName(ctx); err != nil {
		return "", err
	}
	return name, nil
}

func checkName(name string) error {
	switch {
	case len(name) > longestName || !utf8.ValidString(name):
		return &schema.FieldError{Field: "name", Problem: "must be UTF-8 of at most 1024 bytes"}
	case strings.HasPrefix(name, refScheme):
		return &schema.FieldError{Field: "name", Problem: "must not begin with " + refScheme + ", as a reference to an object does"}
	}
	return nil
}

// upload is an object on its way into the store, in the form in which NATS's own
// client keeps and reads one: pieces under a subject of their own, and then the
// message that names them. That client's way to write is not used: it puts an
// object in the place of another one, and asks for more rights.
type upload struct {
	*Client
	jetstream.ObjectInfo
	digest hash.Hash
}

func (c *Client) upload(ctx context.Context, name string) (*upload, error) {
	bucket := c.cfg.Prefix.StreamName("FILES")
	try, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	stream, err := c.js.Stream(try, "OBJ_"+bucket)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("%w: %w", ErrNoStore, err)
	case err != nil:
		return nil, notPut(ctx, err)
	}
	piece := pieceSize(c.nc.MaxPayload(), int64(stream.CachedInfo().Config.MaxMsgSize))
	return &upload{c, jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(piece)}},
		Bucket:     bucket, NUID: uuid.NewString(),
	}, sha256.New()}, nil
}

// pieceSize is one that the bus and the store take, with all that comes around a piece.
func pieceSize(payload, stored int64) int64 {
	piece := min(payload/2, usualPiece)
	if stored > 0 {
		piece = min(piece, stored/2)
	}
	return max(piece, 1)
}

func (u *upload) writePieces(ctx context.Context, content io.Reader) error {
	buffer := make([]byte, u.Opts.ChunkSize)
	for ended := false; !ended; {
		n, err := fill(buffer, content)
		if ended = err == io.EOF; err != nil && !ended {
			return fmt.Errorf("client: the content could not be read to its end: %w", err)
		}
		if err := u.writePiece(ctx, buffer[:n]); err != nil {
			return err
		}
	}
	u.Digest = jetstream.GetObjectDigestValue(u.digest)
	return nil
}

// fill reads until the buffer is full. io.ReadFull says the same of a content
// that ends and of one that broke off.
func fill(buffer []byte, content io.Reader) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = content.Read(buffer[n:])
		n += more
	}
	return n, err
}

func (u *upload) writePiece(ctx context.Context, piece []byte) error {
	if len(piece) == 0 {
		return nil
	}
	if u.Size += uint64(len(piece)); u.Size > largestFile {
		return ErrTooLarge
	}
	u.Chunks++
	u.digest.Write(piece)
	if err := u.publish(ctx, &nats.Msg{Subject: u.pieces(), Data: piece}); err != nil {
		return notPut(ctx, err)
	}
	return nil
}

func (u *upload) pieces() string { return "$O." + u.Bucket + ".C." + u.NUID }

// writeName makes an object of the pieces, unless there is one of that name.
func (u *upload) writeName(ctx context.Context) error {
	data, err := schema.JSON(u.ObjectInfo)
	if err != nil {
		return err
	}
	subject := "$O." + u.Bucket + ".M." + base64.URLEncoding.EncodeToString([]byte(u.Name))
	err = u.publish(ctx, &nats.Msg{Subject: subject, Data: data}, jetstream.WithExpectLastSequencePerSubject(0))
	if err == nil {
		return nil
	}
	var refused *jetstream.APIError
	if errors.As(err, &refused) {
		u.discard(ctx) // not where the answer is lost: then they may be the object's
	}
	switch there := u.isThere(ctx); {
	case there:
		return nil
	case isTaken(refused):
		return ErrNameTaken
	}
	return notPut(ctx, err)
}

func isTaken(refused *jetstream.APIError) bool {
	return refused != nil && (refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// isThere tells whether the name stands for the same content.
func (u *upload) isThere(ctx context.Context) bool {
	sum := sha256.New()
	_, err := schema.CopyObject(ctx, u.nc, u.cfg.JetStreamDomain, u.Bucket, u.Name, sum)
	return err == nil && bytes.Equal(sum.Sum(nil), u.digest.Sum(nil))
}

func (u *upload) publish(ctx context.Context, msg *nats.Msg, options ...jetstream.PublishOpt) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	_, err := u.js.PublishMsg(ctx, msg, options...)
	return err
}

// discard puts an empty message in the place of all pieces. To purge them would
// take a right that nothing else here needs.
func (u *upload) discard(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyPatience)
	defer cancel()
	if u.Chunks > 0 {
		_ = u.publish(ctx, &nats.Msg{Subject: u.pieces(), Header: nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupSubject}}})
	}
}

func notPut(ctx context.Context, err error) error {
	var refused *jetstream.APIError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("client: the object may not be there: %w", context.Cause(ctx))
	case errors.As(err, &refused):
		return fmt.Errorf("client: the store of files does not take the object: %w", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf(`client: the store of files does not answer; has the user the rights that "cc-connector permissions --files" prints?: %w`, err)
	}
	return fmt.Errorf("client: the object could not be put: %w", err)
}
