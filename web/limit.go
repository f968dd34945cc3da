package web

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// limiter counts by address in windows of a minute.
type limiter struct {
	limit int // negative: none

	mu     sync.Mutex
	minute int64
	counts map[netip.Prefix]int
}

func newLimiter(limit int) *limiter { return &limiter{limit: limit} }

// maxAddresses bounds the memory of a window; beyond it newcomers share one
// count.
const maxAddresses = 100_000

// count adds n for an address and reports whether it is within the limit.
func (l *limiter) count(address string, n int, now time.Time) bool {
	if l.limit < 0 {
		return true
	}
	key := network(address)
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := now.Unix() / 60; l.counts == nil || minute != l.minute {
		l.minute, l.counts = minute, map[netip.Prefix]int{}
	}
	if _, known := l.counts[key]; !known && len(l.counts) >= maxAddresses {
		key = netip.Prefix{}
	}
	l.counts[key] += n
	if n == 0 {
		return l.counts[key] < l.limit
	}
	return l.counts[key] <= l.limit
}

// network is what one customer of a provider gets: an IPv4 address, or a /64 of
// IPv6.
func network(address string) netip.Prefix {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) // the length fits the address
	return p
}

// limitRequests refuses an address that sends too much.
func (s *server) limitRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isWebhook(r) && !s.requests.count(s.ip(r), 1, s.now()) {
			w.Header().Set("Retry-After", "60")
			s.fail(echo.ErrTooManyRequests, s.echo.NewContext(r, w))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tooMany refuses a request for a minute.
func tooMany(c echo.Context) error {
	c.Response().Header().Set("Retry-After", "60")
	return echo.ErrTooManyRequests
}

// window counts by a name in windows of a minute; it is for names that we gave
// out, so there are few.
type window struct {
	limit int

	mu     sync.Mutex
	minute int64
	counts map[string]int
}

// count adds one and reports whether that is within the limit.
func (w *window) count(name string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if minute := now.Unix() / 60; w.counts == nil || minute != w.minute {
		w.minute, w.counts = minute, map[string]int{}
	}
	w.counts[name]++
	return w.counts[name] <= w.limit
}
