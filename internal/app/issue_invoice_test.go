package app_test

import (
	"strings"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// newest is the invoice of the actor's order that was paid last.
func (s *site) newest(actor account.Actor) (number string) {
	s.t.Helper()
	s.must(s.IssuePending(s.ctx()))
	s.must(s.db.Pool().QueryRow(s.ctx(), `
		SELECT i.number FROM invoice i JOIN member m ON m.payer_id = i.payer_id AND m.account_id = $1
		WHERE i.kind = 'invoice' ORDER BY i.issued_at DESC, i.number DESC LIMIT 1`, string(actor.AccountID)).Scan(&number))
	return number
}

// An invoice says how its order was paid, not how that was to be paid: the words
// of the page, and the code of the means of payment (BT-81).
func TestAnInvoiceSaysWhatPaid(t *testing.T) {
	t.Parallel()
	const transfer, card, clearing = "42", "48", "97"
	for _, c := range []struct {
		what, method, means string
		pay                 func(s *till) account.Actor
	}{
		{"a transfer", "bank", transfer, func(s *till) account.Actor {
			ona, _ := s.customer(7_900_000_013_000, "Ona")
			s.pay(s.order(ona, softphone(1, false, 6)))
			return ona
		}},
		{"a saved card that renews", "card", card, func(s *till) account.Actor {
			ona, id, _ := s.subscriber(7_900_000_013_010, sandbox.CardOK)
			s.live(s.end(id), -3, -3)
			return ona
		}},
		{"the balance, for a renewal that has a bank invoice", "balance", clearing, func(s *till) account.Actor {
			ona, payer := s.customer(7_900_000_013_020, "Ona")
			s.pay(s.order(ona, softphone(1, false, 6)))
			var id string
			s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT id FROM subscription`).Scan(&id))
			end := s.end(id)
			s.live(end, -30, -30)
			if open := s.openOrders(ona); len(open) != 1 {
				s.t.Fatalf("%+v", open)
			}
			s.fund(ona, payer, 30_00)
			s.live(end, -3, -3)
			return ona
		}},
		{"a transfer after the card page was given up", "bank", transfer, func(s *till) account.Actor {
			ona, _ := s.customer(7_900_000_013_030, "Ona")
			o := s.order(ona, softphone(1, false, 6))
			s.open(ona, o.Number, keep())
			s.pay(o)
			return ona
		}},
		{"a part, and the rest that a person knew", "bank", transfer, func(s *till) account.Actor {
			finance := s.staff(7_900_000_013_061, "Rasa", account.StaffFinance)
			ona, _ := s.customer(7_900_000_013_060, "Ona")
			o := s.order(ona, softphone(1, false, 6))
			part, rest := s.entry(o), s.stray(o.Total-10_00)
			part.Amount = 10_00
			s.arrives(part)
			id, _ := s.arrives(rest)
			s.must(s.DecideSuspense(s.ctx(), finance, id, app.SuspenseDecision{Kind: bank.DecideOrder, Order: o.Number, Reason: "she wrote"}))
			s.must(s.IssueInvoice(s.ctx(), o.ID))
			return ona
		}},
		{"a card after a bank invoice", "card", card, func(s *till) account.Actor {
			ona, _, _ := s.subscriber(7_900_000_013_040, sandbox.CardOK)
			return ona
		}},
		{"the balance, ordered so", "balance", clearing, func(s *till) account.Actor {
			ona, payer := s.customer(7_900_000_013_050, "Ona")
			s.fund(ona, payer, 30_00)
			_, err := s.place(ona, softphone(1, false, 6), order.MethodBalance)
			s.must(err)
			return ona
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			actor := c.pay(s)
			number := s.newest(actor)
			if d := s.document(actor, number); d.Payment.Method != c.method {
				t.Errorf("paid by %q, want %q", d.Payment.Method, c.method)
			}
			_, cii, _ := s.invoiceFiles(actor, number)
			if !strings.Contains(string(cii.Bytes), "<ram:TypeCode>"+c.means+"</ram:TypeCode>") {
				t.Errorf("the means of payment are not %s", c.means)
			}
			s.clean()
		})
	}
}
