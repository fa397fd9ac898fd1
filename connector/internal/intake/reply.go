package intake

import (
	"slices"
	"strings"
)

const (
	longestReply = 1 << 10 // bytes of a reply subject; the server cuts off who publishes on one beyond its own limit

	// Subjects that begin so are readers': what their consumers deliver comes
	// there, and nothing else may.
	deliveries = "_DELIVER_"
)

// MayReply tells whether a reply may go to a subject: never where only the
// connector or the server may publish, nor where readers have events delivered.
// A request without one may be run, too.
func (g *Guard) MayReply(reply string) bool {
	if reply == "" {
		return true
	}
	return len(reply) <= longestReply && isSubject(reply) && !g.isReserved(reply)
}

func (g *Guard) isReserved(reply string) bool {
	own := string(g.prefix)
	return strings.HasPrefix(reply, "$") || strings.HasPrefix(reply, deliveries) || reply == own || strings.HasPrefix(reply, own+".")
}

// isSubject tells what can be published on. A client publishes on nothing else;
// who speaks the protocol by hand asks for whatever it likes.
func isSubject(reply string) bool {
	return !strings.ContainsAny(reply, "*> \t\r\n") && !slices.Contains(strings.Split(reply, "."), "")
}
