package schema

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// ReadObject reads what a [DataRef] names, by requests for one message after
// the other. NATS's own client reads an object by a consumer that it makes, and
// who only reads may make none.
func ReadObject(ctx context.Context, nc *nats.Conn, bucket, object string) ([]byte, error) {
	return readObject(ctx, objectReader{nc, "$JS.API", bucket}, object)
}

// ReadObjectInDomain is [ReadObject] where the bucket is in a JetStream domain,
// behind a leaf node.
func ReadObjectInDomain(ctx context.Context, nc *nats.Conn, domain, bucket, object string) ([]byte, error) {
	return readObject(ctx, objectReader{nc, "$JS." + domain + ".API", bucket}, object)
}

func readObject(ctx context.Context, o objectReader, object string) ([]byte, error) {
	data, err := o.read(ctx, object)
	if err != nil {
		return nil, fmt.Errorf("the object %s in %s: %w", object, o.bucket, err)
	}
	return data, nil
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

func (o objectReader) read(ctx context.Context, object string) ([]byte, error) {
	name := base64.URLEncoding.EncodeToString([]byte(object))
	stored, err := o.get(ctx, messageQuery{LastFor: "$O." + o.bucket + ".M." + name})
	if err != nil {
		return nil, err
	}
	var meta objectMeta
	if json.Unmarshal(stored.Data, &meta) != nil {
		return nil, errDamaged
	}
	if meta.Deleted {
		return nil, ErrNoObject
	}
	return o.chunks(ctx, meta)
}

func (o objectReader) chunks(ctx context.Context, meta objectMeta) (data []byte, err error) {
	next := messageQuery{Seq: 1, NextFor: "$O." + o.bucket + ".C." + meta.NUID}
	for range meta.Chunks {
		chunk, err := o.get(ctx, next)
		if err != nil {
			return nil, err
		}
		data, next.Seq = append(data, chunk.Data...), chunk.Seq+1
	}
	sum := sha256.Sum256(data)
	if uint64(len(data)) != meta.Size || meta.Digest != "SHA-256="+base64.URLEncoding.EncodeToString(sum[:]) {
		return nil, errDamaged
	}
	return data, nil
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
