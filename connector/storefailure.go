package connector

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What JetStream says when it takes nothing, in an operator's words. The
// connector waits and tries again by itself; nothing is given up.

// storeFailure is JetStream's refusal with the stream's name and what to do.
type storeFailure struct {
	says  string
	cause error
}

func (e *storeFailure) Error() string { return e.says + " (" + e.cause.Error() + ")" }
func (e *storeFailure) Unwrap() error { return e.cause }

// fullCodes are the server's codes for having no room, which nats.go does not name.
var fullCodes = map[jetstream.ErrorCode]string{
	10002: "the account's JetStream limits are reached: raise them, or make room in the account",
	10023: "the server's JetStream limits are reached: raise them, or make room",
	10028: "the server has no memory left for JetStream: raise its limit, or make room",
	10047: "the server has no storage left for JetStream: raise its limit, or make room",
	10077: "raise the stream's limits, make room, or have it discard old messages",
}

// explainStore says which stream is in the way of a publication, and how.
func explainStore(stream string, err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case isMissing(err):
		return &storeFailure{"the stream " + stream + " is missing, or has no leader: if it was deleted make it again, as a start with CC_PROVISION=true does", err}
	case errors.As(err, &api) && fullCodes[api.ErrorCode] != "":
		return &storeFailure{fmt.Sprintf("the stream %s is full: %s", stream, fullCodes[api.ErrorCode]), err}
	}
	return err
}

// explainConsumer does the same for one who hands out messages.
func explainConsumer(stream string, err error) error {
	if errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) {
		return &storeFailure{"the stream " + stream + " or its consumer is missing: make it again, as a start with CC_PROVISION=true does", err}
	}
	return explainStore(stream, err)
}

// isMissing tells that no stream answered, or that the server knows none.
func isMissing(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}
