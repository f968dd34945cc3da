package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// openAPI describes the interface for programs; tests hold the answers to it.
//
//go:embed openapi.json
var openAPI []byte

const (
	apiPrefix     = "/api/"
	apiInvoices   = "/api/v1/invoices"
	holderKey     = "key-holder"
	apiPerMinute  = 120 // requests with one key
	apiWrongKeys  = 30  // per address and minute
	problemType   = "application/problem+json"
	jsonType      = "application/json"
	bearerScheme  = "bearer"
	apiDescriptor = "/api/v1/openapi.json"
)

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, apiPrefix) }

// byKey lets a request through that carries a key. A cookie says nothing here: a
// page that somebody visits cannot ask in their name.
func (s *server) byKey(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, bearerScheme) {
			return fault.New(fault.Unauthenticated, "error.api.key")
		}
		if !s.wrongKeys.count(s.ip(r), 0, s.now()) {
			return tooMany(c)
		}
		holder, err := s.app.KeyHolder(r.Context(), strings.TrimSpace(key))
		if fault.Is(err, fault.Unauthenticated) {
			s.wrongKeys.count(s.ip(r), 1, s.now())
			return fault.New(fault.Unauthenticated, "error.api.key")
		} else if err != nil {
			return err
		}
		if !s.keys.count(holder.KeyID, 1, s.now()) {
			return tooMany(c)
		}
		c.Set(holderKey, holder)
		return next(c)
	}
}

func holder(c echo.Context) app.KeyHolder {
	h, _ := c.Get(holderKey).(app.KeyHolder)
	return h
}

// problem is an error as programs get it (RFC 9457).
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitempty"`
	ID     string         `json:"request_id"`
	Errors []problemField `json:"errors,omitempty"`
}

