package schema

import (
	"encoding/json"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
)

// Result is the payload of a command's outcome, as an event and as a reply.
type Result struct {
	Command string       `json:"command"`          // the command's name
	ChatID  string       `json:"chatId,omitempty"` // the chat that the command is about, or that it made, if any
	Status  ResultStatus `json:"status"`           // whether it succeeded
	// Request is what the command asked for, without its secrets (see
	// [Command.Request]). It is missing where the data were refused by validation,
	// or never looked at, where the replica that settles the command does not know
	// them, and where an administrator has it left out everywhere.
	Request json.RawMessage `json:"request,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"` // what the command brought, on success, if it brings anything
	Error   *Error          `json:"error,omitempty"`  // why it failed
}

// ResultStatus says whether a command succeeded.
type ResultStatus string

// The two statuses.
const (
	StatusOK    ResultStatus = "ok"    // the command is done
	StatusError ResultStatus = "error" // it is not, or that is not known: see error
)

// Error says why a command failed.
type Error struct {
	Code       ErrorCode `json:"code"`                 // for programs; who does not know it goes by retryable and outcome
	Message    string    `json:"message"`              // for people
	WireCode   string    `json:"wireCode,omitempty"`   // the contact center's own code, "5005"
	HTTPStatus int       `json:"httpStatus,omitempty"` // of the contact center's answer
	Retryable  bool      `json:"retryable"`            // the same data may succeed later, under a new id: the same id gets this result again
	Outcome    Outcome   `json:"outcome"`              // whether it may have had its effect all the same
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
