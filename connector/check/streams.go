package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
	"cc-connector/connector/internal/bus"
)

const (
	streamMissing  ID = "stream.missing"
	streamSilent   ID = "stream.unavailable"
	streamOwner    ID = "stream.owner"
	streamSettings ID = "stream.settings"
	streamSealed   ID = "stream.sealed"
	streamDeletes  ID = "stream.deletes"
	streamFull     ID = "stream.full"
	streamCopies   ID = "stream.copies"
	streamInTheWay ID = "stream.in_the_way"
	streamCaptures ID = "stream.takes_commands"
)

const makeThem = `make it from what "cc-connector streams" prints, or let the connector make it by CC_PROVISION=true`

const changeThem = `change it to what "cc-connector streams" prints, or let the connector do it by CC_PROVISION=true`

// judge says what is to be said of the whole picture.
func (p *picture) judge() []Finding {
	found := p.bytes()
	for _, s := range p.streams {
		found = append(found, p.stream(s)...)
	}
	found = append(found, p.others()...)
	found = append(found, p.backlog()...)
	found = append(found, p.reading()...)
	return append(found, p.clock.finding(natsClock, "NATS", 0)...)
}

// find is a stream of the picture by the end of its name.
func (p *picture) find(suffix string) *streamSeen {
	name := p.cfg.Prefix.StreamName(suffix)
	return p.streams[slices.IndexFunc(p.streams, func(s *streamSeen) bool { return s.Stream.Name == name })]
}

// isLoss tells whether what is missing was there before.
func (p *picture) isLoss() bool {
	return slices.ContainsFunc(p.streams, (*streamSeen).isOurs)
}

func (p *picture) stream(s *streamSeen) []Finding {
	name := s.Stream.Name
	switch {
	case errors.Is(s.err, jetstream.ErrStreamNotFound):
		return []Finding{p.missing(name)}
	case errors.Is(s.err, errForbidden):
		return []Finding{untried(streamSettings, name, "nothing is known of %s: the user may not ask for it", name)}
	case isSilence(s.err):
		return []Finding{wrong(streamSilent, name, "see whether its servers are up and have chosen a leader", "%s did not answer within %s", name, p.waited)}
	case s.err != nil:
		says, do := asked(s.err)
		return []Finding{wrong(streamSilent, name, do, "%s cannot be used: %s", name, says)}
	}
	if err := s.CheckOwner(s.info); err != nil {
		return []Finding{wrong(streamOwner, name, "choose another CC_SUBJECT_PREFIX, or the settings that it was made with; one that an administrator has made for this connector needs the metadata that \"cc-connector streams\" prints", "%v", err)}
	}
	found := append([]Finding{p.settings(s)}, p.room(s)...)
	found = append(found, copies(s.info)...)
	for _, c := range s.consumers {
		found = append(found, p.consumer(name, c)...)
	}
	return found
}

func (p *picture) missing(name string) Finding {
	switch {
	case !p.cfg.Provision:
		return wrong(streamMissing, name, makeThem, "%s is missing", name)
	case p.isLoss():
		return warn(streamMissing, name, "nothing, if connectors run or are started: they make it again, and put back what they know",
			"%s is missing beside others that are there: what was in it is lost", name)
	}
	return fine(streamMissing, name, "%s is not there yet: the connector makes it when it starts", name)
}

// settings compares a stream with its definition.
func (p *picture) settings(s *streamSeen) Finding {
	name, there := s.Stream.Name, s.info.Config
	if there.Sealed {
		return wrong(streamSealed, name, "take it away: nobody can open it again", "%s is sealed: it takes nothing more", name)
	}
	return p.weigh(streamSettings, name, connector.Lacks(p.cfg, there), fmt.Sprintf("%s in %s", count(s.info.State.Msgs, "message"), size(s.info.State.Bytes)))
}

// weigh says what differences matter.
func (p *picture) weigh(id ID, about string, lacks []bus.Lack, holds string) Finding {
	said := make(map[bus.Weight][]string)
	for _, lack := range lacks {
		weight, says := told(lack)
		said[weight] = append(said[weight], says)
	}
	toChange, lacking := strings.Join(slices.Concat(said[bus.Vital], said[bus.Wanted]), "; "), "is not as the settings say"
	if said[bus.Vital] != nil {
		lacking = "is not as the connector needs it"
	}
	switch {
	case toChange == "" && said[bus.Stays] == nil:
		return fine(id, about, "%s is as it should be%s", about, behindComma(holds))
	case toChange == "":
		return fine(id, about, "%s stays as it was set (%s)%s", about, strings.Join(said[bus.Stays], "; "), behindComma(holds))
	case p.cfg.Provision:
		return warn(id, about, "nothing, if that is meant: a connector changes it when it starts", "%s %s: %s", about, lacking, toChange)
	case said[bus.Vital] != nil:
		return wrong(id, about, changeThem, "%s cannot be used: %s", about, toChange)
	}
	return warn(id, about, changeThem, "%s %s: %s", about, lacking, toChange)
}

