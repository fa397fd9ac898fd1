package connector_test

import (
	"bytes"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/client"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

// A back end puts a file and has it sent, on either lane, with no more rights
// than the user has that is printed for that.
func TestFilesThatAUserPuts(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	s := newSharing(r)
	c := r.helpersOf(fileSender)
	file := bytes.Repeat([]byte("0123456789abcde\n"), 20<<10)
	object, err := c.Put(r.ctx, "", bytes.NewReader(file))
	r.check(err)
	s.put("by NATS's own client", file[1:])
	for i, sent := range []struct {
		object  string
		content []byte
		do      func(*client.Command) (*client.Reply, error)
	}{
		{object, file, func(cmd *client.Command) (*client.Reply, error) { return c.Do(r.ctx, cmd) }},
		{"by NATS's own client", file[1:], func(cmd *client.Command) (*client.Reply, error) { return c.DoDurable(r.ctx, cmd) }},
	} {
		_, err := client.As[schema.ChatFileResult](sent.do(client.NewCommand(&schema.ChatFile{ChatID: s.chat, Object: sent.object, FileName: "a.txt", FileType: "attachment"})))
		r.check(err)
		if got := s.content(s.files()[i].FileID); !bytes.Equal(got, sent.content) {
			t.Errorf("%q: the agent gets %d bytes, want %d", sent.object, len(got), len(sent.content))
		}
	}
	r.checkObject(c, object, file)
}

// checkObject reads an object as the user does, and as NATS's own client does.
func (r *rig) checkObject(c *client.Client, object string, want []byte) {
	r.Helper()
	var fetched bytes.Buffer
	if _, err := c.Fetch(r.ctx, object, &fetched); err != nil || !bytes.Equal(fetched.Bytes(), want) {
		r.Errorf("%d bytes are fetched, want %d: %v", fetched.Len(), len(want), err)
	}
	store, err := r.js.ObjectStore(r.ctx, "CC_FILES")
	r.check(err)
	if got, err := store.GetBytes(r.ctx, object); err != nil || !bytes.Equal(got, want) {
		r.Errorf("NATS's client reads %d bytes, want %d: %v", len(got), len(want), err)
	}
}

// Who may not put files is told what is missing, and does not wait for long.
func TestFilesThatACommanderPuts(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	if _, err := r.helpersOf(permissions.CommanderLive).Put(r.ctx, "", strings.NewReader("x")); err == nil || !strings.Contains(err.Error(), "permissions --files") {
		t.Errorf("it is told %v", err)
	}
}
