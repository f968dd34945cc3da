package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"
	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"
)

var (
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	writers = sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
		return w
	}}
)

// compressFrom is the size below which compression does not pay.
const compressFrom = 1 << 10

// render writes a page. Nothing is sent before the whole page is there, so that
// a failure in the middle still gets a page of its own.
func (s *server) render(c echo.Context, status int, page templ.Component) error {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	if err := page.Render(c.Request().Context(), b); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	if b.Len() >= compressFrom && acceptsGzip(c.Request().Header.Get("Accept-Encoding")) {
		z := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(z)
		z.Reset()
		if err := compress(z, b.Bytes()); err != nil {
			return err
		}
		h.Set("Content-Encoding", "gzip")
		b = z
	}
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	if kept := c.Get(notKeptKey) == nil; kept && status == http.StatusOK && !s.signedIn(c) && h.Get("Set-Cookie") == "" {
		h.Set("Cache-Control", "private, no-cache") // a public page: the browser may keep it for "back"
	}
	c.Response().WriteHeader(status)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, err := c.Response().Write(b.Bytes())
	return err
}

func compress(to *bytes.Buffer, page []byte) error {
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	w.Reset(to)
	if _, err := w.Write(page); err != nil {
		return err
	}
	return w.Close()
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3) as far as gzip goes.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, weighted := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		_, q, _ := strings.Cut(weight, "=")
		return !weighted || strings.Trim(strings.TrimSpace(q), "0.") != ""
	}
	return false
}
