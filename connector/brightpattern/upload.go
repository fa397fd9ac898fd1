package brightpattern

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"path/filepath"
	"sync"
)

var (
	errUploadClosed   = errors.New("the upload is over")
	errUploadTooLarge = errors.New("the file is larger than 25 MiB")
	errUploadSource   = errors.New("the content could not be read")
)

// upload is a multipart body with one file. The transport may go on reading a
// body after it has answered; Close ends that, waiting for a read under way, so
// that the content belongs to the caller again.
type upload struct {
	size     int64  // of the whole body; -1 if unknown
	progress func() // called before every read

	mu     sync.Mutex
	body   io.Reader
	closed bool
	failed error
}

func newUpload(name string, content io.Reader) (*upload, string, error) {
	size, err := sizeOf(content)
	if err != nil {
		return nil, "", err
	}
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	_, _ = form.CreatePart(partHeader(name)) // a Buffer takes everything
	head := bytes.Clone(frame.Bytes())
	frame.Reset()
	_ = form.Close()
	if size >= 0 {
		size += int64(len(head) + frame.Len())
	}
	body := io.MultiReader(bytes.NewReader(head), &limited{content, fileBody}, &frame)
	return &upload{size: size, body: body}, form.FormDataContentType(), nil
}

func partHeader(name string) textproto.MIMEHeader {
	kind := mime.TypeByExtension(filepath.Ext(name))
	return textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", orDefault(name, "file"))},
		"Content-Type":        {orDefault(kind, octets)},
	}
}

// sizeOf is how much there is to read, as far as the reader can tell: servers
// like to know it beforehand.
func sizeOf(content io.Reader) (int64, error) {
	size := int64(-1)
	switch sized := content.(type) {
	case interface{ Len() int }:
		size = int64(sized.Len())
	case io.Seeker:
		size = remaining(sized)
	}
	if size > fileBody {
		return 0, errUploadTooLarge
	}
	return size, nil
}

func remaining(s io.Seeker) int64 {
	at, err1 := s.Seek(0, io.SeekCurrent)
	end, err2 := s.Seek(0, io.SeekEnd)
	_, err3 := s.Seek(at, io.SeekStart)
	if errors.Join(err1, err2, err3) != nil {
		return -1
	}
	return end - at
}

func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return 0, errUploadClosed
	}
	u.progress()
	n, err := u.body.Read(p)
	if err != nil && err != io.EOF {
		u.failed = sourceError(err)
		return n, u.failed
	}
	return n, err
}

func (u *upload) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	return nil
}

// failure is why the content could not be sent, or nil.
func (u *upload) failure() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}

// sourceError hides what a foreign reader says from the error's text, not from
// errors.Is.
func sourceError(err error) error {
	if errors.Is(err, errUploadTooLarge) {
		return errUploadTooLarge
	}
	return &hidden{text: errUploadSource, cause: err}
}

type hidden struct{ text, cause error }

func (h *hidden) Error() string   { return h.text.Error() }
func (h *hidden) Unwrap() []error { return []error{h.text, h.cause} }

// limited fails, instead of ending, where there is too much.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errUploadTooLarge
	}
	return n, err
}

// tooLarge gives an upload that this side refused the code that the server
// would have given.
func tooLarge(method string, err error) error {
	if !errors.Is(err, errUploadTooLarge) {
		return err
	}
	e := invalid(method, errUploadTooLarge.Error())
	e.Code = CodeUploadSizeLimitExceeded
	return e
}
