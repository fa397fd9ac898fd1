package schema

// Chat is a chat's entry in the key-value bucket of chats, under the chat's token.
// It may lag behind the stream of events, but never leads it: who joins late reads
// the entry, and then the chat's messages behind StreamSequence. Each is then seen
// once. Where StreamSequence is missing, take what has a higher sequence.
//
// It has bounds: a state of 256 bytes, a case of 1 KiB, and of the parties those
// who joined last and have not left, at most 100 of them, or 8 KiB.
type Chat struct {
	ChatID            string      `json:"chatId"`
	ClientRef         string      `json:"clientRef"`                   // the same for the same client; its clientId is for nobody to read
	App               string      `json:"app"`                         // the launch point's configured name
	AppID             string      `json:"appId"`                       // the launch point's id
	State             string      `json:"state"`                       // as in the event status; of a closed chat the last one that was told
	EstimatedWaitTime *float64    `json:"estimatedWaitTime,omitempty"` // until somebody answers, in seconds
	CaseID            string      `json:"caseId,omitempty"`            // the case that is set
	Parties           List[Party] `json:"parties"`                     // who has joined and not left
	Sequence          uint64      `json:"sequence"`                    // of the last event or session message that the entry includes
	StreamSequence    uint64      `json:"streamSequence,omitempty"`    // of that message in the stream of events
	OpenedAt          Time        `json:"openedAt"`                    // when session.opened was published
	ClosedAt          *Time       `json:"closedAt,omitempty"`          // when session.closed was published; missing: the chat is open
	ClosedReason      CloseReason `json:"closedReason,omitempty"`      // as in session.closed
}

// Party is one who takes part in a chat.
type Party struct {
	PartyID     string `json:"partyId"`     // the party's id
	DisplayName string `json:"displayName"` // what the customer may be shown
	PartyType   string `json:"partyType"`   // as in party_joined
}
