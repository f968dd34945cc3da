package app

import (
	"context"
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pdf"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/internal/vat"
)

// maxOpenOrders bounds how many orders of one payer wait for money at a time.
const maxOpenOrders = 20

// PlaceOrder is the order form.
type PlaceOrder struct {
	Selection pricing.Selection
	Payer     account.PayerID
	Customer  string // Telegram id; empty for the actor
	Method    string
	Quote     string // token of the price shown
}

// PlaceOrder turns a quote into an order with its bank invoice and returns the
// order's number. One that is paid from the balance is paid at once; for a
// balance that does not cover it there is no order. A quote whose price no longer holds is a Conflict with key
// error.price_changed, whose argument Old is the total (money.Money) that the
// same selection had; the same quote sent twice gives the same order.
func (a *App) PlaceOrder(ctx context.Context, actor account.Actor, r PlaceOrder) (string, error) {
	method := order.Method(r.Method)
	if method != order.MethodBank && method != order.MethodCard && method != order.MethodBalance {
		return "", fault.Fields{{Name: "method", Key: "error.order.method"}}.Err()
	}
	shown, err := openQuote(a.quoteKey, r.Quote)
	if err != nil {
		return "", err
	}
	if r.Payer == "" {
		r.Payer = shown.Payer
	}
	a.askFirst(ctx, actor, func(*store.Tx) (account.PayerID, error) { return r.Payer, nil })
	digest := sha256.Sum256([]byte(r.Quote))
	var number string
	place := func(tx *store.Tx) error {
		number, err = tx.OrderOfQuote(ctx, actor.AccountID, digest[:])
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		// The payer's lock puts orders of one payer in a row.
		payer, err := tx.LockPayerOf(ctx, actor.AccountID, r.Payer)
		if err != nil {
			return err
		}
		if !payer.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.order.role")
		}
		q, err := a.quote(ctx, tx, &actor, QuoteRequest{Selection: r.Selection, Payer: r.Payer, Customer: r.Customer, Currency: shown.Currency})
		if err != nil {
			return err
		}
		if q.Blocked != "" {
			return fault.New(fault.Invalid, q.Blocked)
		}
		if shown.Selection != r.Selection || shown.Payer != r.Payer {
			return fault.New(fault.Conflict, "error.price_changed")
		}
		if shown.Net != q.Price.Net || shown.VAT != q.VAT || shown.Currency != q.Price.Currency || tx.Now().Unix() > shown.Until {
			return &fault.Error{Kind: fault.Conflict, Key: "error.price_changed", Args: fault.Args{"Old": money.Of(shown.Net+shown.VAT, shown.Currency)}}
		}
		open, err := tx.OpenOrderCount(ctx, r.Payer)
		if err != nil {
			return err
		}
		if open >= maxOpenOrders {
			return &fault.Error{Kind: fault.Conflict, Key: "error.order.too_many", Args: fault.Args{"Count": maxOpenOrders}}
		}
		if !slices.Contains(q.Methods, method) {
			key := "error.order.method"
			if method == order.MethodBalance {
				key = "error.balance.too_low"
			}
			return fault.Fields{{Name: "method", Key: key}}.Err()
		}
		number, err = a.insertOrder(ctx, tx, actor, q, method, digest[:])
		return err
	}
	if err := a.db.Update(ctx, place); err != nil {
		if store.IsConstraint(err, "orders_quote_once") { // the same form, sent twice at once: the other one has just been placed
			err = a.db.Update(ctx, place)
		}
		if err != nil {
			return "", err
		}
	}
	return number, nil
}

// insertOrder places what a quote priced, and pays it where it is paid from the
// balance.
func (a *App) insertOrder(ctx context.Context, tx *store.Tx, actor account.Actor, q Quote, method order.Method, quoteSHA256 []byte) (string, error) {
	customer, err := customerOf(ctx, tx, actor, q)
	if err != nil {
		return "", err
	}
	o := order.Order{
		Kind: order.KindNew, PayerID: q.Payer.ID, CustomerID: customer.ID, PlacedBy: actor.AccountID, Selection: q.Selection,
		State: order.StateAwaitingPayment, Method: method, ValidUntil: a.seller.validUntil(a.inZone(tx.Now())),
	}
	o.Currency = q.Price.Currency
	live, err := liveFor(ctx, tx, o)
	if err != nil {
		return "", err
	}
	var next *subscription.Period
	if live != nil {
		o.Kind, o.SubscriptionID = order.KindRenewal, live.ID
		_, period, err := live.Extended(q.Selection.Period, 0, a.seller.Zone)
		if err != nil {
			return "", err
		}
		next = &period
	}
	o, err = a.placeOrder(ctx, tx, audit.ByAccount(actor.AccountID), o, priced{price: q.Price, treatment: q.Treatment, tax: q.VAT}, *q.Payer, customer, next, quoteSHA256)
	if err != nil || method != order.MethodBalance {
		return o.Number, err
	}
	open, err := a.payNow(ctx, tx, o, live, *q.Payer, audit.ByAccount(actor.AccountID))
	if err == nil && open != "" { // the same period is being paid by card with another order
		err = fault.New(fault.Conflict, "error.payment.in_progress")
	}
	return o.Number, err
}

