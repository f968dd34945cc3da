package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/siptg/portal"

// tree is the sources of the module.
type tree struct {
	files []goFile
	templ []templFile
}

type goFile struct {
	name      string // path from the root of the module
	text      string
	test      bool
	generated bool
	set       *token.FileSet
	syntax    *ast.File
}

type templFile struct{ name, text string }

// finding is one place that breaks a rule.
type finding struct{ where, what string }

// check is one rule.
type check func(*tree) []finding

func (f goFile) at(pos token.Pos, format string, args ...any) finding {
	return finding{fmt.Sprintf("%s:%d", f.name, f.set.Position(pos).Line), fmt.Sprintf(format, args...)}
}

type importSpec struct {
	path string
	name string // under which the file knows it
	pos  token.Pos
}

func (f goFile) imports() []importSpec {
	specs := make([]importSpec, 0, len(f.syntax.Imports))
	for _, spec := range f.syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err) // the parser has accepted it
		}
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		specs = append(specs, importSpec{imported, name, spec.Pos()})
	}
	return specs
}

// nameOf is the name under which the file imports a package; "" if it does not.
func (f goFile) nameOf(imported string) string {
	for _, spec := range f.imports() {
		if spec.path == imported {
			return spec.name
		}
	}
	return ""
}

// uses finds selections of the named members of an imported package, also
// without a call (as a function value).
func (f goFile) uses(imported string, members ...string) (found []*ast.SelectorExpr) {
	name := f.nameOf(imported)
	if name == "" {
		return nil
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := selector.X.(*ast.Ident); ok && of.Name == name {
			for _, member := range members {
				if selector.Sel.Name == member {
					found = append(found, selector)
				}
			}
		}
		return true
	})
	return found
}

// readTree parses every Go source and reads every template.
func readTree(fsys fs.FS) (*tree, error) {
	t := &tree{}
	set := token.NewFileSet()
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if entry.IsDir() {
			// As the go command does; bin and .data are not sources either.
			if name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || name == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		isGo, isTempl := strings.HasSuffix(base, ".go"), strings.HasSuffix(base, ".templ")
		if strings.HasPrefix(base, ".") || !isGo && !isTempl {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if isTempl {
			t.templ = append(t.templ, templFile{name, string(text)})
			return nil
		}
		syntax, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		t.files = append(t.files, goFile{
			name: name, text: string(text), test: strings.HasSuffix(base, "_test.go"), generated: ast.IsGenerated(syntax), set: set, syntax: syntax,
		})
		return nil
	})
	return t, err
}

// repository is the tree of this repository, read once.
var repository = sync.OnceValues(func() (*tree, error) { return readTree(os.DirFS("../..")) })

// report runs rules on this repository.
func report(t *testing.T, checks ...check) {
	t.Helper()
	r, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		for _, broken := range c(r) {
			t.Errorf("%s: %s", broken.where, broken.what)
		}
	}
}

// A rule that looks at no file finds nothing; this repository has many.
func TestTreeIsRead(t *testing.T) {
	t.Parallel()
	r, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.files) < 50 || len(r.templ) < 5 {
		t.Errorf("read %d Go sources and %d templates: that cannot be all", len(r.files), len(r.templ))
	}
}
