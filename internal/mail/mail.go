package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// ErrRefused is for what the server will never take, such as an address that
// does not exist. Sending again does not help.
var ErrRefused = errors.New("mail: the server refuses this message for good")

// stepTime bounds each step of a conversation with the server.
const stepTime = 20 * time.Second

// Message is an e-mail.
type Message struct {
	ID       string // unique and the same each time it is sent; the part before the @ of the Message-ID
	FromName string
	From     string
	To       string
	Date     time.Time
	Subject  string
	Body     string // plain text
	HTML     string // the same in HTML; empty for none
	Files    []Attachment
	StopURL  string // takes a POST that ends such mails (RFC 8058); empty for none
}

// Attachment is a file that comes with a message.
type Attachment struct {
	Name        string
	ContentType string
	Bytes       []byte
}

// Sender sends by one SMTP server, with a connection for each message.
type Sender struct {
	host    string
	options []gomail.Option
	direct  bool // TLS from the start
	tls     *tls.Config
}

// NewSender returns a Sender by the server at smtp://user:password@host:587, or
// at smtps:// for TLS from the start. By smtp:// the connection is encrypted by
// STARTTLS, except on this machine where the server does not offer it.
func NewSender(address string) (*Sender, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("mail: the address of the server cannot be read") // it may hold a password
	}
	s := &Sender{host: u.Hostname(), direct: u.Scheme == "smtps", tls: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
	policy, port := gomail.TLSMandatory, uint64(587)
	if isLoopback(s.host) {
		policy = gomail.TLSOpportunistic
	}
	s.options = []gomail.Option{gomail.WithTimeout(stepTime), gomail.WithTLSConfig(s.tls)}
	if s.direct {
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	} else {
		s.options = append(s.options, gomail.WithTLSPolicy(policy))
	}
	if u.Port() != "" {
		if port, err = strconv.ParseUint(u.Port(), 10, 16); err != nil {
			return nil, errors.New("mail: the port of the server cannot be read")
		}
	}
	s.options = append(s.options, gomail.WithPort(int(port)))
	if u.User != nil {
		password, _ := u.User.Password()
		s.options = append(s.options, gomail.WithUsername(u.User.Username()), gomail.WithPassword(password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return s, nil
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// Send sends a message. ErrRefused is final; after any other error the message
// may or may not have been sent.
func (s *Sender) Send(ctx context.Context, m Message) error {
	message, err := build(m)
	if err != nil {
		return err
	}
	// The library leaves a connection open whose beginning failed.
	var conn net.Conn
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		if s.direct {
			conn, err = (&tls.Dialer{Config: s.tls}).DialContext(ctx, network, address)
		} else {
			conn, err = new(net.Dialer).DialContext(ctx, network, address)
		}
		return conn, err
	}
	client, err := gomail.NewClient(s.host, append(s.options[:len(s.options):len(s.options)], gomail.WithDialContextFunc(dial))...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("mail: connect: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	err = client.SendWithSMTPClient(connection, message)
	// The server has answered for the message by now: how the conversation ends
	// changes nothing.
	_ = client.CloseWithSMTPClient(connection)
	// The library's text names the recipient, and errors go to the log.
	if failure, ok := errors.AsType[*gomail.SendError](err); ok {
		if failure.ErrorCode() >= 500 {
			return fmt.Errorf("%w: status %d", ErrRefused, failure.ErrorCode())
		}
		return fmt.Errorf("mail: %s: status %d", failure.Reason, failure.ErrorCode())
	}
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

// build makes the message. Nothing in it depends on when or where it is sent, but
// for the marks between the parts of one that has several.
func build(m Message) (*gomail.Msg, error) {
	_, domain, _ := strings.Cut(m.From, "@")
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP))
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return nil, fmt.Errorf("%w: the sender's address cannot be read", ErrRefused)
	}
	to, err := mail.ParseAddress(m.To)
	if err != nil {
		return nil, fmt.Errorf("%w: the address cannot be read", ErrRefused)
	}
	from.Name = m.FromName
	message.FromMailAddress(from)
	message.ToMailAddress(to)
	message.Subject(strings.Join(strings.Fields(m.Subject), " "))
	message.SetDateWithValue(m.Date)
	message.SetMessageIDWithValue(m.ID + "@" + domain)
	// Nobody's holiday message shall answer (RFC 3834).
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader("X-Auto-Response-Suppress", "All")
	message.SetBodyString(gomail.TypeTextPlain, m.Body)
	if m.HTML != "" {
		message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	if m.StopURL != "" {
		message.SetGenHeader("List-Unsubscribe", "<"+m.StopURL+">")
		message.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	for _, f := range m.Files {
		message.AttachReadSeeker(f.Name, bytes.NewReader(f.Bytes), gomail.WithFileContentType(gomail.ContentType(f.ContentType)))
	}
	return message, nil
}
