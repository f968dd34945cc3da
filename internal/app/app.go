package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/siptg/portal/internal/blob"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/vat"
)

// Tx is a transaction of the store, for packages that may not see the store.
type Tx = store.Tx

// Job is how the job library knows a kind of job.
type Job = store.Job

// StatementUpload is a bank statement that was uploaded in the back office.
type StatementUpload = store.StatementUpload

// PayerOf is a payer with the actor's role on it.
type PayerOf = store.PayerOf

// Queue enqueues work inside a transaction; package jobs is one.
type Queue interface {
	IssueInvoice(ctx context.Context, tx *Tx, orderID string) error
	IssueReceipts(ctx context.Context, tx *Tx) error
	SendPayment(ctx context.Context, tx *Tx, id payment.ID) error
	ProcessWebhook(ctx context.Context, tx *Tx, inboxID int64) error
	NoticeJob() Job // that sends a notice: it is enqueued with the notice
	Renew(ctx context.Context, tx *Tx, subscriptionIDs []string) error
	SendRefund(ctx context.Context, tx *Tx, refundID string) error
	DrawDocument(ctx context.Context, tx *Tx, number string) error
	DeliverMails(ctx context.Context, tx *Tx) error
	ImportStatement(ctx context.Context, tx *Tx, uploadID string) error
}

// Seller is what the operator's seller file says.
type Seller struct {
	Party           invoice.Party // as it is when the program starts
	VAT             vat.Seller
	StandsOn        func(civil.Date) (invoice.Party, vat.Seller) // both on another day; nil where they never change
	Books           pricing.Books
	Zone            *time.Location // of business days and document dates
	Accounts        []BankAccount
	InvoicePrefix   string       // "SIP"
	OrderPrefix     string       // "O"
	BankInvoice     int          // days that a bank invoice is valid
	LeadDays        int          // days before the end at which the next bank invoice is prepared
	GraceDays       int          // days after the end until the plan falls back to Free
	NoticeDays      []int        // days before the end at which people are reminded, largest first
	FirstChargeDays int          // days before the end from which a renewal is paid
	GraceChargeDays []int        // days after the end at which it is tried again, smallest first
	MaxChargesDaily int          // charges of saved methods, for one payer on one day
	MaxChargedDaily money.Amount // by them in all, in the payer's currency
	DirectSupport   money.Amount // monthly spending above which a payer gets the direct contact
	SecondEyes      money.Amount // refunds above it, VAT included, are decided by two people
	RefundDays      int          // working days within which a refund is decided
	SupportPublic   string
	SupportDirect   string
	PartnerURL      string
	CreditPrefix    string
	ReceiptPrefix   string // "R" when empty
}

// partyOn is the seller's block on documents that are issued on a day.
func (s Seller) partyOn(day civil.Date) invoice.Party {
	if s.StandsOn == nil {
		return s.Party
	}
	party, _ := s.StandsOn(day)
	return party
}

// vatOn is the seller's standing on a day. VAT follows from that of the tax point,
// which may be before a change of it, whenever the sale is booked or corrected.
func (s Seller) vatOn(day civil.Date) vat.Seller {
	if s.StandsOn == nil {
		return s.VAT
	}
	_, standing := s.StandsOn(day)
	return standing
}

// BankAccount is one of the seller's accounts.
type BankAccount struct {
	Currency    money.Currency
	Beneficiary string
	IBAN        string
	BIC         string
	Bank        string
	BankAddress string
}

// Config is what an App is made of.
type Config struct {
	DB       *store.DB
	Blobs    *blob.Store
	Queue    Queue
	Now      func() time.Time
	Seller   Seller
	BotToken string
	Demo     bool
	Clock    *DemoClock // of demo mode; nil elsewhere
	Log      *slog.Logger

	Providers []PaymentProvider // the first takes cards; none: cards are not offered
	PublicURL string            // where payment pages and notices lead back to, without a slash at the end

	Messenger Messenger // nil: nothing is sent by Telegram
	Mailer    Mailer    // nil: e-mails are only stored

	Register VATRegister // nil: only operators look VAT numbers up
}

// App carries out the use cases.
type App struct {
	db        *store.DB
	blobs     *blob.Store
	queue     Queue
	now       func() time.Time
	seller    Seller
	botToken  string
	demo      bool
	demoClock *DemoClock
	log       *slog.Logger
	quoteKey  []byte // seals the prices that pages show
	linkKey   []byte // seals the links of recipients' mails
	providers map[string]PaymentProvider
	cards     PaymentProvider // nil: not offered
	publicURL string
	messenger Messenger
	mailer    Mailer
	register  VATRegister // nil: nobody is asked
	asked     hourly      // that is for people
}

// New returns the use cases on a migrated database.
func New(ctx context.Context, c Config) (*App, error) {
	a := &App{
		db: c.DB, blobs: c.Blobs, queue: c.Queue, now: c.Now, seller: c.Seller, botToken: c.BotToken, demo: c.Demo, demoClock: c.Clock, log: c.Log,
		providers: map[string]PaymentProvider{}, publicURL: c.PublicURL,
		messenger: c.Messenger, mailer: c.Mailer, register: c.Register,
	}
	a.seller.ReceiptPrefix = cmp.Or(a.seller.ReceiptPrefix, "R")
	for _, p := range c.Providers {
		a.providers[p.Name()] = p
	}
	if len(c.Providers) > 0 {
		a.cards = c.Providers[0]
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		if a.quoteKey, err = tx.Key(ctx, "quote", randomBytes()); err != nil {
			return err
		}
		a.linkKey, err = tx.Key(ctx, "recipient_link", randomBytes())
		return err
	})
	return a, err
}

// Ready reports whether the portal can serve: its database answers.
func (a *App) Ready(ctx context.Context) error { return a.db.Ping(ctx) }

// Seller returns what the seller file says.
func (a *App) Seller() Seller { return a.seller }

// Today is the business day of the seller.
func (a *App) Today() civil.Date { return civil.DateOf(a.now(), a.seller.Zone) }

// accountFor returns the bank account that takes a currency.
func (s Seller) accountFor(currency money.Currency) (BankAccount, error) {
	for _, account := range s.Accounts {
		if account.Currency == currency {
			return account, nil
		}
	}
	return BankAccount{}, fmt.Errorf("app: no bank account for %s", currency)
}

// randomBytes are 256 bits that nobody guesses.
func randomBytes() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}
