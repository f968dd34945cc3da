package bank

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/siptg/portal/internal/money"
)

// How an entry gets its key (invariant I25: a statement imported twice, or
// overlapping ones, books each entry once).
//
// The account, its currency (one Lithuanian IBAN holds several), booking date,
// direction and amount are in every key: they never change, and they keep
// entries apart when a bank uses one reference for a payment and its fee.
//
//   r  the bank's own reference (AcctSvcrRef)
//   n  NtryRef and EndToEndId, unless NtryRef is a mere position in the file
//   c  all contents and the balance before the entry
//
// The balance is what tells two equal payments without a reference apart, and
// what makes the key of one payment the same in every statement: counting
// equal payments would begin anew in a statement that starts in the middle of
// a day, and the second payment would be taken for the first. Entries that are
// equal even in that are counted within the statement, whose sum has proved
// that each is real.
//
// The one case no key can solve: +10, -10, +10 on one day, equal in every
// word, no references, and cut in the middle into two statements. A statement
// whose entries stand in another order than in an earlier one gives other
// balances; New recognises that by the fingerprint and marks the entry doubtful.

// keyed takes batches apart and gives every entry its key.
func keyed(st Statement, entries []bankEntry) []Entry {
	out := make([]Entry, 0, len(entries))
	before := runningBalances(st.Opening, entries)
	count := map[string]int{}
	number := func(base string) string {
		count[base]++
		return base + ":" + strconv.Itoa(count[base])
	}
	for i, e := range entries {
		c := e.common
		if len(e.parts) == 0 {
			base, fingerprint := key(st, c, before[i], nil)
			c.Key, c.Fingerprint = number(base), fingerprint
			out = append(out, c)
			continue
		}
		own := ownReferences(e)
		if own == referenceOfAll {
			c.ServicerRef = e.parts[0].ServicerRef
		}
		base, fingerprint := key(st, c, before[i], e.parts)
		batch := number(base)
		for j, part := range e.parts {
			part.Batch = batch
			if own == referenceOfEach {
				base, _ := key(st, part, 0, nil)
				part.Key = number(base)
			} else {
				part.Key = batch + "/" + strconv.Itoa(j+1)
				if fingerprint != "" {
					part.Fingerprint = fingerprint + "/" + strconv.Itoa(j+1)
				}
			}
			out = append(out, part)
		}
	}
	return out
}

// runningBalances returns the balance before each entry. A bank that lists the
// newest day first is read from the end.
func runningBalances(opening money.Amount, entries []bankEntry) []money.Amount {
	before := make([]money.Amount, len(entries))
	rising, falling := false, false
	for i := 1; i < len(entries); i++ {
		order := entries[i].common.Booked.Compare(entries[i-1].common.Booked)
		rising, falling = rising || order > 0, falling || order < 0
	}
	balance := opening
	for i := range entries {
		if falling && !rising {
			i = len(entries) - 1 - i
		}
		before[i] = balance
		balance += entries[i].signed()
	}
	return before
}

// Which of the transactions of a batch the bank has given references to, when
// it gave the batch none.
const (
	referenceOfNone = iota
	referenceOfEach // its own to every one
	referenceOfAll  // the same to all: it is the batch's
)

func ownReferences(e bankEntry) int {
	if e.common.ServicerRef != "" {
		return referenceOfNone
	}
	different := map[string]bool{}
	for _, part := range e.parts {
		different[part.ServicerRef] = true
	}
	switch {
	case different[""]:
		return referenceOfNone
	case len(different) == len(e.parts):
		return referenceOfEach
	case len(different) == 1:
		return referenceOfAll
	}
	return referenceOfNone
}

// key returns the key of an entry but for its count, and the fingerprint when
// there is no reference to rest on.
func key(st Statement, e Entry, before money.Amount, parts []Entry) (base, fingerprint string) {
	direction := "C"
	if !e.Credit && e.Amount != 0 {
		direction = "D"
	}
	if e.Reversal {
		direction += "R"
	}
	common := []string{string(st.Currency), e.Booked.String(), direction, e.Amount.Decimal()}
	sum := func(tier string, fields ...string) string {
		h := sha256.New()
		for _, f := range append(slices.Clone(common), fields...) {
			// The length before each field: no two lists of fields write alike.
			fmt.Fprintf(h, "%d:%s", len(f), f)
		}
		return string(st.IBAN) + ":" + tier + ":" + hex.EncodeToString(h.Sum(nil)[:16])
	}
	if e.ServicerRef != "" {
		return sum("r", e.ServicerRef), ""
	}
	if !positional(e.EntryRef) {
		return sum("n", e.EntryRef, e.EndToEndID), ""
	}
	var fields []string
	for _, c := range append([]Entry{e}, parts...) {
		fields = append(fields, signed(c.Amount, c.Credit).Decimal(), c.ServicerRef, c.EndToEndID, c.Payer,
			string(c.PayerIBAN), strconv.Itoa(len(c.References)), c.Text)
		fields = append(fields, c.References...)
	}
	return sum("c", append(slices.Clone(fields), before.Decimal())...), sum("f", fields...)
}

// positional reports whether an NtryRef tells nothing: absent, a placeholder,
// or so short a number that it only counts the entries of one file and begins
// anew in the next.
func positional(ref string) bool {
	if given(ref) == "" {
		return true
	}
	ref = strings.TrimLeft(ref, "0") // "000001" counts as "1" does
	for i := range len(ref) {
		if !isDigit(ref[i]) {
			return false
		}
	}
	return len(ref) <= 5
}

// Known is what was stored of an entry when it was imported.
type Known struct {
	Key, Batch, Fingerprint string
}

// Known returns what to store of the entry for later calls of New.
func (e Entry) Known() Known { return Known{e.Key, e.Batch, e.Fingerprint} }

// New returns the entries of a statement that were not imported before, given
// every stored entry of the account that shares a key, a batch or a fingerprint
// with it: key or batch among the statement's keys and batches, or fingerprint
// among its fingerprints.
//
// An entry is marked Doubtful, and Decide leaves it to people, when it might be
// one that is stored under another key:
//   - its fingerprint is stored with a key that this statement does not show;
//     a statement that shows both proves by its sum that there are two;
//   - its batch is stored as one entry, or it is one entry and its parts are
//     stored: the bank changed how it reports batches.
func New(st Statement, known []Known) []Entry { return Shows(st).New(st.Entries, known) }

// Shown are the keys of the entries that a statement shows.
type Shown map[string]bool

// Shows returns the keys that a statement shows.
func Shows(st Statement) Shown {
	shown := Shown{}
	for _, e := range st.Entries {
		shown[e.Key] = true
	}
	return shown
}

// New is New for some of the statement's entries, given what is stored that shares
// a key, a batch or a fingerprint with these.
func (shown Shown) New(entries []Entry, known []Known) []Entry {
	keys, batches, prints := map[string]bool{}, map[string]bool{}, map[string][]string{}
	for _, k := range known {
		keys[k.Key] = true
		if k.Batch != "" {
			batches[k.Batch] = true
		}
		if k.Fingerprint != "" {
			prints[k.Fingerprint] = append(prints[k.Fingerprint], k.Key)
		}
	}
	var fresh []Entry
	for _, e := range entries {
		if keys[e.Key] {
			continue
		}
		e.Doubtful = batches[e.Key] || (e.Batch != "" && keys[e.Batch]) ||
			slices.ContainsFunc(prints[e.Fingerprint], func(key string) bool { return !shown[key] })
		fresh = append(fresh, e)
	}
	return fresh
}
