package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Prefix is where Handler expects to be mounted.
const Prefix = "/static/"

//go:embed files
var files embed.FS

type file struct {
	name        string // "app.css"
	address     string // "/static/app.0123456789abcdef.css"
	contentType string
	plain       []byte
	gzipped     []byte // nil where compression does not pay
}

type catalogue struct{ byName, byAddress map[string]*file }

var load = sync.OnceValue(func() catalogue {
	c, err := read(files)
	if err != nil {
		panic(err) // the files are part of the program
	}
	return c
})

// The types of our own files; mime.TypeByExtension depends on the machine.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".png": "image/png",
}

func read(source fs.FS) (catalogue, error) {
	c := catalogue{map[string]*file{}, map[string]*file{}}
	err := fs.WalkDir(source, ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(source, at)
		if err != nil {
			return err
		}
		name := path.Base(at)
		extension := path.Ext(name)
		kind := contentTypes[extension]
		if kind == "" {
			return fmt.Errorf("no content type for %s", at)
		}
		sum := sha256.Sum256(data)
		f := &file{
			name:        name,
			address:     Prefix + strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:8]) + extension,
			contentType: kind,
			plain:       data,
		}
		if f.gzipped, err = compress(data); err != nil {
			return err
		}
		if c.byName[name] != nil {
			return fmt.Errorf("two files are named %s", name)
		}
		c.byName[name], c.byAddress[f.address] = f, f
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("static: %w", err)
	}
	return c, nil
}

// compress returns nil when the result is not clearly smaller.
func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if b.Len() > len(data)*9/10 {
		return nil, nil
	}
	return b.Bytes(), nil
}

// Path returns the address of a file: Path("app.css") is
// "/static/app.0123456789abcdef.css". It panics on a name that does not exist,
// which a test or the first page would show.
func Path(name string) string {
	f := load().byName[name]
	if f == nil {
		panic("static: no file " + strconv.Quote(name))
	}
	return f.address
}

// Bytes returns a file and its content type, for addresses that cannot carry a
// hash such as /favicon.ico.
func Bytes(name string) (data []byte, contentType string, ok bool) {
	f := load().byName[name]
	if f == nil {
		return nil, "", false
	}
	return f.plain, f.contentType, true
}

// Handler serves the addresses that Path returns, and 404 for all others: an
// outdated hash must not be cached under a new content.
func Handler() http.Handler {
	c := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := c.byAddress[r.URL.Path]
		if f == nil {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		body := f.plain
		if f.gzipped != nil {
			h.Add("Vary", "Accept-Encoding")
			if acceptsGzip(r.Header.Get("Accept-Encoding")) {
				h.Set("Content-Encoding", "gzip")
				body = f.gzipped
			}
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodHead {
			return
		}
		_, _ = w.Write(body) // the client left; nobody to tell
	})
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3) as far as gzip goes.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil || (coding != "gzip" && coding != "*") {
			continue
		}
		q := params["q"]
		return q == "" || strings.Trim(q, "0.") != "" // not "0", "0.0" …
	}
	return false
}
