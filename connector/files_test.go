package connector_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// sharing is a customer's chat, and the files that were uploaded for it.
type sharing struct {
	watched
	credentials brightpattern.Credentials
}

func newSharing(r *rig) sharing {
	r.Helper()
	w := watched{r, r.openChat(fields{"clientId": "ada"})}
	w.untilListening()
	return sharing{w, brightpattern.Credentials{App: appID, Client: "ada"}}
}

// put keeps a file in the store, as a back end does that wants it sent.
func (r *rig) put(name string, content []byte) {
	r.Helper()
	store, err := r.js.ObjectStore(r.ctx, "CC_FILES")
	r.check(err)
	_, err = store.PutBytes(r.ctx, name, content)
	r.check(err)
}

// files are the client's file messages, as the contact center got them.
func (s sharing) files() (files []brightpattern.Event) {
	s.Helper()
	for _, e := range s.record().Client {
		if event := brightpattern.ParseEvent(e.Event); event.Name == brightpattern.EventFile {
			files = append(files, event)
		}
	}
	return files
}

// content is what an agent gets who opens the file.
func (s sharing) content(id brightpattern.FileID) []byte {
	s.Helper()
	client, err := brightpattern.New(s.client)
	s.check(err)
	defer client.Close()
	file, err := client.File(s.ctx, s.credentials, brightpattern.ChatID(s.chat), id)
	s.check(err)
	defer file.Body.Close()
	content, err := io.ReadAll(file.Body)
	s.check(err)
	return content
}

func (s sharing) uploads() int { return s.sim.Calls()[bpsim.UploadFile] }

// object names a file in the store, inline holds one in the command.
func object(name, fileName string) fields {
	return fields{"object": name, "fileName": fileName, "fileType": "attachment"}
}

func inline(content []byte, fileName string) fields {
	return fields{"content": base64.StdEncoding.EncodeToString(content), "fileName": fileName, "fileType": "image"}
}

// lanes run a command of the chat on either, and tell its result.
var lanes = map[string]func(watched, string, fields) schema.Result{
	"live": func(w watched, command string, data fields) schema.Result {
		w.Helper()
		whole := fields{"chatId": w.chat}
		for name, value := range data {
			whole[name] = value
		}
		return w.call(command, whole)
	},
	"durable": func(w watched, command string, data fields) schema.Result {
		w.Helper()
		return w.awaitResult(w.give(command, data))
	},
}

// A file gets to the agent as it is, from the store or out of the command, on
// both lanes; its messages share the numbers of all others.
func TestFilesAreSent(t *testing.T) {
	for lane, run := range lanes {
		t.Run(lane, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{})
			r.start()
			s := newSharing(r)
			large, small := bytes.Repeat([]byte("0123456789abcde\n"), 20<<10), []byte("\x00\xffsmall")
			const odd = "../ä \"b\".*>\r\n$O"
			s.put(odd, large)
			for i, c := range []struct {
				data    fields
				content []byte
			}{{object(odd, "Rechnung \"ä\"\r\n.pdf"), large}, {inline(small, "cat.png"), small}, {object(odd, "twice"), large}} {
				result := run(s.watched, "chat.file", c.data)
				if result.Error != nil {
					t.Fatalf("%+v", result.Error)
				}
				var sent schema.ChatFileResult
				s.check(json.Unmarshal(result.Result, &sent))
				file := s.files()[i]
				if want := fmt.Sprintf("%s:%d", s.chat, 2*i); sent.MessageID != want || string(file.MessageID) != want || string(file.FileID) != sent.FileID {
					t.Errorf("sent is %+v as %+v, want the message %s", sent, file, want)
				}
				if file.FileName != c.data["fileName"] || file.FileType != c.data["fileType"] || !bytes.Equal(s.content(file.FileID), c.content) {
					t.Errorf("the agent gets %q (%s), of %d bytes", file.FileName, file.FileType, len(s.content(file.FileID)))
				}
				if strings.Contains(string(result.Request), "content") || !strings.Contains(string(result.Request), `"fileType"`) {
					t.Errorf("the result tells the request as %s", result.Request)
				}
				s.must("chat.send", fields{"chatId": s.chat, "text": "between"})
			}
		})
	}
}

