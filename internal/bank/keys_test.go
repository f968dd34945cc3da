package bank_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// through writes a statement as a file and reads it.
func through(t fataler, version banktest.Version, opening money.Amount, entries []bank.Entry) bank.Statement {
	t.Helper()
	st := banktest.Closed(bank.Statement{
		ID: "S", IBAN: "LT121000011101001000", Currency: "EUR", Opening: opening,
		From: entries[0].Booked, To: entries[len(entries)-1].Booked, Entries: entries,
	})
	if st.To.Before(st.From) {
		st.From, st.To = st.To, st.From
	}
	var b bytes.Buffer
	if err := banktest.WriteCAMT053(&b, version, st); err != nil {
		t.Fatal(err)
	}
	sts, err := bank.ReadStatements(&b)
	if err != nil {
		t.Fatal(err)
	}
	return sts[0]
}

// book is the model of what is stored: one row for each key.
type book struct {
	rows  map[string]bank.Entry
	known []bank.Known
}

func (b *book) add(t fataler, st bank.Statement) []bank.Entry {
	t.Helper()
	if b.rows == nil {
		b.rows = map[string]bank.Entry{}
	}
	fresh := bank.New(st, b.known)
	for _, e := range fresh {
		if _, twice := b.rows[e.Key]; twice {
			t.Fatal("new, but stored: " + e.Key)
		}
		b.rows[e.Key] = e
		b.known = append(b.known, e.Known())
	}
	return fresh
}

// looks is an entry as a person sees it: equal payments look equal.
func looks(e bank.Entry) string {
	return fmt.Sprint(e.Booked, e.Amount, e.Credit, e.ServicerRef, e.EntryRef, e.EndToEndID, e.Payer, e.Text)
}

func (b *book) counts(sure bool) map[string]int {
	n := map[string]int{}
	for _, e := range b.rows {
		if !sure || !e.Doubtful {
			n[looks(e)]++
		}
	}
	return n
}

func balanceOf(entries []bank.Entry) money.Amount {
	return banktest.Closed(bank.Statement{Entries: entries}).Closing
}

// trueList draws what really happened on an account: payments with and without
// references, many of them equal in every word, batches, and debits too small
// to bring the balance back to where it was.
func trueList(t *rapid.T) []bank.Entry {
	var list []bank.Entry
	on := day("2026-11-20")
	for i := range rapid.IntRange(1, 14).Draw(t, "entries") {
		if rapid.IntRange(0, 3).Draw(t, "next day") == 0 {
			on = on.AddDays(1)
		}
		e := bank.Entry{
			Currency: "EUR", Credit: true, Booked: on,
			Amount: rapid.SampledFrom([]money.Amount{1815, 3630}).Draw(t, "amount"),
			Payer:  rapid.SampledFrom([]string{"Ona", "Jonas"}).Draw(t, "payer"),
		}
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0:
			e.ServicerRef = fmt.Sprintf("B%d", i)
		case 1:
			e.EntryRef = fmt.Sprintf("N-%d", i)
		case 2:
			e.Credit, e.Amount = false, 1
		case 3:
			e.Batch = fmt.Sprintf("batch %d", i)
			list = append(list, e)
		}
		list = append(list, e)
	}
	return list
}

// cut draws places where a statement may begin or end: anywhere between two
// entries of the bank, or between days only.
func cut(t *rapid.T, list []bank.Entry, wholeDays bool) (from, to int) {
	var places []int
	for i := range len(list) + 1 {
		inside := i > 0 && i < len(list)
		if inside && ((list[i].Batch != "" && list[i].Batch == list[i-1].Batch) || (wholeDays && list[i].Booked == list[i-1].Booked)) {
			continue
		}
		places = append(places, i)
	}
	i := rapid.IntRange(0, len(places)-2).Draw(t, "from")
	j := rapid.IntRange(i+1, len(places)-1).Draw(t, "to")
	return places[i], places[j]
}

