package attachments

import (
	"errors"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

var (
	errNoID    = errors.New("the event names no file that can be asked for")
	errNoPlace = errors.New("too many files are being fetched")
	errPage    = errors.New("the answer is a page, and no file")
)

// mayPass tells whether another try may succeed.
func mayPass(err error) bool {
	switch wire := wireError(err); {
	case isTooMuch(err), bus.IsFull(err), bus.IsRefused(err):
		return false
	case wire != nil:
		return brightpattern.IsTransient(err)
	}
	return true
}

// codeOf is what an event says of a file that could not be had.
func codeOf(err error) schema.ErrorCode {
	wire := wireError(err)
	switch {
	case isTooMuch(err):
		return schema.CodeUploadLimitExceeded
	case errors.Is(err, errNoID), brightpattern.IsUnfound(err), wire != nil && wire.Reason == brightpattern.ReasonInvalid:
		return schema.CodeFileNotFound
	case errors.Is(err, errPage):
		return schema.CodeUnexpectedResponse
	case wire != nil:
		return translate.ErrorCode(wire)
	}
	return schema.CodeUnavailable // the store's failure, or this replica's
}

func isTooMuch(err error) bool {
	wire := wireError(err)
	return errors.Is(err, bus.ErrTooMuch) || wire != nil && wire.Code == brightpattern.CodeUploadSizeLimitExceeded
}

// wireError is what the contact center answered, or did not; nil if it was not asked.
func wireError(err error) (wire *brightpattern.Error) {
	errors.As(err, &wire)
	return wire
}
