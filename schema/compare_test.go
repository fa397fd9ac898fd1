package schema_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Within a version there are only additions. What that means depends on who
// writes the payload.
//
// A command is written by others: what was taken must be taken for ever. So
// limits may only grow, values may only be added, and nothing more may become
// required. A new field is fine where the schema took no unknown one; where it
// did, that field may have been there already, and is to stay free.
//
// Events, results, session messages, entries and the envelope are written by the
// connector: whoever was prepared for what was written before must be prepared
// for what is written now. So limits may only shrink, what was always there must
// stay there, and a value may be added only where the description has said all
// along that more may be. A new field is fine: readers pass over what they do not
// know. That a strict copy of an old schema refuses it is said in the reference:
// the documents of the running connector are the ones to validate against.
//
// For both: nothing is removed or renamed, and nothing changes its type, format,
// pattern or constant value. What no rule here is about may not change at all.

// comparison collects what is more than an addition.
type comparison struct {
	reads  bool // the connector reads what the schema describes; else it writes it
	breaks []string
}

func (c *comparison) found(at, format string, args ...any) {
	c.breaks = append(c.breaks, at+": "+fmt.Sprintf(format, args...))
}

// annotations say nothing of what is valid.
var annotations = []string{"$schema", "$id", "$comment", "title", "description", "examples"}

// bounds are keywords that set a limit: +1 an upper one, -1 a lower one.
var bounds = map[string]int{
	"maxLength": 1, "maxItems": 1, "maxProperties": 1, "maximum": 1,
	"minLength": -1, "minItems": -1, "minProperties": -1, "minimum": -1,
}

// compare finds what is more than an addition in a schema that was released.
func (c *comparison) compare(at string, old, now any) {
	before, wasObject := old.(object)
	after, isObject := now.(object)
	if !wasObject || !isObject {
		if !reflect.DeepEqual(old, now) {
			c.found(at, "is another schema")
		}
		return
	}
	keywords := maps.Clone(before)
	maps.Copy(keywords, after)
	for _, keyword := range slices.Sorted(maps.Keys(keywords)) {
		if !slices.Contains(annotations, keyword) {
			c.keyword(at, keyword, before, after)
		}
	}
}

func (c *comparison) keyword(at, keyword string, before, after object) {
	old, now := before[keyword], after[keyword]
	switch {
	case reflect.DeepEqual(old, now):
	case keyword == "properties":
		c.properties(at, old, now)
		c.newProperties(at, before, after)
	case keyword == "required":
		c.required(at, texts(old), texts(now))
	case keyword == "enum":
		mayGrow := strings.Contains(fmt.Sprint(before["description"]), "More may be added")
		c.enum(at, texts(old), texts(now), c.reads || mayGrow)
	case keyword == "anyOf" || keyword == "oneOf":
		c.variants(at+"."+keyword, old, now, c.reads || keyword == "anyOf")
	case keyword == "items" || keyword == "additionalProperties" || keyword == "propertyNames":
		c.compare(at+"."+keyword, old, now)
	case keyword == "not":
		c.not(at, old, now)
	case bounds[keyword] != 0:
		c.bound(at, keyword, old, now)
	default:
		c.found(at, "%s has changed", keyword)
	}
}

func (c *comparison) properties(at string, old, now any) {
	before, _ := old.(object)
	after, _ := now.(object)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if property, there := after[name]; there {
			c.compare(at+"."+name, before[name], property)
		} else {
			c.found(at, "%s was removed", name)
		}
	}
}

// newProperties: a command may have had what its schema does not name, if that is
// open. Then a rule for it is one more, and what was taken may be refused by it.
func (c *comparison) newProperties(at string, before, after object) {
	unnamed := before["additionalProperties"]
	if !c.reads || unnamed == false {
		return
	}
	if unnamed == nil || unnamed == true {
		unnamed = object{}
	}
	old, _ := before["properties"].(object)
	now, _ := after["properties"].(object)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, named := old[name]; !named {
			c.compare(at+"."+name+", which was free", unnamed, now[name])
		}
	}
}

func (c *comparison) required(at string, old, now []string) {
	for _, name := range now {
		if c.reads && !slices.Contains(old, name) {
			c.found(at, "%s has become required", name)
		}
	}
	for _, name := range old {
		if !c.reads && !slices.Contains(now, name) {
			c.found(at, "%s need not be there any more", name)
		}
	}
}

func (c *comparison) enum(at string, old, now []string, mayGrow bool) {
	if old == nil || now == nil {
		c.found(at, "it is another enumeration, or none")
		return
	}
	for _, value := range old {
		if !slices.Contains(now, value) {
			c.found(at, "the value %s was removed", value)
		}
	}
	for _, value := range now {
		if !mayGrow && !slices.Contains(old, value) {
			c.found(at, "the value %s was added, which nobody had to expect", value)
		}
	}
}

// variants are known again by their titles, or else by all that they say.
func (c *comparison) variants(at string, old, now any, mayGrow bool) {
	before, after := byTitle(old), byTitle(now)
	for _, title := range slices.Sorted(maps.Keys(before)) {
		if variant, there := after[title]; there {
			c.compare(at+"["+title+"]", before[title], variant)
		} else {
			c.found(at, "%s was changed, or removed", title)
		}
	}
	if !mayGrow && len(after) > len(before) || len(before) == 0 {
		c.found(at, "an alternative was added")
	}
}

func byTitle(list any) object {
	all := object{}
	variants, _ := list.([]any)
	for _, variant := range variants {
		members, _ := variant.(object)
		title, has := members["title"].(string)
		if !has {
			text, _ := json.Marshal(variant)
			title = string(text)
		}
		all[title] = variant
	}
	return all
}

// not is what must not be there: of what the connector writes that may grow.
func (c *comparison) not(at string, old, now any) {
	before, _ := old.(object)
	after, _ := now.(object)
	if c.reads || len(before) != 1 || len(after) != 1 || before["enum"] == nil {
		c.found(at, "what is excluded has changed")
		return
	}
	c.enum(at+".not", texts(before["enum"]), texts(after["enum"]), true)
}

// bound: for what is read a limit may be taken away or moved outward, for what
// is written set or moved inward.
func (c *comparison) bound(at, keyword string, old, now any) {
	before, had := old.(float64)
	after, has := now.(float64)
	outward := had && (!has || (after-before)*float64(bounds[keyword]) > 0)
	if outward != c.reads {
		c.found(at, "%s has changed from %v to %v", keyword, old, now)
	}
}

func texts(list any) (all []string) {
	values, _ := list.([]any)
	for _, value := range values {
		all = append(all, fmt.Sprint(value))
	}
	return all
}
