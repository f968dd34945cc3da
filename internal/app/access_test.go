package app_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// What is somebody else's does not exist: the same answer as for what was never
// there, from every use case.
func TestNobodySeesWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_500, "Ona")
	stranger, _ := s.customer(7_900_000_000_501, "Jonas")
	o := s.order(ona, softphone(1, false, 6))
	s.pay(o)
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	for name, try := range map[string]func(who account.Actor, real bool) error{
		"order": func(who account.Actor, real bool) error {
			_, err := s.Order(s.ctx(), who, pick(real, o.Number, "O-2026-999999"))
			return err
		},
		"bank invoice": func(who account.Actor, real bool) error {
			_, err := s.BankInvoiceFile(s.ctx(), who, pick(real, o.Number, "O-2026-999999"))
			return err
		},
		"cancel": func(who account.Actor, real bool) error {
			return s.CancelOrder(s.ctx(), who, pick(real, o.Number, "O-2026-999999"))
		},
		"invoice": func(who account.Actor, real bool) error {
			_, err := s.Invoice(s.ctx(), who, pick(real, o.InvoiceNumber, "SIP-2026-999999"))
			return err
		},
		"invoice file": func(who account.Actor, real bool) error {
			_, err := s.InvoiceFile(s.ctx(), who, pick(real, o.InvoiceNumber, "SIP-2026-999999"))
			return err
		},
		"invoice as CII": func(who account.Actor, real bool) error {
			_, err := s.InvoiceCII(s.ctx(), who, pick(real, o.InvoiceNumber, "SIP-2026-999999"))
			return err
		},
		"invoice as UBL": func(who account.Actor, real bool) error {
			_, err := s.InvoiceUBL(s.ctx(), who, pick(real, o.InvoiceNumber, "SIP-2026-999999"))
			return err
		},
		"subscription": func(who account.Actor, real bool) error {
			_, err := s.Subscription(s.ctx(), who, pick(real, o.SubscriptionID, "11111111-2222-3333-4444-555555555555"))
			return err
		},
		"auto-renew off": func(who account.Actor, real bool) error {
			return s.turnOff(who, pick(real, o.SubscriptionID, "not an id"))
		},
		"auto-renew on": func(who account.Actor, real bool) error {
			return s.TurnAutoRenewOn(s.ctx(), who, pick(real, o.SubscriptionID, "11111111-2222-3333-4444-555555555555"), app.Consent{})
		},
		"billing": func(who account.Actor, real bool) error {
			_, err := s.SavePayer(s.ctx(), who, account.PayerID(pick(real, string(payer), "11111111-2222-3333-4444-555555555555")), lithuanian("X"))
			return err
		},
		"quote": func(who account.Actor, real bool) error {
			_, err := s.Quote(s.ctx(), &who, app.QuoteRequest{Selection: softphone(1, false, 6), Payer: account.PayerID(pick(real, string(payer), "11111111-2222-3333-4444-555555555555"))})
			return err
		},
	} {
		for _, real := range []bool{true, false} {
			err := try(stranger, real)
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Kind != fault.NotFound || f.Key != "" || len(f.Fields) != 0 {
				t.Errorf("%s (there: %v): %v", name, real, err)
			}
		}
	}
	page, err := s.Invoices(s.ctx(), stranger, app.InvoiceFilter{})
	s.must(err)
	if len(page.Items) != 0 {
		t.Errorf("the stranger lists %v", page.Items)
	}
	page, err = s.Invoices(s.ctx(), stranger, app.InvoiceFilter{Payer: payer})
	s.must(err)
	if len(page.Items) != 0 {
		t.Errorf("by the payer's id the stranger lists %v", page.Items)
	}
}

func pick(real bool, there, missing string) string {
	if real {
		return there
	}
	return missing
}

