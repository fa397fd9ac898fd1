// Command generate writes the JSON Schemas in schema/v1 and schema/README.md.
//
// What they say has one source, package schema: its types say which fields there
// are, the comments above and behind them what they mean, and its tables what a
// command takes. The examples are values of those types. So a schema can differ
// from what is written and read only where this program is wrong, and tests hold
// that against the types from both sides.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// It is run by go generate, in the folder of package schema.
func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	files, err := generate(folder)
	if err != nil {
		return err
	}
	for path, content := range files {
		if err := os.WriteFile(filepath.Join(folder, path), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate makes all files, by their paths, from the Go files in a folder.
func generate(folder string) (map[string][]byte, error) {
	from, err := readSource(folder)
	if err != nil {
		return nil, err
	}
	all := documentsFrom(from)
	files := make(map[string][]byte, len(all)+1)
	for _, d := range all {
		if files["v1/"+d.name+".json"], err = d.write(); err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
	}
	if len(from.missing) > 0 {
		return nil, fmt.Errorf("nothing says what these are; write a comment behind the field: %v", from.missing)
	}
	files["README.md"], err = reference(from, all)
	return files, err
}
