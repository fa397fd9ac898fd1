package bus

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Difference is one between two configurations of a stream or consumer, by the
// name that administrators know the field by.
type Difference struct{ Field, There, Here string }

func (d Difference) String() string {
	return fmt.Sprintf("%s is %s, and should be %s", d.Field, d.There, d.Here)
}

// untold fields are nobody's business: what the server fills in, and texts.
var untold = map[string]bool{"description": true, "name": true, "durable_name": true}

// differences compares configurations as they travel, so that no field is
// forgotten that a later version of the server knows.
func differences(there, here any) []Difference {
	t, h := fields(there), fields(here)
	names := make(map[string]bool)
	for name := range t {
		names[name] = true
	}
	for name := range h {
		names[name] = true
	}
	var found []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !untold[name] && !reflect.DeepEqual(t[name], h[name]) {
			found = append(found, Difference{name, shown(name, t[name]), shown(name, h[name])})
		}
	}
	return found
}

// fields are those of a configuration that say something.
func fields(config any) map[string]any {
	var all map[string]any
	data, err := json.Marshal(config) // what came from NATS, or goes there
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		return nil
	}
	if metadata, is := all["metadata"].(map[string]any); is {
		maps.DeleteFunc(metadata, func(key string, _ any) bool { return !strings.HasPrefix(key, markPrefix) || key == metaRemade })
	}
	maps.DeleteFunc(all, func(_ string, value any) bool { return saysNothing(value) })
	return all
}

// saysNothing tells the values that are no different from none.
func saysNothing(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case bool:
		return !value
	case string:
		return value == "" || value == "none"
	case float64:
		return value <= 0
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}

// inTime are the fields that count nanoseconds.
var inTime = map[string]bool{
	"max_age": true, "duplicate_window": true, "subject_delete_marker_ttl": true,
	"ack_wait": true, "max_expires": true, "inactive_threshold": true, "priority_timeout": true,
}

func shown(name string, value any) string {
	number, isNumber := value.(float64)
	switch {
	case value == nil:
		return "none"
	case inTime[name] && isNumber:
		return time.Duration(number).String()
	case isNumber:
		return fmt.Sprintf("%.0f", number)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "unreadable"
	}
	return strings.Trim(string(text), `"`)
}

// isVital tells also the fields of a stream by which it would forget what the
// connector must remember.
func (n need) isVital(there jetstream.StreamConfig) func(field string) bool {
	return func(field string) bool {
		switch field {
		case "max_age":
			return there.MaxAge > 0 && there.MaxAge < n.leastAge
		case "discard", "discard_new_per_subject":
			return true
		}
		return isVital(field)
	}
}

func isVital(field string) bool { return vital[field] }

// vital are the fields without which the connector cannot work, whoever is to
// mend them.
var vital = map[string]bool{
	"subjects": true, "retention": true, "allow_msg_ttl": true, "allow_rollup_hdrs": true, "deny_purge": true,
	"no_ack": true, "sealed": true, "max_msgs_per_subject": true,
	"ack_policy": true, "priority_policy": true, "priority_groups": true, "filter_subject": true, "filter_subjects": true, "headers_only": true,
}
