package blob

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file:// URLs
	_ "gocloud.dev/blob/memblob"  // mem:// URLs, for tests
	"gocloud.dev/gcerrors"
)

// Store holds files by key.
type Store struct{ bucket *blob.Bucket }

// Open opens the store at a gocloud.dev/blob URL. The caller closes it.
func Open(ctx context.Context, storeURL string) (*Store, error) {
	bucket, err := blob.OpenBucket(ctx, storeURL)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &Store{bucket}, nil
}

// DirectoryURL returns the URL of a store in a directory, which it makes with
// access for the owner only.
func DirectoryURL(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	// Temporary files beside the target, so that the final rename is atomic.
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir), RawQuery: "no_tmp_dir=true&metadata=skip"}).String(), nil
}

// Close releases the store.
func (s *Store) Close() error { return s.bucket.Close() }

// Put writes a file; a key is only ever written with the same bytes.
func (s *Store) Put(ctx context.Context, key string, content []byte, contentType string) error {
	if err := s.bucket.WriteAll(ctx, key, content, &blob.WriterOptions{ContentType: contentType}); err != nil {
		return fmt.Errorf("blob: write %s: %w", key, err)
	}
	return nil
}

// Get returns a file, and false where there is none.
func (s *Store) Get(ctx context.Context, key string) ([]byte, bool, error) {
	content, err := s.bucket.ReadAll(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("blob: read %s: %w", key, err)
	}
	return content, true, nil
}
