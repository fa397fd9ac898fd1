package connector_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"cc-connector/schema"
)

// shot is a message as it goes over the wire, header lines unread.
type shot struct {
	command string // that it pretends to be, perhaps misspelt
	lane    lane
	chat    string // token in the subject
	reply   string
	status  string   // after the header's version
	header  []string // lines
	payload []byte
}

type lane int

const (
	liveLane lane = iota
	durableLane
)

func (s shot) subject() string {
	switch {
	case s.lane == liveLane:
		return "cc." + s.command
	case s.chat == "":
		return "cc.durable." + s.command
	}
	return "cc.durable." + s.command + "." + s.chat
}

// wire is the shot in NATS's protocol.
func (s shot) wire() []byte {
	var w bytes.Buffer
	if s.status == "" && len(s.header) == 0 {
		fmt.Fprintf(&w, "PUB %s %s %d\r\n%s\r\n", s.subject(), s.reply, len(s.payload), s.payload)
		return w.Bytes()
	}
	header := "NATS/1.0" + s.status + "\r\n" + strings.Join(append(s.header, "\r\n"), "\r\n")
	header = strings.TrimSuffix(header, "\r\n")
	fmt.Fprintf(&w, "HPUB %s %s %d %d\r\n%s%s\r\n", s.subject(), s.reply, len(header), len(header)+len(s.payload), header, s.payload)
	return w.Bytes()
}

// marksman makes shots: each is a command that is fine, spoilt in a few ways.
type marksman struct {
	*rand.Rand
	watched []string // chats in which somebody talks: nothing may be done to them
	own     []string // chats with which everything may be done
	copies  []copied // of what the connector published
	used    []string // ids of earlier shots
	limit   int      // of a message, in bytes
}

// copied is one of the connector's own messages.
type copied struct {
	header  []string
	payload []byte
}

// Where answers are to go. JetStream acknowledges a durable command on whatever
// subject its sender names, and no permission keeps that away from the
// connector's own; only an account of its own for the sender does. So durable
// commands aim at what is of no chat that anybody talks in.
var aims = map[lane][]string{
	liveLane: {
		"$KV.CC_CHATS.aimed", "$KV.CC_STATE.aimed", "$JS.API.STREAM.INFO.CC_EVENTS", "$JS.ACK.CC_COMMANDS.runners.1.1.1.1.0", "$O.CC_FILES.M.aimed", "$SRV.PING.aimed",
		"cc.chat.aimed.event.message", "cc.result.aimed", "cc.internal.aimed", "cc.deadletter.aimed", "cc.durable.chat.active", "cc.aimed",
	},
	durableLane: {
		"$KV.CC_CHATS.strange", "$KV.CC_STATE.strange", "$KV.CC_JOURNAL.strange", "$JS.API.STREAM.PURGE.CC_EVENTS", "$JS.API.STREAM.DELETE.CC_SESSIONS",
		"$JS.API.CONSUMER.DELETE.CC_COMMANDS.runners", "$JS.ACK.CC_COMMANDS.runners.1.1.1.1.0", "$O.CC_FILES.M.strange", "cc.chat.strange.event.message", "cc.internal.session.strange",
		"cc.internal.events.strange", "cc.internal.holder.strange", "cc.deadletter.chat.send.strange", "cc.push.received", "cc.durable.chat.active",
	},
}

