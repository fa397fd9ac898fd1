package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// source is what the Go files of package schema say that reflection does not
// see: comments, and the values of constants.
type source struct {
	types   map[string]string  // comments of types, by name
	fields  map[string]string  // comments of fields, by "Type.Field"
	values  map[string][]value // the constants of a type, by its name
	missing []string           // fields that nothing is said of

	inHistory *jsonschema.Schema // an event with its name
}

// value is one constant of a type, or one without a type (then by "").
type value struct{ name, text, comment string }

func readSource(folder string) (*source, error) {
	s := &source{types: map[string]string{}, fields: map[string]string{}, values: map[string][]value{}}
	paths, err := fs.Glob(os.DirFS(folder), "*.go")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), folder+"/"+path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		s.readFile(file)
	}
	return s, nil
}

func (s *source) readFile(file *ast.File) {
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.readType(group, spec)
			case *ast.ValueSpec:
				s.readValue(group, spec)
			}
		}
	}
}

func (s *source) readType(group *ast.GenDecl, spec *ast.TypeSpec) {
	doc := spec.Doc
	if doc == nil && !group.Lparen.IsValid() {
		doc = group.Doc
	}
	s.types[spec.Name.Name] = sentence(doc.Text(), spec.Name.Name)
	if structure, ok := spec.Type.(*ast.StructType); ok {
		for _, field := range structure.Fields.List {
			for _, name := range field.Names {
				s.fields[spec.Name.Name+"."+name.Name] = commentOf(field, name.Name)
			}
		}
	}
}

// commentOf is what stands behind a field, or else above it.
func commentOf(field *ast.Field, name string) string {
	if field.Comment != nil {
		return plain(field.Comment.Text())
	}
	return sentence(field.Doc.Text(), name)
}

// readValue takes the constants that are one string each.
func (s *source) readValue(group *ast.GenDecl, spec *ast.ValueSpec) {
	if group.Tok != token.CONST || len(spec.Values) != 1 {
		return
	}
	literal, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		return
	}
	of := ""
	if named, ok := spec.Type.(*ast.Ident); ok {
		of = named.Name
	}
	s.values[of] = append(s.values[of], value{spec.Names[0].Name, text, plain(spec.Comment.Text())})
}

// ofField is what is said of a field: by its comment, or for names that mean the
// same wherever they stand by the glossary.
func (s *source) ofField(t reflect.Type, field reflect.StructField, name string) string {
	owner := t
	for _, i := range field.Index[:len(field.Index)-1] { // an embedded struct's
		owner = owner.Field(i).Type
	}
	said := s.fields[owner.Name()+"."+field.Name]
	if said == "" {
		said = glossary[name]
	}
	if said == "" {
		s.missing = append(s.missing, owner.Name()+"."+field.Name)
	}
	return capital(said)
}

// glossary says what the fields are that many payloads have.
var glossary = map[string]string{
	"chatId":        "the chat's id",
	"partyId":       "the party that the event is about; of the customer's side it is the chat id",
	"messageId":     "the message's id, unique at best within one party of one chat",
	"refMessageId":  "the messageId of the message that it is about",
	"formRequestId": "names this showing of the form: what answers it has the same",
	"formName":      "the form's name; empty or missing: a question, answered by a text",
	"channel":       "the channel that it came by",
}

var (
	aside   = regexp.MustCompile(`\s*\(see \[[^]]*\]\)`)
	link    = regexp.MustCompile(`\[(\*?[A-Z]\w*(?:\.\w+)?)\]`)
	goNames = regexp.MustCompile(`\b(ChatID|PartyID|CaseID|MessageID|ClientID|StreamSequence|DataRef)\b`)
)

// plain is a comment in one line, in the words of JSON.
func plain(comment string) string {
	text := strings.Join(strings.Fields(comment), " ")
	text = link.ReplaceAllString(aside.ReplaceAllString(text, ""), "$1")
	return goNames.ReplaceAllStringFunc(text, func(name string) string {
		name = strings.ReplaceAll(name, "ID", "Id")
		return strings.ToLower(name[:1]) + name[1:]
	})
}

// sentence is a comment without the name that Go has it begin with.
func sentence(comment, name string) string {
	text := strings.TrimPrefix(plain(comment), name+" ")
	return capital(strings.TrimPrefix(text, "is "))
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
