package bus

import (
	"fmt"

	"github.com/nats-io/nats.go"
)

// # How large a message may be
//
// Nothing that the connector stores or says may outgrow its place, however long
// a chat is and whatever is said in it. What has no bound of its own (the data of
// an event, or of a result) goes to the store of files where a message is too
// small for it. All else (an entry, a token, a record, a reply, and the attributes
// of a CloudEvent) is bounded so that it fits on a bus of LeastPayload.
//
// The bound is that of the server at the other end of the connection, and of
// the account: it may be another one after the next reconnect. So it is asked
// for anew by each who has to know.

// LeastPayload is the least max_payload that the connector works with, in bytes.
const LeastPayload = 16 << 10

// Headroom is what the headers that publishing, replying or giving up adds may
// take of the bus's largest message, in bytes.
const Headroom = 3 << 10

// CheckPayload is an error on a connection that takes only smaller messages.
func CheckPayload(nc *nats.Conn) error {
	if most := nc.MaxPayload(); most < LeastPayload {
		return fmt.Errorf("NATS takes messages of at most %d bytes, and the connector needs %d: raise max_payload in the server's configuration, or what the account or the user is allowed", most, LeastPayload)
	}
	return nil
}
