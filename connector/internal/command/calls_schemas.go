package command

import (
	"encoding/json"
	"sync"

	"cc-connector/schema"
)

// The documents that describe what travels are part of the program: they can be
// had while the contact center is away, and by whoever reaches nothing but NATS.

func serviceSchemas(data *schema.ServiceSchemas) (any, error) {
	describe, known := documents()[data.Name]
	if !known {
		return nil, invalidCommand(&schema.FieldError{Field: "name", Problem: "is none of the documents: leave it out to get their list"})
	}
	return describe()
}

// prepared is a result that is JSON already, and what its event tells of it.
type prepared struct{ full, open json.RawMessage }

// documents has for each document what is told of it, and under no name the list
// of all. It is written when it is first asked for, and once: the largest has
// hundreds of kilobytes.
var documents = sync.OnceValue(func() map[string]func() (prepared, error) {
	all := make(map[string]func() (prepared, error))
	var list schema.ServiceSchemasResult
	for _, d := range schema.Documents() {
		list.Schemas = append(list.Schemas, d.Info())
		all[d.Path] = onceWritten(schema.ServiceSchemasResult{Name: d.Path, SHA256: d.SHA256, Bytes: len(d.Content), Schema: d.Content})
	}
	all[""] = onceWritten(list)
	return all
})

// onceWritten writes a result when it is needed. The stream of events need not
// hold the same document again for each who asks.
func onceWritten(r schema.ServiceSchemasResult) func() (prepared, error) {
	return sync.OnceValues(func() (p prepared, err error) {
		if p.full, err = schema.JSON(r); err != nil {
			return p, err
		}
		r.Schemas, r.Schema = nil, nil
		p.open, err = schema.JSON(r)
		return p, err
	})
}
