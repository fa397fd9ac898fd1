// Package asyncapi writes the AsyncAPI document: what travels on which subject,
// for tools that draw, check or generate from it.
//
// It is made of what the connector itself goes by: the subjects of package
// subjects, the tables of package schema, its documents and their examples, and
// its encoder, which writes the examples of messages. So it cannot say anything
// else than they do.
//
// All that it refers to is in it. The JSON Schemas stand among its components,
// each as in its own document, but for what names that document ($schema, $id)
// and its examples, so that who has it by NATS, or in a file, can use it as well as who has it by
// HTTP. It is the same wherever the connector runs: the subjects begin with cc,
// the default of CC_SUBJECT_PREFIX.
//
// A message that can come in both modes of the CloudEvents binding stands there
// twice, as its payload is another one in each: the whole CloudEvent, or its data alone.
package asyncapi

import (
	"bytes"
	"encoding/json"
	"fmt"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// Path is that of the document among those of package schema.
const Path = "v1/asyncapi.json"

// object is one of JSON, its members sorted by name when it is written.
type object = map[string]any

// Document is the AsyncAPI document of what package schema has now.
func Document() ([]byte, error) {
	b := builder{prefix: subjects.DefaultPrefix, schemas: object{}, messages: object{}, channels: object{}, operations: object{}}
	for _, add := range []func() error{b.addSchemas, b.addCommands, b.addResults, b.addEvents, b.addSessions} {
		if err := add(); err != nil {
			return nil, err
		}
	}
	return indented(b.document())
}

// builder collects the document's parts.
type builder struct {
	prefix                                  subjects.Prefix
	schemas, messages, channels, operations object
}

func (b *builder) document() object {
	return object{
		"asyncapi": "3.0.0",
		"info": object{
			"title": "cc-connector", "version": "1", "description": about,
			"x-subject-prefix": string(b.prefix), "x-streams": streams(b.prefix),
		},
		"defaultContentType": structuredType,
		"servers": object{"nats": object{
			"host": "127.0.0.1:4222", "protocol": "nats", "description": "The NATS servers that the connector uses, as CC_NATS_URL has them.",
		}},
		"channels":   b.channels,
		"operations": b.operations,
		"components": object{
			"schemas": b.schemas, "messages": b.messages, "messageTraits": traits(), "parameters": parameters(), "correlationIds": correlations(),
		},
	}
}

// indented writes <, > and & as they are, too.
func indented(v any) ([]byte, error) {
	text, err := schema.JSON(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", " "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// reference points into the document. None of the names has a slash or a tilde.
func reference(kind, name string) object {
	return object{"$ref": "#/components/" + kind + "/" + name}
}

// found is a document of package schema, without what names it.
func found(name string) (object, error) {
	d, known := schema.FindDocument("v1/" + name + ".json")
	if !known {
		return nil, fmt.Errorf("there is no document v1/%s.json: run the generator of the schemas first", name)
	}
	var content object
	if err := json.Unmarshal(d.Content, &content); err != nil {
		return nil, fmt.Errorf("v1/%s.json: %w", name, err)
	}
	return content, nil
}
