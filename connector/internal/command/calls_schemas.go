package command

import (
	"context"
	"encoding/json"

	"cc-connector/schema"
)

// The documents that describe what travels are part of the program: they can be
// had while the contact center is away, and by whoever reaches nothing but NATS.

func serviceSchemas(_ context.Context, _ *Commands, _ *command, data *schema.ServiceSchemas) (answer, error) {
	if data.Name == "" {
		return answer{reply: allSchemas()}, nil
	}
	d, known := schema.FindDocument(data.Name)
	if !known {
		return answer{}, invalidCommand(&schema.FieldError{Field: "name", Problem: "is none of the documents: leave it out to get their list"})
	}
	return answer{reply: schema.ServiceSchemasResult{Name: d.Path, SHA256: d.SHA256, Bytes: len(d.Content), Schema: d.Content}}, nil
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
	var result schema.ServiceSchemasResult
	if json.Unmarshal(whole, &result) != nil {
		return json.RawMessage(`{}`)
	}
	result.Schemas, result.Schema = nil, nil
	open, err := schema.JSON(result)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return open
}