// told is a difference in words. Whose a stream is has been looked at before: of
// its metadata, only the apps may differ, which are for people to read.
func told(lack bus.Lack) (bus.Weight, string) {
	if lack.Field == "metadata" {
		return bus.Stays, "its metadata names other apps"
	}
	return lack.Weight, lack.Field + " is " + lack.There + ", by the settings " + lack.Here
}

func behindComma(text string) string {
	if text == "" {
		return ""
	}
	return "; " + text
}

// nearlyFull is what every stream must have room for.
const nearlyFull = bus.LeastPayload

// room judges how full a stream is, and whether the settings would make it lose something.
func (p *picture) room(s *streamSeen) (found []Finding) {
	name, config, state := s.Stream.Name, s.info.Config, s.info.State
	if p.cfg.Provision && connector.Deletes(p.cfg, s.info) {
		found = append(found, warn(streamDeletes, name, "raise the settings of ages and bytes, if these messages are still wanted",
			"%s holds more than the settings let it keep: a connector that starts has messages deleted, or takes no more", name))
	}
	for _, of := range []struct {
		used uint64
		most int64
		left int64 // below which it is full
		says string
	}{
		{state.Bytes, config.MaxBytes, nearlyFull, size(state.Bytes) + " of " + size(uint64(max(config.MaxBytes, 0)))},
		{state.Msgs, config.MaxMsgs, 1, fmt.Sprintf("%d of %d messages", state.Msgs, config.MaxMsgs)},
	} {
		if of.most > 0 {
			found = append(found, fill(s, of.used, of.most, of.left, of.says)...)
		}
	}
	return found
}

func fill(s *streamSeen, used uint64, most, least int64, says string) []Finding {
	name := s.Stream.Name
	percent := used * 100 / uint64(most)
	isFull := most-int64(used) < least || percent >= full
	const do = "raise its limit, or make room in it"
	switch {
	case s.info.Config.Discard == jetstream.DiscardOld && isFull:
		oldest := Shown(s.info.TimeStamp.Sub(s.info.State.FirstTime))
		return []Finding{warn(streamFull, name, "raise its limit, if older messages are wanted", "%s is full (%s): the oldest messages go, the oldest that is there came %s ago", name, says, oldest)}
	case s.info.Config.Discard == jetstream.DiscardOld:
	case isFull:
		return []Finding{wrong(streamFull, name, do, "%s is full: it holds %s", name, says)}
	case percent >= fillingUp:
		return []Finding{warn(streamFull, name, do, "%s fills up: it holds %s", name, says)}
	}
	return nil
}

// copies judges a stream of a cluster.
func copies(info *jetstream.StreamInfo) []Finding {
	if info.Cluster == nil || len(info.Cluster.Replicas) == 0 {
		return nil
	}
	name := info.Config.Name
	var behind []string
	for _, peer := range info.Cluster.Replicas {
		if peer.Offline || !peer.Current {
			behind = append(behind, peer.Name)
		}
	}
	switch {
	case info.Cluster.Leader == "":
		return []Finding{wrong(streamCopies, name, "start the servers that are down", "%s has no leader", name)}
	case behind != nil:
		return []Finding{warn(streamCopies, name, "see whether these servers are up", "copies of %s are away, or lag: on %s", name, strings.Join(behind, ", "))}
	}
	return []Finding{fine(streamCopies, name, "all %d copies of %s are up to date", len(info.Cluster.Replicas)+1, name)}
}

// others judges streams that take what is not theirs.
func (p *picture) others() (found []Finding) {
	if p.noCaptors != nil {
		return []Finding{untried(streamInTheWay, "", "whether other streams take the connector's subjects is not known: %s", why(p.noCaptors))}
	}
	live, taken := make(map[string][]string), make(map[string][]string)
	for _, c := range p.captors {
		if c.of == "" {
			live[c.stream] = append(live[c.stream], c.subject)
			continue
		}
		taken[c.stream] = append(taken[c.stream], c.subject)
	}
	for _, name := range sorted(live) {
		found = append(found, wrong(streamCaptures, name, "take these subjects from it", "the stream %s takes live commands (%s): who sends one gets the stream's acknowledgement in place of the reply", name, listed(live[name])))
	}
	for _, name := range sorted(taken) {
		found = append(found, wrong(streamInTheWay, name, "choose another CC_SUBJECT_PREFIX, or take these subjects from it", "the stream %s takes subjects that the connector's streams need: %s", name, listed(taken[name])))
	}
	if found == nil {
		return []Finding{fine(streamInTheWay, "", "no other stream takes the connector's subjects")}
	}
	return found
}

func why(err error) string {
	if isSilence(err) {
		return "JetStream did not answer in time"
	}
	return err.Error()
}

func sorted(of map[string][]string) (names []string) {
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

const listedMost = 4

func listed(subjects []string) string {
	slices.Sort(subjects)
	if len(subjects) > listedMost {
		return strings.Join(subjects[:listedMost], ", ") + ", …"
	}
	return strings.Join(subjects, ", ")
}
