package arch

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// checkClock: the time is handed in by cmd, so that tests and the demo can set
// it.
func checkClock(t *tree) (broken []finding) {
	for _, f := range t.files {
		if f.test || strings.HasPrefix(f.name, "cmd/") {
			continue
		}
		for _, use := range f.uses("time", "Now", "Since", "Until") {
			broken = append(broken, f.at(use.Pos(), "time.%s: the clock is injected; only cmd reads it", use.Sel.Name))
		}
	}
	return broken
}

// checkAddDate: 31 August and a month is 1 October for the library and
// 30 September for a contract.
func checkAddDate(t *tree) (broken []finding) {
	for _, f := range t.files {
		if f.test || path.Dir(f.name) == "internal/civil" {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok && selector.Sel.Name == "AddDate" {
				broken = append(broken, f.at(selector.Sel.Pos(), "AddDate runs over the end of the month: use internal/civil"))
			}
			return true
		})
	}
	return broken
}

// checkFloats: no amount, rate or share is ever a binary fraction. Drawing
// measures, and gauges are floats by their library.
func checkFloats(t *tree) (broken []finding) {
	mayMeasure := []string{"internal/pdf", "internal/e2e", "cmd/portal/metrics.go"}
	for _, f := range t.files {
		if f.test || f.generated || slices.Contains(mayMeasure, path.Dir(f.name)) || slices.Contains(mayMeasure, f.name) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32" || id.Name == "ParseFloat") {
				broken = append(broken, f.at(id.Pos(), "%s: amounts and rates are integers (internal/money)", id.Name))
			}
			return true
		})
	}
	return broken
}

// checkImports forbids packages with a better one beside them, and processes.
func checkImports(t *tree) (broken []finding) {
	forbidden := map[string]struct {
		why string
		but []string // directories
	}{
		"math/rand":    {"tokens come from crypto/rand", nil},
		"math/rand/v2": {"tokens come from crypto/rand", nil},
		"crypto/md5":   {"use crypto/sha256", []string{"internal/pdfa"}}, // whose file formats want it
		"crypto/sha1":  {"use crypto/sha256", nil},
		"crypto/des":   {"it is broken", nil},
		"crypto/rc4":   {"it is broken", nil},
		"unsafe":       {"nothing here needs it", nil},
		"os/exec":      {"the program starts no processes but PostgreSQL", []string{"internal/embeddedpg"}},
	}
	for _, f := range t.files {
		if f.test {
			continue
		}
		for _, spec := range f.imports() {
			rule, found := forbidden[spec.path]
			if found && !slices.Contains(rule.but, path.Dir(f.name)) {
				broken = append(broken, f.at(spec.pos, "imports %s: %s", spec.path, rule.why))
			}
		}
	}
	return broken
}

// checkInit: what happens at start happens in cmd, visibly.
func checkInit(t *tree) (broken []finding) {
	for _, f := range t.files {
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				broken = append(broken, f.at(fn.Pos(), "no init(): cmd/portal/wire.go is where things meet"))
			}
		}
	}
	return broken
}

var (
	allColumns = regexp.MustCompile(`(?is)\b(SELECT|RETURNING)\s+(DISTINCT\s+)?(\w+\.)?\*|,\s*\w+\.\*`)
	// A statement has a second keyword, which "Update your browser" has not.
	sqlStatement = regexp.MustCompile(`(?is)^\s*(SELECT\s.*\bFROM|(INSERT|MERGE)\s+INTO|UPDATE\s.*\bSET|DELETE\s+FROM|WITH\s.*\bAS\s*(MATERIALIZED\s*)?\()`)
	bareSelect   = regexp.MustCompile(`^\s*SELECT\s`)
)

func isSQL(text string) bool { return sqlStatement.MatchString(text) || bareSelect.MatchString(text) }

// literal is the text of a string literal.
func literal(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// checkAllColumns: a column that is added later must not change what a
// statement returns.
func checkAllColumns(t *tree) (broken []finding) {
	for _, f := range t.files {
		if f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if text, ok := literal(n); ok && isSQL(text) && allColumns.MatchString(text) {
				broken = append(broken, f.at(n.Pos(), "statements name their columns"))
			}
			return true
		})
	}
	return broken
}

