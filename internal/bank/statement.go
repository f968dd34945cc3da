package bank

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// Statement is what a bank says about one account over some days. Opening and
// Closing are negative for an overdrawn account, and Opening plus the booked
// entries is Closing.
type Statement struct {
	ID       string
	Sequence int64 // ElctrncSeqNb; 0 when the bank gives none
	IBAN     IBAN
	Currency money.Currency
	From, To civil.Date
	Opening  money.Amount
	Closing  money.Amount
	Entries  []Entry   // booked, in the order of the file, batches taken apart
	Skipped  []Skipped // not booked, so no money yet
}

// Entry is one movement of money on the account.
type Entry struct {
	// Key is the same for this movement in every statement that shows it and
	// different for every other (see keys.go). Unique in the database.
	Key string
	// Fingerprint is set where the bank gave no reference and the key rests on
	// contents and balance alone: equal for movements that look alike. See New.
	Fingerprint string
	// Batch is the key of the bank's entry that this is a part of; empty for
	// an entry that stands alone.
	Batch string
	// Bundle marks a batch whose single amounts the bank does not tell: one
	// Entry with the whole amount and no payer.
	Bundle bool
	// Doubtful is set by New, never by the reader.
	Doubtful bool

	Amount   money.Amount // never negative; zero is possible and means nothing
	Currency money.Currency
	Credit   bool // money came in
	Reversal bool // RvslInd: undoes an earlier entry
	Return   bool // a payment of ours that came back, or one of theirs called back
	Booked   civil.Date
	Valued   civil.Date // zero when the bank gives none

	EntryRef      string // NtryRef
	ServicerRef   string // AcctSvcrRef of the entry, else of the transaction; placeholders are empty
	EndToEndID    string // "NOTPROVIDED" is empty
	Payer         string // name, one line
	PayerIBAN     IBAN   // empty for an account without a valid one
	UltimatePayer string // on whose behalf Payer paid
	PayerBIC      BIC
	References    []string // structured references as written
	Text          string   // free text, its lines joined by spaces
}

// Skipped is an entry that does not count, with the bank's word for why.
type Skipped struct {
	Line, Entry int
	Status      string // "PDNG", "INFO"
	Amount      money.Amount
	Credit      bool
}

// ReadStatements reads a camt.053.001.02 or .001.08 file of at most 20 MiB.
//
// It takes the whole file or nothing: beyond XML itself it refuses document
// types, comments, processing instructions, other namespaces, more than 32
// levels, elements and attributes that come twice, anything after the end,
// more than 50,000 entries or transactions, amounts of more than two decimals,
// and a statement whose entries do not lead from its opening to its closing
// balance. Only booked entries count (Sts BOOK); others are listed as Skipped.
//
// Failure is fault.Invalid with a key under error.bank and Args Line and Entry.
func ReadStatements(r io.Reader) ([]Statement, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "error.bank.read", fmt.Errorf("bank: read statement: %w", err))
	}
	if len(data) > maxFile {
		return nil, fault.Wrap(fault.Invalid, "error.bank.size", fmt.Errorf("bank: statement is larger than %d bytes", maxFile))
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	// Every element has at least one "<", most have two: a count costs nothing.
	if bytes.Count(data, []byte("<")) > 2*maxElements+2 {
		return nil, refused("error.bank.limits", 1, 0, "more than %d elements", maxElements)
	}
	s := scanner{dec: xml.NewDecoder(bytes.NewReader(data))}
	if err := s.run(); err != nil {
		return nil, err
	}
	if len(s.result) == 0 {
		return nil, refused("error.bank.missing", s.line(), 0, "no statement in the file")
	}
	return s.result, nil
}

// statementReader collects one Stmt while the scanner walks through it.
type statementReader struct {
	line    int
	version string
	entries []bankEntry
	long    map[string]where // first amount with more than two decimals, by currency
}

type where struct{ line, entry int }

// bankEntry is an Ntry, before batches are taken apart and keys are made.
type bankEntry struct {
	where
	common  Entry   // what the entry says itself; the whole entry when there are no parts
	parts   []Entry // a batch with known amounts, else empty
	skipped string  // status, when it is not BOOK
}

// signed is what the entry does to the balance.
func (e bankEntry) signed() money.Amount { return signed(e.common.Amount, e.common.Credit) }

