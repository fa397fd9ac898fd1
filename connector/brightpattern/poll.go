package brightpattern

import (
	"context"
	"errors"
	"net/http"
)

// Poll waits for new events, until there are some or the server has held the
// request long enough; then there are none, and no error. What it returns will
// not be returned again. After an error with EffectUnknown, events may be lost
// that only the history has.
//
// A session has one poll at a time: a second one is refused with
// CodeTooManyPollRequests, under various statuses.
func (c *Client) Poll(ctx context.Context, cred Credentials, chat ChatID) ([]Event, error) {
	path := []string{"chats", string(chat), "events"}
	events, err := c.events(ctx, cred, &call{method: "pollEvents", kind: poll, path: path, limit: eventsBody})
	if hasCode(err, CodeNoEvents) {
		return nil, nil
	}
	return events, err
}

// events makes a call whose answer may be an envelope of events.
func (c *Client) events(ctx context.Context, cred Credentials, call *call) ([]Event, error) {
	var events []Event
	err := c.sendFor(ctx, cred, call, func(f *feed) (err error) {
		events, _, err = readEvents(f)
		return err
	})
	return events, err
}

func hasCode(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// isInternalError is a 500 that does not say that nothing was done.
func isInternalError(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusInternalServerError && e.Effect == EffectUnknown
}

// unknownAfterAll is the error of a second try whose first one may have had an effect.
func unknownAfterAll(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Effect = EffectUnknown
	}
	return err
}
