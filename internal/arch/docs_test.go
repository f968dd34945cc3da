package arch

import (
	"os"
	"regexp"
	"slices"
	"testing"
	"testing/fstest"
)

var backquoted = regexp.MustCompile("`([a-z0-9.-]+\\.[a-z]+/[^`]+|[a-z]+\\.dev|[a-z.]+\\.[a-z]+)`")

// undocumented lists the foreign packages that sources import and the page of
// dependencies does not explain.
func undocumented(t *tree, page string) (missing []string) {
	var explained []string
	for _, match := range backquoted.FindAllStringSubmatch(page, -1) {
		explained = append(explained, match[1])
	}
	for _, f := range t.files {
		for _, spec := range f.imports() {
			if isStandard(spec.path) || within(spec.path, []string{module}) || within(spec.path, explained) || slices.Contains(missing, spec.path) {
				continue
			}
			missing = append(missing, spec.path)
		}
	}
	return missing
}

func TestDependenciesAreExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	r, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range undocumented(r, string(page)) {
		t.Errorf("docs/dependencies.md has no line for %s: why, instead of what, licence, upkeep", name)
	}
}

func TestDependencyRuleFires(t *testing.T) {
	t.Parallel()
	planted, err := readTree(fstest.MapFS{"web/a.go": {Data: []byte("package web\nimport (\n_ \"fmt\"\n_ \"" + module + "/views\"\n_ \"example.com/known/v2/part\"\n_ \"example.com/unknown\"\n)\n")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := undocumented(planted, "| `example.com/known/v2` | why |"); !slices.Equal(got, []string{"example.com/unknown"}) {
		t.Errorf("undocumented: %v, want example.com/unknown", got)
	}
}
