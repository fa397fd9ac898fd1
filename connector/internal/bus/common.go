package bus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// # What is the same for everybody
//
// Many may ask for the same, be it as often as they like. Were it kept anew for
// each of them, it would soon use up what reads may bring. So its object is named
// by its content, and whoever asks next is told of the one that is there.
//
// Nobody may be told of an object that is about to expire. So the name also has
// the window of time in which the object was kept, and the object outlasts the
// window by ReadsKept: who looks for it by the name of the current window finds
// one that stays for long enough, or none.

const commonWindow = ReadsKept / 2

// TryCommonMessage is TryReadMessage, in one mode, for data that are the same for
// everybody who asks.
func (p *Publisher) TryCommonMessage(ctx context.Context, e event.Event, mode schema.Mode) (*nats.Msg, error) {
	all, err := p.messages(ctx, e, []schema.Mode{mode}, p.keepCommon)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func (p *Publisher) keepCommon(ctx context.Context, _ string, data []byte) (string, error) {
	sum := sha256.New()
	sum.Write(data)
	common := jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: commonName(sum.Sum(nil), time.Now())},
		Digest:     jetstream.GetObjectDigestValue(sum), Size: uint64(len(data)),
	}
	if p.files.isThere(ctx, common) {
		return common.Name, nil
	}
	if !p.files.mayKeep(len(data)) {
		return "", errReadsMost
	}
	kept, err := p.files.keep(ctx, order{
		name: ObjectName(common.Name), content: bytes.NewReader(data), most: int64(len(data)), keep: ReadsKept + commonWindow, common: true,
	})
	return string(kept.Object), p.judgeFiles(ctx, err)
}

// commonName is that of an object in the window of a time.
func commonName(sum []byte, at time.Time) string {
	return fmt.Sprintf("common-%s-%d", hex.EncodeToString(sum), at.Unix()/int64(commonWindow/time.Second))
}
