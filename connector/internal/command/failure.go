package command

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Every error becomes, once and here, what the sender of a command is told.

func refuse(code schema.ErrorCode, message string) *schema.Error {
	return &schema.Error{Code: code, Message: message, Outcome: schema.OutcomeNotDone}
}

func invalidCommand(err error) *schema.Error {
	return refuse(schema.CodeInvalidCommand, err.Error())
}

func unavailable(message string) *schema.Error {
	return &schema.Error{Code: schema.CodeUnavailable, Message: message, Retryable: true, Outcome: schema.OutcomeNotDone}
}

// wireError is what the contact center answered, or did not: nil if it was not asked.
func wireError(err error) (wire *brightpattern.Error) {
	errors.As(err, &wire)
	return wire
}

// doneError is a failure after the contact center has carried the command out.
type doneError struct{ error }

func (e *doneError) Unwrap() error { return e.error }

// undoneError is a failure that has changed nothing, whatever the call was.
type undoneError struct{ error }

func (e *undoneError) Unwrap() error { return e.error }

// explain turns what a call came to into the error of a result.
func explain(spec *schema.Command, err error) *schema.Error {
	var done *doneError
	var undone *undoneError
	var ready *schema.Error
	var wire *brightpattern.Error
	switch {
	case errors.As(err, &undone):
		before := *explain(spec, undone.error)
		before.Outcome = schema.OutcomeNotDone
		return &before
	case errors.As(err, &done):
		after := *explain(spec, done.error)
		after.Outcome = schema.OutcomeUnknown
		return &after
	case errors.As(err, &ready):
		return ready
	case errors.As(err, &wire):
		return explainWire(spec, wire)
	case errors.Is(err, chats.ErrUnknown):
		return refuse(schema.CodeUnknownChat, "the connector does not know this chat, or has forgotten it: attach it with chat.attach")
	case bus.IsOutage(err):
		return unavailable("NATS or JetStream did not answer the connector in time")
	}
	return &schema.Error{Code: schema.CodeInternal, Message: "the connector could not run the command", Retryable: true, Outcome: schema.OutcomeNotDone}
}

func explainWire(spec *schema.Command, err *brightpattern.Error) *schema.Error {
	code := wireErrorCode(spec, err)
	e := &schema.Error{
		Code:       code,
		Message:    wireMessage(spec, code, err),
		WireCode:   string(err.Code),
		HTTPStatus: err.Status,
		Retryable:  brightpattern.IsTransient(err) || code == schema.CodeCaseNotSpecified,
		Outcome:    schema.OutcomeNotDone,
	}
	if err.Effect == brightpattern.EffectUnknown && !spec.GET {
		e.Outcome = schema.OutcomeUnknown
	}
	return e
}

func wireErrorCode(spec *schema.Command, err *brightpattern.Error) schema.ErrorCode {
	code := translate.ErrorCode(err)
	if code == schema.CodeBadStatusCode && err.Status == http.StatusNotAcceptable {
		return notAcceptable(spec)
	}
	return code
}

// notAcceptable reads a 406 that carries no code by the only reason that the
// reference gives for it on such a call.
func notAcceptable(spec *schema.Command) schema.ErrorCode {
	switch subjects.Command(spec.Name).Noun() {
	case "case":
		return schema.CodeCaseNotSpecified
	case "push":
		return schema.CodeTooManyParameters
	}
	return schema.CodeBadStatusCode
}

// wireMessage adds the contact center's own words, but not where they could
// repeat a secret.
func wireMessage(spec *schema.Command, code schema.ErrorCode, err *brightpattern.Error) string {
	if err.Reason == brightpattern.ReasonInvalid && err.Err != nil {
		return "the contact center cannot be asked that: " + err.Err.Error()
	}
	message := meanings[code]
	if err.Status != 0 && err.Reason == brightpattern.ReasonRefused {
		message += fmt.Sprintf(" (HTTP status %d)", err.Status)
	}
	if err.IsRedirect() {
		message += ", a redirect to " + cmp.Or(err.Target, "what is no address")
	}
	if err.Message != "" && !carriesSecrets[spec.Name] {
		message += ": " + oneLine(translate.Cut(err.Message, longestWords))
	}
	return message
}

// longestWords are those of the contact center in a failure, in bytes. It stands
// in the journal beside all that the sender has given, and that has to fit on the smallest bus.
const longestWords = 512

var meanings = func() map[schema.ErrorCode]string {
	all := make(map[schema.ErrorCode]string, len(schema.ErrorCodes))
	for _, info := range schema.ErrorCodes {
		all[info.Code] = info.Meaning
	}
	return all
}()

// carriesSecrets are the commands whose data, or result, nobody may repeat.
var carriesSecrets = map[string]bool{"chat.form": true, "chat.secureform": true, "chat.signal": true, "push.apns": true, "push.firebase": true, "service.iceservers": true}

// cut shortens foreign text to what a header may hold.
func cut(text string) string {
	if len(text) <= schema.MaxString {
		return text
	}
	return strings.ToValidUTF8(text[:schema.MaxString], "") + "…"
}

// oneLine makes foreign text fit for a NATS header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// oneLined is a failure in a line, "" without one.
func oneLined(failure *schema.Error) string {
	if failure == nil {
		return ""
	}
	return string(failure.Code) + ":" + oneLine(failure.Message)
}
