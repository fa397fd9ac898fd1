package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/schema"
)

// # Files
//
// A file goes from the store of files to the contact center, and a photo the
// other way, piece by piece: one end is read as fast as the other one takes it,
// and no more of it is in memory than a piece. The time-out of a call counts
// from piece to piece, and there is a limit to the whole.
//
// An upload changes nothing that anybody sees: the contact center keeps the file,
// and drops it when others have come. So whatever an upload comes to, the command
// is not done, and it may be repeated; only the message that tells of the file
// must not be sent twice.

const (
	transferMost = 3 * time.Minute // that a file may take from one end to the other
	callsMost    = 3               // no command makes more other calls, each with its own time-out
)

// timeFor is the longest that the calls of a command may take together.
func timeFor(spec *schema.Command, timeout time.Duration) time.Duration {
	if movesFile[spec.Name] {
		return transferMost + callsMost*timeout
	}
	return callsMost * timeout
}

var movesFile = map[string]bool{"chat.file": true, "chat.photo": true}

// transfer moves files of at most so many bytes.
type transfer struct {
	client *brightpattern.Client
	store  *bus.Publisher
	most   int64
}

// upload gives the contact center the file of a command, which nobody sees yet.
func (t transfer) upload(ctx context.Context, credentials brightpattern.Credentials, d *schema.ChatFile) (brightpattern.FileID, error) {
	ctx, cancel := context.WithTimeout(ctx, transferMost)
	defer cancel()
	content, err := t.open(ctx, d)
	if err != nil {
		return "", explainFile(err)
	}
	file, err := t.client.Upload(ctx, credentials, d.FileName, content)
	if err != nil {
		return "", &undoneError{explainFile(err)}
	}
	return file.ID, nil
}

// open finds the content, and how large it is before anything of it is sent.
func (t transfer) open(ctx context.Context, d *schema.ChatFile) (io.Reader, error) {
	if d.Object == "" {
		return bytes.NewReader(d.Content), t.checkSize(int64(len(d.Content)))
	}
	file, err := t.store.OpenFile(ctx, bus.ObjectName(d.Object))
	if err != nil {
		return nil, err
	}
	return file, t.checkSize(file.Size)
}

func (t transfer) checkSize(size int64) error {
	if size > t.most {
		return bus.ErrTooMuch
	}
	return nil
}

// explainFile says what is wrong with a file in the store, or the store, also
// where that broke an upload off.
func explainFile(err error) error {
	wire := wireError(err)
	switch {
	case errors.Is(err, bus.ErrNoFile):
		return refuse(schema.CodeFileNotFound, "object: there is none of that name in the store of files: put it there before the command, and anew when its time there is over")
	case errors.Is(err, bus.ErrDamaged):
		return refuse(schema.CodeFileError, "object: it is damaged: pieces of it are missing, or its size or digest is another one: put it into the store of files anew")
	case errors.Is(err, bus.ErrTooMuch):
		return refuse(schema.CodeUploadLimitExceeded, "the file is larger than CC_FILE_MAX_BYTES allows")
	case bus.IsOutage(err) && (wire == nil || wire.Reason == brightpattern.ReasonInvalid):
		return unavailable("the store of files did not give the file in time")
	}
	return err
}

// photo fetches an agent's photo into the store, where it stays as long as what
// reads bring.
func (t transfer) photo(ctx context.Context, credentials brightpattern.Credentials, chat brightpattern.ChatID, party brightpattern.PartyID, name bus.ObjectName) (schema.ChatPhotoResult, error) {
	ctx, cancel := context.WithTimeout(ctx, transferMost)
	defer cancel()
	content, err := t.client.ProfilePhoto(ctx, credentials, chat, party)
	if err != nil {
		return schema.ChatPhotoResult{}, err
	}
	defer func() { _ = content.Body.Close() }()
	kept, err := t.store.KeepReadFile(ctx, name, content.Body, t.most)
	switch {
	case errors.Is(err, bus.ErrTooMuch):
		err = refuse(schema.CodeUnexpectedResponse, "the photo is larger than CC_FILE_MAX_BYTES allows")
	case bus.IsFull(err):
		err = unavailable("the store of files has no room for what reads bring now: try again later")
	}
	return schema.ChatPhotoResult{Object: string(kept.Object), ContentType: content.MediaType()}, err
}