// checkAmount looks at every element that carries a currency, whether it is
// read or not. More than two decimals are a fault only in the currency of the
// account: a payer's dinars may have three.
func (s *statementReader) checkAmount(text, currency string, line, entry int) error {
	if _, err := money.ParseDecimal(text); err == nil {
		return nil
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if _, err := money.ParseDecimal(whole); err != nil || len(fraction) > 5 || strings.Trim(fraction, "0123456789") != "" || fraction == "" {
		return refused("error.bank.amount", line, entry, "%.40q is not an amount", text)
	}
	if !money.Currency(currency).Valid() {
		return refused("error.bank.currency", line, entry, "%.3q is not a currency", currency)
	}
	if s.long == nil {
		s.long = map[string]where{}
	}
	if _, met := s.long[currency]; !met {
		s.long[currency] = where{line, entry}
	}
	return nil
}

// amount reads an Amt with its currency; never negative (the sign is CdtDbtInd).
func (w where) amount(n *node, what string) (money.Amount, money.Currency, error) {
	if n == nil {
		return 0, "", refused("error.bank.missing", w.line, w.entry, "%s has no amount", what)
	}
	currency := money.Currency(n.currency)
	if !currency.Valid() {
		return 0, "", refused("error.bank.currency", n.line, w.entry, "%s has no currency", what)
	}
	a, err := money.ParseDecimal(n.text)
	if err != nil || a < 0 || strings.HasPrefix(n.text, "-") {
		return 0, "", refused("error.bank.amount", n.line, w.entry, "%s: %.40q is no amount with two decimals", what, n.text)
	}
	return a, currency, nil
}

func (w where) credit(n *node, what string) (bool, error) {
	switch v := n.value("CdtDbtInd"); v {
	case "CRDT":
		return true, nil
	case "DBIT":
		return false, nil
	default:
		return false, refused("error.bank.missing", w.line, w.entry, "%s: %.10q is neither CRDT nor DBIT", what, v)
	}
}

// date reads a choice of Dt and DtTm; the zero Date when there is none. The day
// is the one the bank wrote, whatever zone it names: it is the bank's book.
func (w where) date(n *node, what string) (civil.Date, error) {
	if n == nil {
		return civil.Date{}, nil
	}
	text := n.value("Dt")
	if text == "" {
		text = n.value("DtTm")
	}
	return w.day(text, n.line, what)
}

func (w where) day(text string, line int, what string) (civil.Date, error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 0 {
			return civil.DateOf(t, t.Location()), nil
		}
	}
	return civil.Date{}, refused("error.bank.date", line, w.entry, "%s: %.40q is not a date", what, text)
}

func signed(a money.Amount, credit bool) money.Amount {
	if credit {
		return a
	}
	return -a
}

// addEntry reads one Ntry.
func (s *statementReader) addEntry(n *node, number int) error {
	e := bankEntry{where: where{n.line, number}}
	c := &e.common
	var err error
	if c.Amount, c.Currency, err = e.amount(n.child("Amt"), "the entry"); err != nil {
		return err
	}
	if c.Credit, err = e.credit(n, "the entry"); err != nil {
		return err
	}
	switch v := n.value("RvslInd"); v {
	case "true", "1":
		c.Reversal = true
	case "", "false", "0":
	default:
		return refused("error.bank.missing", n.line, number, "RvslInd %.10q", v)
	}
	if c.Booked, err = e.date(n.child("BookgDt"), "booking date"); err != nil {
		return err
	}
	if c.Valued, err = e.date(n.child("ValDt"), "value date"); err != nil {
		return err
	}
	c.EntryRef = n.value("NtryRef")
	c.ServicerRef = given(n.value("AcctSvcrRef"))
	c.Return = returned(n)

	status := n.value("Sts")
	if s.version == namespace08 {
		if status = n.value("Sts", "Cd"); status == "" {
			status = n.value("Sts", "Prtry")
		}
	}
	if status == "" {
		return refused("error.bank.missing", n.line, number, "the entry has no status")
	}
	if status != "BOOK" {
		e.skipped = status
		s.entries = append(s.entries, e)
		return nil
	}
	if c.Booked.IsZero() {
		c.Booked = c.Valued // BookgDt is optional in the schema
	}
	if c.Booked.IsZero() {
		return refused("error.bank.missing", n.line, number, "the entry has neither booking nor value date")
	}
	if err := s.addDetails(&e, n); err != nil {
		return err
	}
	s.entries = append(s.entries, e)
	return nil
}

