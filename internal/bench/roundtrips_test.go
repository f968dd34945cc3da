package bench

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/storetest"
)

// A page costs two round trips to the database: who asks, then everything else
// at once. One more is half a page's time on a network.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	dsn := storetest.Database(t)
	pool := connect(t, dsn)
	fill(t, pool, smallest)
	between := eavesdrop(t, pool.Config())
	portal := serve(t, newPortal(t, between.dsn, seller(t)))
	small := seller(t) // one whose VAT follows from its turnover, a statement more
	small.VAT.OSS, small.VAT.DestSince = false, civil.Date{}
	counting := serve(t, newPortal(t, between.dsn, small))
	for _, test := range []struct {
		name, addr, path, token string
		statements              int64
	}{
		{"subscriptions", portal, "/subscriptions", tokenOf(10), 4},
		{"subscriptions while turnover counts", counting, "/subscriptions", tokenOf(10), 5},
		{"invoices", portal, "/invoices", greatToken, 3},
		{"older invoices", portal, deepPage(t, pool), greatToken, 3},
		{"invoices by all filters", portal, "/invoices?from=2024-01-01&to=2026-12-31&type=invoice&q=SIP", greatToken, 4},
		{"home", portal, "/", tokenOf(10), 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			const enough = 1 << 30
			trips, statements := int64(enough), int64(enough)
			// At first statements are prepared, and a connection that was not used
			// for a second is tried: the least is what a page costs.
			for range 10 {
				tripsBefore, statementsBefore := between.trips.Load(), between.statements.Load()
				if _, err := fetch(t.Context(), test.addr, test.path, test.token); err != nil {
					t.Fatal(err)
				}
				trips = min(trips, between.trips.Load()-tripsBefore)
				statements = min(statements, between.statements.Load()-statementsBefore)
			}
			if trips != 2 || statements != test.statements {
				t.Errorf("%d round trips with %d statements, want 2 with %d", trips, statements, test.statements)
			}
		})
	}
}

// listener stands between the program and PostgreSQL and counts.
type listener struct {
	dsn        string
	trips      atomic.Int64 // times that the program waits for an answer
	statements atomic.Int64 // that were executed
}

func eavesdrop(t *testing.T, config *pgxpool.Config) *listener {
	t.Helper()
	local, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = local.Close() })
	c := config.ConnConfig
	l := &listener{dsn: fmt.Sprintf("host=127.0.0.1 port=%d user='%s' password='%s' dbname='%s' sslmode=disable",
		local.Addr().(*net.TCPAddr).Port, c.User, c.Password, c.Database)}
	network, address := pgconn.NetworkAddress(c.Host, c.Port)
	go func() {
		for {
			program, err := local.Accept()
			if err != nil {
				return // the test is over
			}
			server, err := net.Dial(network, address)
			if err != nil {
				_ = program.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(program, server)
				_ = program.Close()
			}()
			go func() {
				_ = l.pass(server, bufio.NewReader(program))
				_ = server.Close()
			}()
		}
	}()
	return l
}

// pass hands on what the program sends, message by message: a byte that says
// what it is, but for the first, and a length that counts itself (PostgreSQL
// documentation, 55.7).
func (l *listener) pass(server io.Writer, program *bufio.Reader) error {
	for first := true; ; first = false {
		kind := byte(0)
		head := 4
		if !first {
			head = 5
		}
		start, err := program.Peek(head)
		if err != nil {
			return err
		}
		if !first {
			kind = start[0]
		}
		length := binary.BigEndian.Uint32(start[head-4:])
		switch kind {
		case 'S', 'Q': // Sync, and a simple query
			l.trips.Add(1)
		case 'E': // Execute
			l.statements.Add(1)
		}
		if _, err := io.CopyN(server, program, int64(head-4)+int64(length)); err != nil {
			return err
		}
	}
}
