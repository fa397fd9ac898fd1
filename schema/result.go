package schema

import (
	"encoding/json"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
)

// Result is the payload of a command's outcome, as an event and as a reply.
type Result struct {
	Command string       `json:"command"` // "chat.send"
	ChatID  string       `json:"chatId,omitempty"`
	Status  ResultStatus `json:"status"`
	// Request is what the command asked for: see [Command.Request]. It is left out
	// where the data were refused by validation, or never looked at, where the
	// replica that settles the command does not know them, and where an
	// administrator has it left out everywhere.
	Request json.RawMessage `json:"request,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"` // on success: the command's result struct, if it has one
	Error   *Error          `json:"error,omitempty"`  // on failure
}

// ResultStatus says whether a command succeeded.
type ResultStatus string

// The two statuses.
const (
	StatusOK    ResultStatus = "ok"
	StatusError ResultStatus = "error"
)

// Error says why a command failed.
type Error struct {
	Code       ErrorCode `json:"code"`
	Message    string    `json:"message"`              // for people
	WireCode   string    `json:"wireCode,omitempty"`   // the contact center's own code, "5005"
	HTTPStatus int       `json:"httpStatus,omitempty"` // of the contact center's answer
	Retryable  bool      `json:"retryable"`            // the same data under a new id may succeed later
	Outcome    Outcome   `json:"outcome"`
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Outcome says whether a failed command may have had its effect.
type Outcome string

// The two outcomes.
const (
	OutcomeNotDone Outcome = "not_done" // the contact center did not carry it out
	OutcomeUnknown Outcome = "unknown"  // it may have
)

// DecodeResult reads a result by the CloudEvent's type. Errors: [ErrOtherType],
// [ErrElsewhere], or a [*FieldError] for data that does not fit.
func DecodeResult(ce event.Event) (*Result, error) {
	name, _ := typeName(ce, "")
	if parts := strings.Split(name, "."); len(parts) != 3 || parts[1] != "result" {
		return nil, ErrOtherType
	}
	r := &Result{}
	if err := decodeData(ce, r); err != nil {
		return nil, err
	}
	return r, nil
}
