package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/internal/support"
)

// Clock is a clock that is set by hand, for demo data and tests.
type Clock struct{ at time.Time }

// NewClock returns a clock that stands at an instant.
func NewClock(at time.Time) *Clock { return &Clock{at} }

// Now returns where the clock stands.
func (c *Clock) Now() time.Time { return c.at }

// Set moves the clock to an instant.
func (c *Clock) Set(at time.Time) { c.at = at }

// SeedDemo fills an empty database with the demo people and their two years of
// history, by the same use cases that serve real people: it sets the clock that
// the App was made with to each day on which something happened, in order. A
// database that has a demo person already is left alone.
func (a *App) SeedDemo(ctx context.Context, clock *Clock) error {
	now := clock.Now()
	defer clock.Set(now)
	seeded, err := a.demoSeeded(ctx)
	if err != nil || seeded {
		return err
	}
	d := demoSeeder{app: a, ctx: ctx, clock: clock, zone: a.seller.Zone, actors: map[string]account.Actor{}, payers: map[string]account.PayerID{}, atBank: map[bank.IBAN]money.Amount{}}
	today := civil.DateOf(now, a.seller.Zone)
	start := today.AddMonths(-24, today.Day).AddDays(-9)
	for _, step := range demoHistory {
		on := start.AddMonths(step.month, start.Day).AddDays(step.day)
		if on.After(today) {
			continue
		}
		at := on.In(d.zone).Add(step.clock)
		if at.After(now) {
			at = now
		}
		d.clock.Set(at)
		if err := step.do(&d); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) demoSeeded(ctx context.Context) (bool, error) {
	seeded := false
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		seeded, err = tx.HasAccount(ctx, demoPeople[0].telegramID)
		return err
	})
	return seeded, err
}

// demoStep is something that happened, so many months and days after the start.
type demoStep struct {
	month, day int
	clock      time.Duration // of the day
	do         func(*demoSeeder) error
}

const (
	morning = 10*time.Hour + 12*time.Minute
	midday  = 12*time.Hour + 40*time.Minute
	evening = 17*time.Hour + 5*time.Minute
)

func softphone(accounts int, recording bool, months int) pricing.Selection {
	return pricing.Selection{Plan: pricing.Softphone, Options: pricing.Options{Accounts: accounts, Recording: recording}, Period: pricing.Period(months)}
}

func gateway(lines, extra int, months int) pricing.Selection {
	return pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: lines, ExtraAccounts: extra}, Period: pricing.Period(months)}
}

// demoHistory is in the order of time: documents are numbered as they are
// issued.
var demoHistory = []demoStep{
	{0, 0, morning, signUp("max", PayerInput{
		Kind: "company", Name: "Brenner & Söhne Großhandel GmbH", CompanyCode: "HRB 123456 B", VATNumber: "DE136695976",
		Street: "Torstraße 140", City: "Berlin", Postcode: "10119", Country: "DE", Email: "buchhaltung@brenner.example",
		POReference: "PO-4711", Language: "en", Currency: "EUR",
	})},
	{0, 0, midday, confirm("DE136695976")},
	{0, 0, evening, buy("max", "max", gateway(3, 0, 6))},
	{0, 1, morning, join("lena")},
	{0, 1, midday, link("max", "lena")},
	{0, 1, evening, buy("max", "lena", softphone(5, true, 6))},
	{6, 0, morning, confirm("DE136695976")},
	{6, 0, evening, buy("max", "max", gateway(3, 0, 6))},
	{6, 1, evening, buy("max", "lena", softphone(5, true, 6))},
	{8, 3, morning, join("tomas")},
	{8, 3, midday, retired("tomas", pricing.Starter, 36)},
	{12, 0, morning, confirm("DE136695976")},
	{12, 0, evening, buy("max", "max", gateway(3, 0, 6))},
	{12, 1, evening, buy("max", "lena", softphone(5, true, 6))},
	{15, 2, morning, signUp("olena", PayerInput{
		Kind: "company", Name: "ФОП Шевченко Олена Іванівна", CompanyCode: "3051407946", Street: "вул. Хрещатик 22, кв. 8", City: "Київ",
		Postcode: "01001", Country: "UA", Email: "olena@shevchenko.example", Language: "uk", Currency: "EUR",
	})},
	{15, 2, evening, buy("olena", "olena", gateway(1, 0, 12))},
	{18, 0, morning, confirm("DE136695976")},
	{18, 0, evening, buy("max", "max", gateway(3, 0, 6))},
	{18, 1, evening, buy("max", "lena", softphone(5, true, 12))},
	{21, 4, morning, signUp("ona", PayerInput{
		Kind: "person", Name: "Ona Kazlauskaitė", Street: "Žvėryno g. 7-12", City: "Vilnius", Postcode: "08117", Country: "LT",
		Email: "ona@kazlauskaite.example", Language: "lt", Currency: "EUR",
	})},
	{21, 4, evening, buy("ona", "ona", softphone(2, true, 6))},
	{23, 20, morning, confirm("DE136695976")},
	{23, 21, morning, mailTo("max", "rechnungen@brenner.example")},
	{23, 21, midday, invite("max", DemoAccountant)},
	{24, 0, evening, buy("max", "max", gateway(3, 0, 12))},
	{24, 6, midday, leaveOpen("max", "max", softphone(3, false, 12))},
	{24, 7, morning, join("nora")},
	{24, 8, morning, employ("rasa", account.StaffFinance)},
	{24, 8, midday, employ("jonas", account.StaffFinance)},
	{24, 8, midday, look(DemoAccountant)},
	{24, 8, evening, askBack("olena", "We use another office line now.")},
	{24, 9, morning, strayMoney},
}

