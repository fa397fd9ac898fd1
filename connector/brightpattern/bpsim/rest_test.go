package bpsim_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// upload sends one part; its content type may be empty.
func (c *client) upload(part, name, kind string, content []byte) reply {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, part, name)}}
	if kind != "" {
		header.Set("Content-Type", kind)
	}
	w, err := form.CreatePart(header)
	if err != nil {
		c.t.Fatal(err)
	}
	w.Write(content)
	form.Close()
	return c.uploadBody(form.FormDataContentType(), body.String())
}

func (c *client) uploadBody(kind, body string) reply {
	c.t.Helper()
	r := c.request(context.Background(), "POST", "files", body)
	r.Header.Set("Content-Type", kind)
	got, err := c.do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

func TestFiles(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	chat := c.chat()
	content := []byte("a\x00b")
	up := c.upload("file", "a.bin", "application/x-test", content).object(t)
	if up["file_name"] != "a.bin" {
		t.Errorf("got %v", up)
	}
	got := c.get("chats/" + chat + "/files/" + up["file_id"].(string))
	if got.status != 200 || !bytes.Equal(got.body, content) || got.header.Get("Content-Type") != "application/x-test" {
		t.Errorf("got %d %q %s", got.status, got.body, got.header.Get("Content-Type"))
	}
	c.get("chats/"+chat+"/files/none").expect(t, 404, "5502")
}

func TestUploadsThatAreWrong(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	c.upload("document", "a", "", nil).expect(t, 400, "")
	c.uploadBody("multipart/form-data; boundary=x", "nothing").expect(t, 400, "")
	c.uploadBody("application/json; charset=UTF-8", "{}").expect(t, 400, "")
	c.uploadBody("multipart/form-data; boundary=x",
		"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\na\r\n--x\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\nb\r\n--x--\r\n").expect(t, 400, "")
	if n := c.sim.Calls()["uploadFile"]; n != 0 {
		t.Errorf("%d refused uploads were counted", n)
	}
}

func TestUploadLimit(t *testing.T) {
	t.Parallel()
	c := start(t, bpsim.Options{}).client("client")
	limit := make([]byte, 25<<20)
	c.upload("file", "most", "", limit).expect(t, 200, "")
	c.upload("file", "more", "", append(limit, 0)).expect(t, 400, "5501")
	c.upload("file", "much more", "", make([]byte, 26<<20)).expect(t, 400, "5501")
}

func TestTheOldestFileGoes(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	chat := c.chat()
	first := c.upload("file", "", "", []byte("1")).object(t)["file_id"].(string)
	second := c.upload("file", "", "", []byte("2")).object(t)["file_id"].(string)
	for range 998 {
		c.upload("file", "", "", []byte("n"))
	}
	c.get("chats/"+chat+"/files/"+first).expect(t, 200, "")
	c.upload("file", "", "", []byte("n"))
	c.get("chats/"+chat+"/files/"+first).expect(t, 404, "5502")
	c.get("chats/"+chat+"/files/"+second).expect(t, 200, "")
}

func TestProfilePhotos(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, `{"event":"chat_session_party_joined","party_id":"alice","type":"internal"}`)
	if got := c.get("chats/" + chat + "/profilephotos/alice"); got.status != 200 || got.header.Get("Content-Type") != "image/png" || len(got.body) == 0 {
		t.Errorf("got %d %s", got.status, got.header.Get("Content-Type"))
	}
	c.get("chats/"+chat+"/profilephotos/bob").expect(t, 404, "5502")
}

func TestCasesInBothPathForms(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	both := []string{"chats/" + chat + "/", ""}
	for _, form := range both {
		c.get(form+"casehistory").expect(t, 406, "5601")
		c.post(form+"closecase", "").expect(t, 406, "5601")
	}
	w.setCase(chat, "case")
	w.push(w.client("other").chat(), `{"event":"chat_session_case_set","case_id":"case"}`)
	for _, form := range both {
		sessions := c.get(form + "casehistory").object(t)["sessions"].([]any)
		oldest := sessions[len(sessions)-1].(map[string]any)
		if len(sessions) != 2 || oldest["chat_id"] != chat || len(oldest["events"].([]any)) != 1 {
			t.Errorf("got %v", sessions)
		}
		if got := c.post(form+"closecase", ""); got.status != 200 || string(got.body) != "{}" {
			t.Errorf("got %d %s", got.status, got.body)
		}
	}
	if err := w.sim.Forget(w.client("other").chat()); err != nil {
		t.Fatal(err)
	}
	if sessions := c.get("casehistory").object(t)["sessions"].([]any); len(sessions) != 1 {
		t.Errorf("%d sessions, one of them forgotten", len(sessions))
	}
	w.setCase(chat, "")
	c.get("casehistory").expect(t, 406, "5601")
}

