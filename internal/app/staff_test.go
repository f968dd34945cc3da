package app_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// colleague signs somebody in who works in the back office.
func (s *site) colleague(id int64, name string, role account.StaffRole) account.Actor {
	s.t.Helper()
	s.must(s.AddStaff(s.ctx(), account.TelegramID(id), role, audit.ByCommand("test")))
	return s.signIn(id, name)
}

func TestStaffComesAndGoes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const id = 7_900_000_003_000
	rasa := s.colleague(id, "Rasa", account.StaffSupport) // before the first sign-in
	if rasa.Staff != account.StaffSupport || rasa.Name != "Rasa" {
		t.Errorf("signed in: %+v", rasa)
	}
	if payers, err := s.Payers(s.ctx(), rasa); err != nil || len(payers) != 1 || payers[0].Name != "Rasa" {
		t.Errorf("payers: %+v, %v", payers, err)
	}
	s.must(s.AddStaff(s.ctx(), id, account.StaffAdmin, audit.ByCommand("test")))
	s.must(s.AddStaff(s.ctx(), id+1, account.StaffFinance, audit.ByCommand("test")))
	members, err := s.Staff(s.ctx())
	s.must(err)
	if len(members) != 2 || members[0].Name != "Rasa" || members[0].Role != account.StaffAdmin || members[1].Name != "" || members[1].TelegramID != id+1 {
		t.Errorf("members: %+v", members)
	}
	if _, err := s.StaffHome(s.ctx(), rasa); err != nil {
		t.Error(err)
	}
	s.must(s.RemoveStaff(s.ctx(), id, audit.ByCommand("test")))
	// The role is read again, whatever the request began with.
	if _, err := s.StaffHome(s.ctx(), rasa); !fault.Is(err, fault.NotFound) {
		t.Errorf("removed, and sees the back office: %v", err)
	}
	if err := s.RemoveStaff(s.ctx(), id, audit.ByCommand("test")); !fault.Is(err, fault.NotFound) {
		t.Errorf("removed twice: %v", err)
	}
	s.clock.Set(s.clock.Now().Add(time.Second))
	if got := s.signIn(id, "Rasa").Staff; got != "" {
		t.Errorf("signed in again as %q", got)
	}
	for _, bad := range []account.TelegramID{0, -1, 1 << 52} {
		if err := s.AddStaff(s.ctx(), bad, account.StaffAdmin, audit.ByCommand("test")); !fault.Is(err, fault.Invalid) {
			t.Errorf("id %d: %v", bad, err)
		}
	}
	if err := s.AddStaff(s.ctx(), id, "owner", audit.ByCommand("test")); !fault.Is(err, fault.Invalid) {
		t.Errorf("a role that there is not: %v", err)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action IN ('staff.added', 'staff.removed')`); n != 4 {
		t.Errorf("%d lines in the audit log", n)
	}
}

// Idle for a quarter of an hour, or eight hours old, the session of somebody who
// works in the back office is over, on every page; that of a customer is not.
func TestStaffSessionLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const rasa, ona = 7_900_000_003_010, 7_900_000_003_011
	s.must(s.AddStaff(s.ctx(), rasa, account.StaffFinance, audit.ByCommand("test")))
	signIn := func(id int64) string {
		state, err := s.BeginSignIn(s.ctx(), "", "/")
		s.must(err)
		in, err := s.SignInTelegram(s.ctx(), s.widgetReturn(id, "Somebody", state))
		s.must(err)
		return in.Token
	}
	alive := func(token string) bool {
		_, err := s.ActorBySession(s.ctx(), token)
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Fatal(err)
		}
		return err == nil
	}
	begin := s.clock.Now()
	token := signIn(rasa)
	for after := 14 * time.Minute; after < 8*time.Hour; after += 14 * time.Minute {
		if s.clock.Set(begin.Add(after)); !alive(token) {
			t.Fatalf("over after %s, never idle for long", after)
		}
	}
	s.clock.Set(begin.Add(8*time.Hour - time.Second))
	if !alive(token) {
		t.Error("over a second before eight hours")
	}
	s.clock.Set(begin.Add(8 * time.Hour))
	if alive(token) {
		t.Error("alive after eight hours")
	}

	token, customer := signIn(rasa), signIn(ona)
	begin = s.clock.Now()
	s.clock.Set(begin.Add(15*time.Minute - time.Second))
	if !alive(token) {
		t.Error("over after less than a quarter of an hour")
	}
	begin = s.clock.Now()
	s.clock.Set(begin.Add(15 * time.Minute))
	if alive(token) || !alive(customer) {
		t.Error("alive after a quarter of an hour, or the customer is not")
	}
	// It stays over, however often it is tried, and the person is known to be staff.
	s.clock.Set(begin.Add(16 * time.Minute))
	if _, err := s.ActorBySession(s.ctx(), token); !errors.Is(err, app.ErrStaffSessionOver) {
		t.Errorf("the second try: %v", err)
	}
	if _, err := s.ActorBySession(s.ctx(), "nobody's"); !fault.Is(err, fault.Unauthenticated) || errors.Is(err, app.ErrStaffSessionOver) {
		t.Errorf("nobody's token: %v", err)
	}
	// Who has left the back office has a customer's session.
	s.must(s.RemoveStaff(s.ctx(), rasa, audit.ByCommand("test")))
	if !alive(token) {
		t.Error("over for who is no staff any more")
	}
}

// Staff find a payment by whatever its payer knows of it, and every look is
// written down.
func TestStaffFindsPayments(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_003_020, "Ona")
	jonas, _ := s.customer(7_900_000_003_021, "Jonas")
	card := s.order(ona, softphone(2, true, 6)) // 72.60
	s.must(s.Press(s.open(ona, card.Number, keep()), "pay", sandbox.CardOK, true))
	s.must(s.returned(ona, card.Number))
	p, err := s.OrderPayment(s.ctx(), ona, card.Number)
	s.must(err)
	_, err = s.db.Pool().Exec(s.ctx(), `UPDATE payment_method SET label = 'Visa •••• 4242'`) // as real providers name it
	s.must(err)
	transfer := s.order(jonas, softphone(3, true, 6)) // 108.90
	s.pay(transfer)
	lost := s.entry(transfer)
	lost.References, lost.Amount, lost.Payer, lost.Text = nil, 12_34, "Somebody", "for my phone"
	s.importFile(s.camt(banktest.Version08, lost))

	rasa := s.colleague(7_900_000_003_022, "Rasa", account.StaffSupport)
	find := func(typed string, filter app.PaymentFilter) []string {
		t.Helper()
		found, err := s.SearchPayments(s.ctx(), rasa, typed, filter)
		if err != nil {
			t.Errorf("%q: %v", typed, err)
		}
		var out []string
		for _, f := range found.Items {
			out = append(out, f.Order+" "+f.Amount.String())
		}
		return out
	}
	byCard, byBank, nobodys := card.Number+" 72.60 EUR", transfer.Number+" 108.90 EUR", " 12.34 EUR"
	for typed, want := range map[string][]string{
		"":                                     nil,
		"72.60":                                {byCard},
		"72,6":                                 {byCard},
		"€72.60":                               {byCard},
		"72,60 EUR":                            {byCard},
		"108.90":                               {byBank},
		"12.34":                                {nobodys},
		"72.61":                                nil,
		"4242":                                 {byCard},
		"•••• 4242":                            {byCard},
		"4243":                                 nil,
		"2026-11-23 72.60":                     {byCard},
		"26.11.2026 72.60":                     {byCard}, // booked three days later
		"2026-11-22 4242":                      {byCard}, // in another zone
		"2026-11-27 72.60":                     nil,
		"2026-11-21 72.60":                     nil,
		"2026-11-23 4242 72.60":                {byCard},
		card.Number:                            {byCard},
		card.Number + " 108.90":                nil,
		card.Reference:                         {byCard},
		bank.Reference(card.Reference).Print(): {byCard},
		p.Ref:                                  {byCard},
		string(p.ID):                           {byCard},
		transfer.Reference:                     {byBank},
		transfer.Number[len("O-2026-"):]:       {byBank},
		"phone":                                {nobodys},
		"%":                                    nil,
		"' OR 1=1 --":                          nil,
	} {
		if typed == "' OR 1=1 --" { // several references
			if _, err := s.SearchPayments(s.ctx(), rasa, typed, ""); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", typed, err)
			}
			continue
		}
		if got := find(typed, ""); !slices.Equal(got, want) {
			t.Errorf("%q finds %q, want %q", typed, got, want)
		}
	}
	if got := find("", app.PaymentsSuspense); !slices.Equal(got, []string{nobodys}) {
		t.Errorf("in suspense: %q", got)
	}
	for _, filter := range []app.PaymentFilter{app.PaymentsParked, app.PaymentsUnknown, app.PaymentsAlerted} {
		if got := find("", filter); len(got) != 0 {
			t.Errorf("%s: %q", filter, got)
		}
	}
	if _, err := s.SearchPayments(s.ctx(), rasa, "", "everything"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a filter that there is not: %v", err)
	}
	if _, err := s.SearchPayments(s.ctx(), rasa, "1.00 2.00", ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("two amounts: %v", err)
	}

	views := func() int { return s.count(`SELECT count(*) FROM audit WHERE action = 'staff.viewed'`) }
	before := views()
	seen, err := s.StaffPayment(s.ctx(), rasa, string(p.ID))
	s.must(err)
	if seen.Payer != "Ona" || seen.Order != card.Number || seen.Method != "Visa •••• 4242" || len(seen.Events) < 2 || len(seen.Bookings) != 1 || seen.Entry != nil {
		t.Errorf("the payment: %+v", seen)
	}
	if views() != before+1 || s.count(`SELECT count(*) FROM audit WHERE action = 'staff.viewed' AND payer_id = $1 AND object_id = $2 AND actor = $3`,
		string(payer), string(p.ID), string(audit.ByAccount(rasa.AccountID))) != 1 {
		t.Error("the look is not in the audit log, or not once")
	}
	// A payment that its provider shows otherwise, and one that nobody knows.
	_, err = s.db.Pool().Exec(s.ctx(), `UPDATE payment SET parked = 'amount_mismatch' WHERE id = $1`, string(p.ID))
	s.must(err)
	_, err = s.db.Pool().Exec(s.ctx(), `INSERT INTO audit (at, actor, action, object_kind, object_id, detail)
		VALUES ($1, 'job:payments', 'payment.alert', 'payment', $2, '{"why": "amount_mismatch"}')`, s.clock.Now(), string(p.ID))
	s.must(err)
	home, err := s.StaffHome(s.ctx(), rasa)
	s.must(err)
	if home.Parked != 1 || home.Unknown != 0 || home.Alerted != 1 || home.Suspense != 1 || home.OldestEntry != s.Today() {
		t.Errorf("waiting: %+v", home)
	}
	for _, filter := range []app.PaymentFilter{app.PaymentsParked, app.PaymentsAlerted} {
		if got := find("", filter); !slices.Equal(got, []string{byCard}) {
			t.Errorf("%s: %q", filter, got)
		}
	}
	s.clock.Set(s.clock.Now().Add((app.StaffAlertDays*24 + 1) * time.Hour))
	if home, err = s.StaffHome(s.ctx(), rasa); err != nil || home.Alerted != 0 || home.Parked != 1 {
		t.Errorf("waiting two weeks later: %+v, %v", home, err)
	}

	// To everybody else none of it exists, and nothing is written.
	before = views()
	for _, who := range []account.Actor{ona, {}} {
		if _, err := s.StaffPayment(s.ctx(), who, string(p.ID)); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q looks at a payment: %v", who.Name, err)
		}
		if _, err := s.SearchPayments(s.ctx(), who, "72.60", ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q searches: %v", who.Name, err)
		}
	}
	for _, id := range []string{"", "x", string(payer)} {
		if _, err := s.StaffPayment(s.ctx(), rasa, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("payment %q: %v", id, err)
		}
	}
	if views() != before {
		t.Error("a look that saw nothing is in the audit log")
	}
}
