// Package mailtest is a mail server for tests: it speaks SMTP on a port of this
// machine, keeps what it gets, and misbehaves on demand.
package mailtest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// Received is a message as it came.
type Received struct {
	From, To  string // of the envelope
	Raw       string
	Header    mail.Header
	Encrypted bool
	User      string // who signed in; empty for nobody
}

// Part is a part of a message that is not itself made of parts.
type Part struct {
	Type  string // "text/plain"
	Name  string // of a file; empty for a body
	Bytes []byte
}

// Parts are the parts of the message, in their order, decoded.
func (r Received) Parts() ([]Part, error) {
	_, body, _ := strings.Cut(r.Raw, "\r\n\r\n")
	return parts(textproto.MIMEHeader(r.Header), strings.NewReader(body))
}

func parts(h textproto.MIMEHeader, body io.Reader) ([]Part, error) {
	kind, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(kind, "multipart/") {
		var all []Part
		for reader := multipart.NewReader(body, parameters["boundary"]); ; {
			part, err := reader.NextRawPart()
			if errors.Is(err, io.EOF) {
				return all, nil
			} else if err != nil {
				return nil, err
			}
			inside, err := parts(part.Header, part)
			if err != nil {
				return nil, err
			}
			all = append(all, inside...)
		}
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	p := Part{Type: kind, Bytes: content}
	if _, disposition, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil {
		p.Name = disposition["filename"]
	}
	return []Part{p}, err
}

// Server is a running server.
type Server struct {
	// Answer replaces the server's answer to a command ("MAIL", "RCPT", "DATA",
	// "." for the end of a message); "" leaves it, "drop" hangs up, also after
	// the message was kept.
	Answer func(verb string) string
	TLS    *tls.Config // offers STARTTLS

	t        testing.TB
	listener net.Listener
	mu       sync.Mutex
	received []Received
	open     sync.WaitGroup
}

// Start starts a server; it stops with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, listener)
}

// StartTLS starts a server that is encrypted from the first byte.
func StartTLS(t testing.TB, config *tls.Config) *Server {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, listener)
}

func serve(t testing.TB, listener net.Listener) *Server {
	s := &Server{t: t, listener: listener}
	s.open.Go(s.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		s.open.Wait()
	})
	return s
}

// Addr is host and port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Received returns the messages that came so far.
func (s *Server) Received() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Received(nil), s.received...)
}

// Set changes how the server answers.
func (s *Server) Set(answer func(verb string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Answer = answer
}

func (s *Server) answer(verb string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Answer == nil {
		return ""
	}
	return s.Answer(verb)
}

func (s *Server) serve() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.open.Go(func() {
			defer func() { _ = conn.Close() }()
			s.talk(conn)
		})
	}
}

func (s *Server) talk(conn net.Conn) {
	in := bufio.NewReader(conn)
	say := func(text string) { _, _ = fmt.Fprintf(conn, "%s\r\n", text) }
	var got Received
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		if other := s.answer(verb); other == "drop" {
			return
		} else if other != "" {
			say(other)
			continue
		}
		switch verb {
		case "EHLO":
			say("250-test")
			if s.TLS != nil && !got.Encrypted {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			secure := tls.Server(conn, s.TLS)
			conn, in, got.Encrypted = secure, bufio.NewReader(secure), true
		case "AUTH":
			_, coded, _ := strings.Cut(rest, " ")
			plain, _ := base64.StdEncoding.DecodeString(coded)
			got.User = strings.Join(strings.Split(strings.Trim(string(plain), "\x00"), "\x00"), ":")
			say("235 fine")
		case "MAIL":
			got.From = angle(rest)
			say("250 fine")
		case "RCPT":
			got.To = angle(rest)
			say("250 fine")
		case "DATA":
			say("354 go on")
			var raw strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				raw.WriteString(strings.TrimPrefix(line, "."))
			}
			got.Raw = raw.String()
			if refusal := s.answer("."); refusal != "" && refusal != "drop" {
				say(refusal)
				continue
			}
			s.keep(got)
			if s.answer(".") == "drop" {
				return
			}
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		default: // NOOP, RSET
			say("250 fine")
		}
	}
}

func (s *Server) keep(got Received) {
	message, err := mail.ReadMessage(strings.NewReader(got.Raw))
	if err != nil {
		s.t.Errorf("a message that cannot be read: %v\n%s", err, got.Raw)
		return
	}
	got.Header = message.Header
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, got)
}

func angle(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
