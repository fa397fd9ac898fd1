package schema

import (
	"bytes"

	"github.com/nats-io/nats.go"
)

// IsOwn tells whether a message is one of the connector's own CloudEvents, in
// any form, however it came back, and valid or not: it looks at the type alone.
func IsOwn(h nats.Header, data []byte) bool {
	for header, values := range h {
		if name, ok := attributeName(header); ok && name == "type" && isOwnHeader(values) {
			return true
		}
	}
	if !bytes.Contains(data, []byte(`"`+typePrefix)) { // it escapes none of this
		return false
	}
	own, seen := false, 0
	eachMember(data, func(m member) bool {
		typ, _ := text(m.value)
		own = m.name == "type" && IsOwnType(typ)
		seen++
		return m.name != "type" && seen < MaxMembers
	})
	return own
}

func isOwnHeader(values []string) bool {
	for _, value := range values {
		if typ, ok := percentDecode(unquote(value)); ok && IsOwnType(typ) {
			return true
		}
	}
	return false
}

// LooksLikeCloudEvent tells whether the headers alone say that the message is one.
func LooksLikeCloudEvent(h nats.Header) bool {
	mediaType, _ := single(h, contentType)
	return isStructured(mediaType) || hasAttributes(h)
}
