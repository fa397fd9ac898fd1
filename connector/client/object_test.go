package client_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/client"
	"cc-connector/schema"
)

// largest notes the largest piece that is written.
type largest struct {
	bytes.Buffer
	piece int
}

func (l *largest) Write(p []byte) (int, error) {
	l.piece = max(l.piece, len(p))
	return l.Buffer.Write(p)
}

func TestFetch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	files, err := r.JS.CreateObjectStore(r.Ctx, jetstream.ObjectStoreConfig{Bucket: "CC_FILES"})
	r.Check(err)
	content := make([]byte, 500<<10+1)
	_, _ = rand.Read(content)
	_, err = files.PutBytes(r.Ctx, "a/file", content)
	r.Check(err)
	for _, object := range []string{"a/file", schema.NewDataRef("CC_FILES", "a/file")} {
		var got largest
		size, err := r.Fetch(r.Ctx, object, &got)
		if err != nil || size != int64(len(content)) || !bytes.Equal(got.Bytes(), content) || got.piece >= len(content) {
			t.Errorf("%s: %d bytes, the largest piece of %d, %v", object, size, got.piece, err)
		}
	}
	if _, err := r.Fetch(r.Ctx, "none", io.Discard); !errors.Is(err, client.ErrNoObject) {
		t.Errorf("an object that is not there: %v", err)
	}
	for _, bad := range []string{"", "nats-object:", "nats-object:x", "nats-object:/x"} {
		var wrong *schema.FieldError
		if _, err := r.Fetch(r.Ctx, bad, io.Discard); !errors.As(err, &wrong) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	r.checkFiles(content)
	r.damage()
	if _, err := r.Fetch(r.Ctx, "a/file", io.Discard); err == nil {
		t.Error("a damaged object is not noticed")
	}
}

// checkFiles fetches what events tell of, truly or not.
func (r *rig) checkFiles(content []byte) {
	r.Helper()
	sum, size, less := sha256.Sum256(content), int64(len(content)), int64(7)
	digest := hex.EncodeToString(sum[:])
	var failed *schema.Error
	for name, c := range map[string]struct {
		file schema.File
		fits func(error) bool
	}{
		"as it is":       {schema.File{Object: "a/file", Size: &size, SHA256: digest}, func(err error) bool { return err == nil }},
		"of an old one":  {schema.File{Object: "a/file"}, func(err error) bool { return err == nil }},
		"another size":   {schema.File{Object: "a/file", Size: &less}, func(err error) bool { return err != nil }},
		"another digest": {schema.File{Object: "a/file", SHA256: "00"}, func(err error) bool { return err != nil }},
		"none":           {schema.File{}, func(err error) bool { return err != nil }},
		"failed":         {schema.File{Error: schema.CodeFileNotFound}, func(err error) bool { return errors.As(err, &failed) && failed.Code == schema.CodeFileNotFound }},
	} {
		if err := r.FetchFile(r.Ctx, &c.file, io.Discard); !c.fits(err) {
			r.Errorf("%s: %v", name, err)
		}
	}
}

// damage has the store say another digest of its object.
func (r *rig) damage() {
	r.Helper()
	stream, err := r.JS.Stream(r.Ctx, "OBJ_CC_FILES")
	r.Check(err)
	meta, err := stream.GetLastMsgForSubject(r.Ctx, "$O.CC_FILES.M.*")
	r.Check(err)
	msg := nats.NewMsg(meta.Subject)
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	msg.Data = regexp.MustCompile(`SHA-256=....`).ReplaceAll(meta.Data, []byte("SHA-256=abcd"))
	_, err = r.JS.PublishMsg(r.Ctx, msg)
	r.Check(err)
}
