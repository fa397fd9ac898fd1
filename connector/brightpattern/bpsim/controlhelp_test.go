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
	var fields []string
	for field := range reflect.TypeFor[faultJSON]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	checkExplained(t, fields, faultFields)
	checkExplained(t, slices.Collect(maps.Keys(faultKinds)), faultKindsExplained)
	if n := reflect.TypeFor[Fault]().NumField(); n != len(fields) {
		t.Errorf("a Fault has %d fields, its JSON %d", n, len(fields))
	}
}

func checkExplained(t *testing.T, names []string, explained []described) {
	t.Helper()
	var told []string
	for _, one := range explained {
		told = append(told, one.name)
		if one.meaning == "" {
			t.Errorf("%s has no meaning", one.name)
		}
	}
	slices.Sort(told)
	if names = slices.Sorted(slices.Values(names)); !slices.Equal(names, told) {
		t.Errorf("there are %v, explained are %v", names, told)
	}
}
