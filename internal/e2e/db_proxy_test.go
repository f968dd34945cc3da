package e2e

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// dbProxy stands between the program and PostgreSQL, on loopback, and makes the
// way between them bad. PostgreSQL itself listens on its socket alone.
type dbProxy struct {
	listener net.Listener
	socket   string

	latency   atomic.Int64 // nanoseconds, each way
	afterSent atomic.Int64 // so many COMMITs get there, and their answers do not come back
	before    atomic.Int64 // so many do not get there
	refuse    atomic.Bool  // new connections
	noLocks   bool         // the proof: statements lose their row locks

	mu    sync.Mutex
	conns map[net.Conn]net.Conn
}

// newDBProxy leads to the server of a DSN with a socket.
func newDBProxy(t testing.TB, dsn string) *dbProxy {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := &dbProxy{socket: u.Query().Get("host") + "/.s.PGSQL." + u.Query().Get("port"), conns: map[net.Conn]net.Conn{}}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.listener.Close(); p.cut() })
	go func() {
		for {
			client, err := p.listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", p.socket)
			if err != nil || p.refuse.Load() {
				_ = client.Close()
				if server != nil {
					_ = server.Close()
				}
				continue
			}
			p.mu.Lock()
			p.conns[client] = server
			p.mu.Unlock()
			p.join(client, server)
		}
	}()
	return p
}

// dsn is the address of the portal's database through the proxy.
func (p *dbProxy) dsn() string {
	return "postgres://portal@" + p.listener.Addr().String() + "/portal?sslmode=disable"
}

// commit is the message that ends a transaction, as the driver sends it.
var commit = []byte("Q\x00\x00\x00\x0bcommit\x00")

// rowLock is what a statement locks rows with; River's own, which skip locked
// ones, are left alone.
var rowLock = regexp.MustCompile(`FOR\s+(NO\s+KEY\s+)?UPDATE(\s+OF\s+[a-z]+)?(\s+SKIP\s+LOCKED)?`)

func (p *dbProxy) join(client, server net.Conn) {
	var deaf atomic.Bool // the answer does not come back
	end := func() {
		_ = client.Close()
		_ = server.Close()
		p.mu.Lock()
		delete(p.conns, client)
		p.mu.Unlock()
	}
	go func() {
		defer end()
		copyChunks(server, client, func(chunk []byte) ([]byte, bool) {
			p.delay()
			if bytes.Contains(chunk, commit) {
				if take(&p.before) {
					return nil, false
				}
				if take(&p.afterSent) {
					deaf.Store(true)
				}
			}
			if p.noLocks {
				chunk = rowLock.ReplaceAllFunc(chunk, func(lock []byte) []byte {
					if bytes.HasSuffix(lock, []byte("LOCKED")) {
						return lock
					}
					return bytes.Repeat([]byte(" "), len(lock)) // as long: the message says its length
				})
			}
			return chunk, true
		})
	}()
	go func() {
		defer end()
		copyChunks(client, server, func(chunk []byte) ([]byte, bool) {
			p.delay()
			return chunk, !deaf.Load()
		})
	}()
}

func copyChunks(to io.Writer, from io.Reader, alter func([]byte) ([]byte, bool)) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			chunk, ok := alter(buffer[:n])
			if !ok {
				return
			}
			if _, err := to.Write(chunk); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func take(n *atomic.Int64) bool {
	for {
		left := n.Load()
		if left <= 0 {
			return false
		}
		if n.CompareAndSwap(left, left-1) {
			return true
		}
	}
}

func (p *dbProxy) delay() {
	if d := time.Duration(p.latency.Load()); d > 0 {
		time.Sleep(d)
	}
}

// cut ends all connections at once.
func (p *dbProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, server := range p.conns {
		_ = client.Close()
		_ = server.Close()
	}
}

// heal makes the way good again.
func (p *dbProxy) heal() {
	p.latency.Store(0)
	p.afterSent.Store(0)
	p.before.Store(0)
	p.refuse.Store(false)
}
