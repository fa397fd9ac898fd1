package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	jetstreamAccount  ID = "jetstream.account"
	jetstreamDomain   ID = "jetstream.domain"
	jetstreamStorage  ID = "jetstream.storage"
	jetstreamMaxBytes ID = "jetstream.max_bytes_required"
	jetstreamAcks     ID = "jetstream.max_ack_pending"
	jetstreamCounts   ID = "jetstream.counts"
	jetstreamReplicas ID = "jetstream.replicas"
)

// hearing is whether JetStream answers.
type hearing int

const (
	answering hearing = iota
	silent
)

const enableJetStream = "start nats-server with JetStream and allow it for the account; behind a leaf node, name the hub's domain in CC_NATS_JS_DOMAIN"

// accountPatience leaves time for what can be known though this is not answered.
const accountPatience = 4 * time.Second

// account asks for the limits of the user's account. The tier is nil where they are
// not known.
func (l *looker) account(ctx context.Context) (hearing, *jetstream.Tier, []Finding) {
	if !l.may("INFO") {
		return answering, nil, []Finding{untried(jetstreamAccount, "", "the account's limits are not known: the user may not ask for them")}
	}
	ctx, cancel := context.WithTimeout(ctx, accountPatience)
	defer cancel()
	patience := left(ctx)
	info, err := l.js.AccountInfo(ctx)
	switch {
	case isSilence(err):
		return silent, nil, []Finding{wrong(jetstreamAccount, "", "see whether its servers are up and have chosen a leader", "JetStream did not answer within %s", patience)}
	case errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return silent, nil, []Finding{l.notEnabled()}
	case err != nil:
		says, do := asked(err)
		return answering, nil, []Finding{wrong(jetstreamAccount, "", do, "the account's JetStream cannot be asked: %s", says)}
	}
	tier := l.tier(info)
	return answering, &tier, l.limits(info, tier)
}

func (l *looker) notEnabled() Finding {
	if domain := l.cfg.JetStreamDomain; domain != "" {
		return wrong(jetstreamDomain, domain, "set CC_NATS_JS_DOMAIN to the domain of the hub, as its configuration has it, and see that the leaf node is connected",
			"nobody answers for the JetStream domain %s", domain)
	}
	return wrong(jetstreamAccount, "", enableJetStream, "JetStream is not enabled for this user's account")
}

// limits judges the account alone. What is left of its bytes is judged beside the streams.
func (l *looker) limits(info *jetstream.AccountInfo, tier jetstream.Tier) []Finding {
	found := []Finding{fine(jetstreamAccount, "", "JetStream answers: %s and %s in the account", count(tier.Streams, "stream"), count(tier.Consumers, "consumer"))}
	if info.Domain != "" {
		found = append(found, fine(jetstreamDomain, info.Domain, "JetStream is in the domain %s", info.Domain))
	}
	found = append(found, l.replicas())
	if tier.Limits.MaxAckPending > 0 {
		found = append(found, wrong(jetstreamAcks, "", "take the limit away", "the account limits max_ack_pending to %d, and the connector's consumers need it without a limit", tier.Limits.MaxAckPending))
	}
	return append(found, l.counts(tier)...)
}

// tier is what counts for streams of so many copies.
func (l *looker) tier(info *jetstream.AccountInfo) jetstream.Tier {
	if tier, there := info.Tiers[fmt.Sprintf("R%d", max(1, l.cfg.StreamReplicas))]; there {
		return tier
	}
	return info.Tier
}

// How full something may be, in percent.
const (
	fillingUp = 80
	full      = 98
)

// counts judges how many streams and consumers there may be.
func (l *looker) counts(tier jetstream.Tier) (found []Finding) {
	for _, of := range []struct {
		thing      string
		have, most int
	}{{"stream", tier.Streams, tier.Limits.MaxStreams}, {"consumer", tier.Consumers, tier.Limits.MaxConsumers}} {
		switch {
		case of.most <= 0 || of.have < of.most*fillingUp/100:
		case of.have >= of.most:
			found = append(found, warn(jetstreamCounts, of.thing+"s", "raise the limit, or remove some", "the account has all %ss that it may have: %d", of.thing, of.most))
		default:
			found = append(found, fine(jetstreamCounts, of.thing+"s", "the account has %d of the %d %ss that it may have", of.have, of.most, of.thing))
		}
	}
	return found
}

