package e2e

import (
	"fmt"
	"io"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/siptg/portal/internal/mail/mailtest"
)

// mailVariable makes the test program a mail server: it names its directory.
const mailVariable = "PORTAL_E2E_MAIL_SERVER"

// mailServer is a mail server in a process of its own, by a library that the
// portal does not use. It keeps each message in a file.
type mailServer struct {
	t       testing.TB
	dir     string
	address string
}

// newMailServer starts one; it ends with the test.
func newMailServer(t testing.TB) *mailServer {
	t.Helper()
	s := &mailServer{t: t, dir: t.TempDir()}
	c := exec.Command(os.Args[0])
	c.Env = []string{mailVariable + "=" + s.dir}
	c.Stderr = &output{}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // killed
	})
	for range 200 {
		if address, err := os.ReadFile(filepath.Join(s.dir, "address")); err == nil {
			s.address = string(address)
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the mail server does not start: %v", c.Stderr)
	return nil
}

// received are the messages to an address, in the order of coming.
func (s *mailServer) received(to string) []mailtest.Received {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "*.eml"))
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(files)
	var all []mailtest.Received
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			s.t.Fatal(err)
		}
		envelope, text, _ := strings.Cut(string(raw), "\n")
		message, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			s.t.Fatalf("%s cannot be read: %v", name, err)
		}
		if envelope == to {
			all = append(all, mailtest.Received{To: to, Raw: text, Header: message.Header})
		}
	}
	return all
}

// wait returns the messages to an address when there are so many.
func (s *mailServer) wait(to string, n int) []mailtest.Received {
	s.t.Helper()
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if all := s.received(to); len(all) >= n {
			return all
		}
	}
	s.t.Fatalf("%d messages to %s, not %d", len(s.received(to)), to, n)
	return nil
}

// playMailServer is the mail server's process: it works until it is killed.
func playMailServer(dir string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := smtp.NewServer(&mailBackend{dir: dir})
	server.Domain, server.ReadTimeout, server.WriteTimeout = "mail.test", time.Minute, time.Minute
	written := filepath.Join(dir, "address")
	if err := os.WriteFile(written+".new", []byte(listener.Addr().String()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(written+".new", written); err != nil {
		return err
	}
	return server.Serve(listener)
}

type mailBackend struct {
	dir  string
	kept atomic.Int64
}

// NewSession begins a conversation.
func (b *mailBackend) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &mailSession{backend: b}, nil
}

type mailSession struct {
	backend *mailBackend
	to      string
}

// Mail takes the sender.
func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes the recipient, of whom there is one.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.to != "" {
		return fmt.Errorf("a second recipient %s", to)
	}
	s.to = to
	return nil
}

// Data keeps the message, whole or not at all.
func (s *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	name := filepath.Join(s.backend.dir, fmt.Sprintf("%06d", s.backend.kept.Add(1)))
	if err := os.WriteFile(name, append([]byte(s.to+"\n"), text...), 0o600); err != nil {
		return err
	}
	return os.Rename(name, name+".eml")
}

// Reset forgets the message that was begun.
func (s *mailSession) Reset() { s.to = "" }

// Logout ends the conversation.
func (s *mailSession) Logout() error { return nil }
