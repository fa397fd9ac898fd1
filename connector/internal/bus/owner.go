package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// # Whose a stream is
//
// Every stream of the connector carries its mark in its metadata: of which
// contact center it is. One of a name that the connector needs, but without the
// mark, is somebody else's, whatever is in it; and one with another mark is
// another connector's: the two would publish each other's chats. Neither is
// touched, and nothing is made before all that is there has been looked at.

// survey looks at each stream that is there. It is an error if one of them is
// not the connector's.
func survey(ctx context.Context, js jetstream.JetStream, all []need) (map[string]*jetstream.StreamInfo, error) {
	found := make(map[string]*jetstream.StreamInfo, len(all))
	var strangers []error
	for _, n := range all {
		s, err := js.Stream(ctx, n.Stream.Name)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			continue
		case err != nil:
			return nil, fmt.Errorf("the stream %s: %w", n.Stream.Name, Advise(err))
		}
		found[n.Stream.Name] = s.CachedInfo()
		if err := n.CheckOwner(s.CachedInfo()); err != nil {
			strangers = append(strangers, err)
		}
	}
	return found, refusalOf(strangers)
}

// errForeign is the reason not to start beside somebody else's data.
var errForeign = errors.New("nothing of them was touched, and nothing was made")

func refusalOf(strangers []error) error {
	if len(strangers) == 0 {
		return nil
	}
	var said []string
	for _, one := range strangers {
		said = append(said, one.Error())
	}
	return fmt.Errorf("%s; %w: choose another CC_SUBJECT_PREFIX, or the settings that they were made with, or take them away. "+
		"One that an administrator has made for the connector needs the metadata that `cc-connector streams` prints: give it that by `nats stream edit --metadata`", strings.Join(said, "; "), errForeign)
}

// CheckOwner is an error that names a stream which is not the connector's.
func (d Definition) CheckOwner(there *jetstream.StreamInfo) error {
	for _, key := range []string{metaTenant, metaBaseURL} {
		owner, marked := there.Config.Metadata[key]
		switch ours := d.Stream.Metadata[key]; {
		case !marked:
			return fmt.Errorf("%s is not the connector's: its metadata has no %s (it holds %d messages of %s)",
				called(there.Config.Name), key, there.State.Msgs, listed(there.Config.Subjects))
		case !isSameAddress(owner, ours):
			return fmt.Errorf("stream %s belongs to another contact center (%s is %q, here %q)", there.Config.Name, key, owner, ours)
		}
	}
	return nil
}

// called is a stream as who made it calls it.
func called(stream string) string {
	switch {
	case isBucket(stream):
		return "bucket " + strings.TrimPrefix(stream, bucketPrefix) + " (stream " + stream + ")"
	case isObjectStore(stream):
		return "object store " + strings.TrimPrefix(stream, objectPrefix) + " (stream " + stream + ")"
	}
	return "stream " + stream
}

const listedMost = 4

func listed(subjects []string) string {
	if len(subjects) > listedMost {
		return strings.Join(subjects[:listedMost], ", ") + ", …"
	}
	if len(subjects) == 0 {
		return "other streams"
	}
	return strings.Join(subjects, ", ")
}

const lookPatience = 2 * time.Second // for who may not ask is not answered

// inTheWay finds the stream whose subjects overlap those of one that is to be
// made; "" if that cannot be known.
func inTheWay(ctx context.Context, js jetstream.JetStream, wanted jetstream.StreamConfig) string {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	for _, subject := range wanted.Subjects {
		names := js.StreamNames(ctx, jetstream.WithStreamListSubject(subject))
		for name := range names.Name() {
			if name != wanted.Name {
				return name
			}
		}
		if names.Err() != nil {
			return ""
		}
	}
	return ""
}
