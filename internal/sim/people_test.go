package sim

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/telegram"
	"github.com/siptg/portal/internal/vat"
)

const sellerIBAN = "LT121000011101001000"

// newSeller is a Lithuanian seller whose prices rise in spring and fall a year later.
func newSeller(t testing.TB) app.Seller {
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	prices := func(id, from string, account money.Amount) pricing.Book {
		return pricing.Book{
			ID: id, Currency: "EUR", ValidFrom: civil.MustParse(from),
			Softphone: pricing.SoftphonePrices{Account: account, AccountRecording: account + 2_00, Threshold: 10, Surcharge: 150_00, API: 150_00},
			Gateway:   pricing.GatewayPrices{Line: 5 * account, MainAccount: 5 * account, ExtraAccount: 150_00, Threshold: 5, Surcharge: 150_00, API: 150_00},
			Discounts: map[pricing.Period]money.BasisPoints{12: 1000, 36: 3000},
		}
	}
	books, err := pricing.NewBooks(prices("2025-04", "2025-04-01", 3_00), prices("2027-03", "2027-03-01", 3_49), prices("2028-05", "2028-05-01", 2_97))
	if err != nil {
		t.Fatal(err)
	}
	return app.Seller{
		Party: invoice.Party{
			Name: "MB Pavyzdys", CompanyCode: "119511515", VATNumber: "LT119511515", Street: "Gedimino pr. 1", City: "Vilnius",
			Postcode: "01103", Country: "LT", Email: "billing@example.lt",
		},
		VAT:   vat.Seller{Country: "LT", Scheme: vat.SchemeStd, OSS: true, DestSince: civil.MustParse("2021-07-01")},
		Books: books, Zone: zone,
		Accounts:      []app.BankAccount{{Currency: "EUR", Beneficiary: "MB Pavyzdys", IBAN: sellerIBAN, BIC: "HABALT22", Bank: "Bank"}},
		InvoicePrefix: "SIP", CreditPrefix: "SIPC", OrderPrefix: "O", BankInvoice: 14, LeadDays: 30, GraceDays: 7, FirstChargeDays: 3,
		NoticeDays: []int{14, 3}, GraceChargeDays: []int{3, 7}, MaxChargesDaily: 10, MaxChargedDaily: 5000_00, SecondEyes: 150_00,
	}
}

// person is somebody with a payer of their own.
type person struct {
	name   string
	actor  account.Actor
	payer  account.PayerID
	iban   bank.IBAN
	topUp  string // reference for paying in; empty until asked for
	bankIn money.Amount
}

// details are billing details of all sorts that VAT tells apart.
var details = []app.PayerInput{
	{Kind: "person", Name: "Ona Kazlauskaitė", Street: "Žvėryno g. 7", City: "Vilnius", Postcode: "08117", Country: "LT", Email: "ona@example.lt", Language: "en", Currency: "EUR"},
	{Kind: "company", Name: "Brenner GmbH", CompanyCode: "HRB 123456 B", VATNumber: "DE136695976", Street: "Torstraße 140", City: "Berlin", Postcode: "10119", Country: "DE", Email: "de@example.de", Language: "en", Currency: "EUR"},
	{Kind: "company", Name: "ФОП Шевченко", CompanyCode: "3051407946", Street: "вул. Хрещатик 22", City: "Київ", Postcode: "01001", Country: "UA", Email: "ua@example.ua", Language: "en", Currency: "EUR"},
	{Kind: "person", Name: "Jānis Bērziņš", Street: "Brīvības iela 1", City: "Rīga", Postcode: "LV-1010", Country: "LV", Email: "lv@example.lv", Language: "en", Currency: "EUR"},
	{Kind: "company", Name: "UAB Pirkėjas", CompanyCode: "302296711", Street: "Laisvės al. 5", City: "Kaunas", Postcode: "44240", Country: "LT", Email: "lt@example.lt", Language: "en", Currency: "EUR"},
}

var ibans = []bank.IBAN{"LT601010012345678901", "DE89370400440532013000", "GB82WEST12345698765432", "LV80BANK0000435195001"}

