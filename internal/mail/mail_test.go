package mail

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/mail/mailtest"
	gomail "github.com/wneessen/go-mail"
)

const password = "Canary-Of-The-Test"

func message() Message {
	return Message{
		ID: "5ad1c1b8-9b1c-4f6e-8b7c-111111111111", FromName: "MB Pavyzdys, Žalia", From: "billing@example.lt", To: "ona@example.lt",
		Date: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC), Subject: "Softphone: mokėjimas €12.10\r\nBcc: thief@example.com",
		Body: "Sveiki, Ona.\n\n.A line with a dot and žąsis\n" + strings.Repeat("long ", 60) + "\n",
	}
}

func sender(t *testing.T, address string) *Sender {
	t.Helper()
	s, err := NewSender(address)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMessageAsItArrives(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t)
	s := sender(t, "smtp://"+server.Addr())
	for range 2 {
		if err := s.Send(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
	}
	got := server.Received()
	if len(got) != 2 || got[0].Raw != got[1].Raw {
		t.Fatalf("the same message differs: %v", got)
	}
	m := got[0]
	if m.From != "billing@example.lt" || m.To != "ona@example.lt" || m.User != "" {
		t.Errorf("envelope %+v", m)
	}
	for name, want := range map[string]string{
		"Message-Id": "<5ad1c1b8-9b1c-4f6e-8b7c-111111111111@example.lt>", "Date": "Mon, 23 Nov 2026 09:30:00 +0000",
		"Auto-Submitted": "auto-generated", "Content-Type": "text/plain; charset=UTF-8", "To": "<ona@example.lt>", "Bcc": "", "Cc": "", "User-Agent": "", "X-Mailer": "",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "Softphone: mokėjimas €12.10 Bcc: thief@example.com" {
		t.Errorf("subject %q, %v", subject, err)
	}
	from, err := netmail.ParseAddress(m.Header.Get("From"))
	if err != nil || from.Name != "MB Pavyzdys, Žalia" || from.Address != "billing@example.lt" {
		t.Errorf("from %v, %v", from, err)
	}
	_, body, _ := strings.Cut(m.Raw, "\r\n\r\n")
	text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
	if want := strings.ReplaceAll(message().Body, "\n", "\r\n"); err != nil || strings.TrimRight(string(text), "\r\n") != strings.TrimRight(want, "\r\n") {
		t.Errorf("body %q, want %q, %v", text, want, err)
	}
}

// A letter with files comes whole: the words twice, then the files, byte for byte.
func TestLetterWithFiles(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t)
	letter := Letter{
		Language: "en", Paragraphs: []string{"Invoice <b>1</b> & žąsis"}, Action: Link{"Open", "https://portal.example/x?a=1&b=2"},
		Notes: []string{"A note."}, Foot: []Line{{"Why.", Link{"Stop", "https://portal.example/stop?r=1"}}},
	}
	file := []byte(strings.Repeat("%PDF-1.7 \x00\xff\r\n.\r\n", 5000))
	m := message()
	m.Body, m.HTML, m.StopURL = letter.Plain(), letter.HTML(), "https://portal.example/recipients/stop?r="+strings.Repeat("a", 120)
	m.Files = []Attachment{{"SIP-2026-000001.pdf", "application/pdf", file}, {"SIP-2026-000001.xml", "application/xml", []byte("<x/>")}}
	if err := sender(t, "smtp://"+server.Addr()).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := server.Received()[0]
	parts, err := got.Parts()
	if err != nil || len(parts) != 4 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	for i, want := range []mailtest.Part{
		{Type: "text/plain", Bytes: []byte(m.Body)}, {Type: "text/html", Bytes: []byte(m.HTML)},
		{Type: "application/pdf", Name: "SIP-2026-000001.pdf", Bytes: file}, {Type: "application/xml", Name: "SIP-2026-000001.xml", Bytes: []byte("<x/>")},
	} {
		text := parts[i].Bytes
		if want.Name == "" {
			text = []byte(strings.ReplaceAll(string(text), "\r\n", "\n"))
		}
		if parts[i].Type != want.Type || parts[i].Name != want.Name || !bytes.Equal(text, want.Bytes) {
			t.Errorf("part %d: %s %q, %d bytes\n%.300s", i, parts[i].Type, parts[i].Name, len(text), text)
		}
	}
	if !strings.Contains(m.HTML, "Invoice &lt;b&gt;1&lt;/b&gt; &amp; žąsis") || !strings.Contains(m.HTML, `href="https://portal.example/x?a=1&amp;b=2"`) {
		t.Errorf("the HTML is not escaped: %s", m.HTML)
	}
	if got.Header.Get("List-Unsubscribe") != "<"+m.StopURL+">" || got.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("unsubscribe by %q, %q", got.Header.Get("List-Unsubscribe"), got.Header.Get("List-Unsubscribe-Post"))
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		verb, answer string
		refused      bool
	}{
		"no such address":   {"RCPT", "550 5.1.1 no such user", true},
		"full for now":      {"RCPT", "452 4.2.2 <ona@example.lt>: mailbox full", false},
		"content refused":   {".", "554 5.7.1 refused", true},
		"greylisted":        {"MAIL", "451 4.7.1 come back", false},
		"hangs up":          {"DATA", "drop", false},
		"hangs up at hello": {"EHLO", "drop", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.Start(t)
			server.Set(func(verb string) string {
				if verb == tt.verb {
					return tt.answer
				}
				return ""
			})
			err := sender(t, "smtp://u:"+password+"@"+server.Addr()).Send(t.Context(), message())
			if err == nil || errors.Is(err, ErrRefused) != tt.refused || strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "ona@") || len(server.Received()) != 0 {
				t.Errorf("%v", err)
			}
		})
	}
	for _, m := range []Message{{From: "x", To: "ona@example.lt"}, {From: "a@example.lt", To: "ona@example.lt\r\nRCPT TO:<thief@example.com>"}} {
		if err := sender(t, "smtp://127.0.0.1:1").Send(t.Context(), m); !errors.Is(err, ErrRefused) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// A message that the server has taken is sent, however the conversation ends.
func TestTheGoodbyeDoesNotMatter(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t)
	server.Set(func(verb string) string {
		if verb == "QUIT" {
			return "drop"
		}
		return ""
	})
	if err := sender(t, "smtp://"+server.Addr()).Send(t.Context(), message()); err != nil || len(server.Received()) != 1 {
		t.Errorf("%v", err)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "mail.example", "https://u:" + password + "@mail.example", "smtp://u:" + password + "@mail.example:99999999999", "smtp://u:" + password + "@%zz"} {
		if _, err := NewSender(address); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// To another machine nothing goes unencrypted, and no certificate is believed
// that is not its own.
func TestEncryption(t *testing.T) {
	t.Parallel()
	certificate, pool := selfSigned(t)
	server := mailtest.Start(t)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	s := sender(t, "smtp://ona:"+password+"@"+server.Addr())
	if err := s.Send(t.Context(), message()); err == nil {
		t.Error("an unknown certificate was believed")
	}
	s.tls.RootCAs = pool
	if err := s.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if got := server.Received(); len(got) != 1 || !got[0].Encrypted || got[0].User != "ona:"+password {
		t.Errorf("%+v", got)
	}
	direct := mailtest.StartTLS(t, server.TLS)
	s = sender(t, "smtps://ona:"+password+"@"+direct.Addr())
	s.tls.RootCAs = pool
	if err := s.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if got := direct.Received(); len(got) != 1 || got[0].User != "ona:"+password {
		t.Errorf("%+v", got)
	}
	plain := mailtest.Start(t)
	far := sender(t, "smtp://ona:"+password+"@mail.example:25")
	far.host = "127.0.0.1" // stands for the far server, and offers no STARTTLS
	_, port, _ := net.SplitHostPort(plain.Addr())
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	far.options = append(far.options, gomail.WithPort(n))
	if err := far.Send(t.Context(), message()); err == nil || len(plain.Received()) != 0 {
		t.Errorf("sent unencrypted to another machine: %v", err)
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
