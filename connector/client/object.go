package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"cc-connector/schema"
)

// ErrNoObject says that an object is not there: it never was, or its time is over.
var ErrNoObject = schema.ErrNoObject

const refScheme = "nats-object:" // begins a reference to an object of any store

// Fetch copies an object to w, piece by piece, and returns its size: one that a
// payload names, in CC_FILES, or one that an attribute dataref does. Size and
// digest are checked; they are known at the end, so use nothing of what was
// written if there is an error.
func (c *Client) Fetch(ctx context.Context, object string, w io.Writer) (int64, error) {
	bucket := c.cfg.Prefix.StreamName("FILES")
	if rest, isRef := strings.CutPrefix(object, refScheme); isRef {
		bucket, object, _ = strings.Cut(rest, "/")
	}
	if bucket == "" || object == "" {
		return 0, &schema.FieldError{Field: "object", Problem: "must be an object's name, or nats-object:<bucket>/<object>"}
	}
	ctx, cancel := c.patient(ctx)
	defer cancel()
	return schema.CopyObject(ctx, c.nc, c.cfg.JetStreamDomain, bucket, object, w)
}

// FetchFile copies the file of an event to w, and checks it against what the
// event says of it. The event's own error, if the connector could not have the
// file, is a [*schema.Error].
func (c *Client) FetchFile(ctx context.Context, file *schema.File, w io.Writer) error {
	if file.Error != "" {
		return &schema.Error{Code: file.Error, Message: "the connector could not have the file", Outcome: schema.OutcomeNotDone}
	}
	if file.Object == "" {
		return &schema.FieldError{Field: "object", Problem: "is missing: the event names no object"}
	}
	sum := sha256.New()
	size, err := c.Fetch(ctx, file.Object, io.MultiWriter(w, sum))
	if err != nil {
		return fmt.Errorf("client: a file: %w", err)
	}
	other := file.Size != nil && *file.Size != size
	if other || file.SHA256 != "" && file.SHA256 != hex.EncodeToString(sum.Sum(nil)) {
		return errOtherFile
	}
	return nil
}

var errOtherFile = errors.New("client: the object is not the file that the event tells of")
