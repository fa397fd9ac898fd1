package command

import (
	"encoding/json"

	"cc-connector/schema"
)

// The documents that describe what travels are part of the program: they can be
// had while the contact center is away, and by whoever reaches nothing but NATS.

func serviceSchemas(data *schema.ServiceSchemas) (any, error) {
	if data.Name == "" {
		return allSchemas(), nil
	}
	d, known := schema.FindDocument(data.Name)
	if !known {
		return nil, invalidCommand(&schema.FieldError{Field: "name", Problem: "is none of the documents: leave it out to get their list"})
	}
	return schema.ServiceSchemasResult{Name: d.Path, SHA256: d.SHA256, Bytes: len(d.Content), Schema: d.Content}, nil
}

func allSchemas() (list schema.ServiceSchemasResult) {
	for _, d := range schema.Documents() {
		list.Schemas = append(list.Schemas, d.Info())
	}
	return list
}

// withoutDocuments is the result as everybody reads it: the stream of events
// need not hold the same document again for each who asks.
func withoutDocuments(whole json.RawMessage) json.RawMessage {
	var r schema.ServiceSchemasResult
	if json.Unmarshal(whole, &r) != nil {
		return json.RawMessage(`{}`)
	}
	r.Schemas, r.Schema = nil, nil
	open, err := schema.JSON(r)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return open
}
