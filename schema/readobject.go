package schema

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
)

// ReadObject reads what a [DataRef] names, by requests for one message after
// the other. NATS's own client reads an object by a consumer that it makes, and
// who only reads may make none.
func ReadObject(ctx context.Context, nc *nats.Conn, bucket, object string) ([]byte, error) {
	return ReadObjectInDomain(ctx, nc, "", bucket, object)
}

// ReadObjectInDomain is [ReadObject] where the bucket is in a JetStream domain,
// behind a leaf node.
func ReadObjectInDomain(ctx context.Context, nc *nats.Conn, domain, bucket, object string) ([]byte, error) {
	var b bytes.Buffer
	_, err := CopyObject(ctx, nc, domain, bucket, object, &b)
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// CopyObject is [ReadObject] for what is too large to be held: it writes one
// piece after the other, and returns the size. Whether the whole is as it was
// stored is known at the end alone: what was written before an error is nothing
// to rely on. The domain may be "".
func CopyObject(ctx context.Context, nc *nats.Conn, domain, bucket, object string, w io.Writer) (int64, error) {
	api := "$JS.API"
	if domain != "" {
		api = "$JS." + domain + ".API"
	}
	size, err := objectReader{nc, api, bucket}.copy(ctx, object, w)
	if err != nil {
		err = fmt.Errorf("the object %s in %s: %w", object, bucket, err)
	}
	return size, err
}

type objectReader struct {
	nc     *nats.Conn
	api    string // begins the subjects of requests
	bucket string
}

// objectMeta is what the object store keeps of an object beside its chunks.
type objectMeta struct {
	NUID    string `json:"nuid"`
	Size    uint64 `json:"size"`
	Chunks  int    `json:"chunks"`
	Digest  string `json:"digest"`
	Deleted bool   `json:"deleted"`
}

// ErrNoObject says that the object is not there: it never was, or its time is over.
var ErrNoObject = errors.New("is not there")

var errDamaged = errors.New("is damaged")

func (o objectReader) copy(ctx context.Context, object string, w io.Writer) (int64, error) {
	name := base64.URLEncoding.EncodeToString([]byte(object))
	stored, err := o.get(ctx, messageQuery{LastFor: "$O." + o.bucket + ".M." + name})
	if err != nil {
		return 0, err
	}
	var meta objectMeta
	if json.Unmarshal(stored.Data, &meta) != nil {
		return 0, errDamaged
	}
	if meta.Deleted {
		return 0, ErrNoObject
	}
	return o.chunks(ctx, meta, w)
}

func (o objectReader) chunks(ctx context.Context, meta objectMeta, w io.Writer) (size int64, err error) {
	sum := sha256.New()
	w = io.MultiWriter(w, sum)
	next := messageQuery{Seq: 1, NextFor: "$O." + o.bucket + ".C." + meta.NUID}
	for range meta.Chunks {
		chunk, err := o.get(ctx, next)
		if err != nil {
			return size, err
		}
		n, err := w.Write(chunk.Data)
		if size += int64(n); err != nil {
			return size, err
		}
		next.Seq = chunk.Seq + 1
	}
	if uint64(size) != meta.Size || meta.Digest != "SHA-256="+base64.URLEncoding.EncodeToString(sum.Sum(nil)) {
		return size, errDamaged
	}
	return size, nil
}

// messageQuery asks a stream for one message: the last on a subject, or the next from a sequence on.
type messageQuery struct {
	Seq     uint64 `json:"seq,omitempty"`
	LastFor string `json:"last_by_subj,omitempty"`
	NextFor string `json:"next_by_subj,omitempty"`
}

type storedMessage struct {
	Seq  uint64 `json:"seq"`
	Data []byte `json:"data"`
}

const noSuchMessage = 10037 // JetStream's code

func (o objectReader) get(ctx context.Context, query messageQuery) (storedMessage, error) {
	request, err := json.Marshal(query)
	if err != nil {
		return storedMessage{}, err
	}
	reply, err := o.nc.RequestWithContext(ctx, o.api+".STREAM.MSG.GET.OBJ_"+o.bucket, request)
	if err != nil {
		return storedMessage{}, err
	}
	var answer struct {
		Message *storedMessage `json:"message"`
		Error   *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	switch err := json.Unmarshal(reply.Data, &answer); {
	case err != nil:
		return storedMessage{}, err
	case answer.Error != nil && answer.Error.Code == noSuchMessage:
		return storedMessage{}, ErrNoObject
	case answer.Error != nil:
		return storedMessage{}, errors.New(answer.Error.Description)
	case answer.Message == nil:
		return storedMessage{}, errDamaged
	}
	return *answer.Message, nil
}