// settle brings the people of a seed in.
func (w *world) settle(seed uint64) {
	r := numbers(seed + 1<<32)
	n := 2 + r.IntN(2)
	first := r.IntN(len(details))
	for i := range n {
		in := details[(first+i)%len(details)]
		p := &person{name: in.Name, iban: ibans[i%len(ibans)]}
		p.actor = w.signIn(int64(7_900_000_100_000+i), in.Name)
		payers, err := w.app.Payers(w.ctx, p.actor)
		w.must(err)
		p.payer, err = w.app.SavePayer(w.ctx, p.actor, payers[0].ID, in)
		w.must(err)
		w.people = append(w.people, p)
	}
	// Each may buy for the next one, too.
	for i, p := range w.people {
		_, err := w.db.Pool().Exec(w.ctx, `INSERT INTO payer_customer (payer_id, account_id, added_at) VALUES ($1, $2, $3)`,
			string(p.payer), string(w.people[(i+1)%n].actor.AccountID), w.clock.Now())
		w.must(err)
	}
}

// signIn signs a Telegram user in.
func (w *world) signIn(id int64, name string) account.Actor {
	state, err := w.app.BeginSignIn(w.ctx, "", "/subscriptions")
	w.must(err)
	q := telegram.Sign(telegram.Profile{ID: id, FirstName: name, AuthDate: w.clock.Now()}, botToken)
	q.Set("st", state)
	session, err := w.app.SignInTelegram(w.ctx, app.TelegramReturn{Query: q, CookieState: state, IP: "127.0.0.1", UserAgent: "sim"})
	w.must(err)
	actor, err := w.app.ActorBySession(w.ctx, session.Token)
	w.must(err)
	return actor
}

// who is the person of a step.
func (w *world) who(s step) *person { return w.people[s.Who%len(w.people)] }

// having is the person of a step, or, where they have none of what list lists, the
// next one who has.
func having[T any](w *world, s step, list func(*person) []T) (p *person, item T, ok bool) {
	for i := range w.people {
		p = w.people[(s.Who+i)%len(w.people)]
		if item, ok = pick(list(p), s.A); ok {
			return p, item, true
		}
	}
	return p, item, false
}

// inState lists the orders of a payer in a state.
func (w *world) inState(state string) func(*person) []ord {
	return func(p *person) []ord { return w.ordersOf(p, state) }
}

// payerOf returns whose payer has an id.
func (w *world) payerOf(id string) *person {
	for _, p := range w.people {
		if string(p.payer) == id {
			return p
		}
	}
	return nil
}

// customerOf is for whom a step orders: mostly oneself.
func (w *world) customerOf(s step) string {
	i := s.Who % len(w.people)
	if s.C%4 == 3 {
		i = (i + 1) % len(w.people)
	}
	return strconv.FormatInt(int64(w.people[i].actor.TelegramID), 10)
}

func asFault(err error) *fault.Error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	return fault.New(fault.Internal, "")
}

// pick is the n-th of a list, modulo its length; ok is false for an empty one.
func pick[T any](list []T, n int) (item T, ok bool) {
	if len(list) == 0 {
		return item, false
	}
	return list[n%len(list)], true
}

// selection is what a step buys.
func selection(s step) pricing.Selection {
	period := pricing.Periods[s.A%len(pricing.Periods)]
	return pricing.Selection{Plan: planOf(s), Options: optionsOf(planOf(s), s.B), Period: period}
}

func planOf(s step) pricing.Plan {
	if s.A/8%3 == 0 {
		return pricing.Gateway
	}
	return pricing.Softphone
}

// optionsOf are options of a plan, cheap ones more often.
func optionsOf(plan pricing.Plan, n int) pricing.Options {
	if plan == pricing.Gateway {
		return pricing.Options{Lines: 1 + n%7, ExtraAccounts: n / 8 % 6 / 5}
	}
	return pricing.Options{Accounts: 1 + n%12, Recording: n/16%2 == 1, API: n/32%8 == 7}
}