// checkSQLIsConstant: values reach a statement as arguments only. A constant
// cannot hold one, so a constant made of constants is fine.
func checkSQLIsConstant(t *tree) (broken []finding) {
	for _, f := range t.files {
		if f.test {
			continue
		}
		for _, decl := range f.syntax.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, spec := range gen.Specs {
				value, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for _, name := range value.Names {
					if strings.HasSuffix(name.Name, "SQL") {
						broken = append(broken, f.at(name.Pos(), "%s must be a constant", name.Name))
					}
				}
			}
		}
		inspectOutsideConstants(f.syntax, func(n ast.Node) {
			switch n := n.(type) {
			case *ast.CallExpr:
				selector, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || len(n.Args) == 0 || f.nameOf("fmt") == "" {
					return
				}
				of, ok := selector.X.(*ast.Ident)
				if !ok || of.Name != f.nameOf("fmt") || !strings.Contains(selector.Sel.Name, "rint") && !strings.HasPrefix(selector.Sel.Name, "Append") {
					return
				}
				for _, arg := range n.Args {
					text, isText := literal(arg)
					id, isName := arg.(*ast.Ident)
					if isText && isSQL(text) || isName && strings.HasSuffix(id.Name, "SQL") {
						broken = append(broken, f.at(arg.Pos(), "a statement must not be formatted: use arguments"))
					}
				}
			case *ast.BinaryExpr:
				if n.Op != token.ADD {
					return
				}
				for _, side := range []ast.Expr{n.X, n.Y} {
					text, isText := literal(side)
					id, isName := side.(*ast.Ident)
					if isText && isSQL(text) || isName && strings.HasSuffix(id.Name, "SQL") {
						broken = append(broken, f.at(side.Pos(), "a statement must not be put together at run time"))
						return
					}
				}
			case *ast.AssignStmt:
				if n.Tok != token.ADD_ASSIGN {
					return
				}
				for _, side := range slices.Concat(n.Lhs, n.Rhs) {
					if id, ok := side.(*ast.Ident); ok && strings.EqualFold(id.Name, "sql") || ok && strings.HasSuffix(id.Name, "SQL") {
						broken = append(broken, f.at(side.Pos(), "a statement must not be put together at run time"))
						return
					}
				}
			}
		})
	}
	return broken
}

func inspectOutsideConstants(file *ast.File, visit func(ast.Node)) {
	ast.Inspect(file, func(n ast.Node) bool {
		if gen, ok := n.(*ast.GenDecl); ok && gen.Tok == token.CONST {
			return false
		}
		if n != nil {
			visit(n)
		}
		return true
	})
}

// checkRawHTML: what templ escapes stays escaped.
func checkRawHTML(t *tree) (broken []finding) {
	for _, f := range t.files {
		if f.generated { // its template is read instead
			continue
		}
		for _, use := range f.uses("github.com/a-h/templ", unescaped...) {
			broken = append(broken, f.at(use.Pos(), "templ.%s switches escaping off", use.Sel.Name))
		}
		for _, spec := range f.imports() {
			// The sandbox plays a foreign site: its one page is none of the portal's.
			foreign := path.Dir(f.name) == "internal/provider/sandbox" && spec.path == "html/template"
			if !f.test && !foreign && (spec.path == "html/template" || spec.path == "text/template") {
				broken = append(broken, f.at(spec.pos, "pages are made by templ"))
			}
		}
	}
	return broken
}

// checkAttributes: attributes that Go code makes are held to the rules of those
// in templates. Code that stands in a template is read from what templ made.
func checkAttributes(t *tree) (broken []finding) {
	for _, f := range t.files {
		name := f.nameOf("github.com/a-h/templ")
		if f.test || name == "" {
			continue
		}
		key := func(n ast.Node) {
			text, ok := literal(n)
			if !ok {
				return
			}
			if text = strings.ToLower(text); text == "style" || strings.HasPrefix(text, "on") || strings.HasPrefix(text, "hx-on") {
				broken = append(broken, f.at(n.Pos(), "attribute %s: the policy of the site forbids inline scripts and styles", text))
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				of, ok := n.Type.(*ast.SelectorExpr)
				if !ok || !strings.HasSuffix(of.Sel.Name, "Attributes") {
					return true
				}
				for _, element := range n.Elts {
					if pair, ok := element.(*ast.KeyValueExpr); ok {
						key(pair.Key)
					}
				}
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					if index, ok := left.(*ast.IndexExpr); ok {
						key(index.Index)
					}
				}
			}
			return true
		})
	}
	return broken
}

