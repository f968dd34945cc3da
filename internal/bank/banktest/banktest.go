// Package banktest makes camt.053 statements for tests and for the demo: what
// a bank would send, kept to the elements that package bank reads.
package banktest

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// Version is a version of the message, the end of its namespace.
type Version string

// The versions that package bank reads.
const (
	Version02 Version = "02" // what Baltic banks document
	Version08 Version = "08"
)

// Closed returns the statement with the closing balance that its entries make.
// Like WriteCAMT053 it ignores Skipped, which moves no money.
func Closed(st bank.Statement) bank.Statement {
	st.Closing = st.Opening
	for _, e := range st.Entries {
		st.Closing += signed(e)
	}
	return st
}

// WriteCAMT053 writes the statements as one file. Neighbouring entries with
// one Batch become one entry of the bank. It writes what it is given, wrong
// sums too (see Closed), so tests can make files to be refused; a batch that
// moves money both ways cannot be written in version 02.
func WriteCAMT053(w io.Writer, version Version, statements ...bank.Statement) error {
	if version != Version02 && version != Version08 {
		return fmt.Errorf("banktest: no version %q", version)
	}
	if len(statements) == 0 {
		return errors.New("banktest: no statement to write")
	}
	f := &file{w: bufio.NewWriter(w), v08: version == Version08}
	f.line(`<?xml version="1.0" encoding="UTF-8"?>`)
	f.line(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.%s">`, string(version))
	f.line(`<BkToCstmrStmt>`)
	for i, st := range statements {
		if i == 0 {
			f.line(`<GrpHdr><MsgId>%s</MsgId><CreDtTm>%sT04:00:00</CreDtTm></GrpHdr>`, st.ID, st.To.AddDays(1))
		}
		f.statement(st)
	}
	f.line(`</BkToCstmrStmt>`)
	f.line(`</Document>`)
	if f.err != nil {
		return f.err
	}
	return f.w.Flush()
}

type file struct {
	w   *bufio.Writer
	v08 bool
	err error
}

// line writes a line of XML; string arguments are escaped. A failed write is
// reported by Flush.
func (f *file) line(format string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = escape(s)
		}
	}
	_, _ = fmt.Fprintf(f.w, format+"\n", args...) // a bufio.Writer keeps its first error for Flush
}

// filled is line, unless value is empty.
func (f *file) filled(format, value string) {
	if value != "" {
		f.line(format, value)
	}
}

func (f *file) statement(st bank.Statement) {
	f.line(`<Stmt>`)
	f.line(`<Id>%s</Id>`, st.ID)
	if st.Sequence != 0 {
		f.line(`<ElctrncSeqNb>%d</ElctrncSeqNb>`, st.Sequence)
	}
	f.line(`<CreDtTm>%sT04:00:00</CreDtTm>`, st.To.AddDays(1))
	f.line(`<FrToDt><FrDtTm>%sT00:00:00</FrDtTm><ToDtTm>%sT23:59:59</ToDtTm></FrToDt>`, st.From, st.To)
	f.line(`<Acct><Id><IBAN>%s</IBAN></Id><Ccy>%s</Ccy></Acct>`, string(st.IBAN), string(st.Currency))
	f.balance("OPBD", st.Opening, st.Currency, st.From)
	f.balance("CLBD", st.Closing, st.Currency, st.To)
	for i := 0; i < len(st.Entries); {
		n := 1
		for st.Entries[i].Batch != "" && i+n < len(st.Entries) && st.Entries[i+n].Batch == st.Entries[i].Batch {
			n++
		}
		f.entry(st.Entries[i : i+n])
		i += n
	}
	f.line(`</Stmt>`)
}

func (f *file) balance(code string, a money.Amount, currency money.Currency, day civil.Date) {
	f.line(`<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy="%s">%s</Amt><CdtDbtInd>%s</CdtDbtInd><Dt><Dt>%s</Dt></Dt></Bal>`,
		code, string(currency), max(a, -a).Decimal(), direction(a >= 0), day)
}

