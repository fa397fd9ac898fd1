package schema_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cc-connector/schema"
)

// Command.Validate and the command's schema are two judges of one law, made from
// one table. They agree on whatever JSON Schema can say; it cannot count bytes,
// nor levels, nor see a name that is given twice, nor compare two fields.

// odd are values that some kind of field takes and another does not.
var odd = []any{
	nil, true, 0, -90, 90.5, 180, -181, 1e300, "", ".", "..", "x", "a/b", "a\\b", "a\u0085", "a\u0000", "WebChat", "webchat", "a b", `a"b`, "ü", "~ !#[]",
	"AAE=", "AAF=", "AAE", "AA==", "A===", "AAE=AAE=", "AA\n=\r=\n", "A\nAAA", "\n", "AAA-", "ios", "image", "started", "started ",
	strings.Repeat("a", schema.MaxID), strings.Repeat("a", schema.MaxID+1), strings.Repeat("a", schema.MaxString+1), strings.Repeat("a", schema.MaxToken+1),
	[]any{}, []any{"x"}, map[string]any{}, map[string]any{"type": "x"}, map[string]any{"type": ""}, map[string]any{"type": 1}, map[string]any{"a": "b", "": ""}, map[string]any{"a": nil},
}

func anyValue(f schema.Field) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 11).Draw(t, "how") {
		case 0:
			return rapid.SampledFrom(odd).Draw(t, "odd")
		case 1:
			return rapid.StringN(0, 20, -1).Draw(t, "text")
		case 2:
			return rapid.Float64Range(-200, 200).Draw(t, "number")
		}
		return goodValue(f).Draw(t, "good")
	})
}

// goodValue is mostly what the field wants.
func goodValue(f schema.Field) *rapid.Generator[any] {
	good := map[schema.Kind][]any{
		schema.KindString: {"x", "text of some length"}, schema.KindID: {"1", "p-1"}, schema.KindClientID: {"c-1"},
		schema.KindStringMap: {map[string]any{"a": "b"}}, schema.KindObject: {map[string]any{"type": "x", "more": []any{}}},
		schema.KindBase64: {"AAE="}, schema.KindLatitude: {1.5, -90}, schema.KindLongitude: {-180, 3},
	}[f.Kind]
	for _, value := range f.Enum {
		good = append(good, value)
	}
	return rapid.SampledFrom(good)
}

func anyData(c *schema.Command) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		data := map[string]any{}
		for _, f := range c.Fields {
			if rapid.IntRange(0, 11).Draw(t, "there") > 3 || f.Required && rapid.IntRange(0, 3).Draw(t, "needed") > 0 {
				data[f.Name] = anyValue(f).Draw(t, f.Name)
			}
			if f.Alias != "" && rapid.Bool().Draw(t, "alias") {
				data[f.Alias] = anyValue(f).Draw(t, f.Alias)
			}
		}
		if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
			data[rapid.StringN(0, 8, -1).Draw(t, "name")] = rapid.SampledFrom(odd).Draw(t, "value")
		}
		return data
	})
}

func TestSchemasAndValidateAgree(t *testing.T) {
	good := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		for i := range schema.Commands {
			c := &schema.Commands[i]
			data := anyData(c).Draw(t, c.Name)
			if agree(t, c, data) {
				good[c.Name] = true
			}
		}
	})
	if len(good) != len(schema.Commands) {
		t.Errorf("data were good of the commands %v alone", good)
	}
}

// agree holds that both judge alike, and says how.
func agree(t *rapid.T, c *schema.Command, data map[string]any) bool {
	if differ(c, data) {
		return false // no schema compares two fields
	}
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	ferr, serr := c.Validate(text), fits(t, "v1/command."+c.Name+".json", text)
	if (ferr == nil) != (serr == nil) {
		t.Fatalf("%s of %s: Validate says %v, the schema %v", c.Name, text, ferr, serr)
	}
	return ferr == nil
}

func differ(c *schema.Command, data map[string]any) bool {
	return slices.ContainsFunc(c.Fields, func(f schema.Field) bool {
		a, first := data[f.Name].(string)
		b, second := data[f.Alias].(string)
		return f.Alias != "" && first && second && a != b
	})
}

// Each odd value in each field, beside data that are good.
func TestSchemasAndValidateAgreeOnEveryField(t *testing.T) {
	for i := range schema.Commands {
		c := &schema.Commands[i]
		d, _ := schema.FindDocument("v1/command." + c.Name + ".json")
		example := examplesIn(t, d)[0]
		for _, f := range c.Fields {
			for _, value := range odd {
				data := read(t, example)
				data[f.Name] = value
				text, _ := json.Marshal(data)
				if ferr, serr := c.Validate(text), fits(t, d.Path, text); (ferr == nil) != (serr == nil) {
					t.Errorf("%s of %.200s: Validate says %v, the schema %v", c.Name, text, ferr, serr)
				}
			}
		}
	}
}
