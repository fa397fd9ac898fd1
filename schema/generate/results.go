package main

import (
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"

	"cc-connector/schema"
)

// result is the schema of a command's outcome, as an event and as a reply.
func (s *source) result(c *schema.Command) *jsonschema.Schema {
	out := s.described(reflect.TypeFor[schema.Result]())
	out.Title = "Result of " + c.Name
	out.Description = "What became of the command " + c.Name + "."
	out.Properties["command"].Const = jsonschema.Ptr[any](c.Name)
	out.Properties["request"] = described(s.request(c), out.Properties["request"].Description)
	done := &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{"status": constant(string(schema.StatusOK)), "error": no}}
	failed := &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{"status": constant(string(schema.StatusError)), "result": no}, Required: []string{"error"}}
	if c.NewResult() == nil {
		delete(out.Properties, "result")
		delete(failed.Properties, "result")
	} else {
		done.Required = []string{"result"}
		s.addResult(c, out)
	}
	out.OneOf = []*jsonschema.Schema{done, failed}
	return out
}

func (s *source) addResult(c *schema.Command, out *jsonschema.Schema) {
	t := reflect.TypeOf(c.NewResult()).Elem()
	result := s.described(t)
	out.Properties["result"] = described(result, out.Properties["result"].Description+". "+s.types[t.Name()])
}

func described(s *jsonschema.Schema, text string) *jsonschema.Schema {
	s.Description = text
	return s
}

func constant(text string) *jsonschema.Schema {
	return &jsonschema.Schema{Const: jsonschema.Ptr[any](text)}
}

// request is a command's data as its result tells them: without what is
// withheld, the client's reference in its id's place. How long and of which form
// a value may be is the command's business.
func (s *source) request(c *schema.Command) *jsonschema.Schema {
	out := s.fieldsOf(c, func(f schema.Field) *jsonschema.Schema {
		if f.Withheld || f.Kind == schema.KindClientID {
			return nil
		}
		return told(f)
	})
	if f, has := c.Field("clientId"); has {
		f.Name, f.Kind, f.Doc = "clientRef", schema.KindString, "stands for the clientId: the same for the same client, and of no other use"
		s.addField(out, f, told)
	}
	return out
}

func told(f schema.Field) *jsonschema.Schema {
	p := typeOfKind[f.Kind](f)
	p.MaxLength, p.MaxProperties, p.PropertyNames, p.Minimum, p.Maximum = nil, nil, nil, nil, nil
	if p.AdditionalProperties != nil {
		p.AdditionalProperties = &jsonschema.Schema{Type: "string"}
	}
	p.Description = capital(f.Doc)
	if p.Enum != nil {
		p.Description += ". " + mayGrow
	}
	return p
}
