package brightpattern

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// received is what a server makes of an upload.
type received struct {
	name, contentType, content string
	length                     int64
	fields                     int
}

func receive(r *http.Request) (got received, err error) {
	got.length = r.ContentLength
	parts, err := r.MultipartReader()
	if err != nil {
		return got, err
	}
	for part, err := parts.NextPart(); err == nil; part, err = parts.NextPart() {
		content, _ := io.ReadAll(part)
		got.content += string(content)
		got.fields++
		got.name, got.contentType = part.FormName()+"/"+part.FileName(), part.Header.Get("Content-Type")
	}
	return got, nil
}

func TestUpload(t *testing.T) {
	onDisk, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer onDisk.Close()
	_, _ = onDisk.WriteString("..content")
	_, _ = onDisk.Seek(2, io.SeekStart)
	cases := map[string]struct {
		content io.Reader
		sized   bool
	}{
		"bytes":  {bytes.NewReader([]byte("content")), true},
		"string": {strings.NewReader("content"), true},
		"file":   {onDisk, true},
		"stream": {iotest.OneByteReader(strings.NewReader("content")), false},
	}
	for kind, c := range cases {
		t.Run(kind, func(t *testing.T) {
			var got received
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got, _ = receive(r)
				_, _ = io.WriteString(w, `{"file_id":"f1","file_name":"server.png"}`)
			})
			file, err := client.Upload(overall(t), caller, "fü\"\r\n.png", c.content)
			if err != nil || file != (UploadedFile{"f1", "server.png"}) {
				t.Fatalf("%+v %v", file, err)
			}
			if got.content != "content" || got.fields != 1 || got.contentType != "image/png" || !strings.HasPrefix(got.name, "file/fü") || (got.length > 0) != c.sized {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestUploadAnswers(t *testing.T) {
	file, err := serve(t, answering(200, `{"file_id":12}`)).Upload(overall(t), caller, "a", strings.NewReader("x"))
	if err != nil || file != (UploadedFile{"12", "a"}) {
		t.Errorf("%+v %v", file, err)
	}
	for _, body := range []string{"", "{}", "<html>"} {
		_, err := serve(t, answering(200, body)).Upload(overall(t), caller, "a", strings.NewReader("x"))
		expect(t, err, ReasonUnreadable, EffectUnknown)
	}
	_, err = serve(t, answering(400, `{"error_code":5501}`)).Upload(overall(t), caller, "a", strings.NewReader("x"))
	if e := expect(t, err, ReasonRefused, EffectNone); e.Code != CodeUploadSizeLimitExceeded {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestUploadTooLarge(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	contents := map[string]io.Reader{"sized": bytes.NewReader(make([]byte, fileBody+1)), "endless": zeros{}}
	for name, content := range contents {
		_, err := client.Upload(overall(t), caller, "a", content)
		if e := expect(t, err, ReasonInvalid, EffectNone); e.Code != CodeUploadSizeLimitExceeded || e.Method != "uploadFile" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUploadOfTheLargest(t *testing.T) {
	var got int64
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"file_id":"f"}`)
	})
	if _, err := client.Upload(overall(t), caller, "a", io.LimitReader(zeros{}, fileBody)); err != nil || got < fileBody {
		t.Errorf("%d bytes, %v", got, err)
	}
}

func TestUploadSourceFails(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	mine := errors.New("s3cr3t")
	_, err := client.Upload(overall(t), caller, "a", io.MultiReader(strings.NewReader("x"), iotest.ErrReader(mine)))
	expect(t, err, ReasonInvalid, EffectNone)
	if !errors.Is(err, mine) || strings.Contains(err.Error(), "s3cr3t") {
		t.Error(err)
	}
}

// guarded fails the test when it is read after its owner has it back.
type guarded struct {
	t    *testing.T
	back chan struct{}
}

func (g *guarded) Read(p []byte) (int, error) {
	select {
	case <-g.back:
		g.t.Error("read after Upload has returned")
		return 0, io.EOF
	default:
		return min(1, len(p)), nil // slowly, so that the answer comes first
	}
}

// refuseAtOnce answers while the request is still on its way.
func refuseAtOnce(w http.ResponseWriter, _ *http.Request) {
	conn, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
	_, _ = io.Copy(io.Discard, rest)
}

func TestUploadGivesTheContentBack(t *testing.T) {
	client := serve(t, refuseAtOnce)
	for range 20 { // what net/http still reads is a race
		content := &guarded{t: t, back: make(chan struct{})}
		_, err := client.Upload(overall(t), caller, "a", content)
		close(content.back)
		expect(t, err, ReasonRefused, EffectNone)
	}
}

func TestUploadIsNotReadAfterClose(t *testing.T) {
	content := strings.NewReader("content")
	upload, _, err := newUpload("a", content)
	if err != nil {
		t.Fatal(err)
	}
	_ = upload.Close()
	if _, err := io.ReadAll(upload); !errors.Is(err, errUploadClosed) || content.Len() != 7 {
		t.Errorf("%v, %d left", err, content.Len())
	}
}

// What is known to be too large is not sent at all.
func TestUploadKnownTooLarge(t *testing.T) {
	client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	_, err := client.Upload(overall(t), caller, "a", bytes.NewReader(make([]byte, fileBody+1)))
	expect(t, err, ReasonInvalid, EffectNone)
}

// An upload has its whole time again with every piece that is read.
func TestUploadProgress(t *testing.T) {
	client := serve(t, answering(200, ""))
	upload, contentType, err := newUpload("a", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	x := newExchange(overall(t), &call{kind: post, path: []string{"files"}, contentType: contentType, upload: upload}, time.Hour)
	defer x.end()
	if _, err := client.request(x, caller); err != nil {
		t.Fatal(err)
	}
	x.timer.Stop()
	if _, err := upload.Read(make([]byte, 1)); err != nil || !x.timer.Stop() {
		t.Errorf("the timer does not run: %v", err)
	}
}

// A download's time runs only while a read waits for the server, not while the
// caller is busy.
func TestDownloadTime(t *testing.T) {
	content, err := serve(t, answering(200, "xy")).File(overall(t), caller, theChat, "f")
	if err != nil {
		t.Fatal(err)
	}
	defer content.Body.Close()
	timer := content.Body.(*download).x.timer
	if timer.Stop() {
		t.Error("the time runs before the first read")
	}
	if _, err := content.Body.Read(make([]byte, 1)); err != nil || timer.Stop() {
		t.Errorf("the time runs between two reads: %v", err)
	}
}

func TestContent(t *testing.T) {
	client, rec := record(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "pixels")
	})
	ctx := overall(t)
	file := func() (*Content, error) { return client.File(ctx, caller, "c/1", "f 1") }
	photo := func() (*Content, error) { return client.ProfilePhoto(ctx, caller, "c/1", "p 1") }
	for path, fetch := range map[string]func() (*Content, error){"chats/c%2F1/files/f%201": file, "chats/c%2F1/profilephotos/p%201": photo} {
		content, err := fetch()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(content.Body)
		if err != nil || string(body) != "pixels" || content.Size != 6 || content.Type != "image/png" {
			t.Errorf("%q %+v %v", body, content, err)
		}
		if err := content.Body.Close(); err != nil {
			t.Error(err)
		}
		if got := rec.requests[len(rec.requests)-1].path; got != api+path {
			t.Errorf("path %s", got)
		}
	}
}

func TestContentRefused(t *testing.T) {
	content, err := serve(t, answering(404, `{"error_code":"5502"}`)).File(overall(t), caller, theChat, "f")
	if e := expect(t, err, ReasonRefused, EffectNone); content != nil || e.Code != CodeFileNotFound {
		t.Errorf("%v %v", content, err)
	}
	_, err = serve(t, answering(200, "x")).File(overall(t), caller, theChat, "..")
	expect(t, err, ReasonInvalid, EffectNone)
}

func TestContentTooLarge(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "26214401") })
	_, err := client.File(overall(t), caller, theChat, "f")
	if e := expect(t, err, ReasonUnreadable, EffectNone); e.Code != CodeUploadSizeLimitExceeded || !e.IsOfContent() {
		t.Error(err)
	}

	client = serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, io.LimitReader(zeros{}, fileBody+1)) })
	_, err = readAll(t, client, overall(t))
	if e := expect(t, err, ReasonUnreadable, EffectNone); e.Code != CodeUploadSizeLimitExceeded || !e.IsOfContent() {
		t.Error(err)
	}

	client = serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, io.LimitReader(zeros{}, fileBody)) })
	if n, err := readAll(t, client, overall(t)); n != fileBody || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func readAll(t *testing.T, client *Client, ctx context.Context) (int64, error) {
	t.Helper()
	content, err := client.File(ctx, caller, theChat, "f")
	if err != nil {
		t.Fatal(err)
	}
	defer content.Body.Close()
	return io.Copy(io.Discard, content.Body)
}

func TestContentLost(t *testing.T) {
	t.Parallel()
	stall := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	_, err := readAll(t, clientOf(t, Config{BaseURL: stall.URL, Timeout: connectable}), overall(t))
	expect(t, err, ReasonTimeout, EffectNone)

	cut := rawServer(t, func(int) (string, bool) { return "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", true })
	_, err = readAll(t, clientOf(t, Config{BaseURL: cut.url()}), overall(t))
	expect(t, err, ReasonCut, EffectNone)

	ctx, cancel := context.WithCancel(overall(t))
	content, err := clientOf(t, Config{BaseURL: stall.URL}).File(ctx, caller, theChat, "f")
	if err != nil {
		t.Fatal(err)
	}
	defer content.Body.Close()
	cancel()
	_, err = io.Copy(io.Discard, content.Body)
	expect(t, err, ReasonCanceled, EffectNone)
}
