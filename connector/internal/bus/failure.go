package bus

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// What JetStream says when it takes nothing, in an operator's words. The
// connector waits and tries again by itself; nothing is given up.

// fullCodes are the server's codes for having no room, which nats.go does not name.
var fullCodes = map[jetstream.ErrorCode]string{
	10002: "the account's JetStream limits are reached: raise them, or make room in the account",
	10023: "the server's JetStream limits are reached: raise them, or make room",
	10028: "the server has no memory left for JetStream: raise its limit, or make room",
	10047: "the server has no storage left for JetStream: raise its limit, or make room",
	10077: "raise the stream's limits, make room, or have it discard old messages",
}

// refusedCodes are the server's codes for what it will never take as it is.
// Nothing but another message, or another setting of the stream, can mend that.
var refusedCodes = map[jetstream.ErrorCode]string{
	10054: "raise its max_msg_size, or set none",
	10097: "a message's headers are too long for JetStream",
}

// HeadersMost is the longest block of headers that JetStream keeps, in bytes.
const HeadersMost = 1<<16 - 1

// IsRefused tells the errors of a message that NATS will never take as it is.
func IsRefused(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrBadSubject) || errors.Is(err, nats.ErrBadHeaderMsg) ||
		errors.As(err, &api) && refusedCodes[api.ErrorCode] != ""
}

// isFull tells that there is no room, which somebody has to make.
func isFull(err error) bool { return fullCodes[codeOf(err)] != "" }

// Explain says which stream is in the way of a publication, and how.
func Explain(stream string, err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case isMissing(err):
		return &refusal{"the stream " + stream + " is missing, or has no leader: " + ifDeleted, err}
	case errors.As(err, &api) && fullCodes[api.ErrorCode] != "":
		return &refusal{fmt.Sprintf("the stream %s is full: %s", stream, fullCodes[api.ErrorCode]), err}
	case errors.As(err, &api) && refusedCodes[api.ErrorCode] != "":
		return &refusal{fmt.Sprintf("the stream %s does not take a message: %s", stream, refusedCodes[api.ErrorCode]), err}
	case advice[codeOf(err)] != "":
		return &refusal{fmt.Sprintf("the stream %s: %s", stream, advice[codeOf(err)]), err}
	}
	return err
}

const ifDeleted = "if it was deleted, connectors make it again by CC_PROVISION=true; without that make it from what `cc-connector streams` prints"

// explainConsumer does the same for one who hands out messages.
func explainConsumer(stream string, err error) error {
	if errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) || isMissing(err) { // by when it was asked
		return &refusal{"the stream " + stream + " or its consumer is missing, or has no leader: " + ifDeleted, err}
	}
	return Explain(stream, err)
}

// isMissing tells that no stream answered, or that the server knows none.
func isMissing(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}

// IsOutage tells the errors of a NATS that is not there for the moment.
func IsOutage(err error) bool {
	for _, outage := range []error{
		nats.ErrConnectionClosed, nats.ErrReconnectBufExceeded, nats.ErrDisconnected, nats.ErrTimeout, nats.ErrNoResponders,
		context.DeadlineExceeded, context.Canceled,
	} {
		if errors.Is(err, outage) {
			return true
		}
	}
	var api *jetstream.APIError
	return isMissing(err) || errors.As(err, &api) && (api.Code == http.StatusServiceUnavailable || api.Code == http.StatusTooManyRequests || fullCodes[api.ErrorCode] != "")
}

// isRefusal tells an answer of JetStream that is no.
func isRefusal(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api)
}

// IsWrongSequence tells that what was expected to be the last message of a
// subject is not.
func IsWrongSequence(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// IsConflict tells that somebody else has written first. A replicated stream
// also says so while the other's message is still on its way.
func IsConflict(err error) bool {
	var api *jetstream.APIError
	return IsWrongSequence(err) || errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// ErrUnfit says that no message can hold what is to be published.
var ErrUnfit = errors.New("no message can hold it")

// IsUnfit tells that something smaller or simpler may be published in its place.
func IsUnfit(err error) bool {
	var invalid *schema.FieldError
	return errors.Is(err, ErrUnfit) || errors.Is(err, nats.ErrMaxPayload) || errors.As(err, &invalid)
}

// tooLargeCodes are the server's for a message that a stream does not take for
// its size, or that of its headers.
var tooLargeCodes = map[jetstream.ErrorCode]bool{10054: true, 10097: true}

// small is a message that every stream has to take, in bytes.
const small = 8 << 10

// refusedForSize tells that a stream takes no message of this size, but may take
// a small one. Where it takes not even that, its settings are to be mended.
func refusedForSize(msg *nats.Msg, err error) bool {
	var api *jetstream.APIError
	return msg.Size() > small && errors.As(err, &api) && tooLargeCodes[api.ErrorCode]
}

// isFinal tells the errors that repeating the same operation cannot mend.
func isFinal(err error) bool {
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, jetstream.ErrMsgNotFound) || IsRefused(err)
}
