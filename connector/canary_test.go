package connector_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// nest is a running connector with canaries in everything that people and
// devices say. The words may be published, but not logged; the secrets
// may go nowhere but to the contact center and, of ICE, to who asked. The
// clients are for who asked, too, and else where only the connector reads.
type nest struct {
	*rig
	wire                    *eavesdropper
	words, secrets, clients flock
	spans                   spans
	chat                    string
}

// eavesdropper stands in front of the contact center, remembers what it was
// told, and gives credentials with the ICE servers.
type eavesdropper struct {
	http.Handler
	mu     sync.Mutex
	bodies strings.Builder
	ice    string
}

func (e *eavesdropper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	e.mu.Lock()
	e.bodies.Write(body)
	ice := e.ice
	e.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/iceservers") && ice != "" {
		_, _ = io.WriteString(w, ice)
		return
	}
	e.Handler.ServeHTTP(w, r)
}

// offerICE sets the answer to the next questions for ICE servers; "" leaves
// the question to the simulator and its faults.
func (e *eavesdropper) offerICE(answer string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ice = answer
}

func (e *eavesdropper) heard(canary string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Contains(e.bodies.String(), canary)
}

// payload gives the rig a NATS server with a smaller limit than usual.
func (r *rig) payload(limit int32) {
	r.Helper()
	r.nats = startNATS(r.T, &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: r.TempDir(), NoSigs: true, NoLog: true, MaxPayload: limit})
}

func TestCanaries(t *testing.T) {
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			n := &nest{wire: &eavesdropper{}, words: flock{beginning: "Q7Word"}, secrets: flock{beginning: "Q7Secret"}, clients: flock{beginning: "Q7Client"}}
			n.rig = newRig(t, bpsim.Options{}, func(r *rig) {
				n.wire.Handler = r.sim
				r.through(n.wire)
				r.payload(128 << 10)
				r.config.Mode = mode
				n.spans = r.trace()
			})
			n.run()
		})
	}
}

func (n *nest) run() {
	buckets := n.tapBuckets()
	replica := n.start()
	n.chat = n.openChat(map[string]any{
		"clientId": n.clients.lay("own"), "from": n.words.lay("from"), "phoneNumber": n.words.lay("phone"),
		"parameters": map[string]string{"topic": n.words.lay("parameter")}, "userPlatform": map[string]string{"os": n.words.lay("platform")},
	})
	n.check(n.sim.SetCase(n.chat, "case-1"))
	n.agentSpeaks()
	n.wellFormed()
	n.iceServers()
	n.malformed()
	n.faulty()
	n.oversize()
	n.customers()
	n.ransack().checkNone(n.T, &n.secrets) // while there still is a session token
	n.must("chat.end", map[string]any{"chatId": n.chat})
	replica.stop()

	seen := n.ransack()
	seen.checkNone(n.T, &n.secrets)
	seen.checkHidden(n.T, &n.clients)
	n.checkSignals(seen)
	written := buckets()
	n.checkSignals(written)
	written.checkNone(n.T, &n.secrets)
	written.checkHidden(n.T, &n.clients)
	log := findings{}
	log.add("the log", n.log)
	log.checkNone(n.T, &n.words)
	log.checkNone(n.T, &n.secrets)
	log.checkHidden(n.T, &n.clients)
	n.checkTraces()
	n.checkSenses(seen, log)
}

// checkTraces: traces go where anybody may read them. The id of a file stands in the address that it is fetched from.
func (n *nest) checkTraces() {
	n.Helper()
	traces := n.spans.findings()
	traces.checkNone(n.T, &n.secrets)
	traces.checkHidden(n.T, &n.clients)
	for _, word := range n.words.laid {
		for _, around := range traces.places(word) {
			if !strings.Contains(word, "fileid") {
				n.Errorf("the traces have %s: …%s…", word, around)
			}
		}
	}
	if len(traces.places(n.chat)) == 0 {
		n.Error("not even the chat's id is found in the traces")
	}
}

// signalled are the words of a WebRTC step: no result tells them, and no history.
const signalled = "signalled"

// enclosed are the words in a file: only who opens it reads them.
const enclosed = "enclosed"

