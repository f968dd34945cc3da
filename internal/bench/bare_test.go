package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/static"
	"github.com/siptg/portal/views"
)

// bare is the least that serves the two pages: the session's row, then the
// page's statements in one batch, rows into the page's struct, the page. It has
// no guards, rules, faults, headers, log or limits, knows one language, zone,
// currency and price book, and takes its statements and pages from the portal.
type bare struct {
	pool  *pgxpool.Pool
	sql   map[string]statement
	zone  *time.Location
	pages sync.Pool
}

func newBare(tb testing.TB, dsn string) http.Handler {
	tb.Helper()
	pool, err := pgxpool.New(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	b := &bare{
		pool: pool, zone: vilnius(tb), pages: sync.Pool{New: func() any { return new(bytes.Buffer) }},
		sql: statements(tb, "actorBySessionSQL", "subscriptionsOfSQL", "openOrdersOfSQL", "listInvoicesSQL", "payersOfSQL"),
	}
	e := echo.New()
	e.Debug = true // an error is told to whoever asked
	e.GET("/subscriptions", b.subscriptions)
	e.GET("/invoices", b.invoices)
	return e
}

type person struct {
	id, first, last, language, zone, email string
	telegram                               int64
	seen                                   time.Time
	staff                                  string
	over, halted                           bool
}

// actor is the first round trip.
func (b *bare) actor(ctx context.Context, r *http.Request) (person, error) {
	var p person
	cookie, err := r.Cookie("sid")
	if err != nil {
		return p, err
	}
	hash, now := sha256.Sum256([]byte(cookie.Value)), time.Now()
	s := b.sql["actorBySessionSQL"]
	return p, b.pool.QueryRow(ctx, s.sql, s.args(map[string]any{
		"token_hash": hash[:], "now": now, "idle_since": now.Add(-time.Hour), "staff_expires_after": now, "staff_idle_since": now,
	})...).Scan(&p.id, &p.telegram, &p.email, &p.first, &p.last, &p.language, &p.zone, &p.seen, &p.staff, &p.over, &p.halted)
}

func (b *bare) queue(batch *pgx.Batch, name string, values map[string]any, row func(pgx.Rows) error) {
	s := b.sql[name]
	batch.Queue(s.sql, s.args(values)...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := row(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

func (b *bare) subscriptions(c echo.Context) error {
	ctx := c.Request().Context()
	actor, err := b.actor(ctx, c.Request())
	if err != nil {
		return err
	}
	page := views.SubscriptionsPage{Page: b.page(actor, "/subscriptions", views.NavSubscriptions)}
	now := time.Now()
	batch := &pgx.Batch{}
	b.queue(batch, "subscriptionsOfSQL", map[string]any{"actor": actor.id, "vat_since": now.Add(-30 * 24 * time.Hour)}, func(rows pgx.Rows) error {
		var (
			s                                                                                 views.SubscriptionRow
			payer, customer, currency, role, first, last, kind, country, postcode, vat, check string
			anchor                                                                            int
			telegram                                                                          int64
			started, until                                                                    time.Time
		)
		if err := rows.Scan(&s.ID, &payer, &customer, &s.Selection.Plan, &s.Selection.Accounts, &s.Selection.Recording, &s.Selection.Lines,
			&s.Selection.ExtraAccounts, &s.Selection.API, &s.Selection.Months, &currency, &s.State, &s.AutoRenew, &anchor, &started, &until,
			&role, &s.PayerName, &first, &last, &telegram, &kind, &country, &postcode, &vat, &check); err != nil {
			return err
		}
		s.URL, s.CustomerName, s.CustomerSelf = "/subscriptions/"+s.ID, first+" "+last, customer == actor.id
		end := until.In(b.zone)
		s.PaidUntil = longDay(end)
		s.Next = &views.NextCharge{Kind: "end", On: s.PaidUntil}
		if s.AutoRenew {
			s.Next = &views.NextCharge{Kind: "bank_invoice", On: longDay(end.AddDate(0, 0, -30)), Amount: euro(price(s.Selection))}
		}
		page.Items = append(page.Items, s)
		return nil
	})
	b.queue(batch, "openOrdersOfSQL", map[string]any{"actor": actor.id, "today": now.In(b.zone)}, func(rows pgx.Rows) error {
		var (
			o                                                                                      views.OpenOrder
			id, reference, state, payer, customer, by, book, currency, vatRow, method, first, last string
			subscription                                                                           *string
			monthly, discount, net, vat, total                                                     int64
			placed, due                                                                            time.Time
			closed                                                                                 *time.Time
		)
		if err := rows.Scan(&id, &o.Number, &reference, &o.Kind, &state, &payer, &customer, &by, &subscription, &o.Selection.Plan,
			&o.Selection.Accounts, &o.Selection.Recording, &o.Selection.Lines, &o.Selection.ExtraAccounts, &o.Selection.API,
			&o.Selection.Months, &book, &currency, &monthly, &discount, &net, &vat, &total, &vatRow, &method, &placed, &due, &closed,
			&first, &last); err != nil {
			return err
		}
		o.URL, o.Amount, o.DueDate = "/orders/"+o.Number, euro(total), longDay(due)
		if customer != actor.id {
			o.ForName = first + " " + last
		}
		page.OpenOrders = append(page.OpenOrders, o)
		return nil
	})
	if err := b.pool.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	return b.render(c, views.Subscriptions(page))
}

func (b *bare) invoices(c echo.Context) error {
	ctx := c.Request().Context()
	actor, err := b.actor(ctx, c.Request())
	if err != nil {
		return err
	}
	const rowsShown = 50
	after := c.QueryParam("after")
	page := views.InvoicesPage{Page: b.page(actor, "/invoices", views.NavInvoices), Presets: presets(time.Now().In(b.zone))}
	values := map[string]any{
		"actor": actor.id, "payer": nil, "from": nil, "to": nil, "kinds": nil, "hide_paid": true, "text": nil, "amount": nil, "numbers": nil,
		"after_date": nil, "after_number": "", "limit": rowsShown + 1,
	}
	if date, number, ok := strings.Cut(after, "~"); ok {
		values["after_date"], values["after_number"] = date, number
		page.FirstURL = "/invoices"
	} else {
		page.Quarters = quarters(time.Now().In(b.zone))
	}
	batch := &pgx.Batch{}
	b.queue(batch, "listInvoicesSQL", values, func(rows pgx.Rows) error {
		var (
			i               views.InvoiceRow
			issued          time.Time
			net, vat, total int64
			credited        int64
			currency, state string
		)
		if err := rows.Scan(&i.Number, &i.Kind, &issued, &i.PayerName, &i.OrderNumber, &net, &vat, &total, &currency, &state, &i.Of, &i.ReplacedBy, &credited); err != nil {
			return err
		}
		if len(page.Rows) == rowsShown {
			last := page.Rows[rowsShown-1]
			page.NextURL = "/invoices?" + url.Values{"after": {last.IssueDate.ISO + "~" + last.Number}}.Encode()
			return nil
		}
		i.State, i.URL = "paid", "/invoices/"+i.Number
		i.PDFURL = i.URL + ".pdf"
		i.IssueDate = views.Instant{Text: issued.Format("2 Jan 2006"), ISO: issued.Format(time.DateOnly)}
		i.Net, i.VAT, i.Total = euro(net), euro(vat), euro(total)
		page.Rows = append(page.Rows, i)
		return nil
	})
	b.queue(batch, "payersOfSQL", map[string]any{"actor": actor.id}, func(rows pgx.Rows) error {
		var id, kind, name, code, vat, street, city, postcode, country, email, po, language, currency, role string
		var also, fixed bool
		if err := rows.Scan(&id, &kind, &name, &code, &vat, &street, &city, &postcode, &country, &email, &po, &language, &also, &currency, &fixed, &role); err != nil {
			return err
		}
		page.Payers = append(page.Payers, views.Choice{Value: id, Text: name})
		return nil
	})
	if err := b.pool.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	return b.render(c, views.Invoices(page))
}

func (b *bare) page(p person, path, section string) views.Page {
	return views.Page{
		T: i18n.New("en"), Path: path, SignedIn: true, PersonName: p.first + " " + p.last, Active: section, SellerName: sellerName,
		Assets: views.Assets{
			CSS: static.Path("app.css"), JS: static.Path("app.js"), Favicon: static.Path("favicon.svg"), TouchIcon: static.Path("touch-icon.png"),
		},
	}
}

func (b *bare) render(c echo.Context, page templ.Component) error {
	buffer := b.pages.Get().(*bytes.Buffer)
	defer b.pages.Put(buffer)
	buffer.Reset()
	if err := page.Render(c.Request().Context(), buffer); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Length", strconv.Itoa(buffer.Len()))
	return c.HTMLBlob(http.StatusOK, buffer.Bytes())
}

func longDay(t time.Time) views.Instant {
	return views.Instant{Text: t.Format("2 January 2006"), ISO: t.Format(time.DateOnly)}
}

func euro(minor int64) views.Money {
	cents := strconv.FormatInt(100+minor%100, 10)[1:]
	whole := strconv.FormatInt(minor/100, 10)
	if len(whole) > 3 {
		whole = whole[:len(whole)-3] + "," + whole[len(whole)-3:]
	}
	return views.Money{Text: "€" + whole + "." + cents, Minor: minor, Currency: "EUR"}
}

// price is a year's price with VAT of the selections that fill makes.
func price(s views.Selection) int64 {
	monthly := int64(s.Accounts) * 300
	if s.Recording {
		monthly = int64(s.Accounts) * 500
	}
	if s.Plan == "gateway" {
		monthly = int64(s.Lines)*1500 + 1500
	}
	net := monthly*12 - (monthly*12*1000+5000)/10000
	return net + (net*2100+5000)/10000
}

func quarters(now time.Time) []views.QuarterFile {
	quarter := time.Date(now.Year(), now.Month()-(now.Month()-1)%3, 1, 0, 0, 0, 0, time.UTC)
	file := func(kind string, from time.Time) views.QuarterFile {
		to := from.AddDate(0, 3, -1)
		return views.QuarterFile{
			Kind: kind, Days: from.Format("2 January 2006") + " – " + to.Format("2 January 2006"),
			URL: "/invoices/export?" + url.Values{"format": {"zip"}, "from": {from.Format(time.DateOnly)}, "to": {to.Format(time.DateOnly)}}.Encode(),
		}
	}
	return []views.QuarterFile{file("last_quarter", quarter.AddDate(0, -3, 0)), file("this_quarter", quarter)}
}

func presets(now time.Time) []views.PeriodPreset {
	quarter := time.Date(now.Year(), now.Month()-(now.Month()-1)%3, 1, 0, 0, 0, 0, time.UTC)
	year := time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	preset := func(kind string, from time.Time, months int) views.PeriodPreset {
		return views.PeriodPreset{Kind: kind, URL: "/invoices?from=" + from.Format(time.DateOnly) + "&to=" + from.AddDate(0, months, -1).Format(time.DateOnly)}
	}
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	return []views.PeriodPreset{
		preset("this_month", month, 1), preset("last_month", month.AddDate(0, -1, 0), 1),
		preset("this_quarter", quarter, 3), preset("last_quarter", quarter.AddDate(0, -3, 0), 3),
		preset("this_year", year, 12), preset("last_year", year.AddDate(-1, 0, 0), 12),
		{Kind: "all", URL: "/invoices", Current: true},
	}
}
