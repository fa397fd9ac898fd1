package connector_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// Files that are long on their way leave places to all other commands. Who finds
// no place for another file is told so, or waits where he can.
func TestSlowFilesLeaveRoom(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.MaxCalls, r.client.Timeout = 4, patience })
	g := gateCalls(r, "/files")
	r.start()
	s := newSharing(r)
	data := inline([]byte("abc"), "slow")
	data["chatId"] = s.chat
	body, err := json.Marshal(data)
	r.check(err)
	reply, err := r.nc.SubscribeSync(nats.NewInbox())
	r.check(err)
	r.check(r.nc.PublishRequest("cc.chat.file", reply.Subject, body))
	<-g.asked
	id := s.give("chat.file", inline([]byte("abc"), "durable"))
	for command, data := range map[string]fields{"chat.file": inline([]byte("abc"), "live"), "chat.photo": {"partyId": "p1"}} {
		got := lanes["live"](s.watched, command, data).Error
		if got == nil || got.Code != schema.CodeUnavailable || !got.Retryable || got.Outcome != schema.OutcomeNotDone || !strings.Contains(got.Message, "files") {
			t.Errorf("%s is answered %+v", command, got)
		}
		s.must("chat.send", fields{"chatId": s.chat, "text": "meanwhile"})
	}
	if n := len(g.asked); n != 0 || len(r.results(id)) != 0 {
		t.Errorf("%d more files are on their way; the durable one has the results %+v", n, r.results(id))
	}
	close(g.open)
	if result := r.awaitResult(id); result.Error != nil {
		t.Errorf("the durable one is answered %+v", result.Error)
	}
	msg, err := reply.NextMsg(patience)
	r.check(err)
	if !strings.Contains(string(msg.Data), `"ok"`) || len(s.files()) != 2 {
		t.Errorf("the first one is answered %s; the agent got %d files", msg.Data, len(s.files()))
	}
}