// The Customer who does not pay sees the plan and the date, not the money, and
// may not switch; an accountant reads documents only.
func TestRolesOnASubscription(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	max, payer := s.customer(7_900_000_000_510, "Max")
	lena := s.signIn(7_900_000_000_511, "Lena")
	clerk := s.signIn(7_900_000_000_512, "Clerk")
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error {
		return errors.Join(tx.InsertPayerCustomer(s.ctx(), payer, lena.AccountID), tx.InsertMember(s.ctx(), payer, clerk.AccountID, account.RoleAccountant))
	}))
	sel := softphone(5, true, 6)
	q, err := s.Quote(s.ctx(), &max, app.QuoteRequest{Selection: sel, Customer: lena.TelegramID.String()})
	s.must(err)
	number, err := s.PlaceOrder(s.ctx(), max, app.PlaceOrder{Selection: sel, Payer: payer, Customer: lena.TelegramID.String(), Method: "bank", Quote: q.Token})
	s.must(err)
	o, err := s.Order(s.ctx(), max, number)
	s.must(err)
	open, err := s.Subscriptions(s.ctx(), max)
	s.must(err)
	if len(open.OpenOrders) != 1 || open.OpenOrders[0].CustomerName != "Lena" {
		t.Errorf("Max's open orders: %+v", open.OpenOrders)
	}
	s.pay(o)
	list, err := s.Subscriptions(s.ctx(), lena)
	s.must(err)
	if len(list.Items) != 1 || list.Items[0].MayManage || list.Items[0].PayerName != "" || list.Items[0].Next != nil {
		t.Fatalf("Lena sees %+v", list.Items)
	}
	id := list.Items[0].ID
	item, err := s.Subscription(s.ctx(), lena, id)
	s.must(err)
	if e := item.History[0]; e.OrderNumber != "" || e.Paid != (money.Money{}) || e.By != app.ByPayer || e.ByName != "" {
		t.Errorf("Lena sees the payer's business: %+v", e)
	}
	if err := s.turnOff(lena, id); !fault.Is(err, fault.Forbidden) {
		t.Errorf("Lena switches: %v", err)
	}
	if _, err := s.Order(s.ctx(), lena, number); !fault.Is(err, fault.NotFound) {
		t.Errorf("Lena sees the order: %v", err)
	}
	if _, err := s.Invoice(s.ctx(), lena, "SIP-2026-000001"); !fault.Is(err, fault.NotFound) {
		t.Errorf("Lena sees the invoice: %v", err)
	}
	if _, err := s.Invoice(s.ctx(), clerk, "SIP-2026-000001"); err != nil {
		t.Errorf("the accountant does not see the invoice: %v", err)
	}
	for name, err := range map[string]error{
		"sees the subscription": second(s.Subscription(s.ctx(), clerk, id)),
		"sees the order":        second(s.Order(s.ctx(), clerk, number)),
		"switches":              s.turnOff(clerk, id),
		"cancels":               s.CancelOrder(s.ctx(), clerk, number),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("the accountant %s: %v", name, err)
		}
	}
	if _, err := s.SavePayer(s.ctx(), clerk, payer, lithuanian("X")); !fault.Is(err, fault.Forbidden) {
		t.Errorf("the accountant edits: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAutoRenewOffAndOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_000_520, "Ona")
	s.pay(s.order(ona, softphone(1, false, 6)))
	list, err := s.Subscriptions(s.ctx(), ona)
	s.must(err)
	id := list.Items[0].ID
	s.must(s.turnOff(ona, id))
	s.must(s.turnOff(ona, id)) // the second time changes nothing
	item, err := s.Subscription(s.ctx(), ona, id)
	s.must(err)
	if item.AutoRenew || item.Next.Kind != app.NextEnd || item.Next.Amount.Amount != 0 {
		t.Errorf("after off: %+v, next %+v", item.Subscription, item.Next)
	}
	s.must(s.TurnAutoRenewOn(s.ctx(), ona, id, app.Consent{}))
	item, err = s.Subscription(s.ctx(), ona, id)
	s.must(err)
	if !item.AutoRenew || item.Next.Kind != app.NextBankInvoice {
		t.Errorf("after on: %+v, next %+v", item.Subscription, item.Next)
	}
	var kinds []string
	for _, e := range item.History {
		kinds = append(kinds, string(e.Kind))
	}
	if got := strings.Join(kinds, " "); got != "started auto_renew_off auto_renew_on" {
		t.Errorf("history: %s", got)
	}
	if e := item.History[0]; e.By != app.BySelf || e.Paid != money.Of(2178, "EUR") { // 6 x 3 and 21 % of it
		t.Errorf("how it started: %+v", e)
	}
	if e := item.History[1]; e.By != app.BySelf || e.Paid != (money.Money{}) {
		t.Errorf("how it was switched off: %+v", e)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE object_kind = 'subscription'`); n != 2 {
		t.Errorf("%d audit rows", n)
	}
}

// Each time auto-renewal is switched on people are told, so that has a limit; off
// it goes all the same (I7).
func TestAutoRenewIsNotSwitchedOnForEver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_000_521, "Ona")
	s.pay(s.order(ona, softphone(1, false, 6)))
	list, err := s.Subscriptions(s.ctx(), ona)
	s.must(err)
	id := list.Items[0].ID
	for range 20 {
		s.must(s.turnOff(ona, id))
		s.must(s.TurnAutoRenewOn(s.ctx(), ona, id, app.Consent{}))
	}
	s.must(s.turnOff(ona, id))
	told := s.count(`SELECT count(*) FROM notice`)
	if err := s.TurnAutoRenewOn(s.ctx(), ona, id, app.Consent{}); !fault.Is(err, fault.Conflict) || keyOf(err) != "error.subscription.switched" {
		t.Errorf("on for the 21st time: %v", err)
	}
	s.must(s.turnOff(ona, id))
	item, err := s.Subscription(s.ctx(), ona, id)
	s.must(err)
	if n := s.count(`SELECT count(*) FROM notice`); item.AutoRenew || n != told {
		t.Errorf("auto-renewal is %t, %d notices more", item.AutoRenew, n-told)
	}
	s.clock.Set(s.clock.Now().Add(24 * time.Hour))
	s.must(s.TurnAutoRenewOn(s.ctx(), ona, id, app.Consent{}))
}

// What ran out is closed: the grace is seven days, then the plan falls to Free.
func TestCloseOverdue(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_000_530, "Ona")
	s.pay(s.order(ona, softphone(1, false, 6)))
	open := s.order(ona, softphone(1, false, 12))
	item := func() app.SubscriptionItem {
		list, err := s.Subscriptions(s.ctx(), ona)
		s.must(err)
		return list.Items[0]
	}
	end := item().PaidUntil
	for _, tt := range []struct {
		at    time.Time
		state subscription.State
		grace bool
	}{
		{end.Add(-time.Minute), subscription.StateActive, false},
		{end, subscription.StateActive, true},
		{end.Add(7 * 24 * time.Hour), subscription.StateActive, true},
		{end.Add(7*24*time.Hour + time.Minute), subscription.StateEnded, false},
	} {
		s.clock.Set(tt.at)
		s.must(s.CloseOverdue(s.ctx()))
		got := item()
		if got.State != tt.state || got.InGrace != tt.grace || got.GraceUntil.IsZero() == tt.grace {
			t.Errorf("%s: %s, in grace %v until %s", tt.at, got.State, got.InGrace, got.GraceUntil)
		}
		if tt.grace && !got.GraceUntil.Equal(end.Add(7*24*time.Hour)) {
			t.Errorf("grace until %s", got.GraceUntil)
		}
	}
	ended, err := s.Subscription(s.ctx(), ona, item().ID)
	s.must(err)
	if e := ended.History[len(ended.History)-1]; e.Kind != subscription.EventEnded || e.By != app.ByJob {
		t.Errorf("the end is told as %+v", e)
	}
	o, err := s.Order(s.ctx(), ona, open.Number)
	s.must(err)
	if o.State != "expired" {
		t.Errorf("the old order is %s", o.State)
	}
	// Late money at an unchanged price is accepted: a new subscription starts.
	s.pay(o)
	list, err := s.Subscriptions(s.ctx(), ona)
	s.must(err)
	if len(list.Items) != 2 || list.Items[0].State != subscription.StateActive {
		t.Errorf("after late money: %+v", list.Items)
	}
	s.clean()
}

// A widget return opens one session, whoever sends it and however often.
func TestASignInIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	state, err := s.BeginSignIn(s.ctx(), "", "/invoices")
	s.must(err)
	r := s.widgetReturn(7_900_000_000_540, "Ona", state)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		in   []app.SignedIn
		keys = map[string]int{}
	)
	for range 20 {
		wg.Go(func() {
			got, err := s.SignInTelegram(s.ctx(), r)
			mu.Lock()
			defer mu.Unlock()
			if f, ok := errors.AsType[*fault.Error](err); ok {
				keys[f.Key]++
			} else if err == nil {
				in = append(in, got)
			} else {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(in) != 1 || in[0].ReturnTo != "/invoices" {
		t.Fatalf("%d sessions, refusals %v", len(in), keys)
	}
	// The same proof under a fresh state is still a replay.
	state, err = s.BeginSignIn(s.ctx(), "", "/")
	s.must(err)
	r.Query.Set("st", state)
	r.CookieState = state
	if _, err := s.SignInTelegram(s.ctx(), r); !strings.Contains(fmt.Sprint(err), "error.login.used") {
		t.Errorf("replay: %v", err)
	}
	if n := s.count(`SELECT count(*) FROM session`); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	state, err := s.BeginSignIn(s.ctx(), "", "/")
	s.must(err)
	good := func() app.TelegramReturn { return s.widgetReturn(7_900_000_000_550, "Ona", state) }
	for name, tt := range map[string]struct {
		change func(*app.TelegramReturn)
		key    string
	}{
		"no cookie":           {func(r *app.TelegramReturn) { r.CookieState = "" }, "error.login.state"},
		"another's cookie":    {func(r *app.TelegramReturn) { r.CookieState = state[1:] + "x" }, "error.login.state"},
		"no state":            {func(r *app.TelegramReturn) { r.Query.Del("st") }, "error.login.state"},
		"state twice":         {func(r *app.TelegramReturn) { r.Query.Add("st", state) }, "error.login.state"},
		"unknown state":       {func(r *app.TelegramReturn) { r.Query.Set("st", "x"); r.CookieState = "x" }, "error.login.state"},
		"another's id":        {func(r *app.TelegramReturn) { r.Query.Set("id", "1") }, "error.login.forged"},
		"doubled id":          {func(r *app.TelegramReturn) { r.Query.Add("id", r.Query.Get("id")) }, "error.login.forged"},
		"no hash":             {func(r *app.TelegramReturn) { r.Query.Del("hash") }, "error.login.forged"},
		"an hour ago":         {func(r *app.TelegramReturn) { s.clock.Set(s.clock.Now().Add(time.Hour)) }, "error.login.stale"},
		"a state of long ago": {func(r *app.TelegramReturn) { s.clock.Set(s.clock.Now().Add(11 * time.Minute)) }, "error.login."},
	} {
		now := s.clock.Now()
		r := good()
		tt.change(&r)
		if _, err := s.SignInTelegram(s.ctx(), r); !fault.Is(err, fault.Unauthenticated) || !strings.Contains(err.Error(), tt.key) {
			t.Errorf("%s: %v, want %s", name, err, tt.key)
		}
		s.clock.Set(now)
	}
	if n := s.count(`SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM session) + (SELECT count(*) FROM auth_nonce)`); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

// Idle for an hour, or twelve hours old, a session is over.
func TestSessionLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	state, err := s.BeginSignIn(s.ctx(), "", "/")
	s.must(err)
	in, err := s.SignInTelegram(s.ctx(), s.widgetReturn(7_900_000_000_560, "Ona", state))
	s.must(err)
	start := s.clock.Now()
	alive := func(after time.Duration) bool {
		s.clock.Set(start.Add(after))
		_, err := s.ActorBySession(s.ctx(), in.Token)
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Fatal(err)
		}
		return err == nil
	}
	for after := 50 * time.Minute; after < 12*time.Hour; after += 50 * time.Minute {
		if !alive(after) {
			t.Fatalf("dead after %s", after)
		}
	}
	if alive(12*time.Hour + time.Second) {
		t.Error("alive after twelve hours")
	}
	state, err = s.BeginSignIn(s.ctx(), "", "/")
	s.must(err)
	in, err = s.SignInTelegram(s.ctx(), s.widgetReturn(7_900_000_000_560, "Ona", state))
	s.must(err)
	start = s.clock.Now()
	if !alive(59 * time.Minute) {
		t.Error("dead after 59 idle minutes")
	}
	start = s.clock.Now()
	if alive(61 * time.Minute) {
		t.Error("alive after 61 idle minutes")
	}
}

// Billing details that make no sense are refused, every mistake at once.
func TestBillingMistakes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona := s.signIn(7_900_000_000_570, "Ona")
	payers, err := s.Payers(s.ctx(), ona)
	s.must(err)
	save := func(in app.PayerInput) error {
		_, err := s.SavePayer(s.ctx(), ona, payers[0].ID, in)
		return err
	}
	with := func(change func(*app.PayerInput)) app.PayerInput {
		in := lithuanian("Ona")
		in.Kind = "company"
		change(&in)
		return in
	}
	for name, tt := range map[string]struct {
		in     app.PayerInput
		fields string
	}{
		"empty":                {app.PayerInput{}, "name street city kind country email"},
		"long name":            {with(func(in *app.PayerInput) { in.Name = strings.Repeat("ж", 10_000) }), "name"},
		"name of nothing":      {with(func(in *app.PayerInput) { in.Name = "\u202e\x00\u200b " }), "name"},
		"kind":                 {with(func(in *app.PayerInput) { in.Kind = "cat" }), "kind"},
		"country ZZ":           {with(func(in *app.PayerInput) { in.Country = "ZZ" }), "country"},
		"country EL":           {with(func(in *app.PayerInput) { in.Country = "EL" }), "country"},
		"e-mail without at":    {with(func(in *app.PayerInput) { in.Email = "ona" }), "email"},
		"e-mail of two lines":  {with(func(in *app.PayerInput) { in.Email = "a@b.lt\nBcc: c@d.lt" }), "email"},
		"e-mail with a name":   {with(func(in *app.PayerInput) { in.Email = "Ona <a@b.lt>" }), "email"},
		"e-mail to a machine":  {with(func(in *app.PayerInput) { in.Email = "root@[10.0.0.5]" }), "email"},
		"e-mail to an IPv6":    {with(func(in *app.PayerInput) { in.Email = "root@[IPv6:::ffff:10.0.0.5]" }), "email"},
		"language":             {with(func(in *app.PayerInput) { in.Language = "tlh" }), "language"},
		"currency":             {with(func(in *app.PayerInput) { in.Currency = "XXX" }), "currency"},
		"VAT number's form":    {with(func(in *app.PayerInput) { in.VATNumber = "LT12" }), "vat_number"},
		"VAT number's digit":   {with(func(in *app.PayerInput) { in.VATNumber = "LT119511516" }), "vat_number"},
		"VAT number as script": {with(func(in *app.PayerInput) { in.Country, in.VATNumber = "UA", strings.Repeat("<script>", 40) }), "vat_number"},
	} {
		err := save(tt.in)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Invalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, field := range f.Fields {
			got = append(got, field.Name)
		}
		if strings.Join(got, " ") != tt.fields {
			t.Errorf("%s: %v, want %s", name, got, tt.fields)
		}
	}
	s.must(save(with(func(in *app.PayerInput) { in.VATNumber, in.VATNumberConfirm = "lt 119511516", true })))
	s.must(save(with(func(in *app.PayerInput) { in.Name = "  O'Brien \u202e& Сыновья 😀 عربى  " })))
	payers, err = s.Payers(s.ctx(), ona)
	s.must(err)
	if payers[0].Name != "O'Brien & Сыновья 😀 عربى" {
		t.Errorf("stored %q", payers[0].Name)
	}
	s.pay(s.order(ona, softphone(1, false, 6))) // such a name prints, too
	s.clean()
}
