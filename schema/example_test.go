package schema_test

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"cc-connector/schema"
)

// A consumer decodes the message, then the payload by the CloudEvent's type.
func Example() {
	msg := &nats.Msg{
		Subject: "cc.chat.K1x.event.message",
		Header:  nats.Header{"Content-Type": {"application/cloudevents+json"}},
		Data: []byte(`{"specversion":"1.0","id":"e-7","source":"//acme.example.com/web/chats/K1x",
			"type":"com.brightpattern.chat.event.message.v1","sequence":"0000000007",
			"datacontenttype":"application/json",
			"data":{"chatId":"K1x","messageId":"3","partyId":"agent-1","text":"Hello!"}}`),
	}
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	if err != nil {
		fmt.Println("not a CloudEvent:", err)
		return
	}
	payload, err := schema.DecodeEvent(ce)
	if err != nil {
		fmt.Println("not a server event:", err)
		return
	}
	sequence, _ := schema.Sequence(ce)
	switch e := payload.(type) {
	case *schema.Message:
		fmt.Printf("%d: %s says %q\n", sequence, e.PartyID, e.Text)
	case *schema.Ended, *schema.InactivityTimeout:
		fmt.Printf("%d: the session is over\n", sequence)
	default:
		fmt.Printf("%d: %s of chat %s\n", sequence, e.Name(), e.Header().ChatID)
	}
	// Output: 7: agent-1 says "Hello!"
}

// A command is checked before it is sent, by the table that the connector uses.
func ExampleCommand_Validate() {
	send, _ := schema.LookupCommand("chat.send")
	if err := send.Validate([]byte(`{"chatId":"K1x","txt":"Hello!"}`)); err != nil {
		fmt.Println(err)
	}
	// Output: "txt": is not a field of chat.send: it has chatId, text, html, channel
}
