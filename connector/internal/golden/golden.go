// Package golden holds what is stored, and what replicas tell each other,
// against files. Nothing but tests imports it.
//
// What is stored outlives the version that wrote it, and replicas of two
// versions talk to each other during an update. So the bytes of every such
// format stand in a testdata/golden, and are read and written as they are
// there. The flag -golden.write writes them anew, for a format that is changed
// on purpose: what reads the old one is then needed, too.
package golden

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"cc-connector/schema"
)

var write = flag.Bool("golden.write", false, "write the golden files anew")

// Time is a moment that the files have.
func Time(second int) time.Time {
	return time.Date(2020, 2, 29, 12, 30, second, 123456789, time.UTC)
}

// Values holds the format of a type against its file, a value a line. Every
// field has to be in some line.
func Values[T any](t *testing.T, name string, values []T) {
	t.Run(name, func(t *testing.T) {
		var written []string
		filled := map[string]bool{}
		for _, value := range values {
			written = append(written, JSON(t, value))
			noteFilled(reflect.ValueOf(value), "", filled)
		}
		for field, is := range filled {
			if !is {
				t.Errorf("no line has a value in the field %s: add one", field)
			}
		}
		for _, line := range Lines(t, name+".jsonl", written) {
			checkRead[T](t, line)
		}
	})
}

func checkRead[T any](t *testing.T, line string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.DisallowUnknownFields()
	var read T
	if err := decoder.Decode(&read); err != nil {
		t.Errorf("%s\ncannot be read: %v", line, err)
	} else if again := JSON(t, read); again != line {
		t.Errorf("read and written, it is\n%s\nand was\n%s", again, line)
	}
}

// Lines returns the lines of a file, after holding written against them.
func Lines(t testing.TB, name string, written []string) []string {
	t.Helper()
	path, content := filepath.Join("testdata", "golden", name), strings.Join(written, "\n")+"\n"
	if *write {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(file) != content {
		t.Errorf("%s is now written as\n%s\nand was\n%s", name, content, file)
	}
	return strings.Split(strings.TrimSuffix(string(file), "\n"), "\n")
}

// Same holds what was read against what had been written.
func Same(t testing.TB, got, want any, err error) {
	t.Helper()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read is\n%+v, %v\nand written was\n%+v", got, err, want)
	}
}

// JSON is a value as it is stored, in one line.
func JSON(t testing.TB, value any) string {
	t.Helper()
	data, err := schema.JSON(value)
	if err != nil || bytes.ContainsRune(data, '\n') {
		t.Fatalf("%s: %v", data, err)
	}
	return string(data)
}

// noteFilled notes for each field that can be written whether some value has it.
func noteFilled(v reflect.Value, path string, filled map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			noteFilled(v.Elem(), path, filled)
		}
	case reflect.Slice:
		for i := range v.Len() {
			noteFilled(v.Index(i), path, filled)
		}
	case reflect.Struct:
		if _, isTime := v.Interface().(interface{ IsZero() bool }); isTime {
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Tag.Get("json") != "-" {
				name := path + "." + field.Name
				filled[name] = filled[name] || !v.Field(i).IsZero()
				noteFilled(v.Field(i), name, filled)
			}
		}
	}
}
