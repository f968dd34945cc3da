package app

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/vat"
)

// quoteLife is how long a page's price can be ordered at; after it the price is
// shown again.
const quoteLife = 24 * time.Hour

// QuoteRequest is what the calculator asks. Empty fields take defaults: the
// actor's first payer, that payer's country and currency, the actor itself as
// the Customer.
type QuoteRequest struct {
	Selection pricing.Selection
	Country   string
	Currency  money.Currency
	Payer     account.PayerID
	Customer  string // Telegram id
}

// CustomerChoice is a person that the actor may order for.
type CustomerChoice struct {
	TelegramID account.TelegramID
	Name       string
	Self       bool
}

// PeriodPrice is what one period costs.
type PeriodPrice struct {
	Period   pricing.Period
	Price    pricing.Price
	VAT      money.Amount
	Total    money.Amount
	PerMonth money.Amount // net, half up
	Saving   money.Amount // net, against as many months at the undiscounted price

	// The same with VAT, for those who pay it and cannot deduct it.
	PerMonthTotal, SavingTotal money.Amount
}

func periodPriceOf(period pricing.Period, price pricing.Price, treatment vat.Treatment) (PeriodPrice, error) {
	tax, err := treatment.Tax(price.Net)
	if err != nil {
		return PeriodPrice{}, err
	}
	undiscounted, err := treatment.Tax(price.Gross)
	if err != nil {
		return PeriodPrice{}, err
	}
	p := PeriodPrice{Period: period, Price: price, VAT: tax, Total: price.Net + tax, Saving: price.Discount}
	p.SavingTotal = price.Gross + undiscounted - p.Total
	if p.PerMonth, err = price.Net.MulDiv(1, int64(period)); err != nil {
		return PeriodPrice{}, err
	}
	p.PerMonthTotal, err = p.Total.MulDiv(1, int64(period))
	return p, err
}

// Quote is a price with its VAT, as a page shows it.
type Quote struct {
	Selection    pricing.Selection
	Price        pricing.Price
	Country      string
	Currencies   []money.Currency
	Treatment    vat.Treatment
	VATNumber    string // of the payer
	VATState     vat.State
	VAT          money.Amount
	Total        money.Amount
	Payer        *account.Payer // nil for an anonymous visitor, or when another country's price was asked for
	Payers       []account.Payer
	Customers    []CustomerChoice
	Customer     account.TelegramID
	Alternatives []PeriodPrice
	Hints        []pricing.Hint
	Token        string         // of this price; empty when it cannot be ordered
	Blocked      string         // key of the reason why it cannot be ordered
	Methods      []order.Method // in which the payer may pay; nil without one
	Available    money.Amount   // what the payer can spend from the balance
}

// Quote prices a selection. Impossible options, countries and currencies are
// Invalid, with the names of the form's fields; a payer or Customer that is not
// the actor's is NotFound.
func (a *App) Quote(ctx context.Context, actor *account.Actor, r QuoteRequest) (Quote, error) {
	var q Quote
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		q, err = a.quote(ctx, tx, actor, r)
		return err
	})
	if err != nil {
		return Quote{}, err
	}
	return q, nil
}

func (a *App) quote(ctx context.Context, tx *store.Tx, actor *account.Actor, r QuoteRequest) (Quote, error) {
	today := a.inZone(tx.Now())
	q := Quote{Selection: r.Selection, Currencies: a.seller.Books.Currencies(today)}
	if err := a.chooseParties(ctx, tx, actor, r, &q); err != nil {
		return Quote{}, err
	}
	currency, err := a.chooseCurrency(r.Currency, &q)
	fields := pricing.Check(r.Selection)
	if err != nil {
		fields.Add("currency", "error.currency.unknown", nil)
	}
	if !knownCountry(q.Country) {
		fields.Add("country", "error.country.unknown", nil)
	}
	if err := fields.Err(); err != nil {
		return Quote{}, err
	}
	book, err := a.seller.Books.For(currency, today)
	if err != nil {
		return Quote{}, err
	}
	buyer := store.PayerTax{Kind: account.KindPerson, Country: q.Country}
	if q.Payer != nil {
		if buyer, err = taxOf(ctx, tx, *q.Payer); err != nil {
			return Quote{}, err
		}
		buyer.Country = q.Country // a payer without details yet takes the country asked for
		if buyer.Kind == account.KindCompany {
			q.VATNumber, q.VATState = buyer.VATNumber, vat.StateOf(buyer.VATNumber, statusOf(buyer.VATCheck))
		}
	}
	sold, err := a.turnover(ctx, tx, today)
	if err != nil {
		return Quote{}, err
	}
	for _, period := range pricing.Periods {
		sel := r.Selection
		sel.Period = period
		price, err := book.Price(sel)
		if err != nil {
			return Quote{}, err
		}
		treatment, err := a.treatAfter(sold, buyer, price.Net, today)
		if err != nil {
			return Quote{}, err
		}
		alternative, err := periodPriceOf(period, price, treatment)
		if err != nil {
			return Quote{}, err
		}
		q.Alternatives = append(q.Alternatives, alternative)
		if period == r.Selection.Period {
			q.Price, q.Treatment, q.VAT, q.Total = price, treatment, alternative.VAT, alternative.Total
		}
	}
	q.Hints = book.Hints(r.Selection)
	if err := a.offerMethods(ctx, tx, &q); err != nil {
		return Quote{}, err
	}
	if err := a.seal(actor, &q, tx.Now()); err != nil {
		return Quote{}, err
	}
	return q, nil
}

