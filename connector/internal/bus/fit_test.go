package bus

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestAddSubjects(t *testing.T) {
	for _, c := range []struct{ there, ours, want []string }{
		{nil, []string{"a.>"}, []string{"a.>"}},
		{[]string{"a.>"}, []string{"a.>"}, []string{"a.>"}},
		{[]string{"other.>", "a.b"}, []string{"a.>"}, []string{"other.>", "a.>"}},
		{[]string{">"}, []string{"a.>", "b.*"}, []string{">"}},
		{[]string{"a.*.c"}, []string{"a.b.c", "a.b.d"}, []string{"a.*.c", "a.b.d"}},
		{[]string{"a.*"}, []string{"a.>"}, []string{"a.>"}},
		{[]string{"a.b.*"}, []string{"a.*.c"}, []string{"a.b.*", "a.*.c"}}, // which nats-server refuses
	} {
		if got := addSubjects(c.there, c.ours); !slices.Equal(got, c.want) {
			t.Errorf("%v with %v: %v, want %v", c.there, c.ours, got, c.want)
		}
	}
}

func TestCovers(t *testing.T) {
	for wide, narrow := range map[string][]string{
		"a.*": {"a.b", "a.*"}, "a.>": {"a.b", "a.*", "a.>", "a.b.c", "a.*.>"}, ">": {"a", "*", ">"}, "*.*": {"*.b", "a.*"},
	} {
		for _, s := range narrow {
			if !Covers(wide, s) {
				t.Errorf("%s does not cover %s", wide, s)
			}
		}
	}
	for wide, narrow := range map[string][]string{
		"a.*": {"a", "a.>", "a.b.c", "b.c", "*.b"}, "a.>": {"a", ">", "*.b"}, "a.b": {"a.*", "a.>", "a.b.c", "a"},
	} {
		for _, s := range narrow {
			if Covers(wide, s) {
				t.Errorf("%s covers %s", wide, s)
			}
		}
	}
}

// With several copies, what reads a bucket goes to its leader; an object is the
// same everywhere.
func TestFitOfDirectGets(t *testing.T) {
	cfg := Config{Prefix: "cc", FailoverAfter: time.Second, IdempotencyWindow: time.Hour, CommandMaxAge: time.Hour}
	for _, n := range needs(cfg) {
		there := n.Stream
		there.AllowDirect, there.Replicas = true, 3
		want := !isBucket(there.Name)
		if got := n.fit(there); got.AllowDirect != want || got.Replicas != 3 {
			t.Errorf("%s: direct gets %v, %d copies", there.Name, got.AllowDirect, got.Replicas)
		}
	}
}

func TestDifferences(t *testing.T) {
	there := jetstream.StreamConfig{
		Name: "A", Description: "x", MaxAge: time.Hour, Placement: &jetstream.Placement{Cluster: "east"},
		Metadata: map[string]string{"_nats.ver": "2", "team": "t", "cc-connector.apps": "one"},
	}
	here := jetstream.StreamConfig{Name: "B", MaxBytes: -1, Subjects: []string{"a"}, Metadata: map[string]string{"cc-connector.apps": "two"}}
	want := []Difference{
		{"max_age", "1h0m0s", "none"}, {"metadata", `{"cc-connector.apps":"one"}`, `{"cc-connector.apps":"two"}`},
		{"placement", `{"cluster":"east"}`, "none"}, {"subjects", "none", `["a"]`},
	}
	if got := differences(there, here); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

// Only what passes by itself is waited for.
func TestIsPassing(t *testing.T) {
	api := func(code jetstream.ErrorCode, status int) error {
		return fmt.Errorf("making: %w", Advise(&jetstream.APIError{Code: status, ErrorCode: code}))
	}
	for name, c := range map[string]struct {
		err     error
		passing bool
	}{
		"temporarily unavailable": {api(10008, 503), true}, "no suitable peers": {api(10005, 400), true}, "no leader": {api(10009, 500), true},
		"raft": {api(10041, 500), true}, "offline": {api(10118, 500), true}, "not enabled": {api(10076, 503), true}, "not for the account": {api(10039, 503), true},
		"few resources": {api(10023, 503), true}, "silence": {Advise(context.DeadlineExceeded), true}, "no responders": {Advise(nats.ErrNoResponders), true},
		"timeout": {nats.ErrTimeout, true}, "a cut connection": {nats.ErrDisconnected, true},
		"limit of bytes": {api(10113, 400), false}, "overlap": {api(10065, 400), false}, "account's limits": {api(10002, 400), false},
		"storage": {api(10047, 500), false}, "copies": {api(10074, 500), false}, "number of streams": {api(10027, 400), false},
		"configuration": {api(10052, 500), false}, "foreign": {refusalOf([]error{errors.New("x")}), false}, "permissions": {nats.ErrPermissionViolation, false},
		"closed": {nats.ErrConnectionClosed, false},
	} {
		if IsPassing(c.err) != c.passing {
			t.Errorf("%s (%v): %v", name, c.err, !c.passing)
		}
	}
}

func FuzzAddSubjects(f *testing.F) {
	f.Add("a.*", "a.>")
	f.Add("cc.>", "cc.chat.*.event.>")
	f.Fuzz(func(t *testing.T, there, ours string) {
		all := addSubjects([]string{there}, []string{ours})
		for i, one := range all {
			for j, other := range all {
				if i != j && Covers(one, other) {
					t.Errorf("%q and %q: %q covers %q", there, ours, one, other)
				}
			}
		}
		if !slices.ContainsFunc(all, func(s string) bool { return Covers(s, ours) }) {
			t.Errorf("%q and %q: %q takes not all", there, ours, all)
		}
	})
}
