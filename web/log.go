package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"unicode/utf8"
)

type requestIDKey struct{}

// requestID is the number under which a request stands in the log.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// observed numbers every request, writes it to the log and catches panics. The
// query is never logged: the return from Telegram carries a credential in it.
func (s *server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.now()
		id := newRequestID()
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		w.Header().Set("X-Request-Id", id)
		o := &observer{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				s.log.Error("panic", "id", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if !o.wrote {
					s.fail(errors.New("panic"), s.echo.NewContext(r, o))
				}
			}
			s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("id", id), slog.String("method", clip(r.Method, 10)),
				slog.String("path", clip(r.URL.Path, 200)), slog.Int("status", o.status), slog.Int64("bytes", o.bytes),
				slog.Duration("duration", s.now().Sub(began)), slog.String("ip", s.ip(r)))
		}()
		next.ServeHTTP(o, r)
	})
}

func newRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

// observer notes what was answered.
type observer struct {
	http.ResponseWriter
	status int
	bytes  int64
	wrote  bool
}

// WriteHeader notes the status.
func (o *observer) WriteHeader(status int) {
	if !o.wrote {
		o.status, o.wrote = status, true
	}
	o.ResponseWriter.WriteHeader(status)
}

// Write notes the size.
func (o *observer) Write(b []byte) (int, error) {
	o.wrote = true
	n, err := o.ResponseWriter.Write(b)
	o.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (o *observer) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func readAll(r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	return string(b), err
}

// storable refuses what PostgreSQL cannot store.
func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// clip shortens s to at most n bytes, at a rune.
func clip(s string, n int) string {
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
