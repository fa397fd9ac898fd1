package bus

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/time/rate"

	"cc-connector/schema"
)

// # What is too large for the bus
//
// It is kept as an object in the store of files, in the form of the client
// library, which reads it. The library's own way to write is not used: it puts
// an object in the place of another one, and cannot say how long one is kept.
// Here the message that names an object, the last one to be written, is taken
// by the server only where none is, so no object is ever written over. And of
// what a read brought every message expires by itself, so that nothing stays of
// it, whoever dies on the way.

const (
	// ReadsKept is how long what a read brought is kept.
	ReadsKept = 10 * time.Minute
	// The pieces outlast the message that names the object: who finds it can read it.
	piecesOutlast = time.Minute

	// What reads bring in ReadsKept is limited to this, and to a part of the
	// store, so that they leave room for what cannot be had again.
	readsMost    = 512 << 20
	readsPart    = 4
	usualPiece   = 128 << 10
	purgeTimeout = time.Second
)

// errReadsMost says that reads have brought too much.
var errReadsMost = errors.New("reads have brought as much in the last ten minutes as may be kept of them")

// files are the objects as a Publisher writes them.
type files struct {
	js     jetstream.JetStream
	store  jetstream.ObjectStore
	stream jetstream.Stream
	bucket string
	reads  *rate.Limiter // bytes that reads may bring
	room   atomic.Int64  // of the store, that reads was reckoned by
}

func newFiles(js jetstream.JetStream, s *Streams) *files {
	f := &files{js: js, store: s.Files, stream: s.objects, bucket: s.filesBucket()}
	f.room.Store(s.objects.CachedInfo().Config.MaxBytes)
	f.reads = rate.NewLimiter(readsLimit(f.room.Load()))
	return f
}

// piece is the size of an object's pieces, which the bus and the store take now.
func (f *files) piece() int {
	piece := min(f.js.Conn().MaxPayload()/2, usualPiece)
	if most := int64(f.stream.CachedInfo().Config.MaxMsgSize); most > 0 {
		piece = min(piece, most/2)
	}
	return int(max(piece, 1))
}

// readsLimit lets half of what reads may bring come at once, and the rest bit by bit.
func readsLimit(room int64) (perSecond rate.Limit, atOnce int) {
	most := int64(readsMost)
	if room > 0 {
		most = min(most, room/readsPart)
	}
	half := max(1, most/2)
	return rate.Limit(float64(half) / ReadsKept.Seconds()), int(half)
}

// mayKeep tells whether reads may bring so much more, by the limit that the
// store has now.
func (f *files) mayKeep(size int) bool {
	room := f.stream.CachedInfo().Config.MaxBytes
	if f.room.Swap(room) != room {
		perSecond, atOnce := readsLimit(room)
		f.reads.SetLimit(perSecond)
		f.reads.SetBurst(atOnce)
	}
	return f.reads.AllowN(time.Now(), size)
}

// keepRead keeps what a read brought, for ReadsKept, and returns the object's name.
func (f *files) keepRead(ctx context.Context, name string, data []byte) (string, error) {
	if !f.mayKeep(len(data)) {
		return "", errReadsMost
	}
	return f.keep(ctx, name, data, ReadsKept)
}

// keep writes an object and returns its name: another one than is wished, if
// there is an object of that name with other data. It lasts as long as all
// files if keep is 0.
func (f *files) keep(ctx context.Context, name string, data []byte, keep time.Duration) (string, error) {
	object := f.describe(name, data)
	err := f.write(ctx, object, data, keep)
	if !IsConflict(err) {
		return name, err
	}
	if keep == 0 && f.isThere(ctx, object) { // one that expires may be about to
		return name, nil
	}
	object = f.describe(name+"-"+uuid.NewString(), data)
	return object.Name, f.write(ctx, object, data, keep)
}

func (f *files) describe(name string, data []byte) jetstream.ObjectInfo {
	digest := sha256.New()
	digest.Write(data)
	piece := f.piece()
	return jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(piece)}},
		Bucket:     f.bucket, NUID: uuid.NewString(),
		Size: uint64(len(data)), Chunks: uint32((len(data) + piece - 1) / piece), Digest: jetstream.GetObjectDigestValue(digest),
	}
}

// isThere tells whether an object has the name and the data already: whoever
// wrote it died, or was not answered, and this is the same once more.
func (f *files) isThere(ctx context.Context, object jetstream.ObjectInfo) bool {
	found, err := f.store.GetInfo(ctx, object.Name)
	return err == nil && found.Digest == object.Digest && found.Size == object.Size
}

// write publishes the pieces, then the message that names them, unless there
// is an object of that name: then it is an error for which IsConflict holds.
func (f *files) write(ctx context.Context, object jetstream.ObjectInfo, data []byte, keep time.Duration) error {
	pieces := "$O." + f.bucket + ".C." + object.NUID
	last := keep
	if keep > 0 {
		last += piecesOutlast
	}
	for piece := range slices.Chunk(data, int(object.Opts.ChunkSize)) {
		if err := f.publish(ctx, pieces, piece, last); err != nil {
			f.purge(ctx, pieces)
			return err
		}
	}
	named, err := schema.JSON(object)
	if err != nil {
		return err
	}
	subject := "$O." + f.bucket + ".M." + base64.URLEncoding.EncodeToString([]byte(object.Name))
	err = f.publish(ctx, subject, named, keep, jetstream.WithExpectLastSequencePerSubject(0))
	if isRefusal(err) { // not where the answer is lost: then the object may be there
		f.purge(ctx, pieces)
	}
	return err
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
func (f *files) purge(ctx context.Context, pieces string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), purgeTimeout)
	defer cancel()
	_ = f.stream.Purge(ctx, jetstream.WithPurgeSubject(pieces))
}
