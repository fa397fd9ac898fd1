package translate

import (
	"net/http"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

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

// ErrorCode is what consumers are told of a call that failed.
func ErrorCode(err *brightpattern.Error) schema.ErrorCode {
	if name := err.Code.Name(); name != "" {
		return schema.ErrorCode(name)
	}
	if code, known := reasonCodes[err.Reason]; known {
		return code
	}
	if code, known := statusCodes[err.Status]; known {
		return code
	}
	return schema.CodeBadStatusCode
}
