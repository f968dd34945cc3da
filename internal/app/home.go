package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/store"
)

// homeInvoices is how many documents the overview shows.
const homeInvoices = 3

// Overview is what the first page shows a signed-in person.
type Overview struct {
	SubscriptionList
	Invoices []InvoiceRow // the newest few
}

// Home returns the actor's overview.
func (a *App) Home(ctx context.Context, actor account.Actor) (Overview, error) {
	var (
		list subscriptionQuestions
		rows []store.InvoiceRow
	)
	err := a.db.Ask(ctx, func(q *store.Questions) {
		list.ask(a, q, actor)
		q.InvoicesOf(actor.AccountID, store.InvoiceQuery{Kinds: []invoice.Kind{invoice.KindInvoice, invoice.KindCreditNote}, Limit: homeInvoices}, &rows)
	})
	if err != nil {
		return Overview{}, err
	}
	subscriptions, err := list.answer(a, actor)
	return Overview{SubscriptionList: subscriptions, Invoices: invoiceRows(rows)}, err
}