// priced is a price with its VAT.
type priced struct {
	price     pricing.Price
	treatment vat.Treatment
	tax       money.Amount
	standing  // of a renewal, which can be paid at once
}

// placeOrder numbers and stores an order with its bank invoice. service is the
// period that a renewal pays for. The payer is locked.
func (a *App) placeOrder(ctx context.Context, tx *store.Tx, by audit.Actor, o order.Order, p priced, payer account.Payer, customer account.Account,
	service *subscription.Period, quoteSHA256 []byte,
) (order.Order, error) {
	o, err := a.storeOrder(ctx, tx, by, o, p, payer, quoteSHA256)
	if err != nil {
		return o, err
	}
	document, err := a.bankInvoice(o, payer, customer, p, service, a.inZone(tx.Now()))
	if err != nil {
		return o, err
	}
	return o, tx.InsertBankInvoice(ctx, o.ID, document)
}

// storeOrder numbers and stores an order with the evidence of where the buyer is,
// and fixes the payer's currency. The payer is locked.
func (a *App) storeOrder(ctx context.Context, tx *store.Tx, by audit.Actor, o order.Order, p priced, payer account.Payer, quoteSHA256 []byte) (order.Order, error) {
	o.PriceBook, o.Currency, o.Monthly, o.Discount = p.price.BookID, p.price.Currency, p.price.Monthly, p.price.Discount
	o.Net, o.VAT, o.Total, o.VATRow = p.price.Net, p.tax, p.price.Net+p.tax, p.treatment.Row
	today := a.inZone(tx.Now())
	n, err := tx.NextOrderNumber(ctx)
	if err != nil {
		return o, err
	}
	o.Number = order.Number(a.seller.OrderPrefix, today.Year, n)
	reference, err := bank.NewReference(order.ReferenceBody(today.Year, n))
	if err != nil {
		return o, err
	}
	o.Reference = string(reference)
	o.ID = store.NewID()
	tx.InsertOrder(o, quoteSHA256)
	if err := tx.InsertEvidence(ctx, o.ID, "billing_address", payer.Country, payer.Postcode); err != nil {
		return o, err
	}
	if payer.VATNumber != "" {
		if err := tx.InsertEvidence(ctx, o.ID, "vat_number", payer.Country, payer.VATNumber); err != nil {
			return o, err
		}
	}
	if !payer.CurrencyFixed {
		if err := tx.FixCurrency(ctx, payer.ID, o.Currency); err != nil {
			return o, err
		}
	}
	return o, tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "order.placed", ObjectKind: "order", ObjectID: o.ID, PayerID: o.PayerID,
		Detail: map[string]any{"number": o.Number, "total_minor": o.Total, "currency": o.Currency},
	})
}

// customerOf returns the account of the Customer that a quote is for.
func customerOf(ctx context.Context, tx *store.Tx, actor account.Actor, q Quote) (account.Account, error) {
	people, err := tx.CustomersOf(ctx, actor.AccountID, q.Payer.ID)
	for _, p := range people {
		if p.TelegramID == q.Customer {
			return p, nil
		}
	}
	if err == nil {
		err = fault.Missing("customer")
	}
	return account.Account{}, err
}

// sameService reports whether an order buys more time of just what the
// subscription is, for the same payer.
func sameService(s subscription.Subscription, o order.Order) bool {
	return s.PayerID == o.PayerID && s.Currency == o.Currency && s.Selection.Plan == o.Selection.Plan &&
		s.Selection.Options == o.Selection.Options
}

// OrderDetail is an order with what belongs to it.
type OrderDetail struct {
	order.Order
	Document      invoice.Document // the bank invoice, or where it has none, what its invoice says
	InvoiceNumber string           // empty until the invoice is issued
	Service       *subscription.Period
	Ways          *Ways            // to pay; nil unless the order is open
	VATNumber     *VATState        // of the payer's number; nil unless the order is open and the payer has one
	Money         Standing         // of a transfer for it
	Payment       *payment.Payment // by card: the one that is alive or has succeeded, else the last one; nil for none
}

