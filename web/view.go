package web

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/static"
	"github.com/siptg/portal/views"
)

// page builds what every page has.
func (s *server) page(c echo.Context) views.Page {
	t := s.translator(c)
	visitor := s.visitor(c)
	p := views.Page{
		T: t, Path: c.Request().URL.Path, SignedIn: s.signedIn(c), PersonName: visitor.Name, Reader: visitor.OnlyReads(), ChargingHalted: visitor.ChargingHalted, Demo: s.demo,
		Active: section(c.Request().URL.Path), Flash: s.takeFlash(c), SellerName: s.app.Seller().Party.Name,
		Assets: views.Assets{
			CSS: static.Path("app.css"), JS: static.Path("app.js"), Favicon: static.Path("favicon.svg"), TouchIcon: static.Path("touch-icon.png"),
		},
	}
	p.Staff = visitor.Staff != ""
	p.BackOffice = p.Staff && p.Active == views.NavStaff
	if s.demo {
		p.DemoNow = t.Time(s.now(), s.zone(c))
	}
	return p
}

// section is the entry of the navigation that a path belongs to.
func section(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "":
		return views.NavHome
	case "subscriptions", "orders", "withdrawals":
		return views.NavSubscriptions
	case "statement":
		return views.NavInvoices
	case "balance":
		return views.NavBilling
	case "notices":
		return views.NavAccount
	case "invoices", "plans", "billing", "account", "help", "staff":
		return first
	}
	return ""
}

// translator speaks the person's language; a visitor's is what the browser asks
// for.
func (s *server) translator(c echo.Context) i18n.Translator {
	if actor := s.actor(c); actor.Language != "" {
		return i18n.New(actor.Language)
	}
	return i18n.New(i18n.Match(c.Request().Header.Get("Accept-Language")))
}

// zones keeps loaded time zones: LoadLocation reads and parses a file each time.
var zones sync.Map

// zone is the person's time zone; the seller's for those who chose none.
func (s *server) zone(c echo.Context) *time.Location {
	name := s.actor(c).TimeZone
	if name == "" {
		return s.seller
	}
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return s.seller
	}
	zones.Store(name, zone)
	return zone
}

// moneyOf is an amount to show.
func moneyOf(t i18n.Translator, amount money.Amount, currency money.Currency) views.Money {
	return views.Money{Text: t.Money(int64(amount), string(currency)), Minor: int64(amount), Currency: string(currency)}
}

// instantOf is a moment to show, with its zone named; the zero time is absent.
func instantOf(t i18n.Translator, at time.Time, zone *time.Location) views.Instant {
	if at.IsZero() {
		return views.Instant{}
	}
	return views.Instant{Text: t.Time(at, zone), ISO: at.UTC().Format(time.RFC3339)}
}

// dayOf is a day to show; the zero Date is absent.
func dayOf(t i18n.Translator, d civil.Date) views.Instant {
	if d.IsZero() {
		return views.Instant{}
	}
	return views.Instant{Text: t.Date(d.Year, d.Month, d.Day), ISO: d.String()}
}

// dayShort is dayOf for tables.
func dayShort(t i18n.Translator, d civil.Date) views.Instant {
	if d.IsZero() {
		return views.Instant{}
	}
	return views.Instant{Text: t.DateShort(d.Year, d.Month, d.Day), ISO: d.String()}
}

// maxFields is how many fields a form or a query may have.
const maxFields = 200

// form reads a form from the body, and only from there. A field that comes
// twice is refused: two readers could take different ones.
func form(c echo.Context) (url.Values, error) {
	kind, _, _ := strings.Cut(c.Request().Header.Get("Content-Type"), ";")
	if c.Request().ContentLength != 0 && !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return nil, echo.ErrUnsupportedMediaType
	}
	body, err := readAll(c.Request().Body)
	if err != nil {
		return nil, err
	}
	return fields(body)
}

// formOfAnyKind is form for what mail programs send, who may choose how a form is
// encoded (RFC 8058, 3.2). The body is as bounded as any; files are refused.
func formOfAnyKind(c echo.Context) (url.Values, error) {
	kind, parameters, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return form(c)
	}
	refused := fault.New(fault.Invalid, "error.request.malformed")
	values, parts := url.Values{}, multipart.NewReader(c.Request().Body, parameters["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return fields(values.Encode())
		}
		text := ""
		if err == nil {
			text, err = readAll(part)
		}
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			return nil, err
		}
		if err != nil || part.FileName() != "" || part.FormName() == "" || len(values) >= maxFields {
			return nil, refused
		}
		values.Add(part.FormName(), text)
	}
}

// query reads the query string under the same rules as form.
func query(c echo.Context) (url.Values, error) { return fields(c.Request().URL.RawQuery) }

func fields(encoded string) (url.Values, error) {
	refused := fault.New(fault.Invalid, "error.request.malformed")
	if strings.Count(encoded, "&") >= maxFields {
		return nil, refused
	}
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, refused
	}
	for name, v := range values {
		if len(v) != 1 || !storable(name) || !storable(v[0]) {
			return nil, refused
		}
	}
	return values, nil
}

// fieldErrors are the messages of an Invalid fault, in the order it has them;
// ok is false for any other error.
func fieldErrors(t i18n.Translator, err error) (list views.Errors, ok bool) {
	e, is := errors.AsType[*fault.Error](err)
	if !is || e.Kind != fault.Invalid || len(e.Fields) == 0 {
		return nil, false
	}
	for _, f := range e.Fields {
		list = append(list, views.FieldError{Field: f.Name, Text: t.Err(f.Key, f.Args)})
	}
	return list, true
}

// faultText is the message of a fault, or "".
func faultText(t i18n.Translator, err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Key != "" {
		return t.Err(e.Key, e.Args)
	}
	return ""
}