func importRandomly(t *rapid.T, list []bank.Entry, wholeDays bool, order func([]bank.Entry) []bank.Entry) *book {
	const opening = 50000
	b := &book{}
	covered := make([]bool, len(list))
	for slices.Contains(covered, false) {
		from, to := cut(t, list, wholeDays)
		if rapid.IntRange(0, 9).Draw(t, "everything") == 0 {
			from, to = 0, len(list)
		}
		version := rapid.SampledFrom([]banktest.Version{banktest.Version02, banktest.Version08}).Draw(t, "version")
		st := through(t, version, opening+balanceOf(list[:from]), order(list[from:to]))
		for range rapid.IntRange(1, 2).Draw(t, "times") {
			b.add(t, st)
		}
		for i := from; i < to; i++ {
			covered[i] = true
		}
	}
	return b
}

func countLooks(list []bank.Entry) map[string]int {
	n := map[string]int{}
	for _, e := range list {
		n[looks(e)]++
	}
	return n
}

func asListed(list []bank.Entry) []bank.Entry { return list }

// I25: however one true list is cut into statements, in the middle of a day
// too, overlapping and repeated, every entry is booked once, equal ones included.
func TestEveryEntryIsBookedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := trueList(t)
		got, want := importRandomly(t, list, false, asListed).counts(false), countLooks(list)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("booked %v\nwant %v", got, want)
		}
	})
}

// Statements of whole days leave nothing in doubt.
func TestWholeDaysLeaveNoDoubt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := trueList(t)
		got, want := importRandomly(t, list, true, asListed).counts(true), countLooks(list)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("booked %v\nwant %v", got, want)
		}
	})
}

// A bank that lists a day in another order each time: nothing is lost, and what
// comes again is in doubt, so that no order is paid with it.
func TestAnotherOrderIsDoubtedNotBooked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := trueList(t)
		b := importRandomly(t, list, true, func(part []bank.Entry) []bank.Entry {
			mixed := rapid.Permutation(part).Draw(t, "order")
			slices.SortStableFunc(mixed, func(x, y bank.Entry) int { return x.Booked.Compare(y.Booked) })
			// parts of a batch stay together
			var out []bank.Entry
			for _, e := range mixed {
				i := slices.IndexFunc(out, func(o bank.Entry) bool { return e.Batch != "" && o.Batch == e.Batch })
				if i < 0 {
					i = len(out)
				}
				out = slices.Insert(out, i, e)
			}
			return out
		})
		sure, all, want := b.counts(true), b.counts(false), countLooks(list)
		for look, n := range want {
			if sure[look] > n || all[look] < n {
				t.Fatalf("%s: %d sure, %d in all, %d in truth", look, sure[look], all[look], n)
			}
		}
	})
}

func payment(on string, amount money.Amount) bank.Entry {
	return bank.Entry{Currency: "EUR", Credit: true, Booked: day(on), Amount: amount, Payer: "Ona", Text: "softphone"}
}

func TestTwoEqualPaymentsStayTwo(t *testing.T) {
	t.Parallel()
	a := payment("2026-11-22", 1815)
	both := through(t, banktest.Version02, 0, []bank.Entry{a, a})
	var b book
	if got := b.add(t, both); len(got) != 2 || got[0].Doubtful || got[1].Doubtful {
		t.Fatalf("two in one statement: %+v", got)
	}
	if got := b.add(t, both); len(got) != 0 {
		t.Errorf("again: %+v", got)
	}
	if got := b.add(t, through(t, banktest.Version08, 1815, []bank.Entry{a})); len(got) != 0 {
		t.Errorf("the second alone: %+v", got)
	}

	// Cut between the two: the second is booked, but only a person can tell it
	// from the first listed in another order.
	b = book{}
	b.add(t, through(t, banktest.Version02, 0, []bank.Entry{a}))
	if got := b.add(t, through(t, banktest.Version02, 1815, []bank.Entry{a})); len(got) != 1 || !got[0].Doubtful {
		t.Errorf("the second alone: %+v", got)
	}
	if got := b.add(t, both); len(got) != 0 {
		t.Errorf("then both: %+v", got)
	}
}

