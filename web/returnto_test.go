package web

import (
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// routesOnly is a server that can only find routes.
func routesOnly() *server {
	s := &server{echo: echo.New(), public: &url.URL{Scheme: "https", Host: "billing.example"}}
	s.register()
	return s
}

var hostileReturns = []string{
	"", "account", "//evil.example", "///evil.example", `/\evil.example`, `\/evil.example`, "/%5cevil.example", "/%2fevil.example", "https://evil.example/account",
	"https:/account", "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", "/account\r\nSet-Cookie: x=1", "//account", "/account\x00", "/nowhere",
	"/logout", "/login", "/login/telegram?hash=1", "/login/demo", "/healthz", "/static/app.css", "@evil.example", "/@evil.example", "/account/../..//evil.example",
	"/\u2028/evil.example", "/%", "/account%", "//%65vil.example", "/.//evil.example", "/account" + strings.Repeat("a", 2000), "\xff", "/\xff", "/％2fevil",
}

func TestReturnPath(t *testing.T) {
	t.Parallel()
	s := routesOnly()
	for _, target := range hostileReturns {
		if got := s.returnPath(target); got != "/" {
			t.Errorf("%q leads to %q", target, got)
		}
	}
	for target, want := range map[string]string{
		"/account":                   "/account",
		"/account?a=1&b=//evil":      "/account?a=1&b=//evil",
		"/account#part":              "/account",
		"/account?next=https://evil": "/account?next=https://evil",
	} {
		if got := s.returnPath(target); got != want {
			t.Errorf("%q leads to %q, want %q", target, got, want)
		}
	}
}

// Whatever a return path was, a browser that follows it stays on our origin.
func FuzzReturnTo(f *testing.F) {
	for _, target := range append(hostileReturns, "/account?x=1", "/account#x") {
		f.Add(target)
	}
	s := routesOnly()
	base := s.public
	f.Fuzz(func(t *testing.T, target string) {
		got := s.returnPath(target)
		// Browsers drop tabs and line ends and read a backslash as a slash.
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(got)
		if !strings.HasPrefix(read, "/") || strings.HasPrefix(read, "//") || read != got {
			t.Fatalf("%q leads to %q", target, got)
		}
		u, err := base.Parse(got)
		if err != nil || u.Scheme != base.Scheme || u.Host != base.Host || u.User != nil {
			t.Fatalf("%q leads to %q, read as %v", target, got, u)
		}
		if again := s.returnPath(got); again != got {
			t.Fatalf("%q leads to %q, and that to %q", target, got, again)
		}
	})
}