// entry writes one Ntry of one or, for a batch, several transactions.
func (f *file) entry(parts []bank.Entry) {
	first := parts[0]
	total, sameRef, oneWay := money.Amount(0), true, true
	for _, p := range parts {
		total += signed(p)
		sameRef = sameRef && p.ServicerRef == first.ServicerRef
		oneWay = oneWay && p.Credit == first.Credit
	}
	if !oneWay && !f.v08 {
		f.err = fmt.Errorf("banktest: version 02 has no batch that moves money both ways (%s)", first.Batch)
	}
	credit := total > 0
	if total == 0 {
		credit = first.Credit
	}
	f.line(`<Ntry>`)
	f.filled(`<NtryRef>%s</NtryRef>`, first.EntryRef)
	f.line(`<Amt Ccy="%s">%s</Amt>`, string(first.Currency), max(total, -total).Decimal())
	f.line(`<CdtDbtInd>%s</CdtDbtInd>`, direction(credit))
	if first.Reversal {
		f.line(`<RvslInd>true</RvslInd>`)
	}
	if f.v08 {
		f.line(`<Sts><Cd>BOOK</Cd></Sts>`)
	} else {
		f.line(`<Sts>BOOK</Sts>`)
	}
	f.line(`<BookgDt><Dt>%s</Dt></BookgDt>`, first.Booked)
	if !first.Valued.IsZero() {
		f.line(`<ValDt><Dt>%s</Dt></ValDt>`, first.Valued)
	}
	if sameRef {
		f.filled(`<AcctSvcrRef>%s</AcctSvcrRef>`, first.ServicerRef)
	}
	f.line(`<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>`)
	f.line(`<NtryDtls>`)
	switch {
	case first.Bundle:
		f.line(`<Btch><NbOfTxs>2</NbOfTxs></Btch>`) // how many, the reader has forgotten
	case first.Batch != "":
		f.line(`<Btch><NbOfTxs>%d</NbOfTxs></Btch>`, len(parts))
	}
	for _, p := range parts {
		f.transaction(p, sameRef)
	}
	f.line(`</NtryDtls>`)
	f.line(`</Ntry>`)
}

func (f *file) transaction(e bank.Entry, refAbove bool) {
	name, bic := `<Nm>%s</Nm>`, "BIC"
	if f.v08 {
		name, bic = `<Pty><Nm>%s</Nm></Pty>`, "BICFI"
	}
	f.line(`<TxDtls>`)
	f.line(`<Refs>`)
	if !refAbove {
		f.filled(`<AcctSvcrRef>%s</AcctSvcrRef>`, e.ServicerRef)
	}
	f.line(`<EndToEndId>%s</EndToEndId>`, cmp.Or(e.EndToEndID, "NOTPROVIDED"))
	f.line(`</Refs>`)
	if f.v08 {
		f.line(`<Amt Ccy="%s">%s</Amt><CdtDbtInd>%s</CdtDbtInd>`, string(e.Currency), e.Amount.Decimal(), direction(e.Credit))
	} else {
		f.line(`<AmtDtls><TxAmt><Amt Ccy="%s">%s</Amt></TxAmt></AmtDtls>`, string(e.Currency), e.Amount.Decimal())
	}
	if e.Payer != "" || e.PayerIBAN != "" || e.UltimatePayer != "" {
		f.line(`<RltdPties>`)
		f.filled(`<Dbtr>`+name+`</Dbtr>`, e.Payer)
		f.filled(`<DbtrAcct><Id><IBAN>%s</IBAN></Id></DbtrAcct>`, string(e.PayerIBAN))
		f.filled(`<UltmtDbtr>`+name+`</UltmtDbtr>`, e.UltimatePayer)
		f.line(`</RltdPties>`)
	}
	f.filled(`<RltdAgts><DbtrAgt><FinInstnId><`+bic+`>%s</`+bic+`></FinInstnId></DbtrAgt></RltdAgts>`, string(e.PayerBIC))
	if e.Text != "" || len(e.References) > 0 {
		f.line(`<RmtInf>`)
		for _, l := range lines(e.Text) {
			f.line(`<Ustrd>%s</Ustrd>`, l)
		}
		for _, ref := range e.References {
			f.line(`<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>%s</Ref></CdtrRefInf></Strd>`, ref)
		}
		f.line(`</RmtInf>`)
	}
	if e.Return {
		f.line(`<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>`)
	}
	f.line(`</TxDtls>`)
}

// lines cuts free text at spaces into the 140 characters a line may have.
func lines(text string) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > 140 {
			out, line = append(out, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

func signed(e bank.Entry) money.Amount {
	if e.Credit {
		return e.Amount
	}
	return -e.Amount
}

func direction(credit bool) string {
	if credit {
		return "CRDT"
	}
	return "DBIT"
}

func escape(s string) string {
	var b strings.Builder
	// Writing to a Builder cannot fail.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
