package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/storetest"
)

// Every ...SQL constant of this package that is a whole statement prepares on the
// migrated schema: no table, column or function that does not exist, no argument
// without a type.
func TestEveryStatementPrepares(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), storetest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	statements := sqlConstants(t)
	prepared := 0
	for name, sql := range statements {
		if fragments[name] {
			continue
		}
		prepared++
		if _, err := conn.Prepare(t.Context(), name, numbered(sql)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if prepared < 60 {
		t.Errorf("only %d statements were found", prepared)
	}
	for name := range fragments {
		if _, ok := statements[name]; !ok {
			t.Errorf("%s is no constant any more", name)
		}
	}
}

// fragments are parts that other constants are put together from.
var fragments = map[string]bool{"orderFieldsSQL": true, "orderColumnsSQL": true, "mayBuySQL": true, "subscriptionColumnsSQL": true, "movementColumnsSQL": true, "payerColumnsSQL": true, "invitationColumnsSQL": true, "recipientColumnsSQL": true, "standsSQL": true, "undoneSQL": true, "reversalWaitsSQL": true}

// A statement that does not exist on the schema is seen.
func TestABrokenStatementDoesNotPrepare(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), storetest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Prepare(t.Context(), "x", numbered(`SELECT nothing FROM account WHERE id = @id`)); err == nil {
		t.Error("a column that does not exist was prepared")
	}
}

var argument = regexp.MustCompile(`@[a-z_0-9]+`)

// numbered writes @name arguments as $1, $2 …
func numbered(sql string) string {
	names := map[string]int{}
	return argument.ReplaceAllStringFunc(sql, func(name string) string {
		if _, ok := names[name]; !ok {
			names[name] = len(names) + 1
		}
		return "$" + strconv.Itoa(names[name])
	})
}

// sqlConstants evaluates the package's ...SQL constants from its source.
func sqlConstants(t *testing.T) map[string]string {
	files := token.NewFileSet()
	sources := map[string]ast.Expr{}
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.CONST {
				continue
			}
			for _, spec := range gen.Specs {
				value := spec.(*ast.ValueSpec)
				for i, ident := range value.Names {
					if strings.HasSuffix(ident.Name, "SQL") && i < len(value.Values) {
						sources[ident.Name] = value.Values[i]
					}
				}
			}
		}
	}
	out := map[string]string{}
	var evaluate func(ast.Expr) string
	evaluate = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, err := strconv.Unquote(e.Value)
			if err != nil {
				t.Fatal(err)
			}
			return s
		case *ast.BinaryExpr:
			return evaluate(e.X) + evaluate(e.Y)
		case *ast.Ident:
			return evaluate(sources[e.Name])
		case *ast.ParenExpr:
			return evaluate(e.X)
		}
		t.Fatalf("an expression of a kind that constants here do not have: %T", e)
		return ""
	}
	for name, e := range sources {
		out[name] = evaluate(e)
	}
	return out
}
