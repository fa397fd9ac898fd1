package bpsim

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"sync"
)

// storedFiles is how many files the server keeps; the oldest goes first.
const storedFiles = 1000

type storedFile struct {
	kind    string // Content-Type
	content []byte
}

type fileStore struct {
	mu    sync.Mutex
	files map[string]storedFile
	order []string
}

func newFileStore() *fileStore { return &fileStore{files: map[string]storedFile{}} }

func (st *fileStore) put(id string, f storedFile) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.files[id] = f
	st.order = append(st.order, id)
	if len(st.order) > storedFiles {
		delete(st.files, st.order[0])
		st.order = st.order[1:]
	}
}

func (st *fileStore) get(id string) (storedFile, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	f, there := st.files[id]
	return f, there
}

func (st *fileStore) has(id string) bool {
	_, there := st.get(id)
	return there
}

func (s *Server) uploadFile(c *call) answer {
	name, f, err := readUpload(c)
	switch {
	case err != nil:
		return badRequest(err.Error()).answer()
	case len(f.content) > maxUpload:
		return uploadTooLarge.answer()
	}
	id := s.newID()
	s.files.put(id, f)
	out := map[string]any{"file_id": id}
	if name != "" {
		out["file_name"] = name
	}
	return ok(out)
}

var (
	errNotMultipart = errors.New("the body must be multipart/form-data")
	errOnePart      = errors.New("there must be exactly one part, named file")
)

func readUpload(c *call) (name string, f storedFile, err error) {
	parts := multipart.NewReader(bytes.NewReader(c.body), c.boundary)
	part, err := parts.NextPart()
	if err != nil {
		return "", storedFile{}, errNotMultipart
	}
	if part.FormName() != "file" {
		return "", storedFile{}, errOnePart
	}
	content, err := readAll(part, int64(len(c.body)))
	if err != nil {
		return "", storedFile{}, errNotMultipart
	}
	if _, err := parts.NextPart(); err != io.EOF {
		return "", storedFile{}, errOnePart
	}
	kind := orDefault(part.Header.Get("Content-Type"), http.DetectContentType(content))
	return part.FileName(), storedFile{kind, content}, nil
}

func (s *Server) getFile(c *call) answer {
	f, there := s.files.get(c.ids["{file}"])
	if !there {
		return noFile.answer()
	}
	return answer{status: http.StatusOK, contentType: f.kind, body: f.content}
}

// getPhoto: agents have one, also after they have left.
func (s *Server) getPhoto(c *call) answer {
	if !c.chat.hasAgent(c.ids["{party}"]) {
		return noFile.answer()
	}
	return answer{status: http.StatusOK, contentType: "image/png", body: photo()}
}

// photo is the same small picture for everyone.
var photo = sync.OnceValue(func() []byte {
	face := image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.Gray{0xC0}})
	var b bytes.Buffer
	if err := png.Encode(&b, face); err != nil {
		panic(err)
	}
	return b.Bytes()
})
