package app_test

import (
	"slices"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/pricing"
)

// A document whose transaction ends late is not passed over, though later ones of
// another series were seen before it, and nothing comes twice.
func TestTheFeedMissesNothingLate(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_006_000, "Ona")
	gateway := pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6}
	s.pay(s.order(ona, softphone(2, true, 12)))
	s.pay(s.order(ona, gateway))
	rasa, _ := s.customer(7_900_000_006_001, "Rasa") // whose documents are nobody's business
	s.pay(s.order(rasa, softphone(1, false, 6)))
	holder := app.KeyHolder{Payer: payer}
	jonas, _ := s.customer(7_900_000_006_002, "Jonas")
	s.order(jonas, gateway) // what the slow invoice is said to be for
	since := ""
	poll := func(want ...string) {
		t.Helper()
		var got []string
		for {
			feed := must(s.InvoiceFeed(s.ctx(), holder, since, 1))
			for _, d := range feed.Items {
				got = append(got, d.Number)
			}
			if since = feed.Next; !feed.More {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	poll("SIP-2026-000001", "SIP-2026-000002")
	poll()

	// An invoice takes its number and dawdles.
	slow := must(s.db.Pool().Begin(s.ctx()))
	for _, statement := range []string{
		`UPDATE series SET next = next + 1 WHERE kind = 'invoice'`,
		`INSERT INTO invoice (kind, series_id, seq, number, payer_id, order_id, issue_date, tax_point, currency, net_minor, vat_minor, total_minor, content, content_sha256, issued_at)
		 SELECT kind, series_id, 4, 'SIP-2026-000004', payer_id, (SELECT id FROM orders ORDER BY number DESC LIMIT 1), issue_date, tax_point, currency,
		        net_minor, vat_minor, total_minor, c.content, sha256(c.content), issued_at
		 FROM invoice i, LATERAL (SELECT convert_to(replace(convert_from(content, 'UTF8'), number, 'SIP-2026-000004'), 'UTF8') AS content) c WHERE number = 'SIP-2026-000001'`,
		`INSERT INTO invoice_vat (invoice_id, line, category, rate_bps, vat_row, country, base_minor, vat_minor)
		 SELECT (SELECT id FROM invoice WHERE seq = 4), line, category, rate_bps, vat_row, country, base_minor, vat_minor
		 FROM invoice_vat WHERE invoice_id = (SELECT id FROM invoice WHERE number = 'SIP-2026-000001')`,
	} {
		s.must(discard(slow.Exec(s.ctx(), statement)))
	}
	poll()
	offer := must(s.WithdrawalOffer(s.ctx(), ona, s.subscriptionOf(ona, pricing.Gateway)))
	s.must(discard(s.Withdraw(s.ctx(), ona, s.subscriptionOf(ona, pricing.Gateway), offer.Token)))
	poll("SIPC-2026-000001")
	s.must(slow.Commit(s.ctx()))
	poll("SIP-2026-000004")
	poll()
}

func (s *till) subscriptionOf(who account.Actor, plan pricing.Plan) string {
	s.t.Helper()
	for _, sub := range must(s.Subscriptions(s.ctx(), who)).Items {
		if sub.Selection.Plan == plan {
			return sub.ID
		}
	}
	s.t.Fatal("no such subscription")
	return ""
}