func oneOf[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

func (m *marksman) next() shot {
	spec := &schema.Commands[m.IntN(len(schema.Commands))]
	chat := m.chatFor(spec)
	s := shot{command: spec.Name, lane: oneOf(m.Rand, liveLane, durableLane), chat: tokenOf(chat)}
	if !spec.NamesChat() {
		s.chat = ""
	}
	s.payload = mustJSON(m.data(spec, chat))
	for range m.IntN(4) {
		mutators[m.IntN(len(mutators))](m, &s)
	}
	if room := m.limit - len(s.wire()); room < 0 && len(s.payload) > -room {
		s.payload = s.payload[:len(s.payload)+room]
	}
	return s
}

// endings are the commands that would change a chat for those who talk in it.
var endings = []string{"chat.end", "chat.disconnect", "chat.detach", "chat.attach", "case.close"}

func (m *marksman) chatFor(spec *schema.Command) string {
	switch real := m.IntN(4); {
	case real == 0 && !slices.Contains(endings, spec.Name):
		return oneOf(m.Rand, m.watched...)
	case real == 1:
		return oneOf(m.Rand, m.own...)
	}
	return oneOf(m.Rand, "invented", "a b", "x/..", "\u00e9", "%", strings.Repeat("l", 300), fmt.Sprint("chat-", m.IntN(50)))
}

// data is fine. Who asks for a chat is one of a few, so that there are few chats.
func (m *marksman) data(spec *schema.Command, chat string) fields {
	data := maps.Clone(fineData(spec, chat))
	if _, takes := data["clientId"]; takes || spec.Name == "chat.request" {
		data["clientId"] = fmt.Sprint("hostile-", m.IntN(5))
	}
	return data
}

func (m *marksman) id() string {
	if len(m.used) > 0 && m.IntN(3) == 0 {
		return oneOf(m.Rand, m.used...)
	}
	id := oneOf(m.Rand, fmt.Sprint("hostile-", m.Uint64()), "", " ", "\xff\xfe", strings.Repeat("i", 100+m.IntN(5000)), "\u2028", `"`)
	m.used = append(m.used, id)
	return id
}

// mutators each spoil a shot in one way.
var mutators = []func(*marksman, *shot){
	(*marksman).spoilStatus, (*marksman).spoilLines, (*marksman).spoilAttributes, (*marksman).spoilNATSHeaders,
	(*marksman).spoilSize, (*marksman).spoilJSON, (*marksman).spoilEvent, (*marksman).spoilReply,
	(*marksman).spoilName, (*marksman).spoilToken, (*marksman).comeBack,
}

func (m *marksman) spoilStatus(s *shot) {
	s.status = oneOf(m.Rand, " 100 Idle Heartbeat", " 100 FlowControl Request", " 200", " 400 Bad Request", " 404 No Messages", " 408 Request Timeout",
		" 409 Consumer Deleted", " 409 Message Size Exceeds MaxBytes", " 412", " 423 Nats-Pin-Id mismatch", " 500", " 503", " 599 x", " abc", "\t503", "503", " ")
}

func (m *marksman) spoilLines(s *shot) {
	s.header = append(s.header, oneOf(m.Rand,
		[]string{"no colon"}, []string{": no name"}, []string{"Bad Name: x"}, []string{" folded: x"}, []string{"X:\x00"}, []string{"\xff: \xfe"},
		[]string{"X: y\r"}, []string{"X: y\nZ: w"}, []string{"", "after the end: x"}, []string{"Long: " + strings.Repeat("h", 1+m.IntN(8<<10))},
		slices.Repeat([]string{"Same: x"}, 1+m.IntN(200)), []string{strings.Repeat("n", 5000) + ": x"}, []string{"X:y", "x:z", "X : w"})...)
}

// spoilAttributes makes a CloudEvent in binary mode, or something like it.
func (m *marksman) spoilAttributes(s *shot) {
	attributes := []string{
		"ce-specversion: 1.0", "ce-id: " + m.id(), "ce-source: //hostile", "ce-type: x", "CE-ID: other", "ce-specversion: 0.3", "ce-specversion:", "ce-id: %zz", "ce-id: %",
		"ce-source: " + strings.Repeat("s", m.IntN(4000)), "ce-source: ", "ce-time: yesterday", "ce-expirytime: 2001-01-01T00:00:00Z", "ce-expirytime: x", "ce-datacontenttype: text/xml",
		"ce-traceparent: 00-x", "ce-: x", "ce-Ä: x", "ce-dataref: nats-object:CC_FILES/x", "ce-sequence: 1", "ce-correlationid: " + strings.Repeat("%41", m.IntN(3000)), "ce-data: x",
	}
	m.Shuffle(len(attributes), func(i, j int) { attributes[i], attributes[j] = attributes[j], attributes[i] })
	s.header = append(s.header, attributes[:m.IntN(8)]...)
}

func (m *marksman) spoilNATSHeaders(s *shot) {
	s.header = append(s.header, oneOf(m.Rand,
		"Nats-Msg-Id: "+m.id(), "Nats-Msg-Id:", "Nats-Expected-Stream: OTHER", "Nats-Expected-Last-Sequence: 1", "Nats-Expected-Last-Sequence: x", "Nats-Expected-Last-Msg-Id: x",
		"Nats-Expected-Last-Subject-Sequence: 0", "Nats-Expected-Last-Subject-Sequence-Subject: cc.durable.chat.active", "Nats-Rollup: sub", "Nats-Rollup: all", "Nats-TTL: 1s", "Nats-TTL: never",
		"Nats-TTL: -1", "Nats-Schedule: @at 2001-01-01T00:00:00Z", "Nats-Schedule: @every 1s", "Nats-Schedule-Target: cc.durable.chat.active", "Nats-Stream: CC_COMMANDS", "Nats-Sequence: 1", "Nats-Subject: cc.durable.chat.end.x",
		"Nats-Last-Sequence: 1", "Nats-Time-Stamp: x", "Nats-Num-Pending: 0", "Nats-Batch-Id: x", "Nats-Batch-Sequence: 1", "Nats-Batch-Commit: 1", "Nats-Incr: +1", "Nats-Marker-Reason: MaxAge",
		"Nats-Required-Api-Level: 99", "Nats-Service-Error: x", "Nats-Service-Error-Code: x", "Nats-Request-Info: {}", "KV-Operation: PURGE", "Nats-Pin-Id: x", "Nats-Pending-Messages: 1", "Nats-Pending-Bytes: 1",
		"Content-Type: application/cloudevents", "Content-Type: application/cloudevents+json", "Content-Type: application/cloudevents+avro", "Content-Type: application/cloudevents-batch+json", "Content-Type:"))
}

func (m *marksman) spoilSize(s *shot) {
	size := oneOf(m.Rand, 0, 1, 100, 3000, 9<<10)
	if m.IntN(30) == 0 { // not so many that the test is about them
		size = oneOf(m.Rand, 64<<10, 256<<10, m.limit)
	}
	filled := bytes.Repeat([]byte{oneOf(m.Rand, byte('x'), '[', '{', '"', 0, 0xff, ' ', '9')}, size)
	s.payload = oneOf(m.Rand, filled, append(s.payload, filled...), append(filled, s.payload...), fmt.Appendf(nil, `{"chatId":"x","text":%q}`, strings.Repeat("t", size)))
}

func (m *marksman) spoilJSON(s *shot) {
	text := string(s.payload)
	deep := oneOf(m.Rand, 3, 50, 900, 11_000)
	s.payload = []byte(oneOf(m.Rand,
		"null", "[]", "1", `"x"`, "{", "{}", "", "\ufeff"+text, text+text, text+"\x00", strings.Replace(text, "{", "{\x00", 1), strings.Replace(text, `"`, "\"\xff", 1),
		strings.Replace(text, "{", `{"chatId":"other",`, 1), strings.Replace(text, "{", `{"chatId":1,"chatId":null,`, 1), strings.Replace(text, "{", `{"":`+strings.Repeat("9", 400)+`,`, 1),
		strings.Repeat("[", deep), strings.Repeat(`{"a":`, deep)+"1"+strings.Repeat("}", deep), strings.Replace(text, "{", `{"x":`+strings.Repeat("[", deep)+strings.Repeat("]", deep)+`,`, 1),
		`{"chatId":"\ud800"}`, strings.ToUpper(text), strings.Replace(text, "{", `{"app":"none",`, 1), strings.Replace(text, "{", "{"+strings.Repeat(`"k":1,`, m.IntN(1000)), 1)))
}

// spoilEvent makes a CloudEvent in structured mode, or something like it.
func (m *marksman) spoilEvent(s *shot) {
	event := fields{"specversion": "1.0", "id": m.id(), "source": "//hostile", "type": "x", "data": string(s.payload)}
	if m.IntN(2) == 0 {
		event["data"] = fields{"chatId": s.chat, "text": "x"}
	}
	for _, name := range []string{"specversion", "id", "source", "type", "data", "expirytime", "correlationid", "traceparent", "dataref", "data_base64", "datacontenttype", "subject"} {
		if m.IntN(6) == 0 {
			event[name] = oneOf[any](m.Rand, nil, "", 1, "x", []any{}, fields{}, "2.0", strings.Repeat("a", m.IntN(5000)), "\x00")
		}
	}
	s.payload = mustJSON(event)
	if m.IntN(2) == 0 {
		s.header = append(s.header, "Content-Type: application/cloudevents+json")
	}
}

// spoilReply aims. A subject that may be answered is another one each time: the
// server lets the connector answer each once.
func (m *marksman) spoilReply(s *shot) {
	if m.IntN(4) == 0 {
		s.reply = oneOf(m.Rand, "_INBOX_other", "_INBOX_cc-connector.x", "nobody", "_R_.x", "$", strings.Repeat("r", 2000)) + fmt.Sprint(".", m.Uint64())
		return
	}
	s.reply = oneOf(m.Rand, aims[s.lane]...)
}

func (m *marksman) spoilName(s *shot) {
	noun, verb, _ := strings.Cut(s.command, ".")
	s.command = oneOf(m.Rand, noun+"."+verb+"x", noun+"."+strings.ToUpper(verb), noun+".x", "chat.result", "chat.event", "service."+verb, "case."+verb, "push."+verb, noun+"."+strings.Repeat("v", 300))
}

func (m *marksman) spoilToken(s *shot) {
	if s.chat != "" {
		s.chat = oneOf(m.Rand, "=", "=zz", "=2e", "=41", "a=", "\u00e9", "$KV", "~", strings.Repeat("t", 2000), "=00")
	}
}

// comeBack sends what the connector itself has published.
func (m *marksman) comeBack(s *shot) {
	own := oneOf(m.Rand, m.copies...)
	s.header, s.payload = slices.Clone(own.header), own.payload
}