// demoSeeder carries out the steps.
type demoSeeder struct {
	app    *App
	ctx    context.Context
	clock  *Clock
	zone   *time.Location
	actors map[string]account.Actor
	payers map[string]account.PayerID
	atBank map[bank.IBAN]money.Amount // of the seller
}

func person(key string) DemoPerson {
	for _, p := range demoPeople {
		if p.Key == key {
			return p
		}
	}
	panic("app: no demo person " + key)
}

// join signs a person in for the first time.
func join(key string) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		p := person(key)
		return d.app.db.Update(d.ctx, func(tx *store.Tx) error {
			id, err := d.app.saveAccount(d.ctx, tx, account.Account{
				TelegramID: p.telegramID, FirstName: p.first, LastName: p.last, Username: p.username, Language: "en",
			})
			if err != nil {
				return err
			}
			d.actors[key] = account.Actor{AccountID: id, TelegramID: p.telegramID, Name: p.Name}
			payers, err := tx.PayersOf(d.ctx, id)
			if err == nil {
				d.payers[key] = payers[0].ID
			}
			return err
		})
	}
}

// employ joins and may work in the back office from then on.
func employ(key string, role account.StaffRole) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		if err := join(key)(d); err != nil {
			return err
		}
		return d.app.AddStaff(d.ctx, person(key).telegramID, role, audit.ByCommand("demo"))
	}
}

// DemoAccountant is who signs in by e-mail in the demo.
const DemoAccountant = "accountant@office.example"

// invite has an accountant come by e-mail.
func invite(owner, email string) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		if err := d.app.InviteAccountant(d.ctx, d.actors[owner], d.payers[owner], email); err != nil {
			return err
		}
		return d.app.db.Update(d.ctx, func(tx *store.Tx) error {
			id, err := tx.UpsertEmailAccount(d.ctx, email, "en")
			if err != nil {
				return err
			}
			d.actors[email] = account.Actor{AccountID: id, Email: email, Name: email}
			_, err = tx.AcceptInvitations(d.ctx, id, email)
			return err
		})
	}
}

// look has an accountant download the newest documents.
func look(email string) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		list, err := d.app.Invoices(d.ctx, d.actors[email], InvoiceFilter{})
		if err != nil {
			return err
		}
		for _, item := range list.Items[:min(3, len(list.Items))] {
			if _, err := d.app.InvoiceFile(d.ctx, d.actors[email], item.Number); err != nil {
				return err
			}
		}
		return nil
	}
}

// mailTo has documents mailed to an address whose reader says yes.
func mailTo(owner, email string) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		in := RecipientInput{Email: email, Invoices: true, CreditNotes: true, BankInvoices: true, Receipts: true, PDF: true, XML: true}
		if err := d.app.AddRecipient(d.ctx, d.actors[owner], d.payers[owner], in); err != nil {
			return err
		}
		list, err := d.app.Recipients(d.ctx, d.actors[owner], d.payers[owner])
		if err != nil {
			return err
		}
		id := list.List[0].ID
		return d.app.ConfirmRecipient(d.ctx, RecipientLink{Recipient: id, Seal: d.app.sealOf(sealConfirm, id)})
	}
}

// askBack asks for the unused part of a person's only subscription.
func askBack(key, reason string) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		list, err := d.app.Subscriptions(d.ctx, d.actors[key])
		if err != nil {
			return err
		}
		_, err = d.app.AskRefund(d.ctx, d.actors[key], list.Items[0].ID, string(support.TargetBalance), reason)
		return err
	}
}

// signUp joins and fills the billing page.
func signUp(key string, details PayerInput) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		if err := join(key)(d); err != nil {
			return err
		}
		_, err := d.app.SavePayer(d.ctx, d.actors[key], d.payers[key], details)
		return err
	}
}

