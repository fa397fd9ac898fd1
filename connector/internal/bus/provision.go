package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// provision makes what is missing, and changes what is there as far as it must.
type provision struct {
	js  jetstream.JetStream
	cfg Config
	log *slog.Logger
}

// all goes through the streams, as they were found.
func (p provision) all(ctx context.Context, found map[string]*jetstream.StreamInfo) error {
	for _, n := range needs(p.cfg) {
		if found[n.Stream.Name] == nil && isLoss(found) {
			n = p.lost(n)
		}
		if err := p.stream(ctx, n, found[n.Stream.Name]); err != nil {
			return err
		}
		for _, c := range n.Consumers {
			if err := p.consumer(ctx, n.Stream.Name, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func markAgain(s jetstream.StreamConfig) {
	s.Metadata[metaRemade] = time.Now().UTC().Format(time.RFC3339)
}

// isLoss tells whether what is missing at a start was there before: another
// stream of the connector's has held something.
func isLoss(found map[string]*jetstream.StreamInfo) bool {
	for _, there := range found {
		if there.State.LastSeq > 0 {
			return true
		}
	}
	return false
}

// lost is a stream that is made again by a replica that starts: the others may
// run, and have to put back what they know.
func (p provision) lost(n need) need {
	p.log.Warn("a stream is missing beside others that are there, and is made again: what was in it is lost, but for what the connectors know", "stream", n.Stream.Name)
	n.Stream.Metadata = maps.Clone(n.Stream.Metadata)
	markAgain(n.Stream)
	return n
}

func (p provision) stream(ctx context.Context, n need, there *jetstream.StreamInfo) error {
	if there == nil {
		if made, err := p.makeStream(ctx, n); err != nil || made {
			return err
		}
		var err error
		if there, err = p.look(ctx, n); err != nil { // somebody was faster
			return err
		}
	}
	next := n.fit(there.Config)
	changes := differences(there.Config, next)
	p.tell(n, next)
	if len(changes) == 0 {
		return nil
	}
	p.tellChanges(there, next, changes)
	if _, err := p.js.UpdateStream(ctx, next); err != nil {
		return fmt.Errorf("changing the stream %s (%s): %w", n.Stream.Name, joined(changes), p.explain(ctx, n, err))
	}
	return nil
}

// makeStream reports false if there is one of that name by now.
func (p provision) makeStream(ctx context.Context, n need) (made bool, err error) {
	_, err = p.js.CreateStream(ctx, n.Stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("making the stream %s: %w", n.Stream.Name, p.explain(ctx, n, err))
	}
	return true, nil
}

func (p provision) look(ctx context.Context, n need) (*jetstream.StreamInfo, error) {
	s, err := p.js.Stream(ctx, n.Stream.Name)
	if err != nil {
		return nil, fmt.Errorf("the stream %s: %w", n.Stream.Name, Advise(err))
	}
	if err := n.CheckOwner(s.CachedInfo()); err != nil {
		return nil, refusalOf([]error{err})
	}
	return s.CachedInfo(), nil
}

// tell says what an administrator has set otherwise, and what stays.
func (p provision) tell(n need, next jetstream.StreamConfig) {
	for _, d := range differences(next, n.Stream) {
		p.log.Info("a stream differs from what this connector would make, and stays as it is: a setting that is given changes it",
			"stream", n.Stream.Name, "field", d.Field, "there", d.There, "here", d.Here)
	}
}

// tellChanges says what is changed, loudly where messages go by it.
func (p provision) tellChanges(there *jetstream.StreamInfo, next jetstream.StreamConfig, changes []Difference) {
	for _, d := range changes {
		p.log.Info("a stream lacks what the connector needs, or differs from a setting, and is changed",
			"stream", next.Name, "field", d.Field, "there", d.There, "here", d.Here)
	}
	if loses(there.State, next, time.Now()) {
		p.log.Warn("a stream holds more than it is to keep by a setting; what is older or too much is deleted, or nothing more is taken until there is room",
			"stream", next.Name, "changes", joined(changes), "messages", there.State.Msgs, "bytes", there.State.Bytes, "since", there.State.FirstTime)
	}
}

func joined(all []Difference) string {
	said := make([]string, len(all))
	for i, d := range all {
		said[i] = d.String()
	}
	return strings.Join(said, "; ")
}

// consumer makes one, or changes what it lacks.
func (p provision) consumer(ctx context.Context, stream string, ours jetstream.ConsumerConfig) error {
	there, err := p.js.Consumer(ctx, stream, ours.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		_, err = p.js.CreateConsumer(ctx, stream, ours)
		if errors.Is(err, jetstream.ErrConsumerExists) { // somebody was faster
			there, err = p.js.Consumer(ctx, stream, ours.Durable)
		}
	}
	if err != nil {
		return fmt.Errorf("making the consumer %s of %s: %w", ours.Durable, stream, Advise(err))
	}
	if there == nil {
		return nil
	}
	next := fitConsumer(there.CachedInfo().Config, ours)
	changes := differences(there.CachedInfo().Config, next)
	if len(changes) == 0 {
		return nil
	}
	p.log.Info("a consumer lacks what the connector needs, and is changed", "stream", stream, "consumer", ours.Durable, "changes", joined(changes))
	if _, err := p.js.UpdateConsumer(ctx, stream, next); err != nil {
		return fmt.Errorf("changing the consumer %s of %s (%s): if nats-server does not take the change, delete the consumer, and it is made again: %w",
			ours.Durable, stream, joined(changes), Advise(err))
	}
	return nil
}

// explain says what stands in the way of making or changing a stream, and what to do.
func (p provision) explain(ctx context.Context, n need, err error) error {
	switch codeOf(err) {
	case codeOverlap:
		way := "another stream takes some of its subjects"
		if name := inTheWay(ctx, p.js, n.Stream); name != "" {
			way = "the stream " + name + " takes some of its subjects"
		}
		return &refusal{way + ": choose another CC_SUBJECT_PREFIX, or take these subjects from it", err}
	case codeMaxBytesRequired:
		return &refusal{"the account demands a limit of bytes of each stream: set " + strings.Join(p.unlimited(), ", "), err}
	}
	return Advise(err)
}

// unlimited are the settings of limits of bytes that are missing.
func (p provision) unlimited() (missing []string) {
	for name, given := range map[string]int64{
		"CC_EVENTS_MAX_BYTES": p.cfg.EventsMaxBytes, "CC_FILES_MAX_BYTES": p.cfg.FilesMaxBytes, "CC_STREAM_MAX_BYTES": p.cfg.StreamMaxBytes,
	} {
		if given == 0 {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

// inspect says what the streams lack that are made by an administrator. It is
// an error if the connector cannot work with them.
func (p provision) inspect(ctx context.Context, found map[string]*jetstream.StreamInfo) error {
	var lacking []string
	for _, n := range needs(p.cfg) {
		there := found[n.Stream.Name]
		if there == nil {
			continue // find names it
		}
		next := n.fit(there.Config)
		lacking = append(lacking, p.tellLacks(n.Stream.Name, differences(there.Config, next), n.isVital(there.Config))...)
		p.tell(n, next)
		for _, c := range n.Consumers {
			if there, err := p.js.Consumer(ctx, n.Stream.Name, c.Durable); err == nil {
				config := there.CachedInfo().Config
				lacking = append(lacking, p.tellLacks("consumer "+c.Durable+" of "+n.Stream.Name, differences(config, fitConsumer(config, c)), isVital)...)
			}
		}
	}
	if len(lacking) > 0 {
		return fmt.Errorf("%s: change them to what `cc-connector streams` prints, or let the connector do it by CC_PROVISION=true", strings.Join(lacking, "; "))
	}
	return nil
}

// tellLacks returns what is vital, and logs the rest.
func (p provision) tellLacks(name string, lacks []Difference, isVital func(field string) bool) (lacking []string) {
	for _, d := range lacks {
		if isVital(d.Field) {
			lacking = append(lacking, fmt.Sprintf("%s cannot be used: %v", name, d))
			continue
		}
		p.log.Warn("a stream or consumer is not as the connector needs it or its settings say; with CC_PROVISION=false it stays",
			"name", name, "field", d.Field, "there", d.There, "here", d.Here)
	}
	return lacking
}

// tellUntaken says which durable commands a stream does not take, and how it would.
func (p provision) tellUntaken(n need, there jetstream.StreamConfig) {
	untaken := n.untaken(there)
	if len(untaken) == 0 {
		return
	}
	edit := fmt.Sprintf("nats stream edit %s --subjects '%s'", n.Stream.Name, strings.Join(addSubjects(there.Subjects, untaken), ","))
	p.log.Warn("durable commands are not taken: the stream lacks their subjects, which with CC_PROVISION=false the connector does not add; no earlier version runs any more, so add them",
		"stream", n.Stream.Name, "subjects", untaken, "remedy", edit)
}

// untaken are the subjects that a stream which is there has not got by Widen.
func (n need) untaken(there jetstream.StreamConfig) []string {
	return slices.DeleteFunc(slices.Clone(n.lately), func(s string) bool {
		return slices.ContainsFunc(there.Subjects, func(wide string) bool { return Covers(wide, s) })
	})
}
