package attachments

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

func answering(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// A file is kept whole, however large, and the event says all that a reader needs.
func TestFileIsKept(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"small": []byte("pixels"), "empty": {}, "of several pieces": bytes.Repeat([]byte("0123456789"), 50_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Pointer[http.Request]
			r := newRig(t, func(w http.ResponseWriter, request *http.Request) {
				asked.Store(request)
				answering(200, "Image/PNG; x=1", string(content))(w, request)
			})
			file := r.fetchOne("f 1?#%;")
			sum := sha256.Sum256(content)
			if file.Error != "" || file.ContentType != "image/png; x=1" || *file.Size != int64(len(content)) || file.SHA256 != hex.EncodeToString(sum[:]) {
				t.Errorf("the event says %+v", file)
			}
			if kept := r.content(file.Object); !bytes.Equal(kept, content) {
				t.Errorf("%d bytes are kept of %d", len(kept), len(content))
			}
			if !strings.HasPrefix(file.Object, "chat=2F1/") || strings.Contains(file.Object, "f 1") {
				t.Errorf("the object is named %s", file.Object)
			}
			if path := asked.Load().URL.EscapedPath(); !strings.HasSuffix(path, "/chats/chat%2F1/files/f%201%3F%23%25%3B") {
				t.Errorf("the contact center is asked for %s", path)
			}
		})
	}
}

// hostile is what a contact center, or something before it, answers in place of
// a file, and what the event says then.
var hostile = map[string]struct {
	answer http.HandlerFunc
	want   schema.ErrorCode
}{
	"not there":            {answering(404, "application/json", `{"error_code":"5502"}`), "chat_session_file_not_found"},
	"not there, uncoded":   {answering(404, "text/html", "<html>"), "chat_session_file_not_found"},
	"no such chat":         {answering(404, "application/json", `{"error_code":5005}`), "chat_session_not_found"},
	"forbidden":            {answering(403, "text/html", "<html>virus"), "bad_status_code"},
	"a redirect":           {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "bad_status_code"},
	"away":                 {answering(503, "", ""), "unavailable"},
	"a server's error":     {answering(500, "application/json", `{"error_code":"5558"}`), "chat_session_file_error"},
	"a page":               {answering(200, "text/html; charset=utf-8", "<html>We will be back"), "unexpected_response"},
	"a part":               {answering(206, "image/png", "half"), "unexpected_response"},
	"too large, announced": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "26214401") }, "chat_session_upload_size_limit_exceeded"},
	"endless": {func(w http.ResponseWriter, _ *http.Request) {
		for _, err := w.Write(make([]byte, 1<<20)); err == nil; {
			_, err = w.Write(make([]byte, 1<<20))
		}
	}, "chat_session_upload_size_limit_exceeded"},
	"less than announced": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "9")
		_, _ = io.WriteString(w, "half")
	}, "unavailable"},
	"broken off": {func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, "unavailable"},
	"silent": {func(_ http.ResponseWriter, r *http.Request) { gone(r) }, "timeout"},
	"stuck": {func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		gone(r)
	}, "timeout"},
}

func TestFilesThatCannotBeHad(t *testing.T) {
	t.Parallel()
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.answer, inTime)
			r.checkFailed(r.fetchOne("f"), c.want)
			if n := r.stored(); n != 0 {
				t.Errorf("%d messages stay in the store", n)
			}
		})
	}
}

// The limit is the operator's.
func TestLargestFile(t *testing.T) {
	t.Parallel()
	sized := func(size int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush() // without a length
			_, _ = io.WriteString(w, strings.Repeat("x", size))
		}
	}
	limit := func(c *Config) { c.MaxBytes = 200_000 }
	if file := newRig(t, sized(200_000), limit).fetchOne("f"); file.Error != "" || *file.Size != 200_000 {
		t.Errorf("the largest one: %+v", file)
	}
	r := newRig(t, sized(200_001), limit)
	r.checkFailed(r.fetchOne("f"), schema.CodeUploadLimitExceeded)
}

