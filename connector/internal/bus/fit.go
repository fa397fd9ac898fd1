package bus

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// # What an administrator set stays
//
// A stream that is there may be older than this version, or an administrator's
// own work. So it is not made what a definition says, but fitted: what the
// connector cannot do without is added, what a setting of the connector gives is
// set, and all else stays as it is, whatever the definition has there. What
// comes of it is compared with what was there, and with the definition: the
// first tells what is to be changed, the second what stays different
// (differences.go).

// fit is what a stream that is there becomes.
func (n need) fit(there jetstream.StreamConfig) jetstream.StreamConfig {
	next, ours := there, n.Stream
	next.Metadata = maps.Clone(there.Metadata)
	if next.Metadata == nil {
		next.Metadata = make(map[string]string)
	}
	maps.Copy(next.Metadata, ours.Metadata)
	if was := there.Metadata[metaBaseURL]; isSameAddress(was, ours.Metadata[metaBaseURL]) {
		next.Metadata[metaBaseURL] = was // earlier versions know no other spelling
	}
	next.Subjects = addSubjects(there.Subjects, n.subjectsAtOnce())
	next.Retention = ours.Retention
	next.NoAck, next.Sealed = false, false
	next.AllowMsgTTL = there.AllowMsgTTL || ours.AllowMsgTTL
	next.SubjectDeleteMarkerTTL = cmp.Or(there.SubjectDeleteMarkerTTL, ours.SubjectDeleteMarkerTTL)
	next.AllowRollup = there.AllowRollup || ours.AllowRollup
	next.DenyPurge = there.DenyPurge && !next.AllowRollup
	n.fitLimits(&next)
	n.fitAccess(&next)
	fitRepeats(&next, ours)
	return next
}

func (n need) fitLimits(next *jetstream.StreamConfig) {
	next.Replicas = cmp.Or(n.given.replicas, next.Replicas)
	next.MaxBytes = cmp.Or(n.given.maxBytes, next.MaxBytes)
	if n.given.maxAge > 0 {
		next.MaxAge = n.given.maxAge
	}
	if next.MaxAge > 0 && next.MaxAge < n.leastAge {
		next.MaxAge = n.Stream.MaxAge
	}
	most := n.Stream.MaxMsgsPerSubject
	isOneOfAKind := most == 1 && n.Stream.Retention == jetstream.WorkQueuePolicy
	if most > 0 && (next.MaxMsgsPerSubject <= 0 || isOneOfAKind) {
		next.MaxMsgsPerSubject = most
	}
	if n.Stream.DiscardNewPerSubject || isBucket(n.Stream.Name) { // nothing that is still needed makes room
		next.Discard = jetstream.DiscardNew
		next.DiscardNewPerSubject = next.DiscardNewPerSubject || n.Stream.DiscardNewPerSubject
	}
}

// fitAccess has messages read by the ways that users may take: objects by
// direct gets, which serve what does not change; buckets not by copies that lag.
func (n need) fitAccess(next *jetstream.StreamConfig) {
	switch {
	case isBucket(next.Name):
		next.AllowDirect = next.AllowDirect && n.Stream.AllowDirect && next.Replicas == 1
	case isObjectStore(next.Name):
		next.AllowDirect = next.AllowDirect || n.Stream.AllowDirect
	}
}

// fitRepeats has a stream know repeats for long enough; that of commands, whose
// repeats are the journal's, for no longer than it must.
func fitRepeats(next *jetstream.StreamConfig, ours jetstream.StreamConfig) {
	switch {
	case ours.Duplicates == shortestWindow:
		next.Duplicates = shortestWindow
	case !isBucket(ours.Name) && !isObjectStore(ours.Name):
		next.Duplicates = max(next.Duplicates, ours.Duplicates)
	}
	if next.MaxAge > 0 {
		next.Duplicates = min(next.Duplicates, next.MaxAge)
	}
}

// subjectsAtOnce are ours that a stream which is there gets at once.
func (n need) subjectsAtOnce() []string {
	return slices.DeleteFunc(slices.Clone(n.Stream.Subjects), func(s string) bool { return slices.Contains(n.lately, s) })
}

// Widen has the stream of durable commands take those, too, that an earlier
// version cannot run, or says that it does not. It hands commands to whoever asks,
// so that no replica of such a version may be alive.
func (s *Streams) Widen(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, AnswerPatience)
	defer cancel()
	p := provision{s.js, s.cfg, log}
	for _, n := range needs(s.cfg) {
		if n.lately == nil {
			continue
		}
		there, err := p.look(ctx, n)
		switch {
		case err == nil && s.cfg.Provision:
			n.lately = nil
			err = p.stream(ctx, n, there)
		case err == nil:
			p.tellUntaken(n, there.Config)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addSubjects are those that are there, and of ours those that they do not
// have: no two may overlap in one stream.
func addSubjects(there, ours []string) []string {
	all := slices.DeleteFunc(slices.Clone(there), func(s string) bool {
		return slices.ContainsFunc(ours, func(wide string) bool { return wide != s && Covers(wide, s) })
	})
	for _, s := range ours {
		if !slices.ContainsFunc(all, func(wide string) bool { return Covers(wide, s) }) {
			all = append(all, s)
		}
	}
	return all
}

// Covers tells whether a stream with the one subject takes all that the other does.
func Covers(wide, narrow string) bool {
	w, n := strings.Split(wide, "."), strings.Split(narrow, ".")
	for i, token := range w {
		switch {
		case i >= len(n):
			return false
		case token == ">":
			return true
		case n[i] == ">", token != "*" && token != n[i]:
			return false
		}
	}
	return len(w) == len(n)
}

// fitConsumer is what a consumer that is there becomes: what says how long a
// delivery is the taker's, and that none is ever given up or held back.
func fitConsumer(there, ours jetstream.ConsumerConfig) jetstream.ConsumerConfig {
	next := there
	next.DeliverPolicy, next.AckPolicy, next.ReplayPolicy = ours.DeliverPolicy, ours.AckPolicy, ours.ReplayPolicy
	next.AckWait, next.MaxDeliver, next.MaxAckPending = ours.AckWait, ours.MaxDeliver, ours.MaxAckPending
	next.BackOff, next.FilterSubject, next.FilterSubjects, next.HeadersOnly = nil, "", nil, false
	next.InactiveThreshold = 0
	next.PriorityPolicy, next.PriorityGroups = ours.PriorityPolicy, ours.PriorityGroups
	next.MaxRequestBatch, next.MaxRequestMaxBytes, next.MaxRequestExpires = 0, 0, 0
	return next
}

// loses tells whether the stream holds more than it keeps after a change.
func loses(state jetstream.StreamState, after jetstream.StreamConfig, now time.Time) bool {
	return state.Msgs > 0 && (after.MaxAge > 0 && now.Sub(state.FirstTime) > after.MaxAge ||
		after.MaxBytes > 0 && state.Bytes > uint64(after.MaxBytes))
}