// link lets a payer buy for another person.
func link(payer, customer string) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		return d.app.db.Update(d.ctx, func(tx *store.Tx) error {
			return tx.InsertPayerCustomer(d.ctx, d.payers[payer], d.actors[customer].AccountID)
		})
	}
}

func confirm(number string) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		return d.app.ConfirmVATNumber(d.ctx, number, true, "demo", "WAPIAAAADEMO", audit.ByCommand("demo"))
	}
}

// leaveOpen places an order and leaves it waiting for the money.
func leaveOpen(payer, customer string, sel pricing.Selection) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		_, err := d.order(payer, customer, sel)
		return err
	}
}

func (d *demoSeeder) order(payer, customer string, sel pricing.Selection) (OrderDetail, error) {
	actor := d.actors[payer]
	who := person(customer).telegramID.String()
	q, err := d.app.Quote(d.ctx, &actor, QuoteRequest{Selection: sel, Payer: d.payers[payer], Customer: who})
	if err != nil {
		return OrderDetail{}, err
	}
	number, err := d.app.PlaceOrder(d.ctx, actor, PlaceOrder{Selection: sel, Payer: d.payers[payer], Customer: who, Method: "bank", Quote: q.Token})
	if err != nil {
		return OrderDetail{}, err
	}
	return d.app.Order(d.ctx, actor, number)
}

// buy places an order and has its money arrive the same day.
func buy(payer, customer string, sel pricing.Selection) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		o, err := d.order(payer, customer, sel)
		if err != nil {
			return err
		}
		if err := d.receive(o); err != nil {
			return err
		}
		return d.app.IssueInvoice(d.ctx, o.ID)
	}
}

// receive books the bank entry that pays an order, as an imported statement does.
func (d *demoSeeder) receive(o OrderDetail) error {
	on := d.app.Today()
	doc := o.Document
	s := bank.Statement{ID: "DEMO-" + o.Number, IBAN: bank.IBAN(doc.Payment.IBAN), Currency: o.Currency, From: on, To: on}
	e := bank.Entry{
		Key: "demo:" + o.Number, Amount: o.Total, Currency: o.Currency, Credit: true, Booked: on, Valued: on,
		Payer: doc.Buyer.Name, PayerIBAN: demoIBANs[doc.Buyer.Country], References: []string{o.Reference},
	}
	done, err := d.app.importStatement(d.ctx, d.withEntry(s, e), hash(s.ID), audit.ByCommand("demo"))
	if err == nil && done[0].Outcome != string(bank.Matched) {
		err = fault.New(fault.Internal, done[0].Reason)
	}
	return err
}

// strayMoney is a transfer that names nothing, for the people of the back office.
func strayMoney(d *demoSeeder) error {
	on := d.app.Today()
	account := d.app.seller.Accounts[0]
	s := bank.Statement{ID: "DEMO-STRAY", IBAN: bank.IBAN(account.IBAN), Currency: account.Currency, From: on, To: on}
	_, err := d.app.importStatement(d.ctx, d.withEntry(s, bank.Entry{
		Key: "demo:stray", Amount: 98_01, Currency: account.Currency, Credit: true, Booked: on, Valued: on,
		Payer: "Brenner Holding KG", PayerIBAN: "GB82WEST12345698765432", Text: "Telefon Rechnung November, danke",
	}), hash(s.ID), audit.ByCommand("demo"))
	return err
}

// withEntry is the next statement of an account: it opens where the last one closed.
func (d *demoSeeder) withEntry(s bank.Statement, e bank.Entry) bank.Statement {
	s.Entries, s.Opening = []bank.Entry{e}, d.atBank[s.IBAN]
	s.Closing = s.Opening + e.Amount
	d.atBank[s.IBAN] = s.Closing
	return s
}

var demoIBANs = map[string]bank.IBAN{"DE": "DE89370400440532013000", "LT": "LT121000011101001000", "UA": ""}

// retired gives a person a plan that is no longer sold, as the chat bot once did.
func retired(key string, plan pricing.Plan, months int) func(*demoSeeder) error {
	return func(d *demoSeeder) error {
		return d.app.db.Update(d.ctx, func(tx *store.Tx) error {
			s, _ := subscription.Start(d.payers[key], d.actors[key].AccountID, pricing.Selection{Plan: plan, Period: pricing.Period(months)}, money.EUR, tx.Now(), d.zone)
			s.AutoRenew = false // a plan that is no longer sold runs out
			id, err := tx.InsertSubscription(d.ctx, s)
			if err != nil {
				return err
			}
			return tx.AppendSubscriptionEvent(d.ctx, id, subscription.Event{
				At: tx.Now(), Kind: subscription.EventStarted, Actor: string(audit.ByCommand("demo")), Months: months, PaidUntil: s.PaidUntil,
			})
		})
	}
}
