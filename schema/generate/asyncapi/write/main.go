// Command write puts the AsyncAPI document into schema/v1. It is run by go
// generate, in the folder of package schema, when the JSON Schemas are there.
package main

import (
	"fmt"
	"os"

	"cc-connector/schema/generate/asyncapi"
)

func main() {
	document, err := asyncapi.Document()
	if err == nil {
		err = os.WriteFile(asyncapi.Path, document, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "asyncapi:", err)
		os.Exit(1)
	}
}
