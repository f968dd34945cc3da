package pdf

// receipt says what was received and how, and what the money is for.
func (s *sheet) receipt() {
	const padding, labelWidth = 14.0, 110.0
	d := s.d
	x, limit := left+padding, frameWidth-2*padding
	rows := []block{s.paragraph(x, s.t.T("doc.receipt.title"), headType, limit), gap(6)}
	add := func(label, value string) {
		if value == "" {
			return
		}
		name := s.paragraph(x, label, noteType, labelWidth-8)
		rows = append(rows, beside(name, s.paragraph(x+labelWidth, value, strongType, limit-labelWidth)), gap(3))
	}
	method := "doc.receipt.method.other"
	switch d.Payment.Method {
	case "bank":
		method = "doc.receipt.method.bank"
	case "card":
		method = "doc.receipt.method.card"
	}
	add(s.t.T("doc.receipt.amount"), s.money(d.Total))
	if !d.Payment.PaidOn.IsZero() {
		add(s.t.T("doc.receipt.on"), s.date(d.Payment.PaidOn))
	}
	add(s.t.T("doc.receipt.method"), s.t.T(method))
	add(s.t.T("doc.receipt.from"), d.Payment.From)
	add(s.t.T("doc.pay.reference"), groups(d.Reference))
	add(s.t.T("doc.receipt.to"), d.Buyer.Name)
	s.place(s.background(left, frameWidth, padding, tint, stack(rows...)))
	s.place(stack(gap(14), s.paragraph(left, s.t.T("doc.receipt.text"), bodyType, frameWidth)))
}
