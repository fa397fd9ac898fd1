package bus

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// weightOf is that of the difference in a field; -1: there is none.
func weightOf(lacks []Lack, field string) Weight {
	for _, lack := range lacks {
		if lack.Field == field {
			return lack.Weight
		}
	}
	return -1
}

// A difference is vital, wanted, or an administrator's; a stream as it is defined has none.
func TestLacks(t *testing.T) {
	file, _ := schema.LookupCommand("chat.file")
	cfg := Config{Prefix: "cc", FailoverAfter: time.Second, IdempotencyWindow: time.Hour, CommandMaxAge: time.Hour, FilesMaxAge: time.Hour, Durable: schema.Commands, Lately: []schema.Command{*file}}
	for name, c := range map[string]struct {
		change func(*jetstream.StreamConfig)
		field  string
		weight Weight
	}{
		"CC_EVENTS":     {func(s *jetstream.StreamConfig) { s.MaxAge = 9 * time.Hour }, "max_age", Stays},
		"OBJ_CC_FILES":  {func(s *jetstream.StreamConfig) { s.MaxAge = 9 * time.Hour }, "max_age", Wanted},
		"KV_CC_STATE":   {func(s *jetstream.StreamConfig) { s.MaxAge = 9 * time.Hour }, "max_age", Vital},
		"CC_SESSIONS":   {func(s *jetstream.StreamConfig) { s.Retention = jetstream.LimitsPolicy }, "retention", Vital},
		"CC_DEADLETTER": {func(s *jetstream.StreamConfig) { s.Compression = jetstream.S2Compression }, "compression", Stays},
		"CC_COMMANDS": {func(s *jetstream.StreamConfig) {
			s.Subjects = (need{lately: []string{"cc.durable.chat.file.*"}}).but(s.Subjects)
		}, "subjects", Wanted},
	} {
		n, defined := needOf(cfg, name)
		if lacks := Lacks(cfg, n.Stream); !defined || lacks != nil {
			t.Errorf("%s as it is defined: %v", name, lacks)
		}
		there := n.Stream
		c.change(&there)
		if lacks := Lacks(cfg, there); weightOf(lacks, c.field) != c.weight {
			t.Errorf("%s: %v; want a weight of %d of %s", name, lacks, c.weight, c.field)
		}
	}
	if lacks := Lacks(cfg, jetstream.StreamConfig{Name: "OTHER"}); lacks != nil {
		t.Errorf("of a stranger: %v", lacks)
	}
}

// but are subjects without those of lately.
func (n need) but(all []string) []string {
	n.Stream.Subjects = all
	return n.subjectsAtOnce()
}

func TestConsumerLacks(t *testing.T) {
	cfg := Config{Prefix: "cc", FailoverAfter: time.Second}
	n, _ := needOf(cfg, "CC_SESSIONS")
	there := n.Consumers[0]
	if lacks := ConsumerLacks(cfg, "CC_SESSIONS", there); lacks != nil {
		t.Errorf("as it is defined: %v", lacks)
	}
	there.MaxAckPending, there.PriorityGroups = 5, []string{"other"}
	lacks := ConsumerLacks(cfg, "CC_SESSIONS", there)
	if weightOf(lacks, "max_ack_pending") != Wanted || weightOf(lacks, "priority_groups") != Vital {
		t.Errorf("got %v", lacks)
	}
}
