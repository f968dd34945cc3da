package app

import (
	"context"
	"regexp"
	"strings"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// PaymentFilter is a list of payments that wait for a person.
type PaymentFilter string

// The filters; the empty one shows what was searched.
const (
	PaymentsParked   PaymentFilter = "parked"
	PaymentsUnknown  PaymentFilter = "unknown"
	PaymentsAlerted  PaymentFilter = "alerted"
	PaymentsSuspense PaymentFilter = "suspense"
)

// maxFound is how many payments a search shows.
const maxFound = 50

// FoundPayments is what a search found, newest first.
type FoundPayments struct {
	Items []store.FoundPayment
	More  bool // there are more than are shown
}

// SearchPayments looks among everybody's payments, by card and by transfer, for
// those that have all of what was typed: an amount, a day, the last four digits
// of a card, a number or reference (product.md, question 5). Nothing is found
// where nothing is asked. Whose payments were shown is written to the audit log.
//
// Errors: NotFound for who is not staff; Invalid (field "q") for what cannot be
// read.
func (a *App) SearchPayments(ctx context.Context, actor account.Actor, typed string, filter PaymentFilter) (FoundPayments, error) {
	var out FoundPayments
	search, err := a.readSearch(typed)
	if err != nil {
		return out, err
	}
	none := search == store.PaymentSearch{} && filter == ""
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		out = FoundPayments{}
		if err := staffNow(ctx, tx, actor); err != nil || none {
			return err
		}
		s := search
		switch s.Limit = maxFound + 1; filter {
		case "":
		case PaymentsParked:
			s.Parked = true
		case PaymentsUnknown:
			s.Unknown = true
		case PaymentsAlerted:
			s.AlertedAt = alertsSince(tx.Now())
		case PaymentsSuspense:
			s.Suspense = true
		default:
			return fault.Missing("filter of payments")
		}
		var err error
		if out.Items, err = tx.SearchPayments(ctx, s); err != nil {
			return err
		}
		if out.More = len(out.Items) > maxFound; out.More {
			out.Items = out.Items[:maxFound]
		}
		ids := make([]string, len(out.Items))
		for i, f := range out.Items {
			ids[i] = f.ID
		}
		return looked(ctx, tx, actor, "page", "payments", "", map[string]any{"shown": ids})
	})
	return out, err
}

var (
	creditorReference = regexp.MustCompile(`^RF[0-9]{2}[0-9A-Z]{1,21}$`)
	typedAmount       = regexp.MustCompile(`^(?:[1-9][0-9]{0,6}|[0-9]{1,9}[.,][0-9]{1,2})$`)
	typedDay          = regexp.MustCompile(`^([0-9]{1,2})[./]([0-9]{1,2})[./]([0-9]{4})$`)
	digitsOnly        = regexp.MustCompile(`^[0-9]{4,19}$`)
)

// A payer's statement shows the day on which their bank booked a payment: it may
// have begun up to three days before, and in another zone a day after.
const (
	bookedWithin = 3
	bookedBefore = 1
)

// readSearch sorts what was typed into the kinds of thing that tell a payment.
// Four digits are the end of a card's number, or of an order's; other figures
// are an amount.
func (a *App) readSearch(typed string) (store.PaymentSearch, error) {
	var s store.PaymentSearch
	refused := fault.Fields{{Name: "q", Key: "error.staff.search"}}.Err()
	typed = clip(CleanText(typed), 100)
	// References are printed in groups of four.
	if whole := strings.ToUpper(strings.Join(strings.Fields(typed), "")); creditorReference.MatchString(whole) {
		s.Reference = whole
		return s, nil
	}
	for word := range strings.FieldsSeq(strings.NewReplacer("€", " ", "•", " ", "*", " ", ";", " ").Replace(typed)) {
		figure := strings.TrimSuffix(strings.ReplaceAll(word, ",", "."), ".")
		_, isDay := readDay(word)
		again := false
		switch {
		case strings.EqualFold(word, "EUR"):
		case isDay:
			day, _ := readDay(word)
			again = !s.From.IsZero()
			s.From, s.Until = day.AddDays(-bookedWithin).In(a.seller.Zone), day.AddDays(bookedBefore+1).In(a.seller.Zone)
		case digitsOnly.MatchString(word) && (len(word) == 4 || word[0] == '0'):
			again = s.Ending != ""
			s.Ending = word
		case typedAmount.MatchString(figure):
			amount, err := money.ParseDecimal(figure)
			if err != nil {
				return s, refused
			}
			again = s.Amount != 0
			s.Amount = amount
		default:
			again = s.Reference != ""
			s.Reference = word
		}
		if again {
			return s, refused
		}
	}
	return s, nil
}

// readDay reads 2026-11-23 and 23.11.2026.
func readDay(word string) (civil.Date, bool) {
	if m := typedDay.FindStringSubmatch(word); m != nil {
		word = m[3] + "-" + two(m[2]) + "-" + two(m[1])
	}
	day, err := civil.Parse(word)
	return day, err == nil
}

func two(digits string) string {
	if len(digits) == 1 {
		return "0" + digits
	}
	return digits
}

// PaymentEvent is a line of a payment's history, for packages that may not see
// the store.
type PaymentEvent = store.PaymentEvent

// BankEntrySeen is an entry of the bank's statement, for the same.
type BankEntrySeen = store.BankEntrySeen

// StaffPayment is everything about one payment: through a provider, or an entry
// of the bank's statement.
type StaffPayment struct {
	payment.Payment
	store.PaymentNames
	Events   []store.PaymentEvent
	Bookings []store.PaymentBooking
	TopUps   []payment.Payment // that late money became
	Refunds  []payment.Refund
	Disputes []payment.Dispute
	Alerts   []store.PaymentAlert

	Entry *store.BankEntrySeen // of a transfer; then everything above is empty
}

// StaffPayment returns a payment of anybody's, or NotFound. That it was looked
// at is written to the audit log.
func (a *App) StaffPayment(ctx context.Context, actor account.Actor, id string) (StaffPayment, error) {
	var out StaffPayment
	if !isUUID(id) {
		return out, fault.Missing("payment")
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		out = StaffPayment{}
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		p, err := tx.Payment(ctx, payment.ID(id))
		if fault.Is(err, fault.NotFound) {
			entry, err := tx.BankEntrySeen(ctx, id)
			if err != nil {
				return err
			}
			out.Entry = &entry
			return looked(ctx, tx, actor, "bank_entry", entry.ID, account.PayerID(entry.PayerID), nil)
		}
		if err != nil {
			return err
		}
		out.Payment = p
		if err := out.read(ctx, tx, p.ID); err != nil {
			return err
		}
		return looked(ctx, tx, actor, "payment", string(p.ID), p.PayerID, nil)
	})
	return out, err
}

func (s *StaffPayment) read(ctx context.Context, tx *store.Tx, id payment.ID) error {
	var err error
	if s.PaymentNames, err = tx.PaymentNames(ctx, id); err != nil {
		return err
	}
	if s.Events, err = tx.PaymentEvents(ctx, id); err != nil {
		return err
	}
	if s.Bookings, err = tx.PaymentBookings(ctx, id); err != nil {
		return err
	}
	if s.TopUps, err = tx.TopUpsFrom(ctx, id); err != nil {
		return err
	}
	if s.Refunds, err = tx.RefundsOf(ctx, id); err != nil {
		return err
	}
	if s.Disputes, err = tx.DisputesOf(ctx, id); err != nil {
		return err
	}
	s.Alerts, err = tx.PaymentAlerts(ctx, id)
	return err
}
