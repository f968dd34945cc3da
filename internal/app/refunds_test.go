package app_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/support"
)

// staff signs somebody in who works in the back office.
func (s *site) staff(id int64, name string, role account.StaffRole) account.Actor {
	s.t.Helper()
	actor := s.signIn(id, name)
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error { return tx.SaveStaffMember(s.ctx(), actor.AccountID, role, "command:test") }))
	return actor
}

// wait lets whole days go by.
func (s *site) wait(days int) { s.clock.Set(s.clock.Now().Add(time.Duration(days) * 24 * time.Hour)) }

// paidByCard is a customer with a subscription that was paid by card and
// invoiced.
func (s *till) paidByCard(id int64, name string, accounts int) (actor account.Actor, subscriptionID string, o app.OrderDetail) {
	s.t.Helper()
	actor, _ = s.customer(id, name)
	o = s.order(actor, softphone(accounts, false, 6))
	s.must(s.Press(s.open(actor, o.Number, app.StartPaymentInput{}), "pay", sandbox.CardOK, false))
	s.must(s.returned(actor, o.Number))
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	o, err := s.Order(s.ctx(), actor, o.Number)
	s.must(err)
	return actor, o.SubscriptionID, o
}

// sendRefunds does what the jobs would.
func (s *site) sendRefunds() {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `SELECT id FROM refund WHERE state IN ('requested', 'unknown', 'pending') ORDER BY created_at, id`)
	s.must(err)
	var ids []string
	for rows.Next() {
		var id string
		s.must(rows.Scan(&id))
		ids = append(ids, id)
	}
	s.must(rows.Err())
	for _, id := range ids {
		s.must(s.SendRefund(s.ctx(), id))
	}
}

func TestRefundToTheCard(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, o := s.paidByCard(7_900_000_003_000, "Ona", 2) // 36.00 + 21 %
	finance := s.staff(7_900_000_003_001, "Rasa", account.StaffFinance)
	s.wait(60)
	offer, err := s.RefundOffer(s.ctx(), ona, id)
	s.must(err)
	part := offer.Parts[0]
	if offer.Days != 120 || part.Of != 181 || offer.Net != 23_87 || offer.VAT != 5_01 || offer.Total != 28_88 || offer.ToMethod != 28_88 ||
		offer.ToBalance != 0 || offer.NeedsTwo || part.Invoice != o.InvoiceNumber || part.Order != o.Number {
		t.Errorf("offer: %+v", offer)
	}
	request, err := s.AskRefund(s.ctx(), ona, id, "method", "The employee has left.")
	s.must(err)
	list, err := s.RefundRequests(s.ctx(), finance)
	s.must(err)
	if len(list) != 1 || list[0].ID != request || list[0].Total != 28_88 || list[0].AskedByName != "Ona" || !list[0].MayDecide || list[0].State != support.RefundRequested {
		t.Errorf("requests: %+v", list)
	}
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	item, err := s.Subscription(s.ctx(), ona, id)
	s.must(err)
	if item.State != "ended" || item.AutoRenew || !item.PaidUntil.Equal(s.clock.Now()) {
		t.Errorf("subscription: %+v", item.Subscription)
	}
	s.sendRefunds()
	s.webhooks()
	b, err := s.Balance(s.ctx(), ona, item.PayerID, 0)
	s.must(err)
	if b.Amount != 0 {
		t.Errorf("balance %s", b.Amount.Decimal())
	}
	var back money.Amount
	for _, e := range s.Book() {
		back += e.Refunded()
	}
	if back != 28_88 {
		t.Errorf("the card got %s", back.Decimal())
	}
	page, err := s.Invoices(s.ctx(), ona, app.InvoiceFilter{Type: invoice.KindCreditNote})
	s.must(err)
	if len(page.Items) != 1 || page.Items[0].Number != "SIPC-2027-000001" || page.Items[0].Total != 28_88 {
		t.Fatalf("documents: %+v", page.Items)
	}
	d, err := s.Invoice(s.ctx(), ona, "SIPC-2027-000001")
	s.must(err)
	if d.Corrects.Number != o.InvoiceNumber || d.Returned.Method != 28_88 || d.Buyer.Name != "Ona" || d.Total != 28_88 || d.ServiceTo.String() != "2027-05-22" {
		t.Errorf("credit note: %+v", d)
	}
	if file, err := s.InvoiceFile(s.ctx(), ona, d.Number); err != nil || len(file.Bytes) < 1000 {
		t.Errorf("file: %v", err)
	}
	mine, err := s.RefundRequestsOf(s.ctx(), ona)
	s.must(err)
	if len(mine) != 1 || mine[0].State != support.RefundDone || mine[0].Credited != 28_88 || mine[0].ToMethod != 28_88 || mine[0].ByHand {
		t.Errorf("own: %+v", mine)
	}
	if err := s.ApproveRefund(s.ctx(), finance, request); !fault.Is(err, fault.Conflict) {
		t.Errorf("again: %v", err)
	}
	if p, err := s.OrderPayment(s.ctx(), ona, o.Number); err != nil || p.State != payment.Succeeded || p.Refunded != 28_88 {
		t.Errorf("payment: %+v, %v", p, err)
	}
	s.agree()
}