// What nobody could be asked for is not asked for.
func TestIDsThatNameNoFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ http.ResponseWriter, request *http.Request) { t.Errorf("%s is asked for", request.URL) })
	for _, id := range []string{"", ".", "..", "../../chats", "a/b", `a\b`, "a\x00b", "a\nb", strings.Repeat("x", 10<<10)} {
		r.checkFailed(r.fetchOne(id), schema.CodeFileNotFound)
	}
}

// Whether a page is a file its name tells, and it never is an image.
func TestPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, answering(200, "text/html", "<html>"), inTime)
	sent := r.fetch(
		event("1", "offer.HTML", "attachment"), event("2", "a.htm", "image"),
		event("3", "a.pdf", "attachment"), event("4", "", "attachment"),
	)
	for i, want := range []schema.ErrorCode{"", schema.CodeUnexpectedResponse, schema.CodeUnexpectedResponse, schema.CodeUnexpectedResponse} {
		if file := fileOf(sent[i]); file.Error != want || (file.Object != "") != (want == "") {
			t.Errorf("%s: %+v", file.FileName, file)
		}
	}
}

// What may pass is tried again within the limit.
func TestFileIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"away", "a page", "less than announced", "broken off", "a server's error"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			r := newRig(t, func(w http.ResponseWriter, request *http.Request) {
				if tries.Add(1) <= 2 {
					hostile[name].answer(w, request)
					return
				}
				answering(200, "text/plain", "text")(w, request)
			})
			if file := r.fetchOne("f"); file.Error != "" || string(r.content(file.Object)) != "text" {
				t.Errorf("after %d tries: %+v", tries.Load(), file)
			}
			if n := r.stored(); n != 2 {
				t.Errorf("%d messages are in the store, of one file in one piece", n)
			}
		})
	}
}

// What does not pass is asked for once.
func TestFileIsNotTriedInVain(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"not there", "not there, uncoded", "forbidden", "too large, announced", "endless", "a redirect"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			r := newRig(t, func(w http.ResponseWriter, request *http.Request) {
				tries.Add(1)
				hostile[name].answer(w, request)
			})
			r.checkFailed(r.fetchOne("f"), hostile[name].want)
			if n := tries.Load(); n != 1 {
				t.Errorf("it was asked for %d times", n)
			}
		})
	}
}

// Files of one answer are fetched a few at a time, and of all no more than so
// many, in little memory.
func TestFetchesAtATime(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now, most, perChat, mostPerChat := 0, 0, map[string]int{}, 0
	full, release := make(chan struct{}, 10*fetchesMost), make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, request *http.Request) {
		chat := strings.Split(request.URL.Path, "/")[5]
		mu.Lock()
		now, perChat[chat] = now+1, perChat[chat]+1
		most, mostPerChat = max(most, now), max(mostPerChat, perChat[chat])
		if now == fetchesMost {
			full <- struct{}{}
		}
		mu.Unlock()
		<-release
		_, _ = w.Write(make([]byte, 1<<10))
		mu.Lock()
		now, perChat[chat] = now-1, perChat[chat]-1
		mu.Unlock()
	})
	var batches []*Batch
	for i := range 2 * fetchesMost / perAnswerMost {
		chat := theChat
		chat.ID = brightpattern.ChatID("c" + strconv.Itoa(i))
		batches = append(batches, r.fetcher.Begin(r.Ctx, chat, eventsOf(2*perAnswerMost), time.Now()))
	}
	natstest.Receive(r.Rig, full)
	if r.fetcher.places.TryAcquire(1) {
		t.Errorf("there is a place beside %d that are taken", fetchesMost)
	}
	close(release)
	for _, b := range batches {
		r.Check(b.Await(r.Ctx, 0, 2*perAnswerMost))
		b.End()
	}
	if most != fetchesMost || mostPerChat > perAnswerMost {
		t.Errorf("%d at a time, and %d of one answer", most, mostPerChat)
	}
}

