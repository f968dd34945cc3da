package sandbox

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// Card is a saved card by name: the name says what it does.
type Card string

// The cards.
const (
	CardOK           Card = "ok"
	CardDeclines     Card = "declines"
	CardInsufficient Card = "insufficient"
	CardEmpties      Card = "empties" // pays at the page, has too little for each charge afterwards
	CardConfirm      Card = "confirm" // the bank wants to see the payer
	CardExpires      Card = "expires" // at the end of next month
	CardLater        Card = "later"   // accepted; Settle decides
)

// cards lists them as the page shows them.
var cards = []struct {
	Card  Card
	Label string
}{
	{CardOK, "Always pays"},
	{CardDeclines, "Declines"},
	{CardInsufficient, "Not enough money"},
	{CardEmpties, "Pays now, not enough money later"},
	{CardConfirm, "Needs confirmation"},
	{CardExpires, "Expires next month"},
	{CardLater, "Settles later"},
}

func (c Card) label() string {
	for _, known := range cards {
		if known.Card == c {
			return known.Label
		}
	}
	return ""
}

// Capture is money that the sandbox took.
type Capture struct {
	AmountMinor money.Amount `json:"amount_minor"`
	At          time.Time    `json:"at"`
}

// Entry is one attempt at a payment in the sandbox's book. A charge is an entry
// of its own each time it is tried; a checkout is one, whatever happens on it.
type Entry struct {
	ID          string         `json:"id"`
	Reference   string         `json:"reference"` // the portal's id of the payment
	State       payment.State  `json:"state"`
	AmountMinor money.Amount   `json:"amount_minor"`
	Currency    money.Currency `json:"currency"`
	Description string         `json:"description,omitempty"`
	ReturnURL   string         `json:"return_url,omitempty"`
	Checkout    bool           `json:"checkout"`
	KeepOffered bool           `json:"keep_offered,omitempty"`
	Note        string         `json:"note,omitempty"` // why the last try on the page failed
	ExpiresAt   time.Time      `json:"expires_at,omitzero"`
	Method      *method        `json:"method,omitempty"` // kept
	Captures    []Capture      `json:"captures,omitempty"`
	Refunds     []refund       `json:"refunds,omitempty"`
	Disputes    []dispute      `json:"disputes,omitempty"`
}

// Captured is how much the entry took.
func (e Entry) Captured() (total money.Amount) {
	for _, c := range e.Captures {
		total += c.AmountMinor
	}
	return total
}

// Refunded is how much the entry gave back.
func (e Entry) Refunded() (total money.Amount) {
	for _, r := range e.Refunds {
		if r.State == payment.RefundSucceeded {
			total += r.AmountMinor
		}
	}
	return total
}

// Disputed is how much open and lost disputes withdrew.
func (e Entry) Disputed() (total money.Amount) {
	for _, d := range e.Disputes {
		if d.State != payment.DisputeWon {
			total += d.AmountMinor
		}
	}
	return total
}

// remembered is the answer to a key.
type remembered struct {
	Key     string    `json:"key"`
	SHA256  []byte    `json:"sha256"` // of the request
	Status  int       `json:"status"`
	Body    []byte    `json:"body"`
	Created time.Time `json:"created"`
}

// memory is how long a key is remembered.
const memory = 24 * time.Hour

// line is one line of the book's file: what changed, as it is afterwards.
type line struct {
	Entry     *Entry      `json:"entry,omitempty"`
	Answer    *remembered `json:"answer,omitempty"`
	Method    *method     `json:"method,omitempty"`
	Event     *event      `json:"event,omitempty"`
	Delivered string      `json:"delivered,omitempty"`
	At        time.Time   `json:"at"`
}

// delivery is a webhook that was not confirmed yet.
type delivery struct {
	event    event
	attempts int
	next     time.Time
}

