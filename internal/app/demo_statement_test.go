package app_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// The statement of every payer of the demo adds up from the beginning, whole and
// year by year, and ends with what the ledger says: on the first day, and after
// half a year of what falls due by itself.
func TestStatementsOfTheDemoAddUp(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.must(s.SeedDemo(s.ctx(), s.clock))
	s.statementsAddUp()

	standing := s.clock.Now()
	clock := app.NewDemoClock(func() time.Time { return standing })
	var err error
	s.db = s.db.OnClock(func() time.Time { at := clock.Now(); s.clock.Set(at); return at })
	s.App, err = app.New(t.Context(), app.Config{
		DB: s.db, Blobs: s.blobs, Queue: s.queue, Now: clock.Now, Seller: seller(t), BotToken: botToken, Demo: true, Clock: clock,
		Log: slog.New(slog.DiscardHandler), Providers: []app.PaymentProvider{s.adapter}, PublicURL: "https://portal.example",
	})
	s.must(err)
	before := s.count(`SELECT count(*) FROM ledger_entry`)
	for range 6 {
		s.must(s.AdvanceDemo(s.ctx(), 30*24*time.Hour+12*time.Hour))
		s.payAll()
	}
	s.must(s.AdvanceDemo(s.ctx(), time.Hour))
	s.statementsAddUp()
	s.eInvoices()
	if after := s.count(`SELECT count(*) FROM ledger_entry`); after == before {
		t.Error("nothing was booked in half a year")
	}
	if n := s.count(`SELECT count(*) FROM audit_run WHERE clean`); n < 180 {
		t.Errorf("%d days were audited and clean", n)
	}
	s.agree()
}

// eInvoices has every invoice and credit note of the books written in both
// syntaxes: what is issued must never be refused as an e-invoice.
func (s *till) eInvoices() {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `
SELECT DISTINCT ON (i.number) m.account_id::text AS account, i.number FROM invoice i JOIN member m ON m.payer_id = i.payer_id ORDER BY i.number`)
	s.must(err)
	issued := must(pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Account, Number string }]))
	if len(issued) < 10 {
		s.t.Errorf("only %d documents", len(issued))
	}
	for _, x := range issued {
		actor := account.Actor{AccountID: account.ID(x.Account)}
		for _, file := range []app.File{must(s.InvoiceCII(s.ctx(), actor, x.Number)), must(s.InvoiceUBL(s.ctx(), actor, x.Number))} {
			if !bytes.Contains(file.Bytes, []byte(">"+x.Number+"<")) {
				s.t.Errorf("%s is not in %s", x.Number, file.Name)
			}
		}
	}
}

// payAll has everybody pay by transfer what waits for it, and a little more.
func (s *till) payAll() {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `SELECT DISTINCT account_id::text FROM member WHERE role = 'owner'`)
	s.must(err)
	for _, id := range must(pgx.CollectRows(rows, pgx.RowTo[string])) {
		actor := account.Actor{AccountID: account.ID(id)}
		for _, o := range must(s.Subscriptions(s.ctx(), actor)).OpenOrders {
			e := s.entry(must(s.Order(s.ctx(), actor, o.Number)))
			e.Amount += 10_00
			s.importFile(s.camt(banktest.Version08, e))
		}
	}
	s.must(s.RunDue(s.ctx()))
}

func (s *till) statementsAddUp() {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `
		SELECT m.account_id::text, m.payer_id::text, COALESCE(-b.balance_minor, 0), COALESCE((SELECT count(*) FROM ledger_posting p WHERE p.account_id = b.id), 0)
		FROM member m LEFT JOIN ledger_account b ON b.kind = 'balance' AND b.payer_id = m.payer_id`)
	s.must(err)
	type person struct {
		actor    account.ID
		payer    account.PayerID
		balance  money.Amount
		postings int
	}
	var people []person
	for rows.Next() {
		var p person
		s.must(rows.Scan(&p.actor, &p.payer, &p.balance, &p.postings))
		people = append(people, p)
	}
	s.must(rows.Err())
	moved := 0
	for _, p := range people {
		actor := account.Actor{AccountID: p.actor}
		whole := must(s.Statement(s.ctx(), actor, app.StatementFilter{Payer: p.payer, From: civil.MustParse("2000-01-01")}))
		sum := whole.Opening
		for _, l := range whole.Lines {
			if sum += l.Amount; l.After != sum {
				s.t.Errorf("payer %s: balance %s after a movement, not %s", p.payer, l.After.Decimal(), sum.Decimal())
			}
		}
		if whole.Opening != 0 || whole.Omitted != 0 || sum != whole.Closing || whole.Closing != p.balance || len(whole.Lines) != p.postings {
			s.t.Errorf("payer %s: %s + movements = %s, closing %s, the ledger %s; %d movements of %d",
				p.payer, whole.Opening.Decimal(), sum.Decimal(), whole.Closing.Decimal(), p.balance.Decimal(), len(whole.Lines), p.postings)
		}
		var carried money.Amount
		for year := 2024; year <= s.Today().Year; year++ {
			part := must(s.Statement(s.ctx(), actor, app.StatementFilter{
				Payer: p.payer, From: civil.Date{Year: year, Month: time.January, Day: 1}, To: civil.Date{Year: year, Month: time.December, Day: 31},
			}))
			if part.Opening != carried || part.Opening+part.In-part.Out != part.Closing {
				s.t.Errorf("payer %s in %d: %s + %s - %s = %s, carried over %s", p.payer, year,
					part.Opening.Decimal(), part.In.Decimal(), part.Out.Decimal(), part.Closing.Decimal(), carried.Decimal())
			}
			carried = part.Closing
		}
		if carried != whole.Closing {
			s.t.Errorf("payer %s: the years end with %s, the whole with %s", p.payer, carried.Decimal(), whole.Closing.Decimal())
		}
		moved += len(whole.Lines)
	}
	if len(people) < 6 || moved < 20 {
		s.t.Errorf("only %d payers with %d movements", len(people), moved)
	}
	if n := s.count(`SELECT count(*) FROM ledger_account b WHERE b.kind = 'balance' AND NOT EXISTS (SELECT FROM member m WHERE m.payer_id = b.payer_id)`); n != 0 {
		s.t.Errorf("%d balances belong to nobody", n)
	}
}
