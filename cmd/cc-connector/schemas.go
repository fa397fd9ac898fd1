package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"cc-connector/schema"
)

const schemasAbout = `The documents: a JSON Schema for the data of each event, result, session message and command, one for the CloudEvent
around them (v1/envelope.json), one for an entry of the bucket of chats (v1/chat.json), and the AsyncAPI document
(v1/asyncapi.json), which says what travels on which subject.
The attribute dataschema of a CloudEvent ends with the name of its document.

Without an argument, their names, each with the sha256 of its file in front, as sha256sum writes it; with the name of
one, this document:

  cc-connector schemas v1/event.message.json
  cc-connector schemas --write contract && (cd contract && cc-connector schemas | sha256sum --check)

The same documents are served by HTTP, under /schemas/ at CC_HTTP_ADDR, and by NATS, on the live command service.schemas.
No setting and no connection is needed.`

func prepareSchemas(flags *flag.FlagSet) action {
	folder := ""
	flags.Func("write", "write all documents into `FOLDER`, under their names, and make the folder if need be", func(given string) error {
		if folder = given; given == "" {
			return errors.New("it must name a folder")
		}
		return nil
	})
	return func(operands []string, stdout, _ io.Writer) error {
		switch {
		case len(operands) > 1:
			return usageError("at most the name of one document can be given")
		case folder != "" && len(operands) > 0:
			return usageError("--write writes all documents: give no name")
		case folder != "":
			return writeSchemas(folder, stdout)
		case len(operands) == 0:
			return listSchemas(stdout)
		}
		return printSchema(operands[0], stdout)
	}
}

func listSchemas(w io.Writer) error {
	for _, d := range schema.Documents() {
		if _, err := fmt.Fprintf(w, "%s  %s\n", d.SHA256, d.Path); err != nil {
			return err
		}
	}
	return nil
}

func printSchema(name string, w io.Writer) error {
	d, known := schema.FindDocument(name)
	if !known {
		return usageError(fmt.Sprintf("there is no document %q; there are %s", name, strings.Join(schemaNames(), ", ")))
	}
	_, err := w.Write(d.Content)
	return err
}

func writeSchemas(folder string, stdout io.Writer) error {
	all := schema.Documents()
	for _, d := range all {
		path := filepath.Join(folder, filepath.FromSlash(d.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, d.Content, 0o644); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(stdout, "%d documents are in %s\n", len(all), folder)
	return err
}
