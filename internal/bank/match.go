package bank

import (
	"regexp"
	"slices"
	"strings"

	"github.com/siptg/portal/internal/money"
	"golang.org/x/text/unicode/norm"
)

// ShortfallAccepted is what may be missing from a payment, in minor units of its
// currency: foreign banks keep a fee, and people round.
const ShortfallAccepted money.Amount = 100

// Rule says how an order was found, in the order in which the rules are tried.
type Rule string

// The rules.
const (
	RuleReference Rule = "reference"  // valid RF in the structured remittance information
	RuleText      Rule = "text"       // RF or order number in free text
	RuleEndToEnd  Rule = "end_to_end" // RF or order number in the payer's own id
	RuleAccount   Rule = "account"    // known account, exact amount, the only open order, no other name
)

// Candidate is something in an entry that may name an order: Reference or
// Number is set, never both. It is not known to exist.
type Candidate struct {
	Rule      Rule
	Reference Reference
	Number    string // "O-2026-000123"
}

// OrderState is what matters of an order's state to a payment for it.
type OrderState string

// The states. An order past its last day to pay is open for as long as its
// price holds, and canceled after that: the caller knows.
const (
	OrderOpen     OrderState = "open"
	OrderPaid     OrderState = "paid"
	OrderCanceled OrderState = "canceled"
)

// Order is what the rules need to know of an order.
type Order struct {
	Number    string
	Reference Reference
	State     OrderState
	Due       money.Money // what is still to be paid, VAT included
	Buyer     string      // name on the bank invoice
}

// Result is what becomes of an entry. Every entry has exactly one.
type Result string

// The results.
const (
	Matched  Result = "matched"  // pays the order
	Suspense Result = "suspense" // waits for a person
	Ignored  Result = "ignored"  // is not money for an order
)

// Reason says why an entry is not simply matched.
type Reason string

// The reasons. ReasonPaid is the one of a match.
const (
	ReasonPaid          Reason = "paid"
	ReasonReversal      Reason = "reversal"
	ReasonReturn        Reason = "return"
	ReasonReturnSent    Reason = "return_sent" // a return that somebody confirmed, leaving
	ReasonDebit         Reason = "debit"
	ReasonNotBooked     Reason = "not_booked"
	ReasonZero          Reason = "zero_amount"
	ReasonDoubtful      Reason = "possible_repeat"
	ReasonBundle        Reason = "batch_without_amounts"
	ReasonUnmatched     Reason = "unmatched"
	ReasonAmbiguous     Reason = "several_orders"
	ReasonWrongCurrency Reason = "wrong_currency"
	ReasonCanceled      Reason = "canceled"
	ReasonAlreadyPaid   Reason = "already_paid"
	ReasonUnderpaid     Reason = "underpaid"
)

// Outcome is the decision on one entry.
type Outcome struct {
	Result Result
	Reason Reason
	Rule   Rule   // how Order was found
	Order  string // number; of an entry in suspense the order it seems to be for
	// Of a match, at most one of these is positive, in minor units: what is
	// missing and waived, or what is over and goes to the payer's balance.
	Shortfall, Excess money.Amount
	// ThirdParty: the payer's name is not the buyer's. The money counts all the
	// same; as evidence of where the buyer is, it speaks of somebody else.
	ThirdParty bool
}

// Match decides on an entry. Found are the orders that the References of
// the entry name; byAccount are all open orders of payers who have paid from
// e.PayerIBAN before, with their buyers.
func Match(e Entry, found, byAccount []Order) Outcome {
	order, rule, reason := Pick(e, found, byAccount)
	if order == nil {
		o := Decide(e, nil)
		if o.Reason == ReasonUnmatched {
			o.Reason, o.Rule = reason, rule
		}
		return o
	}
	o := Decide(e, order)
	o.Rule = rule
	return o
}

// Pick finds the order of an entry: the first rule that leads to an order wins,
// and a rule that leads to several leads to none (ReasonAmbiguous). An account does
// not lead to the order of somebody with another name: payment services send for
// many from one account.
func Pick(e Entry, found, byAccount []Order) (*Order, Rule, Reason) {
	candidates := References(e)
	for _, rule := range []Rule{RuleReference, RuleText, RuleEndToEnd} {
		var order *Order
		for i := range found {
			if !slices.ContainsFunc(candidates, func(c Candidate) bool { return c.Rule == rule && c.names(found[i]) }) {
				continue
			}
			if order != nil && order.Number != found[i].Number {
				return nil, rule, ReasonAmbiguous
			}
			order = &found[i]
		}
		if order != nil {
			return order, rule, ReasonPaid
		}
	}
	if e.PayerIBAN != "" && len(byAccount) == 1 && byAccount[0].State == OrderOpen &&
		byAccount[0].Due == money.Of(e.Amount, e.Currency) && !ThirdParty(e, byAccount[0].Buyer) {
		return &byAccount[0], RuleAccount, ReasonPaid
	}
	return nil, "", ReasonUnmatched
}

func (c Candidate) names(o Order) bool {
	return (c.Number != "" && c.Number == o.Number) || (c.Reference != "" && c.Reference == o.Reference)
}

