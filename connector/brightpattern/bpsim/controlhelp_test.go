package bpsim

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Each field of a fault, and each kind, is explained, and none that is not there.
func TestHelpExplainsEachFieldAndKind(t *testing.T) {
	var fields, explained []string
	for field := range reflect.TypeFor[faultJSON]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	for _, f := range faultFields {
		explained = append(explained, f.name)
		if f.meaning == "" {
			t.Errorf("%s has no meaning", f.name)
		}
	}
	slices.Sort(fields)
	slices.Sort(explained)
	if !slices.Equal(fields, explained) {
		t.Errorf("a fault has %v, explained are %v", fields, explained)
	}
	kinds, meanings := slices.Sorted(maps.Keys(faultKinds)), slices.Sorted(maps.Keys(kindMeanings))
	if !slices.Equal(kinds, meanings) {
		t.Errorf("kinds are %v, explained are %v", kinds, meanings)
	}
	if n := reflect.TypeFor[Fault]().NumField(); n != len(fields) {
		t.Errorf("a Fault has %d fields, its JSON %d", n, len(fields))
	}
}
