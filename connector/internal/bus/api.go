package bus

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// # In-band control data
//
// The client library takes a message without a payload and with a header
// "Status" for the server's own word, wherever it stands: handed out by a
// consumer, or read by a direct get. But anyone who may publish a command can
// write one. So the connector asks JetStream itself where what others have
// published comes back. A message handed out by a consumer is known by the
// subject of its acknowledgements, which nobody but the server can put there
// (pull.go). A message is read as the JSON that the stream's leader answers, in
// which its headers are data (stored.go). And both outlast headers that are
// none: who knows no more than that must still be able to remove the message.

const (
	apiNext   = "CONSUMER.MSG.NEXT"
	apiGet    = "STREAM.MSG.GET"
	ackPrefix = "$JS.ACK."
)

// apiPrefix begins the subjects of requests, as the client library would have it.
func apiPrefix(js jetstream.JetStream) string {
	options := js.Options()
	switch {
	case options.Domain != "":
		return "$JS." + options.Domain + ".API."
	case options.APIPrefix != "":
		return strings.TrimSuffix(options.APIPrefix, ".") + "."
	}
	return jetstream.DefaultAPIPrefix
}

func apiSubject(js jetstream.JetStream, tokens ...string) string {
	return apiPrefix(js) + strings.Join(tokens, ".")
}

// askAPI is one request and its answer.
func askAPI[T any](ctx context.Context, js jetstream.JetStream, subject string, request any) (answer T, err error) {
	body, err := schema.JSON(request)
	if err != nil {
		return answer, err
	}
	reply, err := js.Conn().RequestWithContext(ctx, subject, body)
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(reply.Data, &answer)
}

// IsUnreadable tells whether a message came with headers that are none. The
// client library delivers it as one without headers.
func IsUnreadable(msg *nats.Msg) bool {
	headers := msg.Size() - len(msg.Subject) - len(msg.Reply) - len(msg.Data)
	return msg.Header == nil && headers > 0
}
