package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
)

// maxMovements is how many movements a statement lists; it says so where there
// are more.
const maxMovements = 1000

// Movement is a line of a payer's balance.
type Movement struct {
	ledger.Movement
	On            civil.Date // the seller's business day
	OrderNumber   string     // of a paid order
	InvoiceNumber string     // of that order; empty until it is issued
	ReceiptNumber string     // of a top-up; empty until it is issued
	From          string     // who sent money; may be empty
}

// StatementFilter is the period of a statement; two empty days stand for this
// year.
type StatementFilter struct {
	Payer    account.PayerID // empty for the actor's first
	From, To civil.Date      // business days, inclusive
}

// Statement is a payer's account over a period, what the pages of accountants
// show. Opening plus all movements is closing.
type Statement struct {
	ledger.Totals
	Payer    store.PayerOf
	Payers   []store.PayerOf // all of the actor's
	Currency money.Currency
	From, To civil.Date   // zero for an open end
	Lines    []Movement   // oldest first
	Limit    money.Amount // how far below nothing the balance may go, as of now
	Now      money.Amount // the balance as of now
	Omitted  int          // movements after the last line
	Listed   money.Amount
}

// Available is what can be spent now.
func (s Statement) Available() money.Amount { return s.Now + s.Limit }

// Statement returns the account statement of one of the actor's payers, or
// NotFound.
func (a *App) Statement(ctx context.Context, actor account.Actor, f StatementFilter) (Statement, error) {
	return a.statement(ctx, actor, f, maxMovements, "page")
}

// statement is Statement with at most so many movements; format is what the log of
// views says of it.
func (a *App) statement(ctx context.Context, actor account.Actor, f StatementFilter, most int, format string) (Statement, error) {
	s := Statement{From: f.From, To: f.To}
	if f.From.IsZero() && f.To.IsZero() {
		year := a.Today().Year
		s.From, s.To = civil.Date{Year: year, Month: time.January, Day: 1}, civil.Date{Year: year, Month: time.December, Day: 31}
	}
	var fields fault.Fields
	if !s.From.IsZero() && !s.To.IsZero() && s.To.Before(s.From) {
		fields.Add("to", "error.dates.order", nil)
	}
	if err := fields.Err(); err != nil {
		return Statement{}, err
	}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		if s.Payer, s.Payers, err = payerAsked(ctx, tx, actor, f.Payer); err != nil {
			return err
		}
		s.Currency = a.currencyOf(s.Payer.Payer)
		q := store.StatementQuery{Payer: s.Payer.ID, Currency: s.Currency, Limit: most}
		if !s.From.IsZero() {
			q.From = s.From.In(a.seller.Zone)
		}
		if !s.To.IsZero() {
			q.Until = s.To.AddDays(1).In(a.seller.Zone)
		}
		totals, err := tx.StatementTotals(ctx, q)
		if err != nil {
			return err
		}
		rows, err := tx.Movements(ctx, q)
		if err != nil {
			return err
		}
		if s.Limit, err = tx.CreditLimit(ctx, s.Payer.ID, s.Currency); err != nil {
			return err
		}
		if s.Now, err = tx.Balance(ctx, s.Payer.ID, s.Currency); err != nil {
			return err
		}
		s.Lines = a.movements(rows)
		plain := make([]ledger.Movement, len(rows))
		for i, r := range rows {
			plain[i] = r.Movement
		}
		sums, err := ledger.NewStatement(totals, plain)
		if err != nil {
			return err
		}
		s.Totals, s.Omitted, s.Listed = sums.Totals, sums.Omitted, sums.Listed
		for i := range s.Lines {
			s.Lines[i].Movement = sums.Movements[i]
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	return s, a.noteView(ctx, actor, store.ReadDocument{PayerID: s.Payer.ID, Kind: "statement", Role: s.Payer.Role}, "", format)
}

func (a *App) movements(rows []store.MovementRow) []Movement {
	lines := make([]Movement, len(rows))
	for i, r := range rows {
		lines[i] = Movement{Movement: r.Movement, On: a.inZone(r.At), OrderNumber: r.OrderNumber, InvoiceNumber: r.InvoiceNumber, ReceiptNumber: r.ReceiptNumber, From: r.From}
	}
	return lines
}

// payerAsked returns the payer that a page asks for, the first where it names
// none, and all of the actor's; NotFound for anybody else's.
func payerAsked(ctx context.Context, tx *store.Tx, actor account.Actor, id account.PayerID) (store.PayerOf, []store.PayerOf, error) {
	payers, err := tx.PayersOf(ctx, actor.AccountID)
	if err != nil {
		return store.PayerOf{}, nil, err
	}
	for _, p := range payers {
		if id == "" || p.ID == id {
			return p, payers, nil
		}
	}
	return store.PayerOf{}, nil, fault.Missing("payer")
}

// currencyOf is the currency of a payer's account; for one who has never paid,
// that of the first bank account.
func (a *App) currencyOf(p account.Payer) money.Currency {
	if p.Currency != "" || len(a.seller.Accounts) == 0 {
		return p.Currency
	}
	return a.seller.Accounts[0].Currency
}
