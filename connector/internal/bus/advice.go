package bus

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What JetStream answers who makes or looks for streams, in an operator's
// words; and which of it passes by itself.

// The server's codes that nats.go does not name.
const (
	codeNoPeers          jetstream.ErrorCode = 10005
	codeNotAssigned      jetstream.ErrorCode = 10007
	codeUnavailable      jetstream.ErrorCode = 10008
	codeNotLeader        jetstream.ErrorCode = 10009
	codeRaft             jetstream.ErrorCode = 10041
	codeOverlap          jetstream.ErrorCode = 10065
	codeMaxBytesRequired jetstream.ErrorCode = 10113
	codeStreamOffline    jetstream.ErrorCode = 10118
	codeConsumerOffline  jetstream.ErrorCode = 10119
)

// advice is what to do about an answer of JetStream.
var advice = map[jetstream.ErrorCode]string{
	10002:                "the account's JetStream limits are reached: raise them, or make room in the account",
	codeNoPeers:          "too few servers with JetStream are up, or have room, for the copies that are wanted: start the others, or lower CC_STREAM_REPLICAS",
	codeUnavailable:      "the cluster's JetStream has no leader: more than half of its servers must be up",
	10023:                "the servers have too few resources left for JetStream: raise their limits, or make room",
	10026:                "the account may have no further consumer: the connector needs two, and one for each command that is waited for",
	10027:                "the account may have no further stream: the connector needs eight, which `cc-connector streams` prints",
	10028:                "the server has no memory left for JetStream: raise its limit, or make room",
	10036:                "the cluster cannot do that: update its servers",
	10047:                "the server has no storage left for JetStream, of which a limit of bytes takes all at once: raise max_file_store, or lower CC_EVENTS_MAX_BYTES, CC_FILES_MAX_BYTES, CC_STREAM_MAX_BYTES",
	10052:                "nats-server does not take that configuration of a stream: change it by hand to what `cc-connector streams` prints, or take the stream away",
	10074:                "NATS is a single server, which keeps one copy: set CC_STREAM_REPLICAS=1, or use a cluster",
	codeMaxBytesRequired: "the account demands a limit of bytes of each stream: set CC_EVENTS_MAX_BYTES, CC_FILES_MAX_BYTES, CC_STREAM_MAX_BYTES",
	codeStreamOffline:    "no server that has the stream is up: start them",
	codeConsumerOffline:  "no server that has the consumer is up: start them",
	10120:                "the account has no JetStream limits for that many copies: give it some, or change CC_STREAM_REPLICAS",
	10121:                "the account or server limits max_ack_pending: the connector's consumers need it without a limit",
	10122:                "the account limits the bytes of each stream: lower CC_EVENTS_MAX_BYTES, CC_FILES_MAX_BYTES, CC_STREAM_MAX_BYTES",
	10039:                notEnabled,
	10076:                notEnabled,
}

const notEnabled = "JetStream is not enabled: start nats-server with -js and allow it for the account; behind a leaf node, name the hub's domain in CC_NATS_JS_DOMAIN"

// refusal is JetStream's, with the stream's name and what to do.
type refusal struct {
	says  string
	cause error
}

func (e *refusal) Error() string { return e.says + " (" + e.cause.Error() + ")" }
func (e *refusal) Unwrap() error { return e.cause }

// codeOf is 0 for what is no answer of JetStream.
func codeOf(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode
	}
	return 0
}

// Advise adds what to do to what JetStream says.
func Advise(err error) error {
	if err == nil {
		return nil
	}
	if todo := advice[codeOf(err)]; todo != "" {
		return &refusal{todo, err}
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return &refusal{notEnabled, err}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return &refusal{"JetStream does not answer: its servers have no leader yet, or the user may not ask (see `cc-connector permissions`)", err}
	}
	return err
}

// passing are the codes of a cluster that is about to be ready, beside those
// that the server says so of itself.
var passing = []jetstream.ErrorCode{
	codeNoPeers, codeNotAssigned, codeUnavailable, codeNotLeader, codeRaft, codeStreamOffline, codeConsumerOffline, 10194, 10195,
}

// IsPassing tells the answers of a JetStream that is not ready yet, and
// silence, from those that only an operator can mend.
func IsPassing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return slices.Contains(passing, api.ErrorCode) || api.Code == http.StatusServiceUnavailable && api.ErrorCode != 10036
	}
	for _, silence := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrReconnectBufExceeded,
		jetstream.ErrNoStreamResponse,
	} {
		if errors.Is(err, silence) {
			return true
		}
	}
	return false
}