// Large files are never in memory as a whole.
func TestMemoryOfLargeFiles(t *testing.T) {
	const size, most = 20 << 20, 40 << 20 // the server and the contact center are in this process, too
	piece := make([]byte, 1<<20)
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		for range size / len(piece) {
			_, _ = w.Write(piece)
		}
	})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before, largest, done := heap(), uint64(0), make(chan []translate.ServerEvent)
	go func() { done <- r.fetch(eventsOf(perAnswerMost)...) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case events := <-done:
			for _, event := range events {
				if file := fileOf(event); file.Error != "" || *file.Size != size {
					t.Errorf("the event says %+v", file)
				}
			}
			if grown := int64(largest) - int64(before); grown > most {
				t.Errorf("%d MiB more were in use", grown>>20)
			}
			return
		case <-tick.C:
			runtime.GC()
			largest = max(largest, heap())
		}
	}
}

// A store that has no room, or is away, costs the file and nothing else.
func TestStoreOfFiles(t *testing.T) {
	t.Parallel()
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		var tries atomic.Int32
		r := newRig(t, func(w http.ResponseWriter, request *http.Request) {
			tries.Add(1)
			answering(200, "text/plain", strings.Repeat("x", 100_000))(w, request)
		})
		config := r.objects()
		config.MaxBytes = 50_000
		_, err := r.JS.UpdateStream(r.Ctx, config)
		r.Check(err)
		r.checkFailed(r.fetchOne("f"), schema.CodeUnavailable)
		if n := tries.Load(); n != 1 {
			t.Errorf("the file was fetched %d times", n)
		}
	})
	t.Run("away for a while", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, answering(200, "text/plain", "text"))
		config := r.objects()
		r.Check(r.JS.DeleteStream(r.Ctx, config.Name))
		batch := r.fetcher.Begin(r.Ctx, theChat, eventsOf(1), time.Now())
		defer batch.End()
		tried, cancel := context.WithTimeout(r.Ctx, 400*time.Millisecond)
		defer cancel()
		_ = batch.Await(tried, 0, 1)
		_, err := r.JS.CreateStream(r.Ctx, config)
		r.Check(err)
		r.Check(batch.Await(r.Ctx, 0, 1))
		if f := batch.fetches[0].file; f.Error != "" || string(r.content(f.Object)) != "text" {
			t.Errorf("the event says %+v", f)
		}
	})
	t.Run("away", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, answering(200, "text/plain", "text"), inTime)
		r.Check(r.JS.DeleteStream(r.Ctx, r.objects().Name))
		r.checkFailed(r.fetchOne("f"), schema.CodeUnavailable)
	})
}

// While the contact center is away, polls have their turn before files.
func TestFilesSpareTheBudget(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ http.ResponseWriter, request *http.Request) { t.Errorf("%s is asked for", request.URL) }, inTime)
	for !r.fetcher.Budget.IsAway() {
		r.fetcher.Budget.Heard(&brightpattern.Error{Reason: brightpattern.ReasonUnreachable})
	}
	ctx, cancel := canceled(r)
	defer cancel()
	spend := make(chan struct{})
	var polls sync.WaitGroup
	for range 1000 { // chats that wait for their turn
		polls.Go(func() { _ = r.fetcher.Budget.Pay(ctx); <-spend })
	}
	for r.fetcher.Budget.TryPay() {
		runtime.Gosched()
	}
	r.checkFailed(r.fetchOne("f"), schema.CodeUnavailable)
	cancel()
	close(spend)
	polls.Wait()
}

// The end of a batch ends what is under way, at once, and leaves nothing.
func TestEndOfABatch(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, perAnswerMost)
	r := newRig(t, func(_ http.ResponseWriter, request *http.Request) { begun <- struct{}{}; gone(request) })
	events := eventsOf(2 * perAnswerMost)
	batch := r.fetcher.Begin(r.Ctx, theChat, events, time.Now())
	for range perAnswerMost {
		natstest.Receive(r.Rig, begun)
	}
	batch.End()
	for i := range events {
		r.checkFailed(fileOf(events[i]), schema.CodeUnavailable)
	}
	given, err := r.served.Gather()
	r.Check(err)
	for _, family := range given {
		if family.GetName() == "cc_files_fetched_total" && (len(family.GetMetric()) != 1 || family.GetMetric()[0].GetLabel()[0].GetValue() != "given_up") {
			t.Errorf("the metric says %v", family)
		}
	}
	ended, cancel := canceled(r)
	cancel()
	if err := batch.Await(ended, 0, len(events)); err != nil {
		t.Errorf("what is known is waited for: %v", err)
	}
}