// addDetails reads the transactions of an entry. Their amounts, where the bank
// tells them, must add up to the entry's; only charges may explain a difference.
func (s *statementReader) addDetails(e *bankEntry, n *node) error {
	charged := n.child("Chrgs") != nil
	told, announced := true, 0
	var parts []Entry
	var sum money.Amount
	for _, details := range n.children {
		if details.name != "NtryDtls" {
			continue
		}
		if count, err := strconv.Atoi(details.value("Btch", "NbOfTxs")); err == nil {
			announced = max(announced, count)
		}
		for _, tx := range details.children {
			if tx.name != "TxDtls" {
				continue
			}
			part, known, err := s.transaction(*e, tx)
			if err != nil {
				return err
			}
			charged = charged || tx.child("Chrgs") != nil
			told = told && known
			if sum, err = money.Sum(sum, signed(part.Amount, part.Credit)); err != nil {
				return refused("error.bank.amount", tx.line, e.entry, "%w", err)
			}
			parts = append(parts, part)
		}
	}
	if len(parts) > 0 && told && sum != e.signed() {
		if !charged {
			return refused("error.bank.batch_sum", e.line, e.entry, "transactions make %s, the entry is %s",
				sum.Decimal(), e.signed().Decimal())
		}
		told = false
	}
	c := &e.common
	switch {
	case len(parts) > 1 && told:
		e.parts = parts
	case len(parts) == 1 && announced <= 1:
		whole := *c
		*c = parts[0]
		c.Amount, c.Credit = whole.Amount, whole.Credit // what moved the balance
	default:
		c.Bundle = len(parts) > 1 || announced > 1
		texts := make([]string, 0, len(parts))
		for _, part := range parts {
			texts = append(texts, part.Text)
			c.References = append(c.References, part.References...)
			c.Return = c.Return || part.Return
		}
		c.Text = joined(texts)
	}
	if c.Text == "" && len(e.parts) == 0 {
		c.Text = n.value("AddtlNtryInf")
	}
	return nil
}

// transaction reads one TxDtls. Known is false when the bank does not tell its
// amount in the currency of the account.
func (s *statementReader) transaction(e bankEntry, n *node) (part Entry, known bool, err error) {
	part = e.common
	part.Amount = 0
	amt := n.child("Amt")
	if s.version == namespace02 || amt == nil {
		amt = n.at("AmtDtls", "TxAmt", "Amt")
	}
	if amt != nil && money.Currency(amt.currency) == e.common.Currency {
		if part.Amount, _, err = e.amount(amt, "the transaction"); err != nil {
			return Entry{}, false, err
		}
		known = true
	}
	if n.child("CdtDbtInd") != nil {
		if part.Credit, err = e.credit(n, "the transaction"); err != nil {
			return Entry{}, false, err
		}
	}
	part.Return = part.Return || returned(n) || n.child("RtrInf") != nil
	if part.ServicerRef == "" {
		part.ServicerRef = given(n.value("Refs", "AcctSvcrRef"))
	}
	part.EndToEndID = given(n.value("Refs", "EndToEndId"))

	parties, agent := n.child("RltdPties"), n.at("RltdAgts", "DbtrAgt", "FinInstnId")
	party, bic := "Pty", agent.value("BICFI")
	if s.version == namespace02 {
		party, bic = "", agent.value("BIC")
	}
	part.Payer = partyName(parties.child("Dbtr"), party)
	part.UltimatePayer = partyName(parties.child("UltmtDbtr"), party)
	// A payer outside the IBAN countries has another kind of account, and a
	// bank may write what it likes there: no reason to refuse the money.
	part.PayerIBAN, _ = ParseIBAN(parties.value("DbtrAcct", "Id", "IBAN"))
	part.PayerBIC, _ = ParseBIC(bic)

	var lines []string
	for _, r := range n.at("RmtInf").list() {
		switch r.name {
		case "Ustrd":
			lines = append(lines, oneLine(r.text))
		case "Strd":
			if ref := r.value("CdtrRefInf", "Ref"); ref != "" {
				part.References = append(part.References, ref)
			}
		}
	}
	if part.Text = joined(lines); part.Text == "" {
		part.Text = n.value("AddtlTxInf")
	}
	return part, known, nil
}

func (n *node) list() []*node {
	if n == nil {
		return nil
	}
	return n.children
}

func partyName(n *node, party string) string {
	if party != "" {
		if name := n.value(party, "Nm"); name != "" {
			return name
		}
		return n.value("Agt", "FinInstnId", "Nm")
	}
	return n.value("Nm")
}

// returned recognises the code for a reversal due to the return of a payment
// (ISO 20022 bank transaction codes, sub-family RRTN).
func returned(n *node) bool { return n.value("BkTxCd", "Domn", "Fmly", "SubFmlyCd") == "RRTN" }