// What cannot be sent is refused by name: nothing is uploaded, and the agent sees nothing.
func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	const most = 200 << 10
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.FileMaxBytes = most })
	r.start()
	s := newSharing(r)
	s.put("large", make([]byte, most+1))
	s.put("damaged", make([]byte, 150<<10))
	stream, err := r.js.Stream(r.ctx, "OBJ_CC_FILES")
	r.check(err)
	s.check(stream.DeleteMsg(r.ctx, stream.CachedInfo().State.LastSeq-1))
	s.put("deleted", []byte("x"))
	store, err := r.js.ObjectStore(r.ctx, "CC_FILES")
	s.check(err)
	s.check(store.Delete(r.ctx, "deleted"))
	for name, c := range map[string]struct {
		data fields
		code schema.ErrorCode
	}{
		"never there":  {object("never there", "f"), schema.CodeFileNotFound},
		"deleted":      {object("deleted", "f"), schema.CodeFileNotFound},
		"damaged":      {object("damaged", "f"), schema.CodeFileError},
		"large":        {object("large", "f"), schema.CodeUploadLimitExceeded},
		"large inline": {inline(make([]byte, most+1), "f"), schema.CodeUploadLimitExceeded},
		"both":         {fields{"object": "o", "content": "AA==", "fileName": "f", "fileType": "image"}, schema.CodeInvalidCommand},
		"neither":      {fields{"fileName": "f", "fileType": "image"}, schema.CodeInvalidCommand},
		"no name":      {object("large", ""), schema.CodeInvalidCommand},
		"long name":    {object(strings.Repeat("x", schema.MaxString+1), "f"), schema.CodeInvalidCommand},
	} {
		for lane, run := range lanes {
			if got := run(s.watched, "chat.file", c.data).Error; got == nil || got.Code != c.code || got.Outcome != schema.OutcomeNotDone || got.Retryable {
				t.Errorf("%s, %s: %+v, want %s", name, lane, got, c.code)
			}
		}
	}
	if n := s.uploads(); n != 0 || len(s.files()) != 0 {
		t.Errorf("%d files were uploaded, %d sent", n, len(s.files()))
	}
	s.put("just so", make([]byte, most))
	s.must("chat.file", fields{"chatId": s.chat, "object": "just so", "fileName": "f", "fileType": "image"})
}

// Whatever an upload comes to, nothing was done, and it may be repeated: a
// durable command's file gets there once.
func TestUploadsThatFail(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, shortCalls)
	a := o.listen()
	for name, c := range faults {
		if c.final {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, chat := o.in(t), o.openChat()
			watched{o.rig, chat}.untilListening()
			file := strings.NewReplacer(" ", "-", ",", "").Replace(name) + ".png"
			fault := c.fault
			fault.Method, fault.Body, fault.Times = bpsim.UploadFile, `"`+file+`"`, 2
			o.inject(fault)
			live := inline([]byte("abc"), file)
			live["chatId"] = chat
			if failure := o.send("chat.file", live).failure(); failure["outcome"] != "not_done" || failure["retryable"] != true {
				t.Errorf("the live one is answered %v", failure)
			}
			if durable := a.await(o.give("chat.file", "file "+name, chat, inline([]byte("abc"), file))); durable.status() != "ok" {
				t.Errorf("the durable one is answered %v", durable.failure())
			}
			if files := (sharing{watched: watched{o.rig, chat}}).files(); len(files) != 1 || string(files[0].MessageID) != chat+":0" {
				t.Errorf("the agent got %+v", files)
			}
		})
	}
}

// Only the message must not come twice: what it came to is looked up, by its
// number or by the file, and the file that is there already is not uploaded again.
func TestFileMessagesOfUnknownOutcome(t *testing.T) {
	for name, c := range faults {
		if c.final {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Uneven: true}, shortCalls)
			r.start()
			s := newSharing(r)
			fault := c.fault
			fault.Method, fault.Chat, fault.Times = bpsim.SendEvents, s.chat, 1
			s.inject(fault)
			result := r.awaitResult(s.give("chat.file", inline([]byte("abc"), "f")))
			files := s.files()
			if result.Error != nil || len(files) != 1 || s.uploads() != 1 {
				t.Fatalf("the result is %+v; %d uploads, and the agent got %d files", result.Error, s.uploads(), len(files))
			}
			if want := fmt.Sprintf(`{"fileId":"%s","messageId":"%s:0"}`, files[0].FileID, s.chat); string(result.Result) != want {
				t.Errorf("the result is %s, want %s", result.Result, want)
			}
		})
	}
}

