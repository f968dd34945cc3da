package web

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// counter counts by key in windows of time.
type counter[K comparable] struct {
	limit  int // negative: none
	length time.Duration

	mu     sync.Mutex
	window int64
	counts map[K]int
}

// maxKeys bounds the memory of a window; beyond it newcomers share one count.
const maxKeys = 100_000

// count adds n for a key and reports whether it is within the limit.
func (c *counter[K]) count(key K, n int, now time.Time) bool {
	if c.limit < 0 {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if window := now.UnixNano() / int64(c.length); c.counts == nil || window != c.window {
		c.window, c.counts = window, map[K]int{}
	}
	if _, known := c.counts[key]; !known && len(c.counts) >= maxKeys {
		var everybody K
		key = everybody
	}
	c.counts[key] += n
	if n == 0 {
		return c.counts[key] < c.limit
	}
	return c.counts[key] <= c.limit
}

// limiter counts by address in windows of a minute.
type limiter struct{ counter[netip.Prefix] }

func newLimiter(limit int) *limiter {
	return &limiter{counter[netip.Prefix]{limit: limit, length: time.Minute}}
}

// count adds n for an address and reports whether it is within the limit.
func (l *limiter) count(address string, n int, now time.Time) bool {
	return l.counter.count(network(address), n, now)
}

// numberCounter counts documents by number in windows of an hour. Whoever asks
// chooses the numbers, so none is kept: each falls into one of maxKeys, by a hash
// that nobody outside can foresee. However many are made up, a number shares its
// count with few others, and newcomers are never counted together.
type numberCounter struct {
	counter[uint64]
	seed maphash.Seed
}

func newNumberCounter(limit int) *numberCounter {
	return &numberCounter{counter[uint64]{limit: limit, length: time.Hour}, maphash.MakeSeed()}
}

// count counts a number and reports whether it is within the limit.
func (n *numberCounter) count(number string, now time.Time) bool {
	return n.counter.count(maphash.String(n.seed, number)%maxKeys, 1, now)
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