// checkDocs: a package says what it owns, in a comment that people finish
// reading.
func checkDocs(t *tree) (broken []finding) {
	const longest = 15
	documented, named := map[string]bool{}, map[string]string{}
	for _, f := range t.files {
		dir := path.Dir(f.name)
		if !f.test {
			named[dir] = f.name
		}
		if f.syntax.Doc == nil || f.test {
			continue
		}
		documented[dir] = true
		if lines := strings.Count(strings.TrimSpace(f.syntax.Doc.Text()), "\n") + 1; path.Base(f.name) == "doc.go" && lines > longest {
			broken = append(broken, f.at(f.syntax.Doc.Pos(), "the package comment has %d lines, at most %d", lines, longest))
		}
	}
	for dir := range named {
		if !documented[dir] {
			broken = append(broken, finding{dir, "the package has no comment"})
		}
	}
	return broken
}

func TestSources(t *testing.T) {
	t.Parallel()
	report(t, checkClock, checkAddDate, checkFloats, checkImports, checkInit, checkAllColumns, checkSQLIsConstant, checkRawHTML, checkAttributes, checkDocs)
}

func TestSourceRulesFire(t *testing.T) {
	t.Parallel()
	body := func(imports, code string) string {
		text := "// Package p is planted.\npackage p\n"
		for imported := range strings.FieldsSeq(imports) {
			text += "import \"" + imported + "\"\n"
		}
		return text + code + "\n"
	}
	tests := []struct {
		name  string
		check check
		file  string
		text  string
		want  int
	}{
		{"now", checkClock, "internal/order/a.go", body("time", `var a = time.Now()`), 1},
		{"now as a value", checkClock, "web/a.go", body("time", `var a = time.Now`), 1},
		{"now under another name", checkClock, "web/a.go", "package p\nimport clock \"time\"\nvar a = clock.Now()\n", 1},
		{"since", checkClock, "internal/app/a.go", body("time", `var a = time.Since(time.Time{})`), 1},
		{"now in cmd", checkClock, "cmd/portal/a.go", body("time", `var a = time.Now`), 0},
		{"now in a test", checkClock, "web/a_test.go", body("time", `var a = time.Now`), 0},
		{"another now", checkClock, "web/a.go", body("time", `var b struct{ Now func() time.Time }; var a = b.Now`), 0},
		{"AddDate", checkAddDate, "internal/app/a.go", body("time", `var a = time.Time{}.AddDate(0, 1, 0)`), 1},
		{"AddDate at home", checkAddDate, "internal/civil/a.go", body("time", `var a = time.Time{}.AddDate(0, 0, 1)`), 0},
		{"float", checkFloats, "internal/pricing/a.go", body("", `var a float64`), 1},
		{"float of a page", checkFloats, "web/a.go", body("", `func f(share float32) {}`), 1},
		{"float read", checkFloats, "web/a.go", body("strconv", `var a, _ = strconv.ParseFloat("1", 64)`), 1},
		{"float beside the gauges", checkFloats, "cmd/portal/a.go", body("", `var a float64`), 1},
		{"float of a gauge", checkFloats, "cmd/portal/metrics.go", body("", `var a float64`), 0},
		{"float of a drawing", checkFloats, "internal/pdf/a.go", body("", `var a float64`), 0},
		{"weak chance", checkImports, "web/a.go", body("math/rand", ``), 1},
		{"weak chance 2", checkImports, "web/a.go", body("math/rand/v2", ``), 1},
		{"weak hash", checkImports, "internal/telegram/a.go", body("crypto/md5 crypto/sha1", ``), 2},
		{"process", checkImports, "internal/app/a.go", body("os/exec", ``), 1},
		{"process at home", checkImports, "internal/embeddedpg/a.go", body("os/exec", ``), 0},
		{"process in a test", checkImports, "internal/app/a_test.go", body("os/exec", ``), 0},
		{"init", checkInit, "internal/app/a.go", body("", `func init() {}`), 1},
		{"a method may be called so", checkInit, "internal/app/a.go", body("", `type t struct{}; func (t) init() {}`), 0},
		{"all columns", checkAllColumns, "internal/store/a.go", body("", "const aSQL = `\nSELECT  *\nFROM account`"), 1},
		{"all columns of one", checkAllColumns, "internal/store/a.go", body("", "const aSQL = `SELECT o.id, p.* FROM orders o JOIN payer p`"), 1},
		{"all columns back", checkAllColumns, "internal/store/a.go", body("", "const aSQL = `INSERT INTO account (id) VALUES (1) RETURNING *`"), 1},
		{"a count", checkAllColumns, "internal/store/a.go", body("", "const aSQL = `SELECT count(*), a * b FROM account`"), 0},
		{"formatted", checkSQLIsConstant, "internal/store/a.go", body("fmt", "func f(n string) string { return fmt.Sprintf(`SELECT id FROM %s`, n) }"), 1},
		{"formatted constant", checkSQLIsConstant, "internal/store/a.go", body("fmt", "const aSQL = `SELECT id FROM %s`; func f(n string) string { return fmt.Sprintf(aSQL, n) }"), 1},
		{"formatted elsewhere", checkSQLIsConstant, "web/a.go", body("fmt", "func f(n string) string { return fmt.Sprintf(`DELETE FROM %s`, n) }"), 1},
		{"variable", checkSQLIsConstant, "internal/store/a.go", body("", "var aSQL = `SELECT id FROM account`"), 1},
		{"added", checkSQLIsConstant, "internal/store/a.go", body("", "func f(n string) string { return `SELECT id FROM account WHERE name = ` + n }"), 1},
		{"added to a constant", checkSQLIsConstant, "internal/store/a.go", body("", "const aSQL = `SELECT 1`; func f(n string) string { return aSQL + n }"), 1},
		{"added bit by bit", checkSQLIsConstant, "internal/store/a.go", body("", "func f(n string) string { sql := ``; sql += n; return sql }"), 1},
		{"constants of constants", checkSQLIsConstant, "internal/store/a.go", body("", "const aSQL = `SELECT id FROM account `; const bSQL = aSQL + `WHERE id = @id`"), 0},
		{"a sentence", checkSQLIsConstant, "internal/app/a.go", body("fmt", "func f(n string) error { return fmt.Errorf(`update of %s failed`, n) }; func g(n string) string { return `Update ` + n + fmt.Sprintf(`Select %s`, n) }"), 0},
		{"raw", checkRawHTML, "web/a.go", body("github.com/a-h/templ", "var a = templ.Raw(``)"), 1},
		{"unchecked address", checkRawHTML, "web/a.go", body("github.com/a-h/templ", "var a = templ.SafeURL(``)"), 1},
		{"another template language", checkRawHTML, "web/a.go", body("html/template", ""), 1},
		{"another template language for a foreign page", checkRawHTML, "internal/provider/sandbox/a.go", body("html/template", ""), 0},
		{"another template language without escaping", checkRawHTML, "internal/provider/sandbox/a.go", body("text/template", ""), 1},
		{"a handler made in Go", checkAttributes, "views/a.go", body("github.com/a-h/templ", `var a = templ.Attributes{"id": "x", "onclick": "go()"}`), 1},
		{"a style added in Go", checkAttributes, "views/a_templ.go", body("github.com/a-h/templ", `func f(a templ.Attributes) { a["style"] = "x" }`), 1},
		{"attributes made in Go", checkAttributes, "views/a.go", body("github.com/a-h/templ", `var a = templ.Attributes{"aria-describedby": "x"}`), 0},
		{"no comment", checkDocs, "internal/order/a.go", "package order\n", 1},
		{"a long comment", checkDocs, "internal/order/doc.go", strings.Repeat("// Package order goes on.\n", 16) + "package order\n", 1},
		{"a comment", checkDocs, "internal/order/doc.go", strings.Repeat("// Package order goes on.\n", 15) + "package order\n", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fires(t, test.check, map[string]string{test.file: test.text}, test.want)
		})
	}
}
