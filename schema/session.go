package schema

import "github.com/cloudevents/sdk-go/v2/event"

// Session is the payload of a session message: a pointer to one of
// SessionOpened, SessionRecovered, SessionGap, SessionClosed.
type Session interface {
	SessionName() string // as in the subject, "opened"
}

// SessionOpened is the first message of a chat, and of a chat attached again.
type SessionOpened struct {
	ChatID    string `json:"chatId"`
	ClientRef string `json:"clientRef"` // stands for the clientId: the same for the same client, and of no other use
	App       string `json:"app"`       // the launch point's configured name
	IsNewChat bool   `json:"isNewChat"` // whether a command has made the chat, rather than found it
	State     string `json:"state"`     // as in the event status
}

// SessionRecovered says that the history gave back events that were not known.
type SessionRecovered struct {
	ChatID string `json:"chatId"`
	Events int    `json:"events"`         // how many there are; they precede this message
	From   *Time  `json:"from,omitempty"` // the earliest one's time
	To     *Time  `json:"to,omitempty"`   // the latest one's time
}

// SessionGap says that events may be missing and could not be had.
type SessionGap struct {
	ChatID string    `json:"chatId"`
	From   *Time     `json:"from,omitempty"` // nothing is missing before it
	To     *Time     `json:"to,omitempty"`   // nothing is missing behind it
	Reason GapReason `json:"reason"`         // why the events could not be had
}

// GapReason says why events could not be had. More may be added.
type GapReason string

// The reasons of a gap.
const (
	GapSignaling          GapReason = "signaling"           // no history keeps it
	GapHistoryUnavailable GapReason = "history_unavailable" // the contact center does not give it
	GapHistoryUnreadable  GapReason = "history_unreadable"  // it cannot be read
)

// SessionClosed is the last message of a chat, unless it is attached again.
type SessionClosed struct {
	ChatID string      `json:"chatId"`
	Reason CloseReason `json:"reason"` // why no more events come
}

// CloseReason says why no more events come. More may be added.
type CloseReason string

// The reasons of closing.
const (
	ClosedEnded             CloseReason = "ended"              // the session was ended, by whichever side
	ClosedInactivityTimeout CloseReason = "inactivity_timeout" // the customer was silent for too long
	ClosedFailed            CloseReason = "failed"             // the chat's status
	ClosedCompleted         CloseReason = "completed"          // the chat's status
	ClosedGone              CloseReason = "gone"               // the contact center knows no such chat
	ClosedDetached          CloseReason = "detached"           // by command; the chat itself goes on
)

// SessionName returns "opened".
func (*SessionOpened) SessionName() string { return "opened" }

// SessionName returns "recovered".
func (*SessionRecovered) SessionName() string { return "recovered" }

// SessionName returns "gap".
func (*SessionGap) SessionName() string { return "gap" }

// SessionName returns "closed".
func (*SessionClosed) SessionName() string { return "closed" }

var sessions = map[string]func() Session{
	"opened":    func() Session { return &SessionOpened{} },
	"recovered": func() Session { return &SessionRecovered{} },
	"gap":       func() Session { return &SessionGap{} },
	"closed":    func() Session { return &SessionClosed{} },
}

// DecodeSession reads a session message's payload by the CloudEvent's type.
// Errors: [ErrOtherType], [ErrElsewhere], or a [*FieldError] for data that does not fit.
func DecodeSession(ce event.Event) (Session, error) {
	name, _ := typeName(ce, sessionPrefix)
	empty, known := sessions[name]
	if !known {
		return nil, ErrOtherType
	}
	s := empty()
	if err := decodeData(ce, s); err != nil {
		return nil, err
	}
	return s, nil
}