func joined(parts []string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// given drops the words that banks write where the schema asks for a reference
// and there is none.
func given(ref string) string {
	letters := strings.Map(func(r rune) rune {
		if r < 128 && (isDigit(byte(r)) || isLetter(byte(r))) {
			return r
		}
		return -1
	}, strings.ToUpper(ref))
	switch letters {
	case "NOTPROVIDED", "NOTAVAILABLE", "NONREF", "NOREF", "NOREFERENCE", "NONE", "NA", "NULL", "UNKNOWN":
		return ""
	}
	if strings.Trim(letters, "0") == "" {
		return ""
	}
	return ref
}

// finish reads what stands around the entries and proves the sum.
func (s *statementReader) finish(n *node) (Statement, error) {
	at := where{line: s.line}
	st := Statement{ID: n.value("Id")}
	if st.ID == "" {
		return st, refused("error.bank.missing", s.line, 0, "the statement has no Id")
	}
	var err error
	if text := n.value("ElctrncSeqNb"); text != "" {
		// The schema's Number is a decimal; a sequence is counted.
		if st.Sequence, err = strconv.ParseInt(text, 10, 64); err != nil || st.Sequence < 0 {
			return st, refused("error.bank.missing", s.line, 0, "ElctrncSeqNb %.40q is not a number", text)
		}
	}
	if st.IBAN, err = ParseIBAN(n.value("Acct", "Id", "IBAN")); err != nil {
		return st, refused("error.bank.account", s.line, 0, "%w", err)
	}
	opening, closing, err := balances(at, n)
	if err != nil {
		return st, err
	}
	st.Currency = opening.currency
	if text := n.value("Acct", "Ccy"); text != "" && text != string(st.Currency) {
		return st, refused("error.bank.currency", s.line, 0, "account in %.3q, opening balance in %s", text, st.Currency)
	}
	if closing.currency != st.Currency {
		return st, refused("error.bank.currency", closing.line, 0, "closing balance in %s, opening in %s", closing.currency, st.Currency)
	}
	if first, met := s.long[string(st.Currency)]; met {
		return st, refused("error.bank.amount", first.line, first.entry, "more than two decimals")
	}
	st.Opening, st.Closing = opening.amount, closing.amount
	st.From, st.To = opening.date, closing.date
	if period := n.child("FrToDt"); period != nil {
		if st.From, err = at.day(period.value("FrDtTm"), period.line, "FrDtTm"); err != nil {
			return st, err
		}
		if st.To, err = at.day(period.value("ToDtTm"), period.line, "ToDtTm"); err != nil {
			return st, err
		}
	}
	if st.To.Before(st.From) {
		return st, refused("error.bank.date", s.line, 0, "from %s to %s", st.From, st.To)
	}

	booked := s.entries[:0]
	balance := st.Opening
	for _, e := range s.entries {
		if e.skipped != "" {
			st.Skipped = append(st.Skipped, Skipped{e.line, e.entry, e.skipped, e.common.Amount, e.common.Credit})
			continue
		}
		if e.common.Currency != st.Currency {
			return st, refused("error.bank.currency", e.line, e.entry, "entry in %s, account in %s", e.common.Currency, st.Currency)
		}
		if balance, err = money.Sum(balance, e.signed()); err != nil {
			return st, refused("error.bank.amount", e.line, e.entry, "%w", err)
		}
		booked = append(booked, e)
	}
	if balance != st.Closing {
		return st, refused("error.bank.sum", s.line, 0, "opening %s and entries make %s, closing is %s",
			st.Opening.Decimal(), balance.Decimal(), st.Closing.Decimal())
	}
	st.Entries = keyed(st, booked)
	s.entries, s.long = nil, nil
	return st, nil
}

type balance struct {
	amount   money.Amount
	currency money.Currency
	date     civil.Date
	line     int
}

// balances finds the opening booked balance (OPBD, else PRCD, the closing one
// of the day before) and the closing booked one (CLBD).
func balances(at where, n *node) (opening, closing balance, err error) {
	found := map[string]balance{}
	for _, bal := range n.children {
		code := bal.value("Tp", "CdOrPrtry", "Cd")
		if bal.name != "Bal" || (code != "OPBD" && code != "PRCD" && code != "CLBD") {
			continue
		}
		if _, twice := found[code]; twice {
			return opening, closing, refused("error.bank.repeated", bal.line, 0, "balance %s again", code)
		}
		b := balance{line: bal.line}
		here := where{line: bal.line}
		if b.amount, b.currency, err = here.amount(bal.child("Amt"), "balance "+code); err != nil {
			return opening, closing, err
		}
		credit, err := here.credit(bal, "balance "+code)
		if err != nil {
			return opening, closing, err
		}
		b.amount = signed(b.amount, credit)
		if b.date, err = here.date(bal.child("Dt"), "date of balance "+code); err != nil {
			return opening, closing, err
		}
		if b.date.IsZero() {
			return opening, closing, refused("error.bank.missing", bal.line, 0, "balance %s has no date", code)
		}
		found[code] = b
	}
	opening, opened := found["OPBD"]
	if !opened {
		opening, opened = found["PRCD"]
	}
	closing, closed := found["CLBD"]
	if !opened || !closed {
		return opening, closing, refused("error.bank.missing", at.line, 0, "no opening or no closing booked balance")
	}
	return opening, closing, nil
}
