package bus

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// # Files, and what is too large for the bus
//
// They are kept as objects in the store of files, in the form of the client
// library, which reads them. The library's own way to write is not used: it puts
// an object in the place of another one, and cannot say how long one is kept.
// Here the message that names an object, the last one to be written, is taken
// by the server only where none is, so no object is ever written over. And of
// what a read brought every message expires by itself, so that nothing stays of
// it, whoever dies on the way.
//
// An object is written as it comes, piece by piece, so that a file never is in
// memory as a whole; what it is, its size and its digest, is known behind the
// last piece, and said by the message that names it.

// ObjectName is an object's in the store of files. It may be any text: in a
// subject it is encoded.
type ObjectName string

// KeptFile is a file that was kept.
type KeptFile struct {
	Object ObjectName
	Size   int64  // bytes
	SHA256 string // lower-case hex
}

// Why a file was not kept. All other errors are the store's: IsFull, and IsOutage.
var (
	// ErrContent says that the content broke off; the reader's own error stands behind it.
	ErrContent = errors.New("the content could not be read to its end")
	// ErrTooMuch says that there is more of the content than may be.
	ErrTooMuch = errors.New("the content is larger than allowed")
)

// Why a file cannot be read. All other errors are the store's: see IsOutage.
var (
	ErrNoFile = errors.New("there is no such object")
	// ErrDamaged says that the object is not what it says of itself.
	ErrDamaged = errors.New("the object is damaged: pieces of it are missing, or its size or digest is another one")
)

// errReadsMost says that reads have brought too much.
var errReadsMost = errors.New("reads have brought as much in the last ten minutes as may be kept of them")

// IsFull tells that a stream, or a store, has no room: not even for what reads bring.
func IsFull(err error) bool {
	return errors.Is(err, errReadsMost) || fullCodes[codeOf(err)] != ""
}

// KeepFile keeps a content of at most so many bytes as long as all files, under
// the name that is wished; under another one, if that is another file's.
func (p *Publisher) KeepFile(ctx context.Context, name ObjectName, content io.Reader, most int64) (KeptFile, error) {
	return p.keepFile(ctx, order{name: name, content: content, most: most})
}

// KeepReadFile is KeepFile for what a read brought, and can bring again: it is
// kept for ReadsKept, and there is a limit to all of it.
func (p *Publisher) KeepReadFile(ctx context.Context, name ObjectName, content io.Reader, most int64) (KeptFile, error) {
	return p.keepFile(ctx, order{name: name, content: content, most: most, keep: ReadsKept, may: p.files.mayKeep})
}

func (p *Publisher) keepFile(ctx context.Context, o order) (KeptFile, error) {
	kept, err := p.files.keep(ctx, o)
	if errors.Is(err, ErrContent) || errors.Is(err, ErrTooMuch) || errors.Is(err, errReadsMost) {
		return KeptFile{}, err // that says nothing of the store
	}
	return kept, p.judgeFiles(ctx, err)
}

const (
	// The pieces outlast the message that names the object: who finds it can read it.
	piecesOutlast = time.Minute

	usualPiece   = 128 << 10
	purgeTimeout = time.Second
)

// files are the objects as a Publisher writes them.
type files struct {
	js     jetstream.JetStream
	stream *Stream
	bucket string
	readsBudget
}

func newFiles(js jetstream.JetStream, s *Streams) *files {
	f := &files{js: js, stream: s.objects, bucket: s.filesBucket()}
	f.readsBudget = newReadsBudget(f.limit())
	return f
}

// limit is that of the store, as it was seen last.
func (f *files) limit() int64 { return f.stream.CachedInfo().Config.MaxBytes }

// mayKeep tells whether reads may bring so much more, by the limit that the
// store has now.
func (f *files) mayKeep(size int) bool { return f.take(size, f.limit()) }

// order is what is to be kept.
type order struct {
	name    ObjectName
	content io.Reader
	most    int64               // bytes
	keep    time.Duration       // 0: as long as all files
	may     func(size int) bool // asked before each piece; nil: it may
	common  bool                // it is the same for all who keep it, and no object of that name is about to expire
}

// object is one on its way into the store.
type object struct {
	jetstream.ObjectInfo
	digest hash.Hash
	keep   time.Duration
}

// keep writes an object: under another name than is wished, if there is an
// object of that name with other data.
func (f *files) keep(ctx context.Context, o order) (KeptFile, error) {
	obj, err := f.writePieces(ctx, o)
	if err != nil {
		return KeptFile{}, err
	}
	err = f.writeName(ctx, obj)
	if IsConflict(err) && (o.keep == 0 || o.common) && f.isThere(ctx, obj.ObjectInfo) { // one that expires may be about to
		f.purge(ctx, obj)
		return obj.kept(), nil
	}
	if IsConflict(err) {
		obj.Name += "-" + uuid.NewString()
		err = f.writeName(ctx, obj)
	}
	if isRefusal(err) { // not where the answer is lost: then the object may be there
		f.purge(ctx, obj)
	}
	return obj.kept(), err
}