// book is everything that the sandbox knows. Whoever uses it holds the server's
// lock.
type book struct {
	now        func() time.Time
	last       time.Time
	cardMonths int      // how long a new card is valid
	file       *os.File // nil: in memory only
	entries    map[string]*Entry
	changed    map[string]time.Time // when a payment of the portal changed last, by its reference
	order      []string             // ids as they were made
	answers    map[string]remembered
	methods    map[string]method
	outbox     []*delivery
}

// openBook reads the book of a file, which it makes; "" is in memory only.
func openBook(name string, now func() time.Time) (*book, error) {
	b := &book{now: now, entries: map[string]*Entry{}, changed: map[string]time.Time{}, answers: map[string]remembered{}, methods: map[string]method{}}
	if name == "" {
		return b, nil
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	whole, err := b.read(file)
	if err == nil {
		// A line that a crash cut off was never answered for.
		err = file.Truncate(whole)
	}
	if err == nil {
		_, err = file.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: the book %s: %w", name, errors.Join(err, file.Close()))
	}
	b.file = file
	return b, nil
}

// read replays the lines of a book and returns how many bytes are whole lines.
func (b *book) read(r io.Reader) (whole int64, err error) {
	lines := bufio.NewReader(r)
	for {
		data, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return whole, nil
		}
		if err != nil {
			return whole, err
		}
		var l line
		if err := json.Unmarshal(data, &l); err != nil {
			return whole, err
		}
		b.apply(l)
		whole += int64(len(data))
	}
}

// tick is the book's clock: it never stands still, so that of two views one is
// newer.
func (b *book) tick() time.Time {
	now := b.now().UTC().Truncate(time.Microsecond)
	if !now.After(b.last) {
		now = b.last.Add(time.Microsecond)
	}
	b.last = now
	return now
}

func (b *book) apply(l line) {
	if l.At.After(b.last) {
		b.last = l.At
	}
	switch {
	case l.Entry != nil:
		if b.entries[l.Entry.ID] == nil {
			b.order = append(b.order, l.Entry.ID)
		}
		b.entries[l.Entry.ID] = l.Entry
		b.changed[l.Entry.Reference] = l.At
	case l.Answer != nil:
		b.answers[l.Answer.Key] = *l.Answer
	case l.Method != nil:
		b.methods[l.Method.Token] = *l.Method
	case l.Event != nil:
		b.outbox = append(b.outbox, &delivery{event: *l.Event, next: l.At})
	case l.Delivered != "":
		b.outbox = slices.DeleteFunc(b.outbox, func(d *delivery) bool { return d.event.ID == l.Delivered })
	}
}

// write puts a change into the book, on the disk first.
func (b *book) write(l line) error {
	l.At = b.tick()
	if b.file != nil {
		data, err := json.Marshal(l)
		if err != nil {
			return err
		}
		if _, err := b.file.Write(append(data, '\n')); err != nil {
			return err
		}
		if err := b.file.Sync(); err != nil {
			return err
		}
	}
	b.apply(l)
	return nil
}

// save puts an entry into the book and tells the portal that it changed.
func (b *book) save(e Entry, account, eventType string) error {
	if err := b.write(line{Entry: &e}); err != nil {
		return err
	}
	v, _ := b.view(e.Reference, account)
	return b.write(line{Event: &event{ID: "evt_" + token(), Type: eventType, Account: account, Created: b.last, Payment: v}})
}

// token is an id that nobody guesses.
func token() string { return rand.Text() }

// of returns the entries of one payment of the portal, oldest first.
func (b *book) of(reference string) (out []*Entry) {
	for _, id := range b.order {
		if e := b.entries[id]; e.Reference == reference {
			out = append(out, e)
		}
	}
	return out
}

// changes returns the payments of the portal that changed after an instant, the
// first change first.
func (b *book) changes(after time.Time) []string {
	var out []string
	for reference, at := range b.changed {
		if at.After(after) {
			out = append(out, reference)
		}
	}
	slices.SortFunc(out, func(x, y string) int { return b.changed[x].Compare(b.changed[y]) })
	return out
}

