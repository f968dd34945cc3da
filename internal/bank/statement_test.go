package bank_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t testing.TB, data []byte) bank.Statement {
	t.Helper()
	sts, err := bank.ReadStatements(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(sts) != 1 {
		t.Fatalf("%d statements", len(sts))
	}
	return sts[0]
}

func day(s string) civil.Date { return civil.MustParse(s) }

// bare is an entry without what keys.go adds, for comparison.
func bare(e bank.Entry) bank.Entry {
	e.Key, e.Fingerprint, e.Batch = "", "", ""
	return e
}

func TestReadVersion02(t *testing.T) {
	t.Parallel()
	st := read(t, file(t, "camt02.xml"))
	entry := func(amount money.Amount, on, ref string) bank.Entry {
		return bank.Entry{Amount: amount, Currency: "EUR", Credit: true, Booked: day(on), Valued: day(on), ServicerRef: ref}
	}
	want := []bank.Entry{
		entry(152460, "2026-11-20", "2026112000001"),
		entry(3630, "2026-11-20", "2026112000002"),
		entry(10000, "2026-11-21", "2026112100001"),
		entry(20000, "2026-11-21", "2026112100001"),
		entry(3630, "2026-11-21", "2026112000002"),
		entry(250, "2026-11-21", "2026112000002"),
		entry(21000, "2026-11-22", "2026112200001"),
		entry(1815, "2026-11-22", ""),
		entry(1815, "2026-11-22", ""),
	}
	const german, british = "DE89370400440532013000", "GB82WEST12345698765432"
	set := func(i int, payer, iban, text string) {
		want[i].Payer, want[i].PayerIBAN, want[i].Text = payer, bank.IBAN(iban), text
	}
	set(0, `UAB "Pirmas Pavyzdys"`, german, "")
	want[0].PayerBIC, want[0].EndToEndID, want[0].References = "COBADEFF", "PO-77", []string{"RF582026000101"}
	set(1, "Petras Petraitis", british, "Payment for order O-2026-000102, thank you")
	set(2, "Trecias SIA", german, "RF04 2026 0001 03")
	want[2].EndToEndID = "E-103"
	set(3, "Ketvirtas GmbH", "", "invoice")
	want[3].EndToEndID = "RF742026000104"
	set(4, "Petras Petraitis", british, "Payment for order O-2026-000102, thank you")
	want[4].Credit, want[4].Reversal = false, true
	want[5].Credit, want[5].Text = false, "Monthly fee"
	set(6, "Jonas Jonaitis", german, "Uz UAB Kitas Pavyzdys, saskaita O2026 000105")
	want[6].UltimatePayer, want[6].PayerBIC = "UAB Kitas Pavyzdys", "COBADEFFXXX"
	set(7, "Ona Onaite", british, "softphone")
	set(8, "Ona Onaite", british, "softphone")
	want[7].EntryRef, want[8].EntryRef = "2", "3"

	var got []bank.Entry
	for _, e := range st.Entries {
		got = append(got, bare(e))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("entries (-want +got):\n%s", d)
	}
	if e := st.Entries; e[2].Batch == "" || e[2].Batch != e[3].Batch || e[2].Key == e[3].Key || e[1].Batch != "" {
		t.Errorf("batch: %q %q", e[2].Batch, e[3].Batch)
	}
	st.Entries = nil
	if d := cmp.Diff(bank.Statement{
		ID: "20261122-1", Sequence: 326, IBAN: "LT121000011101001000", Currency: "EUR",
		From: day("2026-11-20"), To: day("2026-11-22"), Opening: 100000, Closing: 306840,
		Skipped: []bank.Skipped{{Line: 213, Entry: 9, Status: "PDNG", Amount: 99900, Credit: true}},
	}, st); d != "" {
		t.Errorf("statement (-want +got):\n%s", d)
	}
}

func TestReadVersion08(t *testing.T) {
	t.Parallel()
	st := read(t, file(t, "camt08.xml"))
	if st.Opening != 282210 || st.Closing != 362140 || st.From != day("2026-11-22") || len(st.Entries) != 7 {
		t.Fatalf("%+v", st)
	}
	third, back, in, fee, gulf := st.Entries[0], st.Entries[3], st.Entries[4], st.Entries[5], st.Entries[6]
	if third.Payer != "Jonas Jonaitis" || third.UltimatePayer != "UAB Kitas Pavyzdys" || third.PayerBIC != "COBADEFFXXX" {
		t.Errorf("third party: %+v", third)
	}
	if !back.Return || back.Reversal || !back.Credit {
		t.Errorf("return: %+v", back)
	}
	if in.Amount != 10000 || !in.Credit || in.ServicerRef != "T-1" || in.Payer != "Ångström & Søn A/S" || in.References[0] != "rf202026000106" {
		t.Errorf("credit of the batch: %+v", in)
	}
	if fee.Amount != 200 || fee.Credit || fee.ServicerRef != "T-2" || fee.Text != "Commission" || fee.Batch != in.Batch {
		t.Errorf("debit of the batch: %+v", fee)
	}
	if gulf.Amount != 40500 || gulf.PayerIBAN != "" || gulf.PayerBIC != "NBOKKWKW" {
		t.Errorf("three decimals of another currency are no fault: %+v", gulf)
	}
}

// The two files overlap in 22 November, in two versions, with and without references.
func TestOverlapOfVersions(t *testing.T) {
	t.Parallel()
	first, second := read(t, file(t, "camt02.xml")), read(t, file(t, "camt08.xml"))
	var known []bank.Known
	for _, e := range first.Entries {
		known = append(known, e.Known())
	}
	if got := bank.New(first, known); len(got) != 0 {
		t.Errorf("the same file again brings %+v", got)
	}
	got := bank.New(second, known)
	if len(got) != 4 {
		t.Fatalf("%d new entries, want the four of 23 November", len(got))
	}
	for _, e := range got {
		if e.Booked != day("2026-11-23") || e.Doubtful {
			t.Errorf("new: %+v", e)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	want := map[string]struct {
		key         string
		line, entry int
	}{
		"entity_bomb":            {"error.bank.forbidden", 6, 0},
		"doctype":                {"error.bank.forbidden", 2, 0},
		"undefined_entity":       {"error.bank.xml", 49, 1},
		"comment_in_amount":      {"error.bank.forbidden", 34, 1},
		"cdata_in_amount":        {"error.bank.forbidden", 34, 1},
		"processing_instruction": {"error.bank.forbidden", 8, 0},
		"stylesheet":             {"error.bank.forbidden", 2, 0},
		"trailing_garbage":       {"error.bank.trailing", 58, 0},
		"trailing_document":      {"error.bank.trailing", 57, 0},
		"wrong_sum":              {"error.bank.sum", 8, 0},
		"five_decimals":          {"error.bank.amount", 34, 1},
		"five_decimals_unread":   {"error.bank.amount", 45, 1},
		"foreign_element":        {"error.bank.namespace", 36, 1},
		"foreign_namespace":      {"error.bank.namespace", 2, 0},
		"foreign_root":           {"error.bank.namespace", 2, 0},
		"camt054":                {"error.bank.namespace", 2, 0},
		"repeated_singleton":     {"error.bank.repeated", 36, 1},
		"repeated_unread":        {"error.bank.repeated", 19, 0},
		"repeated_attribute":     {"error.bank.repeated", 34, 1},
		"repeated_balance":       {"error.bank.repeated", 33, 0},
		"no_closing":             {"error.bank.missing", 8, 0},
		"batch_sum":              {"error.bank.batch_sum", 33, 1},
		"currency":               {"error.bank.currency", 33, 1},
		"negative_amount":        {"error.bank.amount", 34, 1},
		"exponent":               {"error.bank.amount", 34, 1},
		"wide_digits":            {"error.bank.amount", 34, 1},
		"other_account":          {"error.bank.account", 8, 0},
		"bad_date":               {"error.bank.date", 37, 1},
		"cut_off":                {"error.bank.xml", 38, 1},
		"mixed_text":             {"error.bank.xml", 37, 1},
		"latin1":                 {"error.bank.xml", 1, 0},
	}
	names, err := filepath.Glob("testdata/refused/*.xml")
	if err != nil || len(names) != len(want) {
		t.Fatalf("%d files, %d expectations, %v", len(names), len(want), err)
	}
	for _, path := range names {
		name := strings.TrimSuffix(filepath.Base(path), ".xml")
		sts, err := bank.ReadStatements(bytes.NewReader(file(t, "refused/"+name+".xml")))
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || sts != nil {
			t.Errorf("%s: %v, %v", name, sts, err)
			continue
		}
		if w := want[name]; e.Kind != fault.Invalid || e.Key != w.key || e.Args["Line"] != w.line || e.Args["Entry"] != w.entry {
			t.Errorf("%s: %v at line %v, entry %v; want %+v", name, err, e.Args["Line"], e.Args["Entry"], w)
		}
	}
}

// small is a statement of one payment, to be edited.
func small(t testing.TB, version banktest.Version) string {
	t.Helper()
	var b strings.Builder
	if err := banktest.WriteCAMT053(&b, version, banktest.Closed(bank.Statement{
		ID: "S1", Sequence: 1, IBAN: "LT121000011101001000", Currency: "EUR",
		From: day("2026-11-22"), To: day("2026-11-22"), Opening: 10000,
		Entries: []bank.Entry{{
			Amount: 1000, Currency: "EUR", Credit: true, Booked: day("2026-11-22"), ServicerRef: "B1",
			Payer: "UAB Pavyzdys", Text: "text", References: []string{"RF18539007547034"},
		}},
	})); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestVariants(t *testing.T) {
	t.Parallel()
	const (
		amount02 = `<AmtDtls><TxAmt><Amt Ccy="EUR">10.00</Amt></TxAmt></AmtDtls>`
		booked   = `<BookgDt><Dt>2026-11-22</Dt></BookgDt>`
		period   = `<FrToDt><FrDtTm>2026-11-22T00:00:00</FrDtTm><ToDtTm>2026-11-22T23:59:59</ToDtTm></FrToDt>`
		other    = `<TxDtls><RmtInf><Ustrd>two</Ustrd></RmtInf></TxDtls></NtryDtls>`
	)
	for _, tt := range []struct {
		name string
		old  string // and new, and so on in pairs, divided by " => " and " ;; "
		key  string // empty: accepted, and check holds
		hold func(bank.Entry) bool
	}{
		{"as it is", ``, "", func(e bank.Entry) bool { return e.Amount == 1000 && !e.Bundle }},
		{"byte order mark", "<?xml => \ufeff<?xml", "", nil},
		{"no declaration", `<?xml version="1.0" encoding="UTF-8"?> => `, "", nil},
		{"prefix for the namespace", `<Document xmlns= => <Document xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b" xmlns=`, "", nil},
		{"text in CDATA", `<Ustrd>text => <Ustrd><![CDATA[a & b]]>`, "", func(e bank.Entry) bool { return e.Text == "a & b" }},
		{"free text over lines", "<Ustrd>text</Ustrd> => <Ustrd> a\n b\t</Ustrd><Ustrd/><Ustrd>c</Ustrd>", "", func(e bank.Entry) bool { return e.Text == "a b c" }},
		{"previous closing as opening", `OPBD => PRCD`, "", nil},
		{"other balances", `<Cd>OPBD => <Cd>ITBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-22</Dt></Dt></Bal><Bal><Tp><CdOrPrtry><Cd>OPBD`, "", nil},
		{"no period", period + ` => `, "", nil},
		{"instant in a zone", `<BookgDt><Dt>2026-11-22 => <BookgDt><DtTm>2026-11-22T23:30:00.5+02:00 ;; </Dt></BookgDt> => </DtTm></BookgDt>`, "", func(e bank.Entry) bool { return e.Booked == day("2026-11-22") }},
		{"day in a zone", `<BookgDt><Dt>2026-11-22 => <BookgDt><Dt>2026-11-22+02:00`, "", func(e bank.Entry) bool { return e.Booked == day("2026-11-22") }},
		{"value date alone", booked + ` => <ValDt><Dt>2026-11-21</Dt></ValDt>`, "", func(e bank.Entry) bool { return e.Booked == day("2026-11-21") }},
		{"placeholder reference", `<AcctSvcrRef>B1 => <AcctSvcrRef>NOT PROVIDED`, "", func(e bank.Entry) bool { return e.ServicerRef == "" && e.Fingerprint != "" }},
		{"reference of the transaction", `<AcctSvcrRef>B1</AcctSvcrRef> =>  ;; <EndToEndId> => <AcctSvcrRef>B1</AcctSvcrRef><EndToEndId>`, "", func(e bank.Entry) bool { return e.ServicerRef == "B1" }},
		{"amount of the transaction untold", amount02 + ` => `, "", func(e bank.Entry) bool { return e.Amount == 1000 && !e.Bundle }},
		{"charges explain a difference", amount02 + ` => <AmtDtls><TxAmt><Amt Ccy="EUR">12.00</Amt></TxAmt></AmtDtls><Chrgs><Amt Ccy="EUR">2.00</Amt></Chrgs>`, "", func(e bank.Entry) bool { return e.Amount == 1000 }},
		{"nothing explains it", `<TxAmt><Amt Ccy="EUR">10.00 => <TxAmt><Amt Ccy="EUR">12.00`, "error.bank.batch_sum", nil},
		{"two payments, amounts untold", `</TxDtls> => </TxDtls>` + other[:len(other)-len(`</NtryDtls>`)], "", func(e bank.Entry) bool {
			return e.Bundle && e.Amount == 1000 && e.Payer == "" && e.Text == "text two"
		}},
		{"batch announced without transactions", `<NtryDtls> => <NtryDtls><Btch><NbOfTxs>7</NbOfTxs></Btch>`, "", func(e bank.Entry) bool { return e.Bundle }},
		{"return by the bank's code", `ESCT => RRTN`, "", func(e bank.Entry) bool { return e.Return }},
		{"payer's account is no IBAN", `<Dbtr> => <DbtrAcct><Id><IBAN>XX</IBAN></Id></DbtrAcct><Dbtr>`, "", func(e bank.Entry) bool { return e.PayerIBAN == "" }},
		{"amount of one decimal", `>10.00</Amt> => >10.0</Amt>`, "", nil},
		{"amount without decimals", `>10.00</Amt> => >10</Amt>`, "", nil},

		{"status missing", `<Sts>BOOK</Sts> => `, "error.bank.missing", nil},
		{"status of the other version", `<Sts>BOOK</Sts> => <Sts><Cd>BOOK</Cd></Sts>`, "error.bank.missing", nil},
		{"no date", booked + ` => `, "error.bank.missing", nil},
		{"no amount", `<Amt Ccy="EUR">10.00</Amt> => `, "error.bank.missing", nil},
		{"no direction", `<CdtDbtInd>CRDT</CdtDbtInd> => `, "error.bank.missing", nil},
		{"unknown direction", `CRDT => CREDIT`, "error.bank.missing", nil},
		{"no currency", ` Ccy="EUR" => `, "error.bank.currency", nil},
		{"empty currency", ` Ccy="EUR" =>  Ccy=""`, "error.bank.xml", nil},
		{"account of another currency", `<Ccy>EUR => <Ccy>USD`, "error.bank.currency", nil},
		{"closing balance of another", `110.00</Amt> => 110.00</Amt> ;; <Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR" => <Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD"`, "error.bank.currency", nil},
		{"more than money can be", `>100.00</Amt> => >9999999999999.00</Amt>`, "error.bank.amount", nil},
		{"minus nought", `>10.00</Amt> => >-0.00</Amt>`, "error.bank.amount", nil},
		{"a comma", `>10.00</Amt> => >10,00</Amt>`, "error.bank.amount", nil},
		{"three decimals", `>10.00</Amt> => >10.000</Amt>`, "error.bank.amount", nil},
		{"reversal mark of a third kind", `<Sts> => <RvslInd>maybe</RvslInd><Sts>`, "error.bank.missing", nil},
		{"no statement id", `<Id>S1</Id> => `, "error.bank.missing", nil},
		{"sequence that is no number", `<ElctrncSeqNb>1 => <ElctrncSeqNb>1.5`, "error.bank.missing", nil},
		{"end before the start", `<FrDtTm>2026-11-22 => <FrDtTm>2026-11-23`, "error.bank.date", nil},
		{"balance without a day", `<Dt><Dt>2026-11-22</Dt></Dt> => `, "error.bank.missing", nil},
		{"29 February of a plain year", `<Dt>2026-11-22 => <Dt>2026-02-29`, "error.bank.date", nil},
		{"foreign attribute", `<Stmt> => <Stmt a="b">`, "error.bank.xml", nil},
		{"currency under an undeclared prefix", `<Stmt> => <Stmt x:Ccy="EUR">`, "error.bank.namespace", nil},
		{"namespace declared inside", `<Stmt> => <Stmt xmlns="urn:x">`, "error.bank.namespace", nil},
		{"undeclared prefix", `<Sts>BOOK</Sts> => <x:Sts>BOOK</x:Sts>`, "error.bank.namespace", nil},
		{"crossed end tags", `</Stmt> => </Stnt>`, "error.bank.xml", nil},
		{"another message inside", `BkToCstmrStmt> => BkToCstmrAcctRpt>`, "error.bank.namespace", nil},
		{"declaration in the middle", `<Stmt> => <?xml version="1.0"?><Stmt>`, "error.bank.forbidden", nil},
		{"text before", `<Document => x<Document`, "error.bank.xml", nil},
		{"control character", `<Ustrd>text => <Ustrd>&#1;`, "error.bank.xml", nil},
		{"XML 1.1", `version="1.0" => version="1.1"`, "error.bank.xml", nil},
	} {
		data := small(t, banktest.Version02)
		if tt.old != "" {
			for _, edit := range strings.Split(tt.old, " ;; ") {
				from, to, _ := strings.Cut(edit, " => ")
				if !strings.Contains(data, from) {
					t.Fatalf("%s: %q is not in the file", tt.name, from)
				}
				data = strings.ReplaceAll(data, from, to)
			}
		}
		sts, err := bank.ReadStatements(strings.NewReader(data))
		switch {
		case tt.key != "":
			if err == nil {
				t.Errorf("%s: accepted", tt.name)
				continue
			}
			isKey(t, err, tt.key)
			if t.Failed() {
				t.Logf("in %q", tt.name)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.hold != nil && !tt.hold(sts[0].Entries[0]):
			t.Errorf("%s: %+v", tt.name, sts[0].Entries[0])
		}
	}
}

func TestNamespacePrefix(t *testing.T) {
	t.Parallel()
	data := strings.NewReplacer("xmlns=", "xmlns:n=", "</", "</n:", "<?", "<?", "<", "<n:").Replace(small(t, banktest.Version08))
	if st := read(t, []byte(data)); st.Entries[0].Key != read(t, []byte(small(t, banktest.Version02))).Entries[0].Key {
		t.Error("another key in the other version")
	}
}

// What is written is read back the same, keys included, in both versions.
func TestWriterRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"camt02.xml", "camt08.xml"} {
		st := read(t, file(t, name))
		st.Skipped = nil
		for _, version := range []banktest.Version{banktest.Version02, banktest.Version08} {
			var b bytes.Buffer
			if err := banktest.WriteCAMT053(&b, version, st); err != nil {
				if name == "camt08.xml" && version == banktest.Version02 {
					continue // its batch moves money both ways
				}
				t.Fatal(err)
			}
			if d := cmp.Diff(st, read(t, b.Bytes())); d != "" {
				t.Errorf("%s in version %s (-want +got):\n%s", name, version, d)
			}
		}
	}
}

func TestSeveralStatements(t *testing.T) {
	t.Parallel()
	st := read(t, []byte(small(t, banktest.Version02)))
	next := st
	next.ID, next.Opening = "S2", st.Closing
	next = banktest.Closed(next)
	var b bytes.Buffer
	if err := banktest.WriteCAMT053(&b, banktest.Version02, st, next); err != nil {
		t.Fatal(err)
	}
	got, err := bank.ReadStatements(&b)
	if err != nil || len(got) != 2 || got[0].Entries[0].Key != got[1].Entries[0].Key {
		t.Fatalf("%+v, %v", got, err)
	}
}

// Bombs end at a limit of the reader. Nesting is timed: it must be turned down
// where it gets too deep, not after the whole of it was read.
func TestBombs(t *testing.T) {
	t.Parallel()
	const head = `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt>`
	const entry = `<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts></Ntry>`
	for _, tt := range []struct {
		name, data, key string
		limit           time.Duration
	}{
		{"a million nested elements", head + strings.Repeat("<a>", 1_000_000), "error.bank.limits", 2 * time.Second},
		{"33 levels", head + strings.Repeat("<a>", 30), "error.bank.limits", 0},
		{"32 levels", head + strings.Repeat("<a>", 29), "error.bank.xml", 0},
		{"more than 20 MiB", head + strings.Repeat(" ", 20<<20), "error.bank.size", 0},
		{"20 MiB of nothing", head + strings.Repeat(" ", 20<<20-len(head)), "error.bank.xml", 0},
		{"20 MiB of entries", head + strings.Repeat("<Ntry/>", (20<<20-len(head))/7), "error.bank.limits", 0},
		{"20 MiB of unread elements", head + strings.Repeat("<Bal><x/></Bal>", (20<<20-len(head))/15), "error.bank.limits", 0},
		{"a million elements", head + strings.Repeat("<Bal/>", 1_000_001), "error.bank.limits", 0},
		{"many names", head + names(2_000_000), "error.bank.limits", 0},
		{"50,001 entries", head + strings.Repeat(entry, 50_001), "error.bank.limits", 0},
		{"one entry of 50,001 transactions", head + "<Ntry><NtryDtls>" + strings.Repeat("<TxDtls/>", 50_001), "error.bank.limits", 0},
	} {
		start := time.Now()
		_, err := bank.ReadStatements(strings.NewReader(tt.data))
		if took := time.Since(start); tt.limit > 0 && took > tt.limit {
			t.Errorf("%s took %s", tt.name, took)
		}
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Key != tt.key {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func names(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString("<a" + strings.Repeat("b", i%200) + string(rune('a'+i/200%26)) + "/>")
	}
	return b.String()
}

func TestReaderThatFails(t *testing.T) {
	t.Parallel()
	_, err := bank.ReadStatements(iotest.ErrReader(io.ErrUnexpectedEOF))
	isKey(t, err, "error.bank.read")
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	_, err = bank.ReadStatements(strings.NewReader(""))
	isKey(t, err, "error.bank.xml")
	_, err = bank.ReadStatements(strings.NewReader(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt/></Document>`))
	isKey(t, err, "error.bank.missing")
}

// Whatever is accepted is sound: it sums up, the lax reader takes it too, and
// written anew it is read as the same, keys included.
func FuzzCamt053(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	hostile, err := filepath.Glob("testdata/refused/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, hostile...) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(small(f, banktest.Version02)))
	f.Add([]byte(small(f, banktest.Version08)))
	f.Fuzz(func(t *testing.T, data []byte) {
		sts, err := bank.ReadStatements(bytes.NewReader(data))
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v", err)
			}
			return
		}
		for lax := xml.NewDecoder(bytes.NewReader(data)); ; {
			if _, err := lax.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("the lax reader refuses: %v", err)
			}
		}
		for i := range sts {
			sts[i].Skipped = nil
			keys := map[string]bool{}
			for _, e := range sts[i].Entries {
				if e.Amount < 0 || keys[e.Key] {
					t.Fatalf("%+v", e)
				}
				keys[e.Key] = true
			}
			if closed := banktest.Closed(sts[i]); closed.Closing != sts[i].Closing {
				t.Fatalf("closing %d, entries make %d", sts[i].Closing, closed.Closing)
			}
		}
		var b bytes.Buffer
		if err := banktest.WriteCAMT053(&b, banktest.Version08, sts...); err != nil {
			t.Fatal(err)
		}
		again, err := bank.ReadStatements(&b)
		if d := cmp.Diff(sts, again); err != nil || d != "" {
			t.Fatalf("%v (-read +written and read):\n%s", err, d)
		}
	})
}
