package bench

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/blob"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/vat"
	"github.com/siptg/portal/web"
)

const sellerName = "MB Pavyzdys"

func vilnius(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

func seller(tb testing.TB) app.Seller {
	tb.Helper()
	books, err := pricing.NewBooks(pricing.Book{
		ID: "2025-04", Currency: "EUR", ValidFrom: civil.MustParse("2025-04-01"),
		Softphone: pricing.SoftphonePrices{Account: 300, AccountRecording: 500, Threshold: 10, Surcharge: 150_00, API: 150_00},
		Gateway:   pricing.GatewayPrices{Line: 1500, MainAccount: 1500, ExtraAccount: 150_00, Threshold: 5, Surcharge: 150_00, API: 150_00},
		Discounts: map[pricing.Period]money.BasisPoints{12: 1000, 36: 3000},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return app.Seller{
		Party: invoice.Party{Name: sellerName, CompanyCode: "119511515", VATNumber: "LT119511515", Street: "Gedimino pr. 1", City: "Vilnius", Country: "LT"},
		VAT:   vat.Seller{Country: "LT", Scheme: vat.SchemeStd, OSS: true, DestSince: civil.MustParse("2021-07-01")},
		Books: books, Zone: vilnius(tb),
		Accounts:      []app.BankAccount{{Currency: "EUR", Beneficiary: sellerName, IBAN: "LT121000011101001000", BIC: "HABALT22", Bank: "Bank"}},
		InvoicePrefix: "SIP", CreditPrefix: "SIPC", OrderPrefix: "O", BankInvoice: 14, LeadDays: 30, GraceDays: 7,
	}
}

// newPortal is the portal as cmd/portal puts it together: JSON log, limits,
// headers. The limit of requests is counted and never reached.
func newPortal(tb testing.TB, dsn string, s app.Seller) http.Handler {
	tb.Helper()
	must := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	db, err := store.Open(tb.Context(), dsn, time.Now)
	must(err)
	tb.Cleanup(db.Close)
	queue, err := jobs.NewQueue(db.Pool(), slog.New(slog.DiscardHandler))
	must(err)
	blobs, err := blob.Open(tb.Context(), "mem://")
	must(err)
	tb.Cleanup(func() { _ = blobs.Close() })
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	must(err)
	tb.Cleanup(func() { _ = null.Close() })
	log := slog.New(slog.NewJSONHandler(null, nil))
	a, err := app.New(tb.Context(), app.Config{DB: db, Blobs: blobs, Queue: queue, Now: time.Now, Seller: s, BotToken: "1:AA", Log: log})
	must(err)
	h, err := web.New(web.Config{
		App: a, Log: log, PublicURL: "http://127.0.0.1:8080", Version: "bench", Now: time.Now,
		Limits: web.Limits{SignIn: 1 << 30, Requests: 1 << 30},
	})
	must(err)
	return h
}

// serve serves a handler on loopback and returns where.
func serve(tb testing.TB, h http.Handler) (addr string) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := web.Server(listener.Addr().String(), h)
	go func() { _ = server.Serve(listener) }()
	tb.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}
