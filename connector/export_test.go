package connector

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// Without leaves a safeguard out, as nothing but a test can.
func (c *Config) Without(name string) {
	c.rehearsal.without = map[safeguard]bool{safeguard(name): true}
}

// At has hook called whenever a point between two effects is reached, with its name.
func (c *Config) At(hook func(name string)) {
	names := Points()
	c.rehearsal.at = func(p point) { hook(names[string(p)]) }
}

// Safeguards are all of them, as the source has them: their names by what they are in words.
func Safeguards() map[string]string { return constants("safeguard", "safe") }

// Points are all of them.
func Points() map[string]string { return constants("point", "point") }

// constants are the names, without their prefix, of all constants of a type by
// their values. They are read from the source, so that none can be forgotten.
func constants(kind, prefix string) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "safeguards.go", nil, parser.SkipObjectResolution)
	if err != nil {
		panic(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is || spec.Type == nil || len(spec.Values) != 1 {
			return true
		}
		name, typed := spec.Type.(*ast.Ident)
		literal, quoted := spec.Values[0].(*ast.BasicLit)
		if typed && quoted && name.Name == kind {
			value, _ := strconv.Unquote(literal.Value)
			found[value] = strings.TrimPrefix(spec.Names[0].Name, prefix)
		}
		return true
	})
	return found
}