// replicas compares the copies that are wanted with the servers that there are.
func (l *looker) replicas() Finding {
	wanted, servers, nc := max(1, l.cfg.StreamReplicas), 0, l.js.Conn()
	if nc.ConnectedClusterName() == "" {
		servers = 1
	} else {
		servers = max(len(nc.Servers()), 2)
	}
	about := "CC_STREAM_REPLICAS"
	switch {
	case wanted == 1:
		return fine(jetstreamReplicas, about, "each stream is made with one copy")
	case l.cfg.JetStreamDomain != "":
		return untried(jetstreamReplicas, about, "how many servers the domain has is not known here")
	case servers == 1:
		return wrong(jetstreamReplicas, about, "set CC_STREAM_REPLICAS=1, or use a cluster", "each stream is to have %d copies, and NATS is a single server, which keeps one", wanted)
	case servers < wanted:
		return warn(jetstreamReplicas, about, "start the others, or lower CC_STREAM_REPLICAS", "each stream is to have %d copies, and the cluster tells of %d servers", wanted, servers)
	}
	return fine(jetstreamReplicas, about, "each stream is made with %d copies, in a cluster of %d servers", wanted, servers)
}

// bytes judges the account's limits of bytes beside the streams: of what is
// reserved, and of what a stream is made with, only one that is still to be made
// takes notice.
func (p *picture) bytes() []Finding {
	if p.tier == nil {
		return nil // that is told already
	}
	return append([]Finding{p.storage()}, p.maxBytes()...)
}

func (p *picture) storage() Finding {
	used, says, most := p.tier.Store, "used", p.tier.Limits.MaxStore
	if most <= 0 {
		return fine(jetstreamStorage, "", "the account sets no limit of storage; it uses %s", size(used))
	}
	if slices.ContainsFunc(p.streams, (*streamSeen).isMissing) {
		used, says = max(used, p.tier.ReservedStore), "used or reserved"
	}
	percent := used * 100 / uint64(most)
	says = fmt.Sprintf("%s of the account's %s of storage are %s (%d %%)", size(used), size(uint64(most)), says, percent)
	const do = "raise the account's limit, or make room in it"
	switch {
	case percent >= full:
		return wrong(jetstreamStorage, "", do, "%s", says)
	case percent >= fillingUp:
		return warn(jetstreamStorage, "", do, "%s", says)
	}
	return fine(jetstreamStorage, "", "%s", says)
}

func (s *streamSeen) isMissing() bool { return errors.Is(s.err, jetstream.ErrStreamNotFound) }

// maxBytes judges whether what the connector makes or changes has the limits that
// the account demands.
func (p *picture) maxBytes() (found []Finding) {
	if !p.cfg.Provision {
		return nil
	}
	said := make(map[string]bool)
	for _, s := range p.streams {
		variable := p.limitedBy(s)
		if refused := s.refusedBy(p.tier.Limits, variable); refused != nil && !said[variable] {
			said[variable], found = true, append(found, *refused)
		}
	}
	return found
}

// limitedBy is the setting of a stream's bytes.
func (p *picture) limitedBy(s *streamSeen) string {
	switch strings.TrimPrefix(s.Stream.Name, "OBJ_") {
	case p.cfg.Prefix.StreamName("EVENTS"):
		return "CC_EVENTS_MAX_BYTES"
	case p.cfg.Prefix.StreamName("FILES"):
		return "CC_FILES_MAX_BYTES"
	}
	return "CC_STREAM_MAX_BYTES"
}

// refusedBy is what the account has against a stream as it is to be made or changed.
func (s *streamSeen) refusedBy(limits jetstream.AccountLimits, variable string) *Finding {
	given, most := s.Stream.MaxBytes, limits.StoreMaxStreamBytes
	isChanged := s.isMissing() || s.isOurs() && s.info.Config.MaxBytes != given
	var refused Finding
	switch {
	case limits.MaxBytesRequired && given <= 0 && s.isMissing():
		refused = wrong(jetstreamMaxBytes, variable, "set "+variable, "the account demands a limit of bytes of each stream, and %s is not set", variable)
	case most > 0 && given > most && isChanged:
		refused = wrong(jetstreamMaxBytes, variable, "lower "+variable, "the account allows a stream %s, and %s is %s", size(uint64(most)), variable, size(uint64(given)))
	default:
		return nil
	}
	return &refused
}