// Decide applies the rules of amount, currency and state to an entry and the
// order it was found to be for; nil for none.
func Decide(e Entry, order *Order) Outcome {
	o := Outcome{Result: Suspense}
	if order != nil {
		o.Order = order.Number
	}
	switch {
	// Before the direction: a reversed credit is a debit, and takes away money
	// that an order was settled with.
	case e.Booked.IsZero():
		o.Result, o.Reason = Ignored, ReasonNotBooked
	case e.Amount <= 0:
		o.Result, o.Reason = Ignored, ReasonZero
	case e.Reversal:
		o.Reason = ReasonReversal
	case e.Return:
		o.Reason = ReasonReturn
	case !e.Credit:
		o.Result, o.Reason = Ignored, ReasonDebit
	case e.Doubtful:
		o.Reason = ReasonDoubtful
	case e.Bundle:
		o.Reason = ReasonBundle
	case order == nil:
		o.Reason = ReasonUnmatched
	case e.Currency != order.Due.Currency:
		o.Reason = ReasonWrongCurrency
	case order.State == OrderPaid:
		o.Reason = ReasonAlreadyPaid
	case order.State != OrderOpen:
		o.Reason = ReasonCanceled
	case e.Amount < order.Due.Amount-ShortfallAccepted:
		o.Reason = ReasonUnderpaid
	default:
		o.Result, o.Reason = Matched, ReasonPaid
		o.Shortfall = max(0, order.Due.Amount-e.Amount)
		o.Excess = max(0, e.Amount-order.Due.Amount)
	}
	o.ThirdParty = order != nil && ThirdParty(e, order.Buyer)
	return o
}

// ThirdParty reports whether somebody else than the buyer seems to have sent an
// entry. It compares the names that are there; a name that is missing says
// nothing. Who pays on the buyer's behalf names the buyer as ultimate debtor.
func ThirdParty(e Entry, buyer string) bool {
	if e.Payer == "" || buyer == "" || SameName(e.Payer, buyer) {
		return false
	}
	return e.UltimatePayer == "" || !SameName(e.UltimatePayer, buyer)
}

// References returns what in an entry may name an order, best first: valid RF
// references of the structured remittance information; RF references and order
// numbers in free text; both in the end-to-end id. The caller looks them up and
// passes what exists to Match.
func References(e Entry) []Candidate {
	var out []Candidate
	add := func(c Candidate) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	text := e.Text
	for _, s := range e.References {
		if ref, err := ParseReference(s); err == nil {
			add(Candidate{Rule: RuleReference, Reference: ref})
		} else {
			// A payer put something else into the field: read it as text.
			text += " | " + s
		}
	}
	for _, part := range []struct {
		rule Rule
		text string
	}{{RuleText, text}, {RuleEndToEnd, e.EndToEndID}} {
		text := plain(part.text)
		for _, ref := range referencesIn(text) {
			add(Candidate{Rule: part.rule, Reference: ref})
		}
		for _, number := range numbersIn(text) {
			add(Candidate{Rule: part.rule, Number: number})
		}
	}
	return out
}

// maxText bounds the work on the text of one entry; the schemas allow 140
// characters a line, and references stand in the first lines.
const maxText = 4000

// plain brings text to upper case ASCII where it stands for it: full-width
// forms, and the Cyrillic and Greek letters that look like those of "O-2026".
func plain(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return strings.NewReplacer("О", "O", "Ο", "O", "–", "-", "—", "-", "‑", "-").Replace(strings.ToUpper(norm.NFKC.String(s)))
}

// referencesIn finds RF references that may be split by spaces, dots or dashes
// and run into the words behind them: every length with right check digits is
// returned, since one false length in 97 has them too. Those that end where the
// payer made a break come first. Which of them is an order's, the order tells.
func referencesIn(text string) []Reference {
	var whole, inside []Reference
	packed := make([]byte, 0, len(text))
	ends := make([]bool, 0, len(text)) // a break or the end follows
	for _, r := range text {
		if r < 128 && (isDigit(byte(r)) || isLetter(byte(r))) {
			packed, ends = append(packed, byte(r)), append(ends, false)
			continue
		}
		if len(ends) > 0 {
			ends[len(ends)-1] = true
		}
		if r != ' ' && r != '-' && r != '.' {
			packed, ends = append(packed, '|'), append(ends, true) // no reference goes across
		}
	}
	if len(ends) > 0 {
		ends[len(ends)-1] = true
	}
	for i := range len(packed) - 4 {
		if packed[i] != 'R' || packed[i+1] != 'F' {
			continue
		}
		for end := min(i+4+maxBody, len(packed)); end >= i+5; end-- {
			ref, err := ParseReference(string(packed[i:end]))
			switch {
			case err != nil:
			case ends[end-1]:
				whole = append(whole, ref)
			default:
				inside = append(inside, ref)
			}
		}
	}
	return append(whole, inside...)
}

// orderNumber is "O-2026-000123" as people type it: the dashes may be missing,
// be spaces, or stand elsewhere, and the letter may be a nought. It has no
// check digits, so a digit more or less makes it another number: what follows
// without a break belongs to it.
var orderNumber = regexp.MustCompile(`(?:O|(?:^|[^0-9A-Z])0)[ ._/\-]*(2[ \-]?0[ \-]?[0-9][ \-]?[0-9])[ ._/\-]*((?:[0-9][ \-]?){5}[0-9]+)`)

func numbersIn(text string) []string {
	var out []string
	for _, m := range orderNumber.FindAllStringSubmatch(text, -1) {
		out = append(out, "O-"+digits(m[1])+"-"+digits(m[2]))
	}
	return out
}

func digits(s string) string {
	return strings.NewReplacer(" ", "", "-", "").Replace(s)
}
