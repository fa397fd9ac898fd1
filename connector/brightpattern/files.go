package brightpattern

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

var errPage = errors.New("the answer is a page")

// MaxFile is the largest file that the contact center takes, in bytes. One that
// it gives may be no larger, either.
const MaxFile = 25 << 20

// UploadedFile is a file that the contact center keeps, ready to be shared.
type UploadedFile struct {
	ID   FileID
	Name string // the server's; the given one if it says none
}

// Content is a file's or a photo's bytes as they arrive: at most 25 MiB, else
// a read fails with CodeUploadSizeLimitExceeded. Errors of reading are *Error.
// Body must be closed.
type Content struct {
	Type string // the Content-Type, as it came
	Size int64  // bytes; -1 if unknown
	Body io.ReadCloser
}

const octets = "application/octet-stream"

// MediaType is the content's type, as far as it is one: what the header of an
// answer says may be anything.
func (c *Content) MediaType() string {
	if _, _, err := mime.ParseMediaType(c.Type); err != nil || len(c.Type) > maxText || strings.ContainsFunc(c.Type, isOdd) {
		return octets
	}
	return c.Type
}

func isOdd(r rune) bool { return r < ' ' || r > '~' }

// Upload stores a file of at most 25 MiB; more is CodeUploadSizeLimitExceeded.
// Content is read to its end unless the upload fails, and not any more after
// Upload has returned.
func (c *Client) Upload(ctx context.Context, cred Credentials, name string, content io.Reader) (UploadedFile, error) {
	const method = "uploadFile"
	upload, contentType, err := newUpload(name, content)
	if err != nil {
		return UploadedFile{}, tooLarge(method, err)
	}
	call := call{method: method, kind: post, path: []string{"files"}, contentType: contentType, upload: upload}
	var file UploadedFile
	err = c.send(ctx, cred, call, func(body []byte) error {
		o, ok := parseObject(body)
		if !ok {
			return errNotJSON
		}
		file = UploadedFile{FileID(o.said("file_id")), cut(orDefault(o.text("file_name"), name), maxText)}
		if file.ID == "" || len(file.ID) > maxText {
			return errNoFileID
		}
		return nil
	})
	return file, tooLarge(method, err)
}

const (
	methodFile  = "getFile"
	methodPhoto = "getProfilePhoto"
)

// IsOfContent tells the failure of a call for a file or a photo.
func (e *Error) IsOfContent() bool { return e.Method == methodFile || e.Method == methodPhoto }

// File fetches a file of a chat.
func (c *Client) File(ctx context.Context, cred Credentials, chat ChatID, file FileID) (*Content, error) {
	return c.content(ctx, cred, &call{method: methodFile, path: []string{"chats", string(chat), "files", string(file)}})
}

// ProfilePhoto fetches the picture of an agent who is in the chat. A page is no
// picture: somebody else has answered.
func (c *Client) ProfilePhoto(ctx context.Context, cred Credentials, chat ChatID, party PartyID) (*Content, error) {
	return c.content(ctx, cred, &call{method: methodPhoto, path: []string{"chats", string(chat), "profilephotos", string(party)}, noPage: true})
}

func (c *Client) content(ctx context.Context, cred Credentials, call *call) (*Content, error) {
	began := time.Now()
	x, err := c.exchange(ctx, cred, call)
	if err == nil && call.noPage && isPage(x.response.Header) {
		defer x.end()
		err = x.unreadable(errPage)
	}
	c.tell(ctx, call.observed(cred, began, err))
	if err != nil {
		return nil, err
	}
	x.timer.Stop() // runs while a read is under way
	if x.response.ContentLength > fileBody {
		defer x.end()
		return nil, x.tooLarge()
	}
	return &Content{
		Type: x.response.Header.Get("Content-Type"),
		Size: x.response.ContentLength,
		Body: &download{x: x, left: fileBody},
	}, nil
}

// tooLarge has the code that the contact center gives to what is too large for it.
func (x *exchange) tooLarge() *Error {
	e := x.lost(errTooLarge)
	if e.Reason == ReasonUnreadable { // and the caller has not gone meanwhile
		e.Code = CodeUploadSizeLimitExceeded
	}
	return e
}

func isPage(header http.Header) bool {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return kind == "text/html"
}

// download is the body of a Content.
type download struct {
	x    *exchange
	left int64
}

func (d *download) Read(p []byte) (int, error) {
	d.x.progress()
	n, err := d.x.response.Body.Read(p)
	d.x.timer.Stop()
	d.left -= int64(n)
	switch {
	case d.left < 0:
		return 0, d.x.tooLarge()
	case err == nil || err == io.EOF:
		return n, err
	}
	return n, d.x.lost(err)
}

func (d *download) Close() error {
	d.x.end()
	return nil
}