// view sums up all attempts at one payment of the portal: what was paid counts,
// else the last attempt.
func (b *book) view(reference, account string) (view, bool) {
	entries := b.of(reference)
	if len(entries) == 0 {
		return view{}, false
	}
	shown := entries[len(entries)-1]
	for _, e := range entries {
		if e.State == payment.Succeeded {
			shown = e
			break
		}
	}
	v := view{
		ID: shown.ID, Reference: reference, Account: account, State: shown.State, AmountMinor: shown.AmountMinor, Currency: shown.Currency,
		ExpiresAt: shown.ExpiresAt, Method: shown.Method, AsOf: b.tick(),
	}
	for _, e := range entries {
		v.ReceivedMinor += e.Captured()
		v.RefundedMinor += e.Refunded()
		v.DisputedMinor += e.Disputed()
		v.Refunds = append(v.Refunds, e.Refunds...)
		v.Disputes = append(v.Disputes, e.Disputes...)
	}
	return v, true
}

// keep makes a card that can be charged later.
func (b *book) keep(card Card) (method, error) {
	today := civil.DateOf(b.now(), time.UTC)
	first := civil.Date{Year: today.Year, Month: today.Month, Day: 1}
	months := b.cardMonths
	if card == CardExpires {
		months = 2
	}
	m := method{
		Token: "card_" + token(), Card: card, Label: "Sandbox card: " + card.label(), Fingerprint: "print_" + string(card),
		ExpiresOn: first.AddMonths(months, 1).AddDays(-1).String(),
	}
	err := b.write(line{Method: &m})
	return m, err
}

// pay tries a card on an entry and says why not; away means that the payer is not
// at the page. The entry is not saved.
func (b *book) pay(e *Entry, m method, away bool) (no *refusal) {
	if last, err := civil.Parse(m.ExpiresOn); err != nil || civil.DateOf(b.now(), time.UTC).After(last) {
		return &refusal{Code: "expired_card", Message: "The card has expired."}
	}
	switch card := m.Card; {
	case card == CardDeclines:
		return &refusal{Code: "card_declined", Message: "The card was declined."}
	case card == CardInsufficient || card == CardEmpties && away:
		return &refusal{Code: "insufficient_funds", Retryable: true, Message: "There is not enough money on the card."}
	case card == CardConfirm:
		e.State = payment.ActionRequired
	case card == CardLater:
		e.State = payment.Processing
	default:
		b.capture(e)
	}
	if away && e.State == payment.ActionRequired {
		e.ExpiresAt = b.now().UTC().Add(24 * time.Hour)
	}
	return nil
}

func (b *book) capture(e *Entry) {
	e.State = payment.Succeeded
	e.Captures = append(e.Captures, Capture{AmountMinor: e.AmountMinor, At: b.now().UTC()})
}

// expire ends entries whose time is over.
func (b *book) expire(account string) error {
	now := b.now()
	for _, id := range b.order {
		e := *b.entries[id]
		waits := e.State == payment.AwaitingPayer || e.State == payment.ActionRequired
		if waits && !e.ExpiresAt.IsZero() && now.After(e.ExpiresAt) {
			e.State = payment.Expired
			if err := b.save(e, account, "payment.expired"); err != nil {
				return err
			}
		}
	}
	maps.DeleteFunc(b.answers, func(_ string, r remembered) bool { return now.Sub(r.Created) > memory })
	return nil
}

// all returns copies of the entries, oldest first.
func (b *book) all() []Entry {
	out := make([]Entry, 0, len(b.order))
	for _, id := range b.order {
		e := *b.entries[id]
		e.Captures, e.Refunds, e.Disputes = slices.Clone(e.Captures), slices.Clone(e.Refunds), slices.Clone(e.Disputes)
		out = append(out, e)
	}
	return out
}

// same reports whether a request is the one that a key was used for.
func (r remembered) same(sum []byte) bool { return bytes.Equal(r.SHA256, sum) }
