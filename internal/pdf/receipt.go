package pdf

// receipt says what was received and how, and what the money is for.
func (s *sheet) receipt() {
	const padding, labelWidth = 12.0, 124.0
	d := s.d
	x, limit := left+padding, frameWidth-2*padding
	rows := []block{s.phrase(x, s.say("doc.receipt.title"), headType, limit), gap(6)}
	add := func(label, value phrase) {
		if value.text == "" {
			return
		}
		name := s.phrase(x, label, noteType, labelWidth-8)
		rows = append(rows, beside(s.level(name, noteType, strongType), s.phrase(x+labelWidth, value, strongType, limit-labelWidth)), gap(4))
	}
	method := "doc.receipt.method.other"
	switch d.Payment.Method {
	case "bank":
		method = "doc.receipt.method.bank"
	case "card":
		method = "doc.receipt.method.card"
	}
	add(s.say("doc.receipt.amount"), phrase{text: s.money(d.Total)})
	add(s.say("doc.receipt.on"), s.day(d.Payment.PaidOn))
	add(s.say("doc.receipt.method"), s.say(method))
	add(s.say("doc.receipt.from"), phrase{text: d.Payment.From})
	add(s.say("doc.pay.reference"), phrase{text: groups(d.Reference)})
	add(s.say("doc.receipt.to"), phrase{text: d.Buyer.Name})
	s.place(s.background(left, frameWidth, padding, tint, stack(rows...)))
	s.place(stack(gap(14), s.phrase(left, s.say("doc.receipt.text"), bodyType, frameWidth)))
}
