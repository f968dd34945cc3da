package pdf

import (
	"strings"

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
	lines := []block{gap(14), s.phrase(left, s.say("doc.returned.title"), labelType, frameWidth), gap(2)}
	add := func(amount money.Amount, key string) {
		if amount > 0 {
			lines = append(lines, s.phrase(left, s.say(key, "Amount", amount, "Card", r.Label, "Account", r.Account), bodyType, frameWidth))
		}
	}
	if r.Label != "" {
		add(r.Method, "doc.returned.card")
	} else {
		add(r.Method, "doc.returned.method")
	}
	if r.Account != "" {
		add(r.Transfer, "doc.returned.account")
	} else {
		add(r.Transfer, "doc.returned.transfer")
	}
	add(r.Applied, "doc.returned.applied")
	add(r.Balance, "doc.returned.balance")
	add(r.Forgiven, "doc.returned.forgiven")
	s.place(stack(append(lines, s.verify())...))
}

// payment says how to pay what is due by bank transfer.
func (s *sheet) payment() {
	d := s.d
	if d.Kind == invoice.KindCreditNote || d.Due <= 0 || d.Payment.IBAN == "" {
		return
	}
	const padding, codeSize, labelWidth = 12.0, 100.0, 68.0
	code := EPCCode(d.Payment.EPC)
	limit := frameWidth - 2*padding
	if code != nil {
		limit -= codeSize + 16
	}
	x := left + padding
	var rows []block
	add := func(label phrase, value string, st style, hint phrase) {
		if value == "" {
			return
		}
		text := []block{s.paragraph(x+labelWidth, value, st, limit-labelWidth)}
		if hint.text != "" {
			text = append(text, s.phrase(x+labelWidth, hint, labelType, limit-labelWidth))
		}
		rows = append(rows, beside(s.level(s.phrase(x, label, noteType, labelWidth-8), noteType, st), stack(text...)), gap(2))
	}
	add(s.say("doc.pay.beneficiary"), d.Payment.Beneficiary, strongType, phrase{})
	add(s.say("doc.pay.iban"), groups(d.Payment.IBAN), codeType, phrase{})
	add(s.say("doc.pay.bic"), d.Payment.BIC, bodyType, phrase{})
	add(s.say("doc.pay.bank"), strings.Join(nonEmpty(d.Payment.Bank, d.Payment.BankAddress), ", "), bodyType, phrase{})
	add(s.say("doc.pay.reference"), groups(d.Reference), codeType, s.say("doc.pay.reference_hint"))
	add(s.say("doc.pay.amount"), s.money(d.Due), codeType, phrase{})
	if by := s.payBy(); by.text != "" { // beside the amount
		row := len(rows) - 2
		shift := width([]rune(s.money(d.Due)), codeType) + 12
		until := s.level(s.phrase(x+labelWidth+shift, by, noteType, limit-labelWidth-shift), noteType, codeType)
		rows[row] = beside(rows[row], until)
	}

	words := stack(
		s.phrase(x, s.say("doc.pay.title"), headType, limit), gap(5),
		stack(rows...), gap(3),
		s.phrase(x, s.say("doc.pay.charges"), labelType, limit),
	)
	if code != nil {
		words = beside(words, s.code(right-padding-codeSize, codeSize, code))
	}
	s.place(stack(gap(11), s.background(left, frameWidth, padding, tint, words)))
}

// level moves a label down, so that it stands on the line of a value in larger
// type beside it.
func (s *sheet) level(label block, of, value style) block {
	shift := (value.leading()-of.leading())/2 + (value.rise()-of.rise())/2
	return block{label.height + shift, func(y float64) { label.draw(y + shift) }}
}

// code draws the QR code on white, with its quiet zone, over its caption.
func (s *sheet) code(x, size float64, code *Code) block {
	text := s.phrase(x, s.say("doc.pay.qr"), labelType, size)
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
