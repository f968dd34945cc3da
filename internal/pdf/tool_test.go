package pdf_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tool runs a program of another make on a PDF file and returns what it prints.
// In args "{}" stands for the file. Where the program is missing the test is
// skipped, loudly; with PORTAL_TEST_REQUIRE=1, as in CI, it fails.
func tool(t *testing.T, file []byte, name, debian string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("PORTAL_TEST_REQUIRE") == "1" {
			t.Fatalf("%s is missing: apt-get install %s", name, debian)
		}
		t.Skipf("NOT TESTED: %s is missing (apt-get install %s)", name, debian)
	}
	path := filepath.Join(t.TempDir(), "document.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		if args[i] == "{}" {
			args[i] = path
		}
	}
	var stderr bytes.Buffer
	c := exec.Command(name, args...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, stderr.Bytes())
	}
	return out
}