// A file that the contact center has dropped before it was told of is uploaded anew.
func TestFileThatTheContactCenterHasDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, shortCalls)
	r.start()
	s := newSharing(r)
	s.inject(bpsim.Fault{Kind: "status", Status: 503, Method: bpsim.SendEvents, Chat: s.chat, Times: 1})
	s.inject(bpsim.Fault{Kind: "status", Status: 404, Code: "5502", Method: bpsim.SendEvents, Chat: s.chat, Times: 1})
	result := r.awaitResult(s.give("chat.file", inline([]byte("abc"), "f")))
	if files := s.files(); result.Error != nil || len(files) != 1 || s.uploads() != 2 || string(files[0].MessageID) != s.chat+":0" {
		t.Errorf("the result is %+v; %d uploads, and the agent got %+v", result.Error, s.uploads(), files)
	}
}

// Several replicas share a chat's files, and each gets there once and in order.
func TestFilesOfManyReplicas(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	r.start()
	s := newSharing(r)
	s.put("o", make([]byte, 300<<10))
	var ids, want []string
	for i := range 12 {
		want = append(want, fmt.Sprint("file ", i))
		ids = append(ids, s.give("chat.file", object("o", want[i])))
	}
	for i, id := range ids {
		if result := r.awaitResult(id); !strings.Contains(string(result.Result), fmt.Sprintf(`"%s:%d"`, s.chat, i)) {
			t.Errorf("result %d is %s (%+v)", i, result.Result, result.Error)
		}
	}
	var got []string
	for _, file := range s.files() {
		got = append(got, file.FileName)
	}
	if !slices.Equal(got, want) || s.uploads() != len(want) {
		t.Errorf("after %d uploads the agent got %q", s.uploads(), got)
	}
}

// While the store is away nothing is done, and who can wait gets his file sent.
func TestFileOfAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, shortCalls).provided()
	r.start()
	s := newSharing(r)
	config := r.streamConfig("OBJ_CC_FILES")
	r.check(r.js.DeleteStream(r.ctx, "OBJ_CC_FILES"))
	got := lanes["live"](s.watched, "chat.file", object("o", "live")).Error
	if got == nil || got.Code != schema.CodeUnavailable || !got.Retryable || got.Outcome != schema.OutcomeNotDone {
		t.Errorf("the live one is answered %+v", got)
	}
	id := s.give("chat.file", object("o", "durable"))
	_, err := r.js.CreateStream(r.ctx, config)
	r.check(err)
	result := r.awaitResult(id) // it was away, or is empty
	if result.Error == nil || result.Error.Code != schema.CodeFileNotFound || s.uploads() != 0 {
		t.Errorf("the durable one is answered %+v, after %d uploads", result.Error, s.uploads())
	}
}

// While a replica lives that cannot run it, nobody takes a durable chat.file.
func TestFilesDuringAnUpdate(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start().stop() // which makes the streams
	dies := r.earlierLives()
	stream, err := r.js.Stream(r.ctx, "CC_COMMANDS")
	r.check(err)
	config := stream.CachedInfo().Config
	takesFiles := func(subject string) bool { return strings.Contains(subject, ".chat.file.") }
	config.Subjects = slices.DeleteFunc(config.Subjects, takesFiles)
	_, err = r.js.UpdateStream(r.ctx, config)
	r.check(err)
	r.start()
	s := newSharing(r)
	if result := lanes["live"](s.watched, "chat.file", inline([]byte("abc"), "live")); result.Error != nil {
		t.Errorf("the live one is answered %+v", result.Error)
	}
	if slices.ContainsFunc(r.streamConfig("CC_COMMANDS").Subjects, takesFiles) {
		t.Error("durable ones are taken, and might be handed to an earlier version")
	}
	dies()
	r.eventually("durable ones are taken", func() bool {
		return slices.ContainsFunc(r.streamConfig("CC_COMMANDS").Subjects, takesFiles)
	})
	if result := lanes["durable"](s.watched, "chat.file", inline([]byte("abc"), "durable")); result.Error != nil {
		t.Errorf("the durable one is answered %+v", result.Error)
	}
}

// agentIn has an agent join a chat.
func agentIn(o outsider, chat string) {
	o.push(chat, fields{"event": "chat_session_party_joined", "party_id": "p1", "type": "internal", "display_name": "Al"})
	o.awaitStored(chat, ".event.party_joined", 1)
}