func (n *nest) checkSignals(seen findings) {
	n.Helper()
	for place, around := range seen.places(n.words.beginning + signalled) {
		n.Errorf("%s has a signal: …%s…", place, around)
	}
	for place, around := range seen.places(n.words.beginning + enclosed) {
		n.Errorf("%s has a file's content: …%s…", place, around)
	}
}

// checkSenses proves that the search finds what is there.
func (n *nest) checkSenses(seen, log findings) {
	if len(log.places(n.chat)) == 0 {
		n.Error("not even the chat's id is found in the log")
	}
	for _, client := range n.clients.laid {
		if strings.Contains(client, "kept") && len(seen.places(client)) == 0 {
			n.Errorf("the client %s is found nowhere", client)
		}
	}
	for what, place := range map[string]string{
		"agenttext": "CC_EVENTS", "told": "CC_EVENTS", "name": "CC_EVENTS", "display": "KV_CC_CHATS", "long": "objects",
		"filename": "CC_EVENTS", "filecontent": "objects", "lostfile": "CC_EVENTS",
		"text": "CC_EVENTS", "form": "CC_EVENTS", "parameter": "CC_EVENTS", "platform": "CC_EVENTS", "title": "KV_CC_JOURNAL", // of requests
	} {
		if _, found := seen.places(n.words.beginning + what)[place]; !found {
			n.Errorf("no %s is found in %s", what, place)
		}
	}
}

// says pushes an event of the contact center and waits until it is published.
func (n *nest) says(ending string, fields map[string]any) {
	n.Helper()
	before := n.awaitStored(n.chat, ending, 0)
	n.push(n.chat, fields)
	n.awaitStored(n.chat, ending, len(before)+1)
}

func (n *nest) agentSpeaks() {
	n.says(".event.party_joined", map[string]any{
		"event": "chat_session_party_joined", "party_id": "p1", "type": "internal",
		"first_name": n.words.lay("first"), "last_name": n.words.lay("last"), "display_name": n.words.lay("display"),
	})
	n.says(".event.message", n.message(""))
	n.says(".event.timeout_warning", map[string]any{"event": "chat_session_timeout_warning", "msg": n.words.lay("warning")})
	n.says(".event.x_novelty", map[string]any{"event": "novelty", "text": n.words.lay("unknown")})
	n.says(".event.signaling", map[string]any{
		"event": "chat_session_signaling", "party_id": "p1", "msg_id": "2", "data": map[string]string{"type": "OFFER_CALL", "sdp": n.words.lay("sdp")},
	})
	_, err := n.sim.SendFile(n.chat, bpsim.File{Name: n.words.lay("filename"), Content: []byte(n.words.lay("filecontent"))})
	n.check(err)
	n.says(".event.file", map[string]any{ // which is not there
		"event": "chat_session_file", "party_id": "p1", "msg_id": "3", "file_id": n.words.lay("fileid"), "file_name": n.words.lay("lostfile"), "file_type": "image",
	})
	// Not known of any server, but what is secret stays so wherever it comes from.
	n.says(".event.secure_form_data", map[string]any{
		"event": "chat_session_secure_form_data", "party_id": "p1", "form_request_id": "1", "form_name": "card",
		"data": map[string]string{"number": n.secrets.lay("pushed")},
	})
}

func (n *nest) message(padding string) map[string]any {
	return map[string]any{
		"event": "chat_session_message", "party_id": "p1", "msg_id": "1",
		"msg": n.words.lay("agenthtml") + padding, "msg_text": n.words.lay("agenttext") + padding,
	}
}

// order is a command with canaries in its data.
type order struct {
	command string
	method  string // what the contact center is called by
	data    map[string]any
	own     *flock // where its canaries are from
}

