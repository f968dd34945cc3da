package vies

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The name of the register cannot be made to lead inside.
func TestOutside(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{
		"127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0", "0.1.2.3",
		"100.64.0.1", "100.127.255.255", "192.0.0.8", "198.18.0.1", "198.19.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
		"64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:53aa::1", "fec0::1", "::127.0.0.1",
	} {
		if outside(net.JoinHostPort(ip, "443")) == nil {
			t.Errorf("%s was let through", ip)
		}
	}
	for _, ip := range []string{"147.67.210.45", "2a01:7080:14:100::666:1", "8.8.8.8"} {
		if err := outside(net.JoinHostPort(ip, "443")); err != nil {
			t.Error(err)
		}
	}
	if outside("localhost:443") == nil {
		t.Error("a name was let through")
	}
}

// Only the configured host is connected to, by no proxy; a name is looked at
// once it is an address.
func TestOnlyOneHost(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	transport, err := only(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if transport.Proxy != nil {
		t.Error("there is a proxy")
	}
	conn, err := transport.DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if _, err := transport.DialContext(t.Context(), "tcp", "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "is not the address") {
		t.Errorf("another address: %v", err)
	}
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	named := "localhost.localdomain"
	if addrs, err := net.DefaultResolver.LookupHost(context.WithoutCancel(t.Context()), named); err != nil || len(addrs) == 0 {
		t.Skipf("%s has no address here", named)
	}
	if transport, err = only("https://" + named + ":" + port); err != nil {
		t.Fatal(err)
	}
	if _, err := transport.DialContext(t.Context(), "tcp", named+":"+port); err == nil || !strings.Contains(err.Error(), "leads inside") {
		t.Errorf("a name of this machine: %v", err)
	}
}
