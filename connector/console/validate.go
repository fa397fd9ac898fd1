package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	printing "golang.org/x/text/message"

	"cc-connector/schema"
)

type validation struct {
	Verdict verdict             `json:"verdict"`
	Why     string              `json:"why"` // it was not checked
	Valid   bool                `json:"valid"`
	Errors  schema.List[string] `json:"errors"`
	Schema  string              `json:"schema"`
}

type verdict string

const (
	valid     verdict = "valid"
	invalid   verdict = "invalid"
	unchecked verdict = "unchecked" // which says nothing against the message
)

func (c *Console) serveValidation(w http.ResponseWriter, r *http.Request) {
	m, err := c.message(r.Context(), r.PathValue("seq"))
	c.answer(w, validate(m.message), err)
}

// validate holds a message's data against the schema that it names.
func validate(m message) (v validation) {
	var ce struct {
		DataSchema string          `json:"dataschema"`
		DataRef    string          `json:"dataref"`
		Data       json.RawMessage `json:"data"`
	}
	if m.Unreadable != "" {
		return validation{Verdict: invalid, Errors: []string{m.Unreadable}}
	}
	_ = json.Unmarshal(m.CloudEvent, &ce) // then there is no schema
	name := ""
	if at := strings.LastIndex(ce.DataSchema, "/v1/"); at >= 0 {
		name = ce.DataSchema[at+1:]
		v.Schema = "/schemas/" + name
	}
	compiled, err := schemas()
	switch {
	case name == "":
		return v.not("it names no schema")
	case err != nil:
		return v.not("the schemas cannot be read")
	case compiled[name] == nil:
		return v.not("this version does not know its schema")
	case ce.DataRef != "":
		return v.not("its data lie in the object store")
	}
	v.Verdict, v.Errors = valid, problems(compiled[name], ce.Data)
	if v.Valid = len(v.Errors) == 0; !v.Valid {
		v.Verdict = invalid
	}
	return v
}

// not is why there was nothing to check.
func (v validation) not(why string) validation {
	v.Verdict, v.Why, v.Errors = unchecked, why, []string{why}
	return v
}

func problems(s *jsonschema.Schema, data []byte) []string {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return []string{"its data are no JSON"}
	}
	var wrong *jsonschema.ValidationError
	if err := s.Validate(value); errors.As(err, &wrong) {
		return causes(wrong)
	}
	return nil
}

var english = printing.NewPrinter(language.English)

// causes are the innermost errors, each with where in the data it is.
func causes(e *jsonschema.ValidationError) (all []string) {
	if len(e.Causes) == 0 {
		return []string{"/" + strings.Join(e.InstanceLocation, "/") + ": " + e.ErrorKind.LocalizedString(english)}
	}
	for _, cause := range e.Causes {
		all = append(all, causes(cause)...)
	}
	return all
}

// schemas are compiled when somebody asks first.
var schemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	all := make(map[string]*jsonschema.Schema)
	for _, d := range schema.Documents() {
		content, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.Content))
		if err != nil {
			return nil, err
		}
		if members, _ := content.(map[string]any); members["$schema"] == nil {
			continue // it describes something else
		}
		if err := compiler.AddResource(d.Path, content); err != nil {
			return nil, err
		}
		if all[d.Path], err = compiler.Compile(d.Path); err != nil {
			return nil, err
		}
	}
	return all, nil
})