// QR is the EPC QR code of the bank invoice, the one that its PDF shows, or where a
// part of the amount has come, one of the rest; nil where there is none.
func (d OrderDetail) QR() *pdf.Code {
	pay := d.Document.Payment
	if d.Money.Missing == 0 || pay.EPC == "" {
		return pdf.EPCCode(pay.EPC)
	}
	rest, err := bank.EPC(bank.EPCData{
		BIC: bank.BIC(pay.BIC), Name: pay.Beneficiary, IBAN: bank.IBAN(pay.IBAN), Amount: money.Of(d.Money.Missing, d.Currency), Reference: bank.Reference(d.Reference),
	})
	if err != nil {
		return nil
	}
	return pdf.EPCCode(rest)
}

// BankInvoice reports whether the order has a bank invoice. A renewal that was
// paid from the balance at once has none.
func (d OrderDetail) BankInvoice() bool { return d.Document.Kind == invoice.KindBankInvoice }

// Order returns an order of one of the actor's payers, or NotFound.
func (a *App) Order(ctx context.Context, actor account.Actor, number string) (OrderDetail, error) {
	var d OrderDetail
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		if d.Order, err = tx.OrderOf(ctx, actor.AccountID, number); err != nil {
			return err
		}
		if d.Document, err = a.documentOf(ctx, tx, d.Order); err != nil {
			return err
		}
		if d.State == order.StateAwaitingPayment && !d.Open(a.inZone(tx.Now())) {
			d.State = order.StateExpired // the job that says so in the table has yet to run
		}
		if d.Money, err = bankStanding(ctx, tx, d.Order); err != nil {
			return err
		}
		if p, err := tx.PaymentOfOrder(ctx, d.ID); err == nil {
			d.Payment = &p
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
		if d.State == order.StateAwaitingPayment {
			if d.Document.Buyer.VATNumber != "" {
				payer, err := tx.Payer(ctx, d.PayerID)
				if err != nil {
					return err
				}
				state, err := a.vatState(ctx, tx, payer)
				if err != nil {
					return err
				}
				d.VATNumber = &state
			}
			d.Ways, err = a.ways(ctx, tx, actor, d.Order)
			return err
		}
		if d.State != order.StatePaid {
			return nil
		}
		period, err := tx.PeriodOfOrder(ctx, d.ID)
		if err != nil {
			return err
		}
		d.Service = &period
		d.InvoiceNumber, err = tx.InvoiceOfOrder(ctx, d.ID)
		if fault.Is(err, fault.NotFound) { // being issued
			return nil
		}
		return err
	})
	return d, err
}

// documentOf returns the bank invoice of an order, or where it has none, what its
// invoice says or will say once it is issued.
func (a *App) documentOf(ctx context.Context, tx *store.Tx, o order.Order) (invoice.Document, error) {
	content, err := tx.BankInvoice(ctx, o.ID)
	if err == nil {
		return invoice.Unmarshal(content)
	} else if !fault.Is(err, fault.NotFound) {
		return invoice.Document{}, err
	}
	number, err := tx.InvoiceOfOrder(ctx, o.ID)
	if fault.Is(err, fault.NotFound) {
		return a.draftInvoice(ctx, tx, o)
	} else if err != nil {
		return invoice.Document{}, err
	}
	if content, err = tx.InvoiceContent(ctx, number); err != nil {
		return invoice.Document{}, err
	}
	return invoice.Unmarshal(content)
}

// CancelOrder withdraws an order that nothing was paid on. A closed one is a
// Conflict.
func (a *App) CancelOrder(ctx context.Context, actor account.Actor, number string) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		o, err := tx.LockOrderOf(ctx, actor.AccountID, number)
		if err != nil {
			return err
		}
		if o.State != order.StateAwaitingPayment {
			return fault.New(fault.Conflict, "error.order.closed")
		}
		if err := tx.CloseOrder(ctx, o.ID, order.StateCanceled, ""); err != nil {
			return err
		}
		if err := tx.CheckPaymentsOf(ctx, o.ID); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "order.canceled", ObjectKind: "order", ObjectID: o.ID, PayerID: o.PayerID,
		})
	})
}

// customerLabel is how documents name the Telegram account a service is for.
func customerLabel(c account.Account) string {
	label := c.Name()
	if c.Username != "" {
		label += " (@" + c.Username + ")"
	}
	return label + ", Telegram " + strconv.FormatInt(int64(c.TelegramID), 10)
}
