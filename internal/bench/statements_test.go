package bench

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// statement is one of the store's statements as pgx takes it without named
// arguments.
type statement struct {
	sql   string
	names []string // of the arguments $1, $2...
}

// args puts named values into the statement's order.
func (s statement) args(values map[string]any) []any {
	list := make([]any, len(s.names))
	for i, name := range s.names {
		list[i] = values[name]
	}
	return list
}

// statements reads the store's statements from its source, so that the baseline
// asks the very same questions, also after somebody changes them.
func statements(tb testing.TB, names ...string) map[string]statement {
	tb.Helper()
	files, err := filepath.Glob("../store/*.go")
	if err != nil || len(files) == 0 {
		tb.Fatalf("the store's source: %v", err)
	}
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			tb.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	// Constants can be evaluated although nothing that is imported is known.
	config := types.Config{Error: func(error) {}, Importer: noImports{}}
	pkg, _ := config.Check("store", set, parsed, nil)
	found := map[string]statement{}
	for _, name := range names {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			tb.Fatalf("the store has no constant %s", name)
		}
		found[name] = numbered(tb, constant.StringVal(c.Val()))
	}
	return found
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, fs.ErrNotExist }

// numbered has pgx replace the names; the values that come back are the names.
func numbered(tb testing.TB, sql string) statement {
	tb.Helper()
	names := pgx.NamedArgs{}
	for i, rest := range strings.Split(sql, "@") {
		if i > 0 {
			end := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') })
			if end < 0 {
				end = len(rest)
			}
			names[rest[:end]] = rest[:end]
		}
	}
	sql, args, err := names.RewriteQuery(tb.Context(), nil, sql, nil)
	if err != nil {
		tb.Fatal(err)
	}
	s := statement{sql: sql}
	for _, a := range args {
		s.names = append(s.names, a.(string))
	}
	return s
}
