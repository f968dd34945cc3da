package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/blob"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/config"
	"github.com/siptg/portal/internal/embeddedpg"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/mail"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/telegram"
	"github.com/siptg/portal/internal/vat"
	"github.com/siptg/portal/internal/vies"
)

// portal is the program put together: the only place where packages meet.
type portal struct {
	config config.Config
	log    *slog.Logger
	db     *store.DB
	blobs  *blob.Store
	queue  *jobs.Queue
	now    func() time.Time
	clock  *app.DemoClock // demo mode only
	app    *app.App
	close  []func() error // in the order of opening

	seeding bool // the demo's history is being written
}

// open reads the configuration and puts the program together on a migrated
// database. The caller closes it.
func open(e *environment, command string) (_ *portal, err error) {
	p := &portal{}
	if p.config, err = config.Load(e.getenv, command); err != nil {
		return nil, err
	}
	p.log = logger(e, p.config)
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	dsn, err := p.database(e.ctx)
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(e.ctx, dsn); err != nil {
		return nil, err
	}
	p.now = e.now
	if p.config.Demo() {
		p.clock = app.NewDemoClock(e.now)
		p.now = p.clock.Now
	}
	if p.db, err = store.Open(e.ctx, dsn, p.now); err != nil {
		return nil, err
	}
	p.closeLater(func() error { p.db.Close(); return nil })
	if p.blobs, err = p.openBlobs(e.ctx); err != nil {
		return nil, err
	}
	p.closeLater(p.blobs.Close)
	if p.queue, err = jobs.NewQueue(p.db.Pool(), p.log); err != nil {
		return nil, err
	}
	if p.app, err = p.newApp(e.ctx, p.db, p.now); err != nil {
		return nil, err
	}
	return p, p.app.SyncDemoClock(e.ctx)
}

func (p *portal) newApp(ctx context.Context, db *store.DB, now func() time.Time) (_ *app.App, err error) {
	var providers []app.PaymentProvider
	if p.config.Demo() {
		providers = append(providers, p.sandbox())
	}
	c := app.Config{
		DB: db, Providers: providers, PublicURL: string(p.config.PublicURL), Blobs: p.blobs, Queue: p.queue, Now: now, Seller: sellerOf(p.config.Seller, now()),
		BotToken: p.config.TelegramBotToken.Reveal(), Demo: p.config.Demo(), Clock: p.clock, Log: p.log,
	}
	if err := p.outlets(&c); err != nil {
		return nil, err
	}
	if c.Register, err = p.register(c.Seller); err != nil {
		return nil, err
	}
	return app.New(ctx, c)
}

// register is whom VAT numbers are asked about: in demo mode the stand-in that
// runs beside the sandbox, unless another one is named.
func (p *portal) register(s app.Seller) (app.VATRegister, error) {
	if p.seeding { // the demo's history is told, not asked
		return nil, nil //nolint:nilnil // nobody is asked
	}
	address := string(p.config.VIESURL)
	if p.config.Demo() && p.config.VIESURL == config.VIES {
		address = p.sandboxURL() + viesPath
	}
	c := vies.Config{BaseURL: address, Program: "sip.tg-portal/" + version, Now: p.now}
	if s.VAT.Scheme != vat.SchemeNone { // only who has a number gets a consultation number
		if own, err := vat.ParseID(s.Party.VATNumber); err == nil {
			c.Requester = own
		}
	}
	client, err := vies.New(c)
	if err != nil {
		return nil, errors.New("PORTAL_VIES_URL takes an address such as " + string(config.VIES))
	}
	return client, nil
}

// outlets connects what notices are sent by. In demo mode nothing leaves the
// machine.
func (p *portal) outlets(c *app.Config) error {
	if p.config.Demo() {
		return nil
	}
	if !p.config.TelegramBotToken.IsZero() {
		c.Messenger = telegram.NewBot(string(p.config.TelegramAPIURL), p.config.TelegramBotToken.Reveal(), callTime)
	}
	if p.config.SMTPURL.IsZero() {
		return nil
	}
	sender, err := mail.NewSender(p.config.SMTPURL.Reveal())
	if err != nil {
		return errors.New("PORTAL_SMTP_URL takes smtp://user:password@host:587, or smtps:// for TLS from the start")
	}
	c.Mailer = sender
	return nil
}

// database returns the address of the database: the operator's, or that of our
// own PostgreSQL, which it starts.
func (p *portal) database(ctx context.Context) (string, error) {
	if !p.config.DatabaseURL.IsZero() {
		return p.config.DatabaseURL.Reveal(), nil
	}
	server, err := embeddedpg.Start(ctx, embeddedpg.Options{DataDir: p.config.DataDir, Log: p.log})
	if err != nil {
		return "", err
	}
	p.closeLater(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		return server.Stop(ctx)
	})
	return server.DSN(embeddedpg.Database), nil
}

func (p *portal) openBlobs(ctx context.Context) (*blob.Store, error) {
	url := string(p.config.BlobURL)
	if url == "" {
		var err error
		if url, err = blob.DirectoryURL(filepath.Join(p.config.DataDir, "files")); err != nil {
			return nil, err
		}
	}
	store, err := blob.Open(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("PORTAL_BLOB_URL takes a gocloud.dev/blob URL that can be opened: %w", err)
	}
	return store, nil
}

func (p *portal) closeLater(f func() error) { p.close = append(p.close, f) }

// Close releases everything, last opened first.
func (p *portal) Close() {
	for i := len(p.close) - 1; i >= 0; i-- {
		if err := p.close[i](); err != nil {
			p.log.Error("close", "error", err)
		}
	}
	p.close = nil
}

func logger(e *environment, c config.Config) *slog.Logger {
	if c.Demo() {
		return slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(slog.NewJSONHandler(e.stderr, nil))
}

// sellerOf is the seller as it stands on the day of now, and how it stands on others.
func sellerOf(s config.Seller, now time.Time) app.Seller {
	if s.Zone == nil { // a command that needs no seller
		return app.Seller{Zone: time.UTC}
	}
	today := civil.DateOf(now, s.Zone)
	out := app.Seller{
		Party: s.Party(today), VAT: s.VAT(today),
		StandsOn: func(day civil.Date) (invoice.Party, vat.Seller) { return s.Party(day), s.VAT(day) },
		Books:    s.Books, Zone: s.Zone,
		InvoicePrefix: s.Series.Invoice, CreditPrefix: s.Series.CreditNote, OrderPrefix: s.Series.Order, ReceiptPrefix: s.Series.Receipt,
		BankInvoice: s.Terms.BankInvoice, LeadDays: s.Terms.BankInvoiceLead, GraceDays: s.Terms.Grace, FirstChargeDays: s.Terms.FirstCharge,
		NoticeDays: s.Terms.Notice, GraceChargeDays: s.Terms.GraceCharge, MaxChargesDaily: s.Terms.MaxCharges, MaxChargedDaily: s.Terms.MaxCharged,
		DirectSupport: s.Terms.DirectSupport, SecondEyes: s.Terms.SecondEyes, RefundDays: s.Terms.RefundDecision, SupportPublic: s.Contacts.SupportPublic, SupportDirect: s.Contacts.SupportDirect,
		PartnerURL: s.PartnerURL,
	}
	for _, a := range s.BankAccounts {
		out.Accounts = append(out.Accounts, app.BankAccount{
			Currency: a.Currency, Beneficiary: a.Beneficiary, IBAN: string(a.IBAN), BIC: string(a.BIC), Bank: a.Bank, BankAddress: a.Address,
		})
	}
	return out
}