// orders are the commands that say something, with new canaries in them.
func (n *nest) orders() []order {
	w, s := &n.words, &n.secrets
	all := []order{
		{"chat.send", bpsim.SendEvents, map[string]any{"text": w.lay("text")}, w},
		{"chat.send", bpsim.SendEvents, map[string]any{"html": "<b>" + w.lay("html") + "</b>"}, w},
		{"chat.form", bpsim.SendEvents, map[string]any{"formRequestId": "1", "formName": w.lay("formname"), "data": map[string]string{"phone": w.lay("form")}}, w},
		{"chat.location", bpsim.SendEvents, map[string]any{"latitude": 1, "longitude": 2, "url": w.lay("map")}, w},
		{"chat.navigation", bpsim.SendEvents, map[string]any{"page": w.lay("page"), "title": w.lay("title")}, w},
		{"chat.signal", bpsim.SendEvents, map[string]any{"partyId": "p1", "signal": map[string]string{"type": "OFFER_CALL", "sdp": w.lay(signalled)}}, w},
		{"chat.cobrowsing", bpsim.SendEvents, map[string]any{"action": "started", "url": w.lay("cobrowsing")}, w},
		{"chat.secureform", bpsim.SendEvents, map[string]any{"formRequestId": "1", "formName": "card", "data": map[string]string{"number": s.lay("sentform")}}, s},
		{"chat.file", bpsim.SendEvents, map[string]any{"content": base64.StdEncoding.EncodeToString([]byte(w.lay(enclosed))), "fileName": "f", "fileType": "image"}, w},
		{"push.apns", bpsim.Subscribe, map[string]any{"deviceToken": s.lay("sentapns"), "appBundleId": "com.example"}, s},
		{"push.firebase", bpsim.Subscribe, map[string]any{"deviceToken": s.lay("sentios")}, s},
		{"push.firebase", bpsim.Subscribe, map[string]any{"deviceToken": s.lay("sentandroid"), "platform": "android"}, s},
		{"push.received", "", map[string]any{"aps": map[string]any{"alert": w.lay("alert")}}, w},
	}
	for _, o := range all {
		o.data["chatId"] = n.chat
	}
	return all
}

func (n *nest) wellFormed() {
	for _, o := range n.orders() {
		n.must(o.command, o.data)
	}
	for _, secret := range n.secrets.laid {
		if strings.Contains(secret, "sent") && !n.wire.heard(secret) {
			n.Errorf("%s did not reach the contact center", secret)
		}
	}
	for _, read := range []string{"chat.history", "case.history"} {
		n.must(read, map[string]any{"chatId": n.chat})
	}
}

// iceServers: who asks gets the credentials, and nobody else.
func (n *nest) iceServers() {
	username, credential := n.secrets.lay("iceuser"), n.secrets.lay("icecredential")
	n.wire.offerICE(fmt.Sprintf(`{"servers":[{"url":"turn:turn.example.com","username":%q,"credential":%q}]}`, username, credential))
	reply := string(n.must("service.iceservers", map[string]any{}))
	if !strings.Contains(reply, username) || !strings.Contains(reply, credential) {
		n.Errorf("the reply has no credentials: %s", reply)
	}
	n.wire.offerICE(`{"servers":[{"url":"turn:turn.example.com","credential":"` + n.secrets.lay("icebroken"))
	if result := n.call("service.iceservers", map[string]any{}); result.Error == nil {
		n.Error("an answer that cannot be read is no error")
	}
	n.wire.offerICE("")
}

// malformed sends what has to be refused, in every form.
func (n *nest) malformed() {
	count := len(n.orders())
	for i := range count {
		for _, spoil := range spoilers {
			o := n.orders()[i]
			for _, msg := range spoil(n, o) {
				msg.Subject = "cc." + o.command
				if result := n.ask(msg); result.Error == nil && o.command != "push.received" {
					n.Errorf("%s took %.300s", o.command, msg.Data)
				}
			}
		}
	}
}

