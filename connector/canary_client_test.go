package connector_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// customers has every command that a clientId may come with, or be the answer
// to, run in every way that it can.
func (n *nest) customers() {
	own := n.clients.laid[0]
	n.told(n.call("chat.request", map[string]any{"from": "Ada", "clientId": own}), own)
	n.told(n.call("chat.active", map[string]any{"clientId": own}), own)
	n.must("chat.attach", map[string]any{"chatId": n.chat, "clientId": own})
	n.must("push.received", map[string]any{"chatID": n.chat, "clientId": own})
	made := n.told(n.call("chat.request", map[string]any{"from": "Ada"}), "")
	n.follow(made)
	n.durableCustomers()
	n.refusedCustomers(own)
	n.tooLargeForTheReply()
}

// told checks that a reply tells the client, "" for one that the connector has
// made, and that one of the flock from now on. It returns the chat.
func (n *nest) told(result schema.Result, client string) (chat string) {
	n.Helper()
	var got schema.ChatRequestResult
	n.check(json.Unmarshal(result.Result, &got))
	if client == "" {
		n.clients.laid = append(n.clients.laid, got.ClientID)
		client = got.ClientID
	}
	if client == "" || got.ClientID != client || got.ClientRef == "" {
		n.Errorf("the reply for the client %q is %+v", client, got)
	}
	return got.ChatID
}

// follow has a chat's whole life go by: every session message and entry.
func (n *nest) follow(chat string) {
	n.Helper()
	n.awaitStored(chat, ".session.opened", 1)
	n.must("chat.detach", map[string]any{"chatId": chat})
	n.must("chat.typing", map[string]any{"chatId": chat})
	n.must("push.received", map[string]any{"chatID": chat})
	n.awaitStored(chat, ".session.opened", 2)
	n.must("chat.end", map[string]any{"chatId": chat})
	n.awaitStored(chat, ".session.closed", 2)
}

// durableCustomers: who asks durably may learn the client by a live repeat.
func (n *nest) durableCustomers() {
	for id, client := range map[string]string{"without": "", "with": n.clients.lay("kept")} {
		data := map[string]any{"from": "Ada"}
		if client != "" {
			data["clientId"] = client
		}
		message := watched{rig: n.rig}.giveMsg("chat.request", id, data)
		chat := n.awaitResult(id).ChatID
		message.Subject = "cc.chat.request"
		if n.told(n.ask(message), client) != chat {
			n.Error("the repeat has come to another chat")
		}
		n.follow(chat)
	}
	attach := map[string]any{"chatId": n.chat, "clientId": n.clients.laid[0]}
	n.awaitResult(watched{n.rig, n.chat}.give("chat.attach", attach))
	n.awaitResult(watched{rig: n.rig}.give("chat.active", map[string]any{"clientId": n.clients.laid[0]}))
	n.awaitResult(watched{rig: n.rig}.give("chat.active", map[string]any{"clientId": n.clients.lay("nobody")}))
}

// refusedCustomers: whatever is refused, and by whom.
func (n *nest) refusedCustomers(own string) {
	for _, command := range []string{"chat.request", "chat.active", "chat.attach", "push.received"} {
		for _, spoil := range spoilers {
			o := order{command: command, own: &n.clients, data: map[string]any{"clientId": n.clients.lay("spoilt")}}
			if command != "chat.active" {
				o.data["chatId"] = n.chat // of a chat.request a field too many
			}
			for _, msg := range spoil(n, o) {
				msg.Subject = "cc." + command
				n.ask(msg)
			}
		}
	}
	conflict := plain(encode(map[string]any{"from": "Eve", "clientId": n.clients.lay("conflict")}))
	conflict.Subject, conflict.Header = "cc.chat.request", map[string][]string{"Nats-Msg-Id": {"with"}}
	n.ask(conflict)
	for _, o := range []order{
		{"chat.request", bpsim.RequestChat, map[string]any{"from": "Ada", "clientId": own}, nil},
		{"chat.active", bpsim.GetActiveChat, map[string]any{"clientId": own}, nil},
		{"chat.attach", bpsim.GetHistory, map[string]any{"chatId": n.chat, "clientId": own}, nil},
		{"chat.typing", bpsim.SendEvents, map[string]any{"chatId": n.chat}, nil},
	} {
		n.failing(o, bpsim.Fault{Kind: "status", Status: 400, Code: "5003", Message: "the client " + own + " is unknown"})
		n.failing(o, bpsim.Fault{Kind: "garbage"})
	}
}

// tooLargeForTheReply: what the bus cannot carry would lie where others read it.
func (n *nest) tooLargeForTheReply() {
	n.wire.offerICE(fmt.Sprintf(`{"servers":[{"url":"turn:turn.example.com","credential":%q}]}`, n.secrets.lay("icelarge")+strings.Repeat("1", 200<<10)))
	if result := n.call("service.iceservers", map[string]any{}); result.Error == nil || result.Error.Code != schema.CodeUnexpectedResponse {
		n.Errorf("too many ICE servers for a reply are answered %s, %+v", result.Status, result.Error)
	}
	n.wire.offerICE("")
}
