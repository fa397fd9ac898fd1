package connector_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
)

// Purge leaves nothing of a chat on the bus's disk, when nats-server has written its
// blocks anew: not what was said, nor in a file, nor the id in any spelling. What stood
// in a stream of messages is overwritten at once.
func TestPurgeOnTheDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, bpsim.Options{IDs: markedIDs()}, func(r *rig) {
		r.nats = startNATS(t, &server.Options{
			Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true, SyncInterval: 100 * time.Millisecond,
		})
	})
	replica := r.start()
	w := watched{r, r.openChat(fields{"from": "Q7Ada", "clientId": "ada@q7"})}
	w.untilListening()
	r.leaveBeside()
	w.fill()
	disk := storeOf(dir, "Q7Text", "Q7Durable", "Q7Ada", "Q7Agent", "Q7File", "Q7Content", "Q7Long", "Q7Name", "Q7Object", "Q7Sent", "Q7Dead", "ada@q7", w.chat, string(w.token()))
	for _, stream := range []string{"CC_EVENTS", "CC_SESSIONS", "CC_COMMANDS", "CC_DEADLETTER", "KV_CC_JOURNAL", "KV_CC_CHATS", "KV_CC_STATE", "OBJ_CC_FILES"} {
		if len(disk.search(t, stream)) == 0 {
			t.Errorf("nothing of the chat is found in the files of %s: the search proves nothing", stream)
		}
	}
	report, err := r.admin().Purge(r.ctx, w.chat, true)
	r.check(err)
	if len(report.Failed) > 0 {
		t.Errorf("it could not remove %q", report.Failed)
	}
	for _, stream := range []string{"CC_EVENTS", "CC_DEADLETTER", "OBJ_CC_FILES"} {
		if found := disk.search(t, stream); len(found) > 0 {
			t.Errorf("at once there is still %q", found)
		}
	}
	replica.stop()
	r.turnOver()
	r.eventually("the blocks are written anew", func() bool { return len(disk.search(t, "msgs")) == 0 })
	r.nats.Shutdown()
	r.nats.WaitForShutdown()
	if found := disk.search(t, ""); len(found) > 0 {
		t.Errorf("in the end there is still %q", found)
	}
}

// leaveBeside has something stand in each stream that stays: else a block is removed as
// a whole.
func (r *rig) leaveBeside() {
	r.Helper()
	another := watchNew(r)
	another.inject(bpsim.Fault{Method: bpsim.SendEvents, Chat: another.chat, Kind: "status", Status: 503})
	another.give("chat.typing", fields{}) // is tried again and again
	r.put("another", []byte("file"))
	_, err := r.js.Publish(r.ctx, "cc.deadletter.chat.send.another", []byte("{}"))
	r.check(err)
}

// turnOver has each stream begin another block, which a purge does with buckets alone.
func (r *rig) turnOver() {
	r.Helper()
	data := bytes.Repeat([]byte("filler "), 900<<10/7)
	for name, subject := range map[string]string{
		"CC_EVENTS": "cc.result.fill.er", "CC_SESSIONS": "cc.internal.session.filler%d", "CC_COMMANDS": "cc.durable.chat.send.filler", "CC_DEADLETTER": "cc.deadletter.fill.er",
		"OBJ_CC_FILES": "$O.CC_FILES.C.filler",
	} {
		stream, err := r.js.Stream(r.ctx, name)
		r.check(err)
		for i := range 10 { // of 900 KiB: a block has 8 MiB at most
			to := subject
			if strings.Contains(to, "%d") {
				to = fmt.Sprintf(to, i)
			}
			_, err := r.js.Publish(r.ctx, to, data)
			r.check(err)
		}
		r.check(stream.Purge(r.ctx, jetstream.WithPurgeSubject(strings.ReplaceAll(subject, "filler%d", "*"))))
	}
}

// store is what nats-server keeps in files, in which some texts are looked for.
type store struct {
	dir     string
	needles map[string][]byte // as they are written, by what they are
}

func storeOf(dir string, texts ...string) store {
	s := store{dir, map[string][]byte{}}
	for _, text := range texts {
		s.needles[text] = []byte(text)
		for shift := range 3 { // as base64 writes it, wherever it stands
			encoded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), text...))
			inner := strings.TrimRight(encoded, "=")[(shift*8+5)/6:]
			s.needles[fmt.Sprintf("%s in base64, %d", text, shift)] = []byte(inner[:len(inner)-1])
		}
	}
	return s
}

// search tells where in the files whose path has a part of that name something stands.
func (s store) search(t *testing.T, part string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if os.IsNotExist(err) || err == nil && (entry.IsDir() || part != "" && !strings.Contains(path+"/", "/"+part+"/")) {
			return nil
		}
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) { // it has just been written anew
			return nil
		}
		for what, needle := range s.needles {
			if bytes.Contains(data, needle) || bytes.Contains(decompressed(data), needle) {
				found = append(found, what+" in "+strings.TrimPrefix(path, s.dir))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// decompressed is a block that nats-server has compressed, as it was; nil for all else.
func decompressed(data []byte) []byte {
	var info server.CompressionInfo
	n, err := info.UnmarshalMetadata(data)
	if err != nil || n == 0 {
		return nil
	}
	plain, err := info.Algorithm.Decompress(data[n:])
	if err != nil {
		return nil
	}
	return plain
}
