package connector_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

func TestCommandsAreAMicroService(t *testing.T) {
	o := newOutsider(t, bpsim.Options{})
	answer, err := o.nc.Request("$SRV.INFO.cc-connector", nil, patience)
	o.check(err)
	var info micro.Info
	o.check(json.Unmarshal(answer.Data, &info))
	got := map[string]string{}
	for _, e := range info.Endpoints {
		if e.QueueGroup != "cc-connector" {
			t.Errorf("%s has the queue group %q", e.Name, e.QueueGroup)
		}
		got[e.Name] = e.Subject
	}
	want := map[string]string{}
	for name := range rows {
		want[strings.Replace(name, ".", "-", 1)] = "cc." + name
	}
	if info.Name != "cc-connector" || !reflect.DeepEqual(got, want) {
		t.Errorf("the service %q has the endpoints\n %v, want\n %v", info.Name, got, want)
	}
}

func TestCommandErrorsShowInTheHeaders(t *testing.T) {
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 403, Code: "5006", Message: "two\r\nlines\tand\x00NUL", Times: 1})
	failed := o.send("chat.send", fields{"chatId": chat, "text": "x"})
	if failed.failure()["code"] != "chat_session_entry_not_found" {
		t.Fatalf("got %v", failed.data)
	}
	code, message := failed.Header.Values("Nats-Service-Error-Code"), failed.Header.Values("Nats-Service-Error")
	if !slices.Equal(code, []string{"chat_session_entry_not_found"}) {
		t.Errorf("Nats-Service-Error-Code is %q", code)
	}
	if len(message) != 1 || !strings.Contains(message[0], "two") || strings.ContainsFunc(message[0], func(r rune) bool { return r < ' ' }) {
		t.Errorf("Nats-Service-Error is %q", message)
	}
	events := o.resultEvents("cc.chat."+tokenOf(chat)+".result.chat.send", failed.id())
	if len(events) != 1 || diff(events[0].data, failed.data) != "" || !reflect.DeepEqual(events[0].attributes, failed.attributes) {
		t.Errorf("the result event is %v, the reply %v", events, failed.cloudEvent)
	}
	if fine := o.send("chat.typing", fields{"chatId": chat}); fine.Header.Get("Nats-Service-Error-Code") != "" {
		t.Errorf("a success has error headers: %q", fine.Header)
	}
}

// Every kind of message in binary mode, read by the strict reader.
func TestBinaryModeHoldsForEveryMessage(t *testing.T) {
	o := newOutsider(t, bpsim.Options{IDs: oddIDs()}, func(r *rig) { r.config.Mode = schema.Binary })
	var seen []*nats.Msg
	watch := o.watch(func(msg *nats.Msg) {
		if s, err := subjects.DefaultPrefix.Parse(msg.Subject); err == nil && s.Chat != "" {
			seen = append(seen, msg)
		}
	})
	request := given{command: "chat.request", id: "1", source: "urn:x", attributes: attributesGiven, data: fields{"from": "Ada"}}
	opened := o.request(writeBinary(request))
	chat := opened.data["chatId"].(string)
	o.push(chat, fields{"event": "chat_session_message", "party_id": "p", "msg": "Grüße \"100 %\"", "msg_id": "1"})
	o.push(chat, fields{"event": "chat_session_ünknown %", "x": "%22"})
	o.push(chat, fields{"event": "chat_session_ended"})
	log := o.awaitLog(chat, "session.opened", "event.message/poll", "event.=C3=BCnknown=20=25/poll", "event.ended/poll", "session.closed")
	watch.end()

	if got := log[0].attributes; got["correlationid"] != attributesGiven["correlationid"] || got["causationid"] != "1" {
		t.Errorf("session.opened has %v", got)
	}
	if got := log[1].data; got["html"] != "Grüße \"100 %\"" || got["raw"].(fields)["msg"] != "Grüße \"100 %\"" {
		t.Errorf("the message is %v", got)
	}
	names := map[string]bool{}
	for _, msg := range seen {
		e := o.read(msg.Header, msg.Data)
		names[e.attributes["type"]] = true
		if _, isBinary := msg.Header["ce-type"]; !isBinary || msg.Header.Get("Content-Type") != "application/json" {
			t.Errorf("not in binary mode: %q", msg.Header)
		}
	}
	if len(names) != len(log)+1 {
		t.Errorf("of the log and a result the bus has shown only %v", names)
	}
}

// The statistics of the micro service tell failures, and how long replies took.
func TestServiceStatistics(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	const delay = 50 * time.Millisecond
	o.inject(bpsim.Fault{Method: bpsim.GetVersion, Kind: "delay", Delay: delay, Times: 1})
	o.mustSend("service.version", fields{})
	o.mustRefuse(&nats.Msg{Subject: "cc.service.version", Data: []byte("no")}, "data")
	for range 3 {
		o.mustRefuse(&nats.Msg{Subject: "cc.chat.send", Data: []byte("{}")}, "chatId")
	}
	sends := o.awaitStatistics("chat-send", 3)
	if average, _ := sends["average_processing_time"].(float64); sends["num_errors"] != 3.0 || average == 0 {
		t.Errorf("of three refusals the statistics are %v", sends)
	}
	found := o.awaitStatistics("service-version", 2)
	if last, _ := found["last_error"].(string); found["num_errors"] != 1.0 || !strings.HasPrefix(last, "invalid_command:") {
		t.Errorf("the statistics are %v", found)
	}
	if took, _ := found["processing_time"].(float64); time.Duration(took) < delay {
		t.Errorf("%v were counted, and the call took %v", time.Duration(took), delay)
	}
}

// awaitStatistics are those of an endpoint when so many requests are counted.
func (o outsider) awaitStatistics(endpoint string, requests float64) (found fields) {
	o.Helper()
	o.eventually("all requests are counted", func() bool {
		answer, err := o.nc.Request("$SRV.STATS.cc-connector", nil, patience)
		o.check(err)
		for _, e := range o.object(answer.Data)["endpoints"].([]any) {
			if e := e.(fields); e["name"] == endpoint {
				found = e
			}
		}
		return found["num_requests"] == requests
	})
	return found
}