func (o *object) kept() KeptFile {
	return KeptFile{ObjectName(o.Name), int64(o.Size), hex.EncodeToString(o.digest.Sum(nil))}
}

// writePieces reads the content to its end and publishes its pieces. If one
// fails, none stays.
func (f *files) writePieces(ctx context.Context, o order) (*object, error) {
	size := f.piece()
	obj := &object{digest: sha256.New(), keep: o.keep, ObjectInfo: jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: string(o.name), Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(size)}},
		Bucket:     f.bucket, NUID: uuid.NewString(),
	}}
	buffer := make([]byte, size)
	for ended := false; !ended; {
		var n int
		var err error
		if n, ended, err = readPiece(o.content, buffer); err == nil && n > 0 {
			err = f.writePiece(ctx, o, obj, buffer[:n])
		}
		if err != nil {
			f.purge(ctx, obj)
			return nil, err
		}
	}
	obj.Digest = jetstream.GetObjectDigestValue(obj.digest)
	return obj, nil
}

// readPiece fills the buffer, but at the end. It does not take a content that
// breaks off for one that ends.
func readPiece(content io.Reader, buffer []byte) (n int, ended bool, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = content.Read(buffer[n:])
		n += more
	}
	if err == nil || err == io.EOF {
		return n, err == io.EOF, nil
	}
	return n, false, fmt.Errorf("%w: %w", ErrContent, err)
}

func (f *files) writePiece(ctx context.Context, o order, obj *object, piece []byte) error {
	switch {
	case int64(obj.Size)+int64(len(piece)) > o.most:
		return ErrTooMuch
	case o.may != nil && !o.may(len(piece)):
		return errReadsMost
	}
	last := o.keep
	if last > 0 {
		last += piecesOutlast
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	obj.digest.Write(piece)
	obj.Size, obj.Chunks = obj.Size+uint64(len(piece)), obj.Chunks+1
	// Its answer is awaited whatever ends: no purge would find a piece that is still on its way.
	return f.publish(context.WithoutCancel(ctx), pieceSubject(f.bucket, obj.NUID), piece, last)
}

// writeName publishes the message that names the object, unless there is an
// object of that name: then it is an error for which IsConflict holds.
func (f *files) writeName(ctx context.Context, obj *object) error {
	named, err := schema.JSON(obj.ObjectInfo)
	if err != nil {
		return err
	}
	subject := nameSubject(f.bucket, ObjectName(obj.Name))
	return f.publish(ctx, subject, named, obj.keep, jetstream.WithExpectLastSequencePerSubject(0))
}

// The subjects of an object in its stream. The client library's own encoding of
// names is that of URLs, padded.
func pieceSubject(bucket, nuid string) string { return "$O." + bucket + ".C." + nuid }

func nameSubject(bucket string, name ObjectName) string {
	return "$O." + bucket + ".M." + base64.URLEncoding.EncodeToString([]byte(name))
}

// piece is the size of an object's pieces, which the bus and the store take now.
func (f *files) piece() int {
	piece := min(f.js.Conn().MaxPayload()/2, usualPiece)
	if most := int64(f.stream.CachedInfo().Config.MaxMsgSize); most > 0 {
		piece = min(piece, most/2)
	}
	return int(max(piece, 1))
}

// isThere tells whether an object has the name and the data already: whoever
// wrote it died, or was not answered, and this is the same once more.
func (f *files) isThere(ctx context.Context, object jetstream.ObjectInfo) bool {
	found, err := findObject(ctx, f.stream, f.bucket, ObjectName(object.Name))
	return err == nil && found.Digest == object.Digest && found.Size == object.Size
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

func (f *files) publish(ctx context.Context, subject string, data []byte, keep time.Duration, options ...jetstream.PublishOpt) error {
	ctx, cancel := context.WithTimeout(ctx, AnswerPatience)
	defer cancel()
	options = append(options, jetstream.WithRetryAttempts(0))
	if keep > 0 {
		options = append(options, jetstream.WithMsgTTL(keep))
	}
	_, err := f.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data}, options...)
	return err
}

// purge removes the pieces of an object that is not to be; what it cannot
// remove goes by its age.
func (f *files) purge(ctx context.Context, obj *object) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), purgeTimeout)
	defer cancel()
	_ = f.stream.Purge(ctx, jetstream.WithPurgeSubject(pieceSubject(f.bucket, obj.NUID)))
}

// filesBucket is the name of the store of files among object stores.
func (s *Streams) filesBucket() string { return strings.TrimPrefix(s.layout.files.Name, objectPrefix) }
