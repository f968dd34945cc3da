package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
)

// Config is what the web edge is made of.
type Config struct {
	App            *app.App
	Log            *slog.Logger
	PublicURL      string // the address people see, without a path: "https://billing.example"
	Demo           bool
	BotName        string         // of the Login Widget; empty hides it
	TrustedProxies []netip.Prefix // whose X-Forwarded-For counts
	Version        string
	Now            func() time.Time
	Limits         Limits // zero values take the usual limits
}

// Limits of a process, in the memory of the process: two replicas admit twice
// as much. A negative figure switches a limit off.
type Limits struct {
	SignIn   int // refused sign-ins per address and minute, 20
	Webhooks int // webhooks per address and minute, 1200
	Requests int // requests per address and minute, 600; none in demo mode, where everybody comes from loopback
	Checks   int // of documents, per address and minute, 20; the same for each number and hour
}

// Limits of a request (security.md 5).
const (
	maxBody       = 64 << 10
	maxHeader     = 32 << 10
	handlerTime   = 10 * time.Second
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 60 * time.Second
)

// server carries what the handlers share.
type server struct {
	app     *app.App
	log     *slog.Logger
	now     func() time.Time
	public  *url.URL
	secure  bool // people come by https
	demo    bool
	botName string
	version string
	seller  *time.Location // zone of those who chose none

	readersWallDown bool // tests alone: the wall behind it holds by itself

	paymentPolicy string // of pages with a form to pay by card

	echo     *echo.Echo
	sessions *tokenStore
	targets  map[string]bool // paths of the routes that a sign-in may return to
	signIns  *limiter
	requests *limiter
	webhooks *limiter
	exports  *turnstile

	keys      *counter[string] // requests of programs
	wrongKeys *limiter         // of those who try what is none
	checks    *limiter         // of documents, by who asks
	numbers   *numberCounter   // of documents, by the number that is asked for
}

// New returns the handler of all routes.
func New(c Config) (http.Handler, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	return s.handler(), nil
}

func newServer(c Config) (*server, error) {
	public, err := url.Parse(c.PublicURL)
	if err != nil || public.Host == "" || (public.Scheme != "http" && public.Scheme != "https") || strings.Trim(public.Path, "/") != "" {
		return nil, errors.New("web: the public address is not like https://billing.example")
	}
	public.Path = ""
	if c.App == nil || c.Log == nil || c.Now == nil {
		return nil, errors.New("web: App, Log and Now are needed")
	}
	if c.Limits.SignIn == 0 {
		c.Limits.SignIn = 20
	}
	if c.Limits.Webhooks == 0 {
		c.Limits.Webhooks = 1200
	}
	if c.Limits.Requests == 0 {
		c.Limits.Requests = 600
		if c.Demo {
			c.Limits.Requests = -1
		}
	}
	if c.Limits.Checks == 0 {
		c.Limits.Checks = 20
	}
	s := &server{
		app: c.App, log: c.Log, now: c.Now, public: public, secure: public.Scheme == "https", demo: c.Demo,
		botName: c.BotName, version: c.Version, seller: c.App.Seller().Zone,
		signIns: newLimiter(c.Limits.SignIn), requests: newLimiter(c.Limits.Requests),
		webhooks: newLimiter(c.Limits.Webhooks), exports: newTurnstile(exportsAtOnce), keys: &counter[string]{limit: apiPerMinute, length: time.Minute}, wrongKeys: newLimiter(apiWrongKeys),
		checks: newLimiter(c.Limits.Checks), numbers: newNumberCounter(c.Limits.Checks),
		paymentPolicy: paymentPolicy(c.App.PayerOrigins()),
	}
	s.sessions = &tokenStore{app: c.App, secure: s.secure}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = extractor(c.TrustedProxies)
	e.HTTPErrorHandler = s.fail
	s.echo = e
	s.register()
	return s, nil
}

// handler puts around the routes what holds for every request, the outermost
// first. The check of origins stands outside Echo and knows no exception.
func (s *server) handler() http.Handler {
	var h http.Handler = s.echo
	h = s.limitRequests(h)
	h = s.sameOrigin(h)
	h = s.secureHeaders(h)
	h = s.bounded(h)
	return s.observed(h)
}

// Server returns an HTTP server whose every timeout is set.
func Server(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
}

// bounded limits how much a request sends and how long its handler works.
func (s *server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := handlerTime
		switch {
		case isExport(r):
			most = exportTime
		case isUpload(r):
			most = uploadTime
		}
		ctx, cancel := context.WithTimeout(r.Context(), most)
		defer cancel()
		r = r.WithContext(ctx)
		limit := int64(maxBody)
		switch {
		case isWebhook(r):
			limit = maxWebhook
		case isUpload(r): // its handler comes to read it for staff alone
			limit = maxUpload
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

// extractor finds the client's address: the peer's, or what a trusted proxy
// says in X-Forwarded-For. Echo's default would trust anybody.
func extractor(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		p = p.Masked()
		options = append(options, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// ip is the client's address.
func (s *server) ip(r *http.Request) string { return s.echo.IPExtractor(r) }