// chooseParties finds out for whom the price is.
func (a *App) chooseParties(ctx context.Context, tx *store.Tx, actor *account.Actor, r QuoteRequest, q *Quote) error {
	q.Country = strings.ToUpper(r.Country)
	if actor != nil {
		payers, err := tx.PayersOf(ctx, actor.AccountID)
		if err != nil {
			return err
		}
		for _, p := range payers {
			if p.Role.MayBuy() {
				q.Payers = append(q.Payers, p.Payer)
			}
		}
		i := 0
		if r.Payer != "" {
			i = slices.IndexFunc(q.Payers, func(p account.Payer) bool { return p.ID == r.Payer })
		}
		if i < 0 {
			return fault.Missing("payer")
		}
		if i < len(q.Payers) {
			p := q.Payers[i]
			// A country named beside no payer is a question about that country.
			if r.Payer != "" || q.Country == "" || p.Country == "" || q.Country == p.Country {
				q.Payer = &p
				if p.Country != "" {
					q.Country = p.Country
				}
			}
		}
		if err := a.chooseCustomer(ctx, tx, *actor, r.Customer, q); err != nil {
			return err
		}
	}
	if q.Country == "" {
		q.Country = a.seller.Party.Country
	}
	return nil
}

func (a *App) chooseCustomer(ctx context.Context, tx *store.Tx, actor account.Actor, asked string, q *Quote) error {
	payer := account.PayerID(noPayer)
	if q.Payer != nil {
		payer = q.Payer.ID
	}
	people, err := tx.CustomersOf(ctx, actor.AccountID, payer)
	if err != nil {
		return err
	}
	q.Customer = actor.TelegramID
	if asked != "" {
		q.Customer = 0
	}
	for _, p := range people {
		q.Customers = append(q.Customers, CustomerChoice{TelegramID: p.TelegramID, Name: p.Name(), Self: p.ID == actor.AccountID})
		if strconv.FormatInt(int64(p.TelegramID), 10) == asked {
			q.Customer = p.TelegramID
		}
	}
	if q.Customer == 0 {
		return fault.Missing("customer")
	}
	return nil
}

// noPayer is a UUID that names nobody.
const noPayer = "00000000-0000-0000-0000-000000000000"

func (a *App) chooseCurrency(asked money.Currency, q *Quote) (money.Currency, error) {
	if q.Payer != nil && q.Payer.CurrencyFixed {
		q.Currencies = []money.Currency{q.Payer.Currency}
		return q.Payer.Currency, nil
	}
	switch {
	case len(q.Currencies) == 0:
		return "", fault.New(fault.Unavailable, "error.price_book.none")
	case asked != "":
		if !slices.Contains(q.Currencies, asked) {
			return "", fault.New(fault.Invalid, "error.currency.unknown")
		}
		return asked, nil
	case q.Payer != nil && slices.Contains(q.Currencies, q.Payer.Currency):
		return q.Payer.Currency, nil
	}
	return q.Currencies[0], nil
}

// seal gives the quote its token when the actor can order it.
func (a *App) seal(actor *account.Actor, q *Quote, now time.Time) error {
	switch {
	case actor == nil:
		q.Blocked = "order.blocked.sign_in"
	case q.Payer == nil:
		q.Blocked = "order.blocked.other_country"
	case !q.Payer.Complete():
		q.Blocked = "order.blocked.billing"
	case q.VAT != 0 && q.Price.Currency != money.EUR:
		// As taxOn refuses it later; a price is shown all the same.
		q.Blocked = "order.blocked.currency"
	default:
		var err error
		q.Token, err = sealedQuote{
			Selection: q.Selection, Payer: q.Payer.ID, Net: q.Price.Net, VAT: q.VAT, Currency: q.Price.Currency,
			Nonce: newToken(), Until: now.Add(quoteLife).Unix(),
		}.seal(a.quoteKey)
		return err
	}
	return nil
}

// sealedQuote is the content of a quote's token.
type sealedQuote struct {
	Selection pricing.Selection
	Payer     account.PayerID
	Net, VAT  money.Amount
	Currency  money.Currency
	Nonce     string // makes each page's token its own, so that it can be used once
	Until     int64  // Unix seconds
}

func (s sealedQuote) seal(key []byte) (string, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(body, mac(key, body)...)), nil
}

func openQuote(key []byte, token string) (sealedQuote, error) {
	body, err := opened(token, func(body []byte) []byte { return mac(key, body) })
	if err != nil {
		return sealedQuote{}, err
	}
	var s sealedQuote
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return sealedQuote{}, fault.New(fault.Invalid, "error.quote.invalid")
	}
	return s, nil
}

// opened returns the body of a token: base64 of the body and its mac behind it.
func opened(token string, macOf func([]byte) []byte) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) <= sha256.Size || len(token) > 2000 {
		return nil, fault.New(fault.Invalid, "error.quote.invalid")
	}
	body, sum := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(sum, macOf(body)) {
		return nil, fault.New(fault.Invalid, "error.quote.invalid")
	}
	return body, nil
}

func mac(key, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(body)
	return m.Sum(nil)
}

// validUntil is the last day of a bank invoice issued on day.
func (s Seller) validUntil(issued civil.Date) civil.Date { return issued.AddDays(s.BankInvoice) }
