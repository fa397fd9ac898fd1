package bus

import (
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Weight is how much a difference matters.
type Weight int

const (
	Stays  Weight = iota // an administrator's choice, with which the connector works
	Wanted               // a setting says otherwise, or the connector works better without it
	Vital                // the connector cannot work with it
)

// Lack is a difference between what is there and what is defined.
type Lack struct {
	Difference
	Weight Weight
}

// Lacks are those of a stream that is there; none of one that is not the
// connector's by its name.
func Lacks(cfg Config, there jetstream.StreamConfig) []Lack {
	n, defined := needOf(cfg, there.Name)
	if !defined {
		return nil
	}
	next := n.fit(there)
	all := weigh(differences(there, next), n.isVital(there))
	for _, d := range differences(next, n.Stream) {
		all = append(all, Lack{d, n.weightOfRest(d, there)})
	}
	return all
}

// ConsumerLacks are those of a consumer that is there.
func ConsumerLacks(cfg Config, stream string, there jetstream.ConsumerConfig) []Lack {
	n, _ := needOf(cfg, stream)
	for _, ours := range n.Consumers {
		if ours.Durable == there.Durable {
			return weigh(differences(there, fitConsumer(there, ours)), isVital)
		}
	}
	return nil
}

// Deletes tells whether messages go when a stream is changed to what the settings say.
func Deletes(cfg Config, there *jetstream.StreamInfo) bool {
	n, defined := needOf(cfg, there.Config.Name)
	return defined && loses(there.State, n.fit(there.Config), time.Now())
}

func needOf(cfg Config, name string) (need, bool) {
	all := needs(cfg)
	i := slices.IndexFunc(all, func(n need) bool { return n.Stream.Name == name })
	if i < 0 {
		return need{}, false
	}
	return all[i], true
}

func weigh(all []Difference, isVital func(field string) bool) (weighed []Lack) {
	for _, d := range all {
		weight := Wanted
		if isVital(d.Field) {
			weight = Vital
		}
		weighed = append(weighed, Lack{d, weight})
	}
	return weighed
}

// weightOfRest is that of what fitting leaves as it is. Of the subjects, that is
// what is the administrator's own, or what a stream gets only by Widen.
func (n need) weightOfRest(d Difference, there jetstream.StreamConfig) Weight {
	if d.Field == "subjects" && len(n.untaken(there)) > 0 {
		return Wanted
	}
	return Stays
}