type problemField struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// failAPI answers a program's request that failed. Programs get English.
func (s *server) failAPI(c echo.Context, status int, err error) {
	t := i18n.New("en")
	if fault.Is(err, fault.Unauthenticated) {
		status = http.StatusUnauthorized
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="invoices"`)
	}
	p := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, ID: requestID(c.Request().Context())}
	if status < http.StatusInternalServerError && status != http.StatusNotFound {
		p.Detail = faultText(t, err)
	}
	if list, ok := fieldErrors(t, err); ok {
		for _, f := range list {
			p.Errors = append(p.Errors, problemField{f.Field, f.Text})
		}
	}
	body, err := json.Marshal(p)
	if err == nil {
		err = c.Blob(status, problemType, body)
	}
	if err != nil {
		s.log.Error("a problem was not sent", "id", p.ID, "error", err)
	}
}

// sendJSON answers with an ETag over the bytes, so that who asks again for the
// same pays for a header.
func sendJSON(c echo.Context, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	sum := sha256.Sum256(b.Bytes())
	return sendBytes(c, jsonType, hex.EncodeToString(sum[:16]), b.Bytes())
}

func sendBytes(c echo.Context, kind, tag string, body []byte) error {
	h := c.Response().Header()
	h.Set("Content-Type", kind)
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Authorization")
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(body))
	return nil
}

// describeAPI is GET /api/v1/openapi.json.
func (s *server) describeAPI(c echo.Context) error {
	sum := sha256.Sum256(openAPI)
	return sendBytes(c, jsonType, hex.EncodeToString(sum[:16]), openAPI)
}

// listForPrograms is GET /api/v1/invoices?since=&limit=.
func (s *server) listForPrograms(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	feed, err := s.app.InvoiceFeed(c.Request().Context(), holder(c), values.Get("since"), readLimit(values))
	if err != nil {
		return err
	}
	page := feedPage{Data: make([]feedInvoice, 0, len(feed.Items)), Next: feed.Next, More: feed.More}
	for _, d := range feed.Items {
		page.Data = append(page.Data, feedInvoiceOf(d))
	}
	return sendJSON(c, page)
}

// readLimit reads how many documents are asked for; what is no number is 0, which
// is refused with the figures that are allowed.
func readLimit(values url.Values) int {
	typed := values.Get("limit")
	if typed == "" {
		return app.FeedDefault
	}
	n, err := strconv.Atoi(typed)
	if err != nil {
		return 0
	}
	return n
}

// oneForPrograms is GET /api/v1/invoices/{id}, and its files: Echo takes no suffix
// after a parameter.
func (s *server) oneForPrograms(c echo.Context) error {
	ctx, id := c.Request().Context(), c.Param("id")
	for _, file := range []struct {
		suffix string
		get    func() (app.File, error)
	}{
		{ublSuffix, func() (app.File, error) { return s.app.FeedUBL(ctx, holder(c), strings.TrimSuffix(id, ublSuffix)) }}, // it ends like the next one
		{ciiSuffix, func() (app.File, error) { return s.app.FeedCII(ctx, holder(c), strings.TrimSuffix(id, ciiSuffix)) }},
		{pdfSuffix, func() (app.File, error) { return s.app.FeedPDF(ctx, holder(c), strings.TrimSuffix(id, pdfSuffix)) }},
	} {
		if !strings.HasSuffix(id, file.suffix) {
			continue
		}
		f, err := file.get()
		if err != nil {
			return err
		}
		return sendFile(c, f)
	}
	d, err := s.app.FeedDocument(ctx, holder(c), id)
	if err != nil {
		return err
	}
	return sendJSON(c, feedInvoiceOf(d))
}

// feedPage is a page of the feed.
type feedPage struct {
	Data []feedInvoice `json:"data"`
	Next string        `json:"next"`
	More bool          `json:"has_more"`
}

// feedInvoice is a document as programs get it. Amounts are whole minor units of
// its currency, positive also on a credit note; days are ISO 8601.
type feedInvoice struct {
	ID          string      `json:"id"`
	Number      string      `json:"number"`
	Type        string      `json:"type"`
	IssueDate   civil.Date  `json:"issue_date"`
	TaxPoint    civil.Date  `json:"tax_point"`
	IssuedAt    string      `json:"issued_at"`
	OrderNumber string      `json:"order_number"`
	POReference string      `json:"po_reference"`
	Customer    string      `json:"customer"`
	ServiceFrom *civil.Date `json:"service_from"`
	ServiceTo   *civil.Date `json:"service_to"`
	Seller      feedParty   `json:"seller"`
	Buyer       feedParty   `json:"buyer"`
	Currency    string      `json:"currency"`
	NetMinor    int64       `json:"net_minor"`
	VATMinor    int64       `json:"vat_minor"`
	TotalMinor  int64       `json:"total_minor"`
	VAT         []feedVAT   `json:"vat"`
	Lines       []feedLine  `json:"lines"`
	Corrects    *feedRef    `json:"corrects"`
	Files       feedFiles   `json:"files"`
}

type feedParty struct {
	Name        string `json:"name"`
	CompanyCode string `json:"company_code"`
	VATNumber   string `json:"vat_number"`
	Country     string `json:"country"`
}

type feedVAT struct {
	Category  string  `json:"category"`
	Rate      *string `json:"rate"` // percent, "21.00"; null for none
	Country   string  `json:"country"`
	BaseMinor int64   `json:"base_minor"`
	VATMinor  int64   `json:"vat_minor"`
	Reason    string  `json:"reason"`
}

type feedLine struct {
	Description    string `json:"description"`
	Quantity       int64  `json:"quantity"`
	Unit           string `json:"unit"`
	UnitPriceMinor int64  `json:"unit_price_minor"`
	NetMinor       int64  `json:"net_minor"`
}

type feedRef struct {
	Number    string     `json:"number"`
	IssueDate civil.Date `json:"issue_date"`
	Reason    string     `json:"reason"`
}

type feedFiles struct {
	PDF string `json:"pdf"`
	XML string `json:"xml"`
	UBL string `json:"ubl"`
}

func feedInvoiceOf(d app.FeedDocument) feedInvoice {
	base := apiInvoices + "/" + d.ID
	f := feedInvoice{
		ID: d.ID, Number: d.Number, Type: string(d.Kind), IssueDate: d.IssueDate, TaxPoint: d.TaxPoint, IssuedAt: d.IssuedAt.UTC().Format(time.RFC3339Nano),
		OrderNumber: d.OrderNumber, POReference: d.POReference, Customer: d.Customer,
		Seller: feedPartyOf(d.Seller), Buyer: feedPartyOf(d.Buyer), Currency: string(d.Currency),
		NetMinor: int64(d.Net), VATMinor: int64(d.VATTotal), TotalMinor: int64(d.Total),
		Files: feedFiles{base + pdfSuffix, base + ciiSuffix, base + ublSuffix},
	}
	if !d.ServiceFrom.IsZero() {
		f.ServiceFrom, f.ServiceTo = &d.ServiceFrom, &d.ServiceTo
	}
	for _, v := range d.VAT {
		row := feedVAT{Category: v.Category, Country: v.Country, BaseMinor: int64(v.Base), VATMinor: int64(v.Amount), Reason: v.Text}
		if v.RateSet {
			rate := money.Amount(v.Rate).Decimal()
			row.Rate = &rate
		}
		f.VAT = append(f.VAT, row)
	}
	for _, l := range d.Lines {
		f.Lines = append(f.Lines, feedLine{l.Description, l.Quantity, string(l.Unit), int64(l.UnitPrice), int64(l.Net)})
	}
	if d.Corrects != nil {
		f.Corrects = &feedRef{d.Corrects.Number, d.Corrects.IssueDate, d.Corrects.Reason}
	}
	return f
}

func feedPartyOf(p invoice.Party) feedParty {
	return feedParty{Name: p.Name, CompanyCode: p.CompanyCode, VATNumber: p.VATNumber, Country: p.Country}
}