func (w *world) setCase(chat, id string) {
	w.t.Helper()
	if err := w.sim.SetCase(chat, id); err != nil {
		w.t.Fatal(err)
	}
}

func TestNotifications(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	for _, test := range []struct {
		body   string
		status int
		code   string
		kind   string
	}{
		{`{"ios_apns_device_token":"SECRET","ios_app_bundle_id":"b"}`, 200, "", "apns"},
		{`{"ios_firebase_device_token":"SECRET"}`, 200, "", "firebase-ios"},
		{`{"android_firebase_device_token":"SECRET"}`, 200, "", "firebase-android"},
		{`{"ios_apns_device_token":"SECRET"}`, 400, "", "firebase-android"},
		{`{"ios_app_bundle_id":"b"}`, 400, "", "firebase-android"},
		{`{"ios_firebase_device_token":"SECRET","ios_app_bundle_id":"b"}`, 400, "", "firebase-android"},
		{`{"ios_firebase_device_token":1}`, 400, "", "firebase-android"},
		{`{"ios_firebase_device_token":"SECRET","android_firebase_device_token":"SECRET"}`, 406, "5603", "firebase-android"},
		{`{}`, 200, "", ""},
	} {
		c.post("chats/"+chat+"/notifications", test.body).expect(t, test.status, test.code)
		if got := w.record(chat).Notifications; got != test.kind {
			t.Errorf("%s: subscribed with %q, want %q", test.body, got, test.kind)
		}
	}
}

func TestServiceMethods(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	if got := c.get("version").object(t)["server_version"]; got == nil {
		t.Error("no version")
	}
	if got := c.get("parameters").object(t)["parameters"].([]any); len(got) != 7 {
		t.Errorf("parameters: %v", got)
	}
	if got := c.get("configuration").object(t)["widgets"].([]any); len(got) != 1 {
		t.Errorf("widgets: %v", got)
	}
	if got := c.get("iceservers").object(t)["servers"].([]any); len(got) != 2 {
		t.Errorf("servers: %v", got)
	}
	seen := map[string]bool{}
	for range 4 {
		got := c.get("availability").object(t)
		if got["chat"] != "available" {
			t.Errorf("got %v", got)
		}
		seen[fmt.Sprintf("%T %v", got["ewt"], got["ewt"])] = true
	}
	if len(seen) != 4 {
		t.Errorf("spellings of ewt: %v", seen)
	}
	want := map[string]int{"getVersion": 1, "getParameters": 1, "getConfiguration": 1, "getIceServers": 1, "checkAvailability": 4}
	if got := c.sim.Calls(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

// An agent's file is there before its event is, whoever has it sent.
func TestFilesOfAgents(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	id, err := w.sim.SendFile(chat, bpsim.File{Name: "a.png", Kind: "image/png", Content: []byte("pixels")})
	if err != nil {
		t.Fatal(err)
	}
	sent := c.control("POST", "chats/"+chat+"/files?name=b.txt&party=p2", "text").object(t)["fileId"].(string)
	events := c.poll(chat).events(t)
	if len(events) != 2 || events[0]["file_type"] != "image" || events[0]["file_name"] != "a.png" || events[1]["party_id"] != "p2" || events[1]["file_type"] != "attachment" {
		t.Errorf("the events are %v", events)
	}
	for id, want := range map[string]string{id: "pixels", sent: "text"} {
		if got := c.get("chats/" + chat + "/files/" + id); string(got.body) != want {
			t.Errorf("the file is %d %q", got.status, got.body)
		}
	}
	c.control("POST", "chats/"+chat+"/files", "text").expect(t, 400, "")
	c.control("POST", "chats/none/files?name=a", "text").expect(t, 404, "")
	if _, err := w.sim.SendFile(chat, bpsim.File{Name: "a", Content: make([]byte, 25<<20+1)}); err == nil {
		t.Error("a file is sent that nobody could have stored")
	}
}

// One answer comes slowly and whole, the other never ends.
func TestAnswersThatTakeTheirTime(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	id, err := w.sim.SendFile(chat, bpsim.File{Name: "a", Content: bytes.Repeat([]byte("a"), 1000)})
	if err != nil {
		t.Fatal(err)
	}
	path := "chats/" + chat + "/files/" + id
	w.inject(bpsim.Fault{Method: bpsim.GetFile, Kind: "slow", Delay: 16 * time.Millisecond, Times: 1})
	if got := c.get(path); len(got.body) != 1000 {
		t.Errorf("the slow answer has %d bytes", len(got.body))
	}
	w.inject(bpsim.Fault{Method: bpsim.GetFile, Kind: "endless", Times: 1})
	response, err := c.http.Do(c.request(context.Background(), "GET", path, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := io.CopyN(io.Discard, response.Body, 1<<20); err != nil || response.ContentLength != -1 {
		t.Errorf("of the endless answer %d bytes came: %v, announced are %d", n, err, response.ContentLength)
	}
}
