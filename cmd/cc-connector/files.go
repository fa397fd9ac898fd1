package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
)

// # What is rotated
//
// Secrets and certificates are replaced while the process runs: by a timer, by
// Kubernetes, by hand. So nothing that a file holds is taken for good at the
// start. It is read again whenever a connection is made, and the first one that
// is made after the replacement uses what is new. At that moment the file may
// be half written, or gone, or not ours to read; then what it held before is
// used once more, a line in the log names the variable, and the next connection
// asks again. Only at the start is a file that cannot be used an error.

const fileMost = 1 << 20 // of a secret, or a bundle of certificates

// source is where a secret comes from. Its problem is empty, or says what is
// wrong as a continuation of the variable's name.
type source func() (content []byte, problem string)

// source is mostly the file that a setting names.
func (r *reader) source(setting *string) source {
	if inline, ok := r.inline[setting]; ok {
		return inline
	}
	path := *setting
	return func() ([]byte, string) { return readFile(path) }
}

// byteOrderMark is what some editors write in front of a text.
var byteOrderMark = []byte("\xef\xbb\xbf")

func readFile(path string) (content []byte, problem string) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		content, err = io.ReadAll(io.LimitReader(f, fileMost+1))
	}
	content = bytes.TrimPrefix(content, byteOrderMark)
	return content, fileProblem(content, err)
}

func fileProblem(content []byte, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "names a file that does not exist; it must hold a path"
	case errors.Is(err, fs.ErrPermission):
		return "names a file that this user may not read"
	case errors.Is(err, syscall.EISDIR):
		return "names a directory; it must name the file in it"
	case err != nil:
		return "names something that cannot be read as a file; it must hold a path"
	case len(content) == 0:
		return "names an empty file"
	case len(content) > fileMost:
		return "names a file of more than 1 MiB, which holds no secret or certificate"
	case bytes.HasPrefix(content, []byte("\xff\xfe")), bytes.HasPrefix(content, []byte("\xfe\xff")):
		return "names a file in UTF-16; write it anew as UTF-8"
	}
	return ""
}

// readSecret is a source's content without the newlines behind it.
func readSecret(from source) (secret, problem string) {
	content, problem := from()
	secret = strings.TrimRight(string(content), "\r\n")
	if problem == "" && secret == "" {
		problem = "names a file that holds a newline only"
	}
	return secret, problem
}

// rotated is what a file means now, as far as it can be used.
type rotated[T any] struct {
	variable string
	read     func() (T, string)
	troubles *fileTroubles

	mu   sync.Mutex
	last T
}

// rotate reads for the first time, when what is wrong is the setting's fault.
func rotate[T any](r *reader, setting *string, read func() (T, string)) *rotated[T] {
	first, problem := read()
	r.require(problem == "", setting, problem)
	return &rotated[T]{variable: r.nameOf(setting), read: read, troubles: r.troubles, last: first}
}

// again reads anew, and returns what is the latest that can be used.
func (f *rotated[T]) again() T {
	value, problem := f.read()
	f.troubles.note(f.variable, problem)
	f.mu.Lock()
	defer f.mu.Unlock()
	if problem == "" {
		f.last = value
	}
	return f.last
}

// current is what was read last.
func (f *rotated[T]) current() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// fileTroubles tells of files that cannot be used any more, each trouble once.
type fileTroubles struct {
	mu   sync.Mutex
	log  *slog.Logger // none before all settings are read
	told map[string]string
}

func newFileTroubles() *fileTroubles {
	return &fileTroubles{log: slog.New(slog.DiscardHandler), told: make(map[string]string)}
}

func (f *fileTroubles) use(log *slog.Logger) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = log
}

func (f *fileTroubles) note(variable, problem string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.told[variable] == problem {
		return
	}
	f.told[variable] = problem
	if problem != "" {
		f.log.Warn("a file cannot be used now, what it held before is; it is read again at the next connection", "variable", variable, "error", problem)
	}
}
