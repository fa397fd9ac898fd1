package brightpattern

import (
	"strconv"
	"strings"
)

type (
	// AppID names a launch point (a Messaging/Chat scenario entry) of the tenant.
	AppID string
	// ClientID names one client instance, best a UUID. It has at most one
	// active chat at a time.
	ClientID string
	// ChatID names a chat session, unique in the tenant. A client's own events
	// carry it as their party id.
	ChatID string
	// PartyID names a participant within one chat.
	PartyID string
	// MessageID is unique at best among the messages of one party of one chat.
	MessageID string
	// FileID names an uploaded file; the server keeps the newest 1,000.
	FileID string
	// FormRequestID names a form shown within one chat.
	FormRequestID string
	// CaseID names a case of the CRM behind the contact center.
	CaseID string
)

// ClientMessageID is the id of a client's n-th message in a chat, counted from
// 0: the form that the SDKs use.
func ClientMessageID(chat ChatID, n uint64) MessageID {
	return MessageID(string(chat) + ":" + strconv.FormatUint(n, 10))
}

// ParseClientMessageID gives back the n of ClientMessageID, and whether id is
// exactly of that form for this chat.
func ParseClientMessageID(chat ChatID, id MessageID) (uint64, bool) {
	digits, ok := strings.CutPrefix(string(id), string(chat)+":")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && ClientMessageID(chat, n) == id
}
