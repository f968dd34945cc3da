package vies

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// only returns a transport that connects to the host of one address and to no
// other, by no proxy. Unless the operator wrote an IP address or localhost, the
// name must not lead inside: to this machine, a private network, or the
// machine's own metadata (security.md 1.3.6).
func only(address string) (*http.Transport, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("vies: the address of VIES is none")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	target := net.JoinHostPort(u.Hostname(), port)
	dialer := &net.Dialer{Timeout: requestTime, KeepAlive: 30 * time.Second}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil && !strings.EqualFold(u.Hostname(), "localhost") {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return outside(address) }
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != target {
				return nil, fmt.Errorf("vies: %s is not the address of VIES", address)
			}
			return dialer.DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2: true, MaxIdleConns: 4, MaxConnsPerHost: 8, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: requestTime, ResponseHeaderTimeout: requestTime, MaxResponseHeaderBytes: 16 << 10,
		DisableCompression: true, // a short answer cannot become a long one
	}, nil
}

// inner are networks that are nobody's on the internet and that netip has no
// word for.
var inner = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"),
}

// outside refuses an IP address, with its port, that is not on the internet.
func outside(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("vies: %q is no address", address)
	}
	ip := at.Addr().Unmap().WithZone("")
	refused := !ip.IsGlobalUnicast() || ip.IsPrivate()
	for _, p := range inner {
		refused = refused || p.Contains(ip)
	}
	if refused {
		return fmt.Errorf("vies: the name of VIES leads inside, to %s", ip)
	}
	return nil
}
