package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/views"
)

// invoicesPage is GET /invoices.
func (s *server) invoicesPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	filter, err := readInvoiceFilter(values)
	return s.showInvoices(c, values, filter, err)
}

// showInvoices shows the list, or its form with what is wrong with it.
func (s *server) showInvoices(c echo.Context, values url.Values, filter app.InvoiceFilter, mistake error) error {
	ctx, actor := c.Request().Context(), s.actor(c)
	var list app.InvoicePage
	err := mistake
	if err == nil {
		list, err = s.app.Invoices(ctx, actor, filter)
	}
	status := http.StatusOK
	if fault.Is(err, fault.Invalid) {
		status = statusOf(err)
		if list.Payers, _ = s.app.Payers(ctx, actor); list.Payers == nil {
			return err
		}
	} else if err != nil {
		return err
	}
	page := invoicesView(s.page(c), values, list, s.app.Today())
	page.Errors = errorList(page.T, err, "q")
	return s.render(c, status, views.Invoices(page))
}

// readInvoiceFilter reads the filter form.
func readInvoiceFilter(values url.Values) (app.InvoiceFilter, error) {
	var fields fault.Fields
	day := func(name string) civil.Date {
		typed := strings.TrimSpace(values.Get(name))
		if typed == "" {
			return civil.Date{}
		}
		d, err := civil.Parse(typed)
		if err != nil {
			fields.Add(name, "error.date", nil)
		}
		return d
	}
	f := app.InvoiceFilter{
		From: day("from"), To: day("to"), Type: invoice.Kind(values.Get("type")), Payer: account.PayerID(values.Get("payer")),
		Query: values.Get("q"), After: values.Get("after"),
	}
	for name := range values {
		if number, ok := strings.CutPrefix(name, pickPrefix); ok {
			f.Numbers = append(f.Numbers, clip(number, 40))
		}
	}
	slices.Sort(f.Numbers)
	switch f.Type {
	case "", invoice.KindInvoice, invoice.KindCreditNote, invoice.KindBankInvoice, invoice.KindReceipt:
	default:
		fields.Add("type", "error.invoice.type", nil)
	}
	return f, fields.Err()
}

func invoiceURL(number string) string { return "/invoices/" + url.PathEscape(number) }

// Suffixes that tell the files of a document from its page.
const (
	pdfSuffix = ".pdf"
	ciiSuffix = ".xml"
	ublSuffix = ".ubl.xml"
)

// invoicePage is GET /invoices/{number}, and what Echo cannot tell from it: GET
// /invoices/{number}.pdf, .xml and .ubl.xml.
func (s *server) invoicePage(c echo.Context) error {
	number := c.Param("number")
	if strings.HasSuffix(number, pdfSuffix) || strings.HasSuffix(number, ciiSuffix) {
		return s.invoiceFile(c, number)
	}
	ctx, actor := c.Request().Context(), s.actor(c)
	d, err := s.app.Invoice(ctx, actor, number)
	if err != nil {
		return err
	}
	if d.Kind == invoice.KindReceipt { // a piece of paper, without a page
		return c.Redirect(http.StatusSeeOther, receiptURL(number))
	}
	p := s.page(c)
	page := views.DocumentPage{Page: p, Document: documentView(p.T, d), PDFURL: invoiceURL(number) + pdfSuffix}
	if d.Kind.IsTax() {
		notes, err := s.app.CreditNotesOf(ctx, actor, number)
		if err != nil {
			return err
		}
		if d.Kind == invoice.KindInvoice {
			fixable, replacedBy, err := s.app.InvoiceStands(ctx, actor, number)
			if err != nil {
				return err
			}
			if fixable {
				page.FixURL = "/requests/new/correction?" + url.Values{"invoice": {number}}.Encode()
			}
			if replacedBy != "" {
				page.Document.ReplacedBy = &views.Link{Text: replacedBy, URL: invoiceURL(replacedBy)}
			}
		}
		for _, n := range notes {
			page.Document.CorrectedBy = append(page.Document.CorrectedBy, views.Link{Text: n, URL: invoiceURL(n)})
		}
		proofs, err := s.app.InvoiceProofs(ctx, actor, number)
		if err != nil {
			return err
		}
		for _, x := range proofs {
			page.Proofs = append(page.Proofs, proofView(p.T, x.VATProof, x.Later, s.zone(c)))
		}
		page.CIIURL, page.UBLURL = invoiceURL(number)+ciiSuffix+"?download=1", invoiceURL(number)+ublSuffix+"?download=1"
	} else {
		list, err := s.app.Invoices(ctx, actor, app.InvoiceFilter{Type: d.Kind, Numbers: []string{number}})
		if err != nil {
			return err
		}
		for _, r := range list.Items {
			page.Document.State = documentState(r)
		}
	}
	// An accountant reads documents but sees no orders.
	if _, err := s.app.Order(ctx, actor, d.OrderNumber); err == nil {
		page.Document.OrderURL = orderURL(d.OrderNumber)
	} else if !fault.Is(err, fault.NotFound) {
		return err
	}
	return s.render(c, http.StatusOK, views.InvoiceDocument(page))
}

// invoiceFile sends a file of an invoice by its name.
func (s *server) invoiceFile(c echo.Context, name string) error {
	get, suffix := s.app.InvoiceFile, pdfSuffix
	switch {
	case strings.HasSuffix(name, ublSuffix): // it ends like the other one
		get, suffix = s.app.InvoiceUBL, ublSuffix
	case strings.HasSuffix(name, ciiSuffix):
		get, suffix = s.app.InvoiceCII, ciiSuffix
	}
	file, err := get(c.Request().Context(), s.actor(c), strings.TrimSuffix(name, suffix))
	if err != nil {
		return err
	}
	return sendFile(c, file)
}
