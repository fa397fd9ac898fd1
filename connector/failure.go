package connector

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
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

// explain turns what a call came to into the error of a result.
func explain(cmd *command, err error) *schema.Error {
	var done *doneError
	var told *schema.Error
	var wire *brightpattern.Error
	switch {
	case errors.As(err, &done):
		after := *explain(cmd, done.error)
		after.Outcome = schema.OutcomeUnknown
		return &after
	case errors.As(err, &told):
		return told
	case errors.As(err, &wire):
		return explainWire(cmd, wire)
	case errors.Is(err, errUnknownChat):
		return refuse(schema.CodeUnknownChat, "the connector does not know this chat, or has forgotten it: attach it with chat.attach")
	case isOutage(err):
		return unavailable("NATS or JetStream did not answer the connector in time")
	}
	return &schema.Error{Code: schema.CodeInternal, Message: "the connector could not run the command", Retryable: true, Outcome: schema.OutcomeNotDone}
}

// isOutage tells the errors of a NATS that is not there for the moment.
func isOutage(err error) bool {
	for _, outage := range []error{
		nats.ErrConnectionClosed, nats.ErrReconnectBufExceeded, nats.ErrDisconnected, nats.ErrTimeout, nats.ErrNoResponders,
		context.DeadlineExceeded, context.Canceled,
	} {
		if errors.Is(err, outage) {
			return true
		}
	}
	var api *jetstream.APIError
	return isMissing(err) || errors.As(err, &api) && (api.Code == http.StatusServiceUnavailable || fullCodes[api.ErrorCode] != "")
}

func explainWire(cmd *command, err *brightpattern.Error) *schema.Error {
	code := wireErrorCode(cmd, err)
	e := &schema.Error{
		Code:       code,
		Message:    wireMessage(cmd, code, err),
		WireCode:   string(err.Code),
		HTTPStatus: err.Status,
		Retryable:  isTransient(err) || code == schema.CodeCaseNotSpecified,
		Outcome:    schema.OutcomeNotDone,
	}
	if err.Effect == brightpattern.EffectUnknown && !cmd.spec.GET {
		e.Outcome = schema.OutcomeUnknown
	}
	return e
}

// statusCodes names the statuses that say enough without a code.
var statusCodes = map[int]schema.ErrorCode{
	http.StatusTooManyRequests:    schema.CodeUnavailable,
	http.StatusBadGateway:         schema.CodeUnavailable,
	http.StatusServiceUnavailable: schema.CodeUnavailable,
	http.StatusGatewayTimeout:     schema.CodeUnavailable,
}

var reasonCodes = map[brightpattern.Reason]schema.ErrorCode{
	brightpattern.ReasonUnreachable: schema.CodeUnavailable,
	brightpattern.ReasonCut:         schema.CodeUnavailable,
	brightpattern.ReasonCanceled:    schema.CodeUnavailable,
	brightpattern.ReasonTimeout:     schema.CodeTimeout,
	brightpattern.ReasonUnreadable:  schema.CodeUnexpectedResponse,
	brightpattern.ReasonInvalid:     schema.CodeInvalidCommand,
}

func wireErrorCode(cmd *command, err *brightpattern.Error) schema.ErrorCode {
	if name := err.Code.Name(); name != "" {
		return schema.ErrorCode(name)
	}
	if code, known := reasonCodes[err.Reason]; known {
		return code
	}
	if code, known := statusCodes[err.Status]; known {
		return code
	}
	if err.Status == http.StatusNotAcceptable {
		return notAcceptable(cmd)
	}
	return schema.CodeBadStatusCode
}

// notAcceptable reads a 406 that carries no code by the only reason that the
// reference gives for it on such a call.
func notAcceptable(cmd *command) schema.ErrorCode {
	switch cmd.name.Noun() {
	case "case":
		return schema.CodeCaseNotSpecified
	case "push":
		return schema.CodeTooManyParameters
	}
	return schema.CodeBadStatusCode
}

// wireMessage adds the contact center's own words, but not where they could
// repeat a secret.
func wireMessage(cmd *command, code schema.ErrorCode, err *brightpattern.Error) string {
	if err.Reason == brightpattern.ReasonInvalid && err.Err != nil {
		return "the contact center cannot be asked that: " + err.Err.Error()
	}
	message := meanings[code]
	if err.Status != 0 && err.Reason == brightpattern.ReasonRefused {
		message += fmt.Sprintf(" (HTTP status %d)", err.Status)
	}
	if err.Message != "" && !carriesSecrets[cmd.spec.Name] {
		message += ": " + err.Message
	}
	return message
}

var meanings = func() map[schema.ErrorCode]string {
	all := make(map[schema.ErrorCode]string, len(schema.ErrorCodes))
	for _, info := range schema.ErrorCodes {
		all[info.Code] = info.Meaning
	}
	return all
}()

// carriesSecrets are the commands whose data, or result, nobody may repeat.
var carriesSecrets = map[string]bool{"chat.form": true, "chat.secureform": true, "push.apns": true, "push.firebase": true, "service.iceservers": true}

// isTransient tells whether the same call may succeed later.
func isTransient(err error) bool {
	var wire *brightpattern.Error
	if !errors.As(err, &wire) {
		return false
	}
	switch {
	case wire.Reason != brightpattern.ReasonRefused:
		return wire.Reason != brightpattern.ReasonInvalid
	case wire.Code == brightpattern.CodeTooManyPollRequests || wire.Status == http.StatusTooManyRequests:
		return true
	case wire.Code.Name() != "":
		return transientCodes[wire.Code]
	}
	return wire.Status >= 500
}

var transientCodes = map[brightpattern.Code]bool{
	brightpattern.CodeServerTimeout:          true,
	brightpattern.CodeServerNotAvailable:     true,
	brightpattern.CodeServerDisconnected:     true,
	brightpattern.CodeInternalServerError:    true,
	brightpattern.CodeUnspecifiedServerError: true,
	brightpattern.CodeFileError:              true,
	brightpattern.CodeCRMServerError:         true,
}

// isLostAnswer tells whether the contact center may have answered with events
// that never arrived. Its own error answers give none away.
func isLostAnswer(err error) bool {
	var wire *brightpattern.Error
	return errors.As(err, &wire) && wire.Effect == brightpattern.EffectUnknown && (wire.Reason != brightpattern.ReasonRefused || isGateway(wire))
}

// isGateway tells the answer of something between, which lost the contact
// center's own.
func isGateway(err *brightpattern.Error) bool {
	return err.Code == "" && (err.Status == http.StatusBadGateway || err.Status == http.StatusGatewayTimeout)
}