// spoilers make messages that are no good commands. A foreign field's name is
// the one thing of the sender's that an error tells, so it is no secret.
var spoilers = []func(*nest, order) []*nats.Msg{
	func(_ *nest, o order) (all []*nats.Msg) { // of the wrong types
		for name, value := range o.data {
			other := any(fmt.Sprint(value)) // an object as text, or text as an object
			if _, isText := value.(string); isText {
				other = map[string]any{"value": value}
			}
			for _, wrong := range []any{[]any{value}, other} {
				changed := maps.Clone(o.data)
				changed[name] = wrong
				all = append(all, plain(encode(changed)))
			}
		}
		return all
	},
	func(_ *nest, o order) []*nats.Msg { // broken off, or no object
		whole := encode(o.data)
		return []*nats.Msg{plain(whole[:len(whole)-1]), plain(`"` + whole), plain("[" + whole + "]"), plain(encode(whole))}
	},
	func(n *nest, o order) []*nats.Msg { // with a field too many
		o.data[n.words.lay("name")] = 1
		return []*nats.Msg{plain(encode(o.data)), structured("1.0", encode(o.data)), binary("1", encode(o.data))}
	},
	func(n *nest, o order) []*nats.Msg { // wrong CloudEvents
		whole := encode(o.data)
		return []*nats.Msg{
			structured("0.3", whole), structured("1.0", encode(whole)), structured("1.0", whole[:len(whole)-1]),
			structured("1.0", whole+`,"data_base64":"`+n.words.lay("base64")+`"`),
			structured("1.0", whole+`,"time":"`+o.own.lay("time")+`"`), structured("1.0", whole+`,"no_attribute":"`+o.own.lay("value")+`"`),
			structured("1.0", whole+`,"`+n.words.lay("attribute")+`":1.5`),
			binary("", whole), binary("1", whole[:len(whole)-1]), binary("%"+o.own.lay("percent"), whole),
		}
	},
	func(_ *nest, o order) (all []*nats.Msg) { // too long
		for name, value := range o.data {
			if text, ok := value.(string); ok && name != "chatId" {
				changed := maps.Clone(o.data)
				changed[name] = text + strings.Repeat("x", 70<<10)
				all = append(all, plain(encode(changed)))
			}
		}
		return all
	},
}

func encode(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func plain(data string) *nats.Msg { return &nats.Msg{Data: []byte(data)} }

func structured(version, data string) *nats.Msg {
	return &nats.Msg{
		Header: nats.Header{"Content-Type": {"application/cloudevents+json"}},
		Data:   fmt.Appendf(nil, `{"specversion":%q,"id":"1","source":"/s","type":"t","data":%s}`, version, data),
	}
}

func binary(id, data string) *nats.Msg {
	return &nats.Msg{Header: nats.Header{"ce-specversion": {"1.0"}, "ce-id": {id}, "ce-source": {"/s"}, "ce-type": {"t"}}, Data: []byte(data)}
}

// faulty has the contact center repeat what it was told in its errors, and
// break its answers.
func (n *nest) faulty() {
	for _, o := range n.orders() {
		if o.method != "" {
			n.failing(o, bpsim.Fault{Kind: "status", Status: 400, Code: "5003", Message: "told " + o.own.lay("told")})
		}
	}
	ice := order{command: "service.iceservers", method: bpsim.GetICEServers, data: map[string]any{}}
	n.failing(ice, bpsim.Fault{Kind: "status", Status: 403, Message: "told " + n.secrets.lay("icetold")})
	for _, kind := range []string{"garbage", "truncate"} {
		for _, o := range n.orders() {
			if o.method != "" {
				n.failing(o, bpsim.Fault{Kind: kind})
			}
		}
		for _, method := range []string{bpsim.GetHistory, bpsim.PollEvents} {
			_, err := n.sim.Inject(bpsim.Fault{Kind: kind, Method: method, Times: 1})
			n.check(err)
		}
		n.says(".event.message", n.message(kind))
	}
}

func (n *nest) failing(o order, f bpsim.Fault) {
	n.Helper()
	f.Method, f.Times = o.method, 1
	_, err := n.sim.Inject(f)
	n.check(err)
	n.call(o.command, o.data)
}

// oversize: an event and a history that the bus cannot carry.
func (n *nest) oversize() {
	long := n.message(strings.Repeat("x", 70<<10))
	long["msg_text"] = n.words.lay("long") + strings.Repeat("y", 70<<10)
	n.says(".event.message", long)
	reply, err := n.nc.RequestMsg(&nats.Msg{Subject: "cc.chat.history", Data: []byte(encode(map[string]any{"chatId": n.chat}))}, patience)
	n.check(err)
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	n.check(err)
	if _, _, elsewhere := schema.DataRef(ce); !elsewhere {
		n.Error("the history is not too large for the bus")
	}
}
