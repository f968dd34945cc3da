package pdf

import (
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"rsc.io/qr"
)

// returned says where the money of a credit note goes.
func (s *sheet) returned() {
	r := s.d.Returned
	if r == nil {
		return
	}
	lines := []block{gap(14), s.paragraph(left, s.t.T("doc.returned.title"), labelType, frameWidth), gap(2)}
	add := func(amount money.Amount, text string) {
		if amount > 0 {
			lines = append(lines, s.paragraph(left, text, bodyType, frameWidth))
		}
	}
	if r.Label != "" {
		add(r.Method, s.t.T("doc.returned.card", "Amount", s.money(r.Method), "Card", r.Label))
	} else {
		add(r.Method, s.t.T("doc.returned.method", "Amount", s.money(r.Method)))
	}
	add(r.Balance, s.t.T("doc.returned.balance", "Amount", s.money(r.Balance)))
	add(r.Forgiven, s.t.T("doc.returned.forgiven", "Amount", s.money(r.Forgiven)))
	s.place(stack(lines...))
}

// payment says how to pay what is due by bank transfer.
func (s *sheet) payment() {
	d := s.d
	if d.Kind == invoice.KindCreditNote || d.Due <= 0 || d.Payment.IBAN == "" {
		return
	}
	const padding, codeSize, labelWidth = 14.0, 104.0, 76.0
	code := EPCCode(d.Payment.EPC)
	limit := frameWidth - 2*padding
	if code != nil {
		limit -= codeSize + 24
	}
	x := left + padding
	var rows []block
	add := func(label, value string, st style, hint string) {
		if value == "" {
			return
		}
		text := []block{s.paragraph(x+labelWidth, value, st, limit-labelWidth)}
		if hint != "" {
			text = append(text, s.paragraph(x+labelWidth, hint, labelType, limit-labelWidth))
		}
		name := s.paragraph(x, label, style{8.5, false, grey}, labelWidth-8)
		shift := (st.leading()-style{size: 8.5}.leading())/2 + (st.rise()-style{size: 8.5}.rise())/2
		rows = append(rows, beside(block{name.height + shift, func(y float64) { name.draw(y + shift) }}, stack(text...)), gap(2))
	}
	add(s.t.T("doc.pay.beneficiary"), d.Payment.Beneficiary, strongType, "")
	add(s.t.T("doc.pay.iban"), groups(d.Payment.IBAN), codeType, "")
	add(s.t.T("doc.pay.bic"), d.Payment.BIC, bodyType, "")
	bank := d.Payment.Bank
	if bank != "" && d.Payment.BankAddress != "" {
		bank += ", " + d.Payment.BankAddress
	}
	add(s.t.T("doc.pay.bank"), bank, bodyType, "")
	add(s.t.T("doc.pay.reference"), groups(d.Reference), codeType, s.t.T("doc.pay.reference_hint"))
	add(s.t.T("doc.pay.amount"), s.money(d.Due), codeType, "")

	words := stack(
		s.paragraph(x, s.t.T("doc.pay.title"), headType, limit), gap(6),
		stack(rows...), gap(4),
		s.paragraph(x, s.t.T("doc.pay.charges"), labelType, limit),
	)
	if code != nil {
		words = beside(words, s.code(right-padding-codeSize, codeSize, code))
	}
	s.place(stack(gap(12), s.background(left, frameWidth, padding, tint, words)))
}

// code draws the QR code on white, with its quiet zone, over its caption.
func (s *sheet) code(x, size float64, code *Code) block {
	caption := s.t.T("doc.pay.qr")
	text := s.paragraph(x, caption, labelType, size)
	return block{size + 6 + text.height, func(y float64) {
		s.panel(x, y, size, size, 4, white)
		quiet := size * 4 / float64(code.Size+8) // four modules, ISO/IEC 18004
		s.modules(x+quiet, y+quiet, size-2*quiet, code.Size, code.Black)
		text.draw(y + size + 6)
	}}
}

// Code is a QR code: Size squares a side, Black tells the dark ones.
type Code = qr.Code

// EPCCode encodes the payload of an EPC QR code: level M, at most version 13
// and 331 bytes (EPC069-12). Beyond that there is none, nil; the words beside it
// say the same.
func EPCCode(payload string) *Code {
	if payload == "" || len(payload) > 331 {
		return nil
	}
	code, err := qr.Encode(payload, qr.M)
	if err != nil || code.Size > 69 {
		return nil
	}
	return code
}