func (o outsider) photo(chat, party string) reply {
	o.Helper()
	return o.send("chat.photo", fields{"chatId": chat, "partyId": party})
}

// An agent's photo lies in the store for a while, under a name of its own each time.
func TestPhoto(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	agentIn(o, chat)
	seen := map[any]bool{}
	for range 2 {
		result, _ := o.photo(chat, "p1").data["result"].(fields)
		name, _ := result["object"].(string)
		content, err := schema.ReadObject(o.ctx, o.nc, "CC_FILES", name)
		if err != nil || !bytes.HasPrefix(content, []byte("\x89PNG")) || result["contentType"] != "image/png" || seen[name] {
			t.Errorf("%v is %q, %v", result, content, err)
		}
		seen[name] = true
	}
	for _, msg := range o.inFiles() {
		if msg.Header.Get(jetstream.MsgTTLHeader) == "" {
			t.Errorf("%s does not expire", msg.Subject)
		}
	}
	o.checkFailure(o.photo(chat, "nobody"), verdict{"chat_session_file_not_found", "5502", 404, false, "not_done"})
	for _, party := range []string{"a/b", `a\b`, ""} {
		if got := o.photo(chat, party).failure()["code"]; got != "invalid_command" {
			t.Errorf("the party %q is answered %v", party, got)
		}
	}
}

// odd answers calls for photos.
func (r *rig) odd(answer *func(http.ResponseWriter)) {
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		if !strings.Contains(request.URL.Path, "/profilephotos/") || *answer == nil {
			return false
		}
		(*answer)(rw)
		return true
	})
}

// A photo that does not come whole, or for which there is no room, is no photo,
// and leaves nothing.
func TestPhotosThatFail(t *testing.T) {
	t.Parallel()
	var answer func(http.ResponseWriter)
	o := outsider{newRig(t, bpsim.Options{}, func(r *rig) {
		r.config.FileMaxBytes, r.config.FilesMaxBytes = 100<<10, 256<<10
		r.odd(&answer)
	})}
	o.start()
	chat := o.openChat()
	body := func(header string, size, sent int) func(http.ResponseWriter) {
		return func(rw http.ResponseWriter) {
			rw.Header().Set("Content-Type", header)
			rw.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = rw.Write(make([]byte, sent))
			_ = http.NewResponseController(rw).Flush()
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		want   verdict
	}{
		"cut":       {body("image/png", 90<<10, 60<<10), verdict{"unavailable", "", 200, true, "not_done"}},
		"a page":    {body("text/html", 10, 10), verdict{"unexpected_response", "", 200, true, "not_done"}},
		"too large": {body("image/png", 101<<10, 101<<10), verdict{"unexpected_response", "", 0, false, "not_done"}},
		"no room":   {body("image/png", 90<<10, 90<<10), verdict{"unavailable", "", 0, true, "not_done"}},
	} {
		answer = c.answer
		o.checkFailure(o.photo(chat, name), c.want)
	}
	if left := o.inFiles(); len(left) != 0 {
		t.Errorf("%d messages are left in the store", len(left))
	}
	answer = body("not a type\u00e9", 10, 10)
	if result, _ := o.photo(chat, "p").data["result"].(fields); result["contentType"] != "application/octet-stream" {
		t.Errorf("what is no type is told as %v", result)
	}
}

// A process is frozen after an upload, and another one has gone on with the command when
// it wakes up: it has no say any more.
func TestOvertakenAfterAnUpload(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	overtake := sync.OnceFunc(func() {
		journal, err := r.js.KeyValue(r.ctx, "CC_JOURNAL")
		if err != nil {
			t.Error(err)
			return
		}
		key := "command." + resultOf("", "the file")
		record, err := journal.Get(r.ctx, key)
		if err == nil {
			_, err = journal.Put(r.ctx, key, record.Value())
		}
		if err != nil {
			t.Error(err)
		}
	})
	r.config.At(func(point string) {
		if point == "Uploaded" {
			overtake()
		}
	})
	r.start()
	s := newSharing(r)
	s.giveMsg("chat.file", "the file", inline([]byte("abc"), "f"))
	if result := r.awaitResult("the file"); result.Error != nil || len(s.files()) != 1 {
		t.Errorf("the result is %+v, and the agent got %d files", result.Error, len(s.files()))
	}
}