func TestOneReferenceForTwoMovements(t *testing.T) {
	t.Parallel()
	in := payment("2026-11-22", 1815)
	in.ServicerRef = "R1"
	fee := in
	fee.Credit, fee.Amount = false, 50
	undone := in
	undone.Credit, undone.Reversal = false, true
	tomorrow := in
	tomorrow.Booked = day("2026-11-23")
	keys := map[string]bool{}
	for _, e := range through(t, banktest.Version02, 9000, []bank.Entry{in, fee, undone, in, tomorrow}).Entries {
		keys[e.Key] = true
	}
	if len(keys) != 5 {
		t.Errorf("%d keys for 5 movements: %v", len(keys), keys)
	}
}

func TestPositionsAreNoReferences(t *testing.T) {
	t.Parallel()
	for _, zeros := range []string{"", "000", "0000000"} {
		first, second := payment("2026-11-22", 1815), payment("2026-11-22", 1815)
		first.EntryRef, second.EntryRef, second.EndToEndID = zeros+"1", zeros+"1", "" // each the first of its file
		a := through(t, banktest.Version02, 0, []bank.Entry{first}).Entries[0]
		b := through(t, banktest.Version02, 1815, []bank.Entry{second}).Entries[0]
		if a.Key == b.Key {
			t.Errorf("%s1: two payments in first place have one key", zeros)
		}
		second.EntryRef = zeros + "2" // the same payment in second place of a longer file
		other := payment("2026-11-21", 500)
		if c := through(t, banktest.Version02, -500, []bank.Entry{other, second}).Entries[1]; c.Key != a.Key {
			t.Errorf("%s1: one payment in two places has two keys", zeros)
		}
	}
	first := payment("2026-11-22", 1815)
	first.EntryRef, first.EndToEndID = "2026-000017", "E1"
	x := through(t, banktest.Version02, 0, []bank.Entry{first}).Entries[0]
	y := through(t, banktest.Version02, 777, []bank.Entry{first}).Entries[0]
	if x.Key != y.Key || x.Fingerprint != "" {
		t.Error("a real NtryRef makes the balance needless")
	}
	first.EndToEndID = "E2"
	if z := through(t, banktest.Version02, 0, []bank.Entry{first}).Entries[0]; z.Key == x.Key {
		t.Error("EndToEndId is part of the key")
	}
}

func TestNewestFirst(t *testing.T) {
	t.Parallel()
	list := []bank.Entry{payment("2026-11-20", 100), payment("2026-11-21", 200), payment("2026-11-22", 300), payment("2026-11-22", 300)}
	var b book
	b.add(t, through(t, banktest.Version02, 0, list))
	slices.Reverse(list)
	if got := b.add(t, through(t, banktest.Version02, 0, list)); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestBatchReportedInAnotherWay(t *testing.T) {
	t.Parallel()
	part := payment("2026-11-22", 100)
	part.ServicerRef, part.Batch = "R1", "x"
	whole := payment("2026-11-22", 200)
	whole.ServicerRef = "R1"
	apart := through(t, banktest.Version02, 0, []bank.Entry{part, part})
	together := through(t, banktest.Version02, 0, []bank.Entry{whole})
	for name, order := range map[string][2]bank.Statement{"first apart": {apart, together}, "first together": {together, apart}} {
		var b book
		b.add(t, order[0])
		for _, e := range b.add(t, order[1]) {
			if !e.Doubtful {
				t.Errorf("%s: counted twice without a doubt: %+v", name, e)
			}
		}
	}
}

func TestAccountsAndCurrenciesKeepApart(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, iban := range []bank.IBAN{"LT121000011101001000", "DE89370400440532013000"} {
		for _, currency := range []money.Currency{"EUR", "USD"} {
			e := payment("2026-11-22", 1815)
			e.Currency, e.ServicerRef = currency, "R1"
			var b bytes.Buffer
			if err := banktest.WriteCAMT053(&b, banktest.Version02, banktest.Closed(bank.Statement{
				ID: "S", IBAN: iban, Currency: currency, From: e.Booked, To: e.Booked, Entries: []bank.Entry{e},
			})); err != nil {
				t.Fatal(err)
			}
			keys[read(t, b.Bytes()).Entries[0].Key] = true
		}
	}
	if len(keys) != 4 {
		t.Errorf("%v", keys)
	}
}
