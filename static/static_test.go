package static_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/siptg/portal/static"
)

func get(t *testing.T, method, url, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestFiles(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{
		"app.css":        "text/css; charset=utf-8",
		"app.js":         "text/javascript; charset=utf-8",
		"favicon.svg":    "image/svg+xml",
		"logo.svg":       "image/svg+xml",
		"touch-icon.png": "image/png",
	} {
		want, _, ok := static.Bytes(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		for _, encoding := range []string{"", "gzip", "br, gzip;q=0.5", "gzip;q=0", "identity"} {
			res := get(t, http.MethodGet, static.Path(name), encoding)
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != kind {
				t.Errorf("%s: %d %s", name, res.StatusCode, res.Header.Get("Content-Type"))
			}
			if got := res.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("%s: Cache-Control %q", name, got)
			}
			body := io.Reader(res.Body)
			if res.Header.Get("Content-Encoding") == "gzip" {
				if encoding == "gzip;q=0" || encoding == "identity" || encoding == "" {
					t.Errorf("%s: gzip for Accept-Encoding %q", name, encoding)
				}
				r, err := gzip.NewReader(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				body = r
			}
			got, err := io.ReadAll(body)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s with %q: %d bytes, %v; want %d", name, encoding, len(got), err, len(want))
			}
		}
	}
}

func TestTextIsCompressed(t *testing.T) {
	t.Parallel()
	res := get(t, http.MethodGet, static.Path("app.css"), "gzip")
	if res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("app.css: %v", res.Header)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method, url string
		want        int
	}{
		{http.MethodGet, "/static/app.css", http.StatusNotFound},
		{http.MethodGet, "/static/app.0000000000000000.css", http.StatusNotFound},
		{http.MethodGet, "/static/", http.StatusNotFound},
		{http.MethodGet, "/static/../static.go", http.StatusNotFound},
		{http.MethodPost, static.Path("app.css"), http.StatusMethodNotAllowed},
		{http.MethodHead, static.Path("app.css"), http.StatusOK},
	} {
		if res := get(t, tt.method, tt.url, ""); res.StatusCode != tt.want {
			t.Errorf("%s %s = %d, want %d", tt.method, tt.url, res.StatusCode, tt.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Path of no file did not panic")
		}
	}()
	static.Path("no.css")
}
