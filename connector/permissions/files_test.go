package permissions_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Whoever may put files may also remove all of them: that is why nobody may who
// is not to be trusted with that.
func TestWhoPutsFilesCanRemoveAll(t *testing.T) {
	b := startBus(t, "cc")
	for _, subject := range []string{"$O.CC_FILES.C.1", "$O.CC_FILES.M.1", "$O.CC_FILES.C.2", "$O.CC_FILES.M.2"} {
		b.event(subject)
	}
	_, err := b.jetstream(sender).PublishMsg(t.Context(), &nats.Msg{Subject: "$O.CC_FILES.C.3", Header: nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupAll}}})
	b.check(err)
	stream, err := b.jetstream(sender).Stream(t.Context(), "OBJ_CC_FILES")
	b.check(err)
	if left := stream.CachedInfo().State.Msgs; left != 1 {
		t.Errorf("%d messages are left: deploy/README.md says otherwise", left)
	}
}
