package blob_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/siptg/portal/internal/blob"
)

func TestPutAndGetInADirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "files")
	url, err := blob.DirectoryURL(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := blob.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, found, err := s.Get(t.Context(), "pdf/none.pdf"); found || err != nil {
		t.Fatalf("an absent file: %v, %v", found, err)
	}
	want := []byte("%PDF-1.7 …")
	if err := s.Put(t.Context(), "pdf/a.pdf", want, "application/pdf"); err != nil {
		t.Fatal(err)
	}
	got, found, err := s.Get(t.Context(), "pdf/a.pdf")
	if err != nil || !found || !bytes.Equal(got, want) {
		t.Fatalf("got %q, %v, %v", got, found, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is open to others: %v %v", info.Mode(), err)
	}
}
