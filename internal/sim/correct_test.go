package sim

import (
	"context"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// paper is what the documents of an order say, and what the ledger says that they
// stand for.
type paper struct {
	Order             string // number
	Documents, Booked money.Amount
	Stand             int // invoices that are not replaced
	Off               int // rates of which more is credited than invoiced, or VAT without a base
}

const papersSQL = `
SELECT o.number, sum(CASE i.kind WHEN 'invoice' THEN i.total_minor ELSE -i.total_minor END)::bigint,
       (SELECT COALESCE(sum(p.amount_minor), 0)::bigint FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
        JOIN ledger_account a ON a.id = p.account_id AND a.kind IN ('balance', 'write_off')
        WHERE e.order_id = o.id AND e.kind = 'order_paid' OR e.credit_note_id IN (SELECT n.id FROM invoice n WHERE n.order_id = o.id)),
       count(*) FILTER (WHERE i.kind = 'invoice' AND NOT EXISTS (SELECT FROM invoice r WHERE r.replaces_id = i.id)),
       (SELECT count(*) FROM (SELECT sum(CASE x.kind WHEN 'invoice' THEN v.base_minor ELSE -v.base_minor END) AS base,
                                     sum(CASE x.kind WHEN 'invoice' THEN v.vat_minor ELSE -v.vat_minor END) AS vat
                              FROM invoice x JOIN invoice_vat v ON v.invoice_id = x.id WHERE x.order_id = o.id GROUP BY v.category, v.rate_bps, v.country) r
        WHERE base < 0 OR vat < 0 OR base = 0 AND vat <> 0)
FROM orders o JOIN invoice i ON i.order_id = o.id GROUP BY o.id`

// onPaper holds the documents of each order against the ledger.
func (w *world) onPaper(f facts) {
	for _, p := range f.papers {
		if p.Documents != p.Booked || p.Stand != 1 || p.Off > 0 {
			w.broke("I16", "the documents of %s say %s, the ledger %s; %d invoices stand, %d rates are off", p.Order, p.Documents.Decimal(), p.Booked.Decimal(), p.Stand, p.Off)
		}
	}
}

// correctable picks an invoice of somebody, mostly one that stands, and what its
// buyer is to be.
func (w *world) correctable(s step) (p *person, number string, in app.CorrectionInput, out string) {
	p, row, ok := having(w, s, func(p *person) (rows []app.InvoiceRow) {
		list, err := w.app.Invoices(w.ctx, p.actor, app.InvoiceFilter{Type: invoice.KindInvoice, Payer: p.payer})
		if err != nil {
			w.answer(err)
		}
		for _, r := range list.Items {
			if r.ReplacedBy == "" || s.C%8 == 7 {
				rows = append(rows, r)
			}
		}
		return rows
	})
	if !ok {
		return p, "", in, "no invoice"
	}
	return p, row.Number, w.otherBuyer(p, s.B), ""
}

// otherBuyer is mostly the payer under another name, and sometimes somebody whom
// VAT treats otherwise.
func (w *world) otherBuyer(p *person, n int) app.CorrectionInput {
	in := details[n/4%len(details)]
	if n%4 > 0 {
		for _, d := range details {
			if d.Name == p.name {
				in = d
			}
		}
	}
	in.Name = []string{in.Name, "Another Name", "A Third Name"}[n/32%3]
	return app.CorrectionInput{PayerInput: in, SaveProfile: n/128%4 == 0}
}

// correct has an invoice corrected; some send the form twice.
func correct(w *world, s step) string {
	p, number, in, out := w.correctable(s)
	if out != "" {
		return out
	}
	shown, err := w.app.PreviewCorrection(w.ctx, p.actor, number, in)
	if err != nil {
		return w.answer(err)
	}
	in.Token = shown.Token
	done, err := w.app.CorrectInvoice(w.ctx, p.actor, number, in)
	if err != nil {
		return w.answer(err)
	}
	if again, err := w.app.CorrectInvoice(w.ctx, p.actor, number, in); s.C%3 == 0 && (err == nil && again != done || err != nil && !w.crashed(err)) {
		w.broke("answer", "one form sent twice did %+v and %+v: %v", done, again, err)
	}
	if (done.Request == "") != shown.SameTax {
		w.broke("answer", "a correction with the same tax: %t, did %+v", shown.SameTax, done)
	}
	if done.Request != "" {
		return "asked"
	}
	d, err := w.app.Invoice(w.ctx, p.actor, done.Invoice)
	if err != nil {
		return w.answer(err)
	}
	if d.Buyer.Name != in.Name || d.Net != shown.Net || d.VATTotal != shown.OldVAT || d.TaxPoint != shown.Document.TaxPoint {
		w.broke("I16", "shown were %s and VAT of %s, the new invoice says %s and %s", shown.Net.Decimal(), shown.OldVAT.Decimal(), d.Net.Decimal(), d.VATTotal.Decimal())
	}
	return "ok"
}

// decideCorrection has the register answer, and staff decide about a request, or
// its payer take it back.
func decideCorrection(w *world, s step) string {
	var open []app.CorrectionRequest
	for _, p := range w.people {
		list, err := w.app.CorrectionRequestsOf(w.ctx, p.actor)
		if err != nil {
			return w.answer(err)
		}
		for _, r := range list {
			if r.State.Open() {
				open = append(open, r)
			}
		}
	}
	r, ok := pick(open, s.A)
	if !ok {
		return "nothing to decide"
	}
	staff := w.staff[s.B%len(w.staff)]
	switch s.C % 8 {
	case 0:
		return "rejected " + w.answer(w.app.RejectCorrection(w.ctx, staff, r.ID, "no"))
	case 1:
		return "taken back " + w.answer(w.app.WithdrawCorrectionRequest(w.ctx, w.payerOf(string(r.PayerID)).actor, r.ID))
	case 2:
		if r.Buyer.VATNumber != "" {
			return "confirmed " + w.answer(w.app.ConfirmVATNumber(w.ctx, r.Buyer.VATNumber, s.C/8%4 > 0, "vies", "", audit.ByCommand("sim")))
		}
	}
	err := w.app.ApproveCorrection(w.ctx, staff, r.ID)
	if err == nil && s.C/8%3 == 0 { // pressed twice
		if again := w.app.ApproveCorrection(w.ctx, staff, r.ID); again == nil || fault.Is(again, fault.Internal) && !w.crashed(again) {
			w.broke("I16", "approved twice by one person: %v", again)
		}
	}
	return w.answer(err)
}

// correctedTwice sends two forms for one invoice at once.
func correctedTwice(w *world, s step) (a, b func(context.Context) error) {
	p, number, in, out := w.correctable(s)
	if out != "" {
		return nil, nil
	}
	form := func(in app.CorrectionInput) func(context.Context) error {
		shown, err := w.app.PreviewCorrection(w.ctx, p.actor, number, in)
		if err != nil {
			return func(context.Context) error { return err }
		}
		in.Token = shown.Token
		return func(ctx context.Context) error {
			_, err := w.app.CorrectInvoice(ctx, p.actor, number, in)
			return err
		}
	}
	return form(in), form(w.otherBuyer(p, s.B+32))
}
