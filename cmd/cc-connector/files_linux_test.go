package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

const (
	largeFile     = 20 << 20
	moreMemory    = 8 << 20
	takesUpload   = "/files"
	answerToFiles = `{"file_id":"f"}`
)

// desk takes files, and counts their bytes.
type desk struct{ taken atomic.Int64 }

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, takesUpload):
		n, _ := io.Copy(io.Discard, r.Body)
		d.taken.Add(n)
		_, _ = io.WriteString(w, answerToFiles)
	case strings.HasSuffix(r.URL.Path, "/chats"):
		_, _ = io.WriteString(w, `{"chat_id":"c","state":"queued","is_new_chat":true}`)
	case strings.HasSuffix(r.URL.Path, "/history"):
		_, _ = io.WriteString(w, `{"events":[]}`)
	case r.Method == http.MethodGet: // a poll
		<-r.Context().Done()
	}
}

// A file of 20 MB goes through with less than 8 MB more memory, on either lane.
func TestMemoryOfALargeFile(t *testing.T) {
	natsServer := startNATS(t, server.Options{JetStream: true, StoreDir: t.TempDir()})
	desk := &desk{}
	contact := httptest.NewServer(desk)
	t.Cleanup(contact.Close)
	p := start(t, map[string]string{
		"CC_NATS_URL": natsServer.ClientURL(), "CC_BASE_URL": contact.URL, "CC_APP_ID": "app-1", "CC_SUBJECT_PREFIX": "acme.eu", "CC_HTTP_ADDR": "127.0.0.1:0",
		"GOGC": "100", // garbage may otherwise come to more
	})
	p.waitReady(t, http.StatusOK)
	nc, err := nats.Connect(natsServer.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if status := requestChat(t, nc, ""); status != "ok" {
		t.Fatalf("a chat is answered %q:\n%s", status, p.stderr)
	}
	for _, send := range []func(*testing.T, *nats.Conn, string) []byte{sendLive, sendDurable} {
		sendFile(t, nc, "small", 1<<20, send)
		before, taken := p.forgetPeak(t), desk.taken.Load()
		sendFile(t, nc, "large", largeFile, send)
		if more := p.peakMemory(t) - before; more >= moreMemory || desk.taken.Load()-taken < largeFile {
			t.Errorf("of %d bytes %d were taken, with %d KiB more", largeFile, desk.taken.Load()-taken, more>>10)
		} else {
			t.Logf("%d KiB more", more>>10)
		}
	}
	p.kill(t)
}

// sendFile puts a file into the store, and has it sent.
func sendFile(t *testing.T, nc *nats.Conn, name string, size int, send func(*testing.T, *nats.Conn, string) []byte) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	store, err := js.ObjectStore(t.Context(), "ACME_EU_FILES")
	if err == nil {
		_, err = store.PutBytes(t.Context(), name, bytes.Repeat([]byte(name), size/len(name)+1)[:size])
	}
	if err != nil {
		t.Fatal(err)
	}
	answer := send(t, nc, fmt.Sprintf(`{"chatId":"c","object":%q,"fileName":"f","fileType":"image"}`, name))
	var result struct{ Status string }
	if err := json.Unmarshal(answer, &result); err != nil || result.Status != "ok" {
		t.Fatalf("%s: %s, %v", name, answer, err)
	}
}

func sendLive(t *testing.T, nc *nats.Conn, request string) []byte {
	t.Helper()
	reply, err := nc.Request("acme.eu.chat.file", []byte(request), patience)
	if err != nil {
		t.Fatal(err)
	}
	return reply.Data
}

// sendDurable returns the data of the result event.
func sendDurable(t *testing.T, nc *nats.Conn, request string) []byte {
	t.Helper()
	results, err := nc.SubscribeSync("acme.eu.chat.c.result.chat.file")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = results.Unsubscribe() }()
	if _, err = nc.Request("acme.eu.durable.chat.file.c", []byte(request), patience); err != nil {
		t.Fatal(err)
	}
	msg, err := results.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	if err != nil {
		t.Fatal(err)
	}
	return ce.Data()
}

// forgetPeak has the kernel begin anew to look for the most memory that the
// process has, and returns what it has now.
func (p *process) forgetPeak(t *testing.T) (bytes int64) {
	t.Helper()
	if err := os.WriteFile("/proc/"+strconv.Itoa(p.Process.Pid)+"/clear_refs", []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	return p.peakMemory(t)
}
