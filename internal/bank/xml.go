package bank

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/siptg/portal/internal/fault"
)

// Limits of a statement file. A month of the busiest account stays far below.
const (
	maxFile     = 20 << 20  // bytes
	maxDepth    = 32        // elements inside each other
	maxEntries  = 50_000    // entries, and transactions inside them
	maxElements = 1_000_000 // in the file: bounds time and memory
	maxNames    = 64        // different names among the children of one element
)

// The two namespaces that are read.
const (
	namespace02 = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
	namespace08 = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
	schemaSpace = "http://www.w3.org/2001/XMLSchema-instance"
)

// node is one element: what the reader of meanings sees of the file.
type node struct {
	name     string
	text     string
	currency string // attribute Ccy
	line     int
	children []*node
}

// child returns the first child with the name, or nil. It may be called on nil.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// at follows a path of names; nil when it ends early.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		n = n.child(name)
	}
	return n
}

// value returns the text at a path in one line, empty when there is none.
func (n *node) value(path ...string) string {
	if n = n.at(path...); n == nil {
		return ""
	}
	return oneLine(n.text)
}

// refused makes the error that turns a whole file down. Line and Entry are for
// people (Entry counts from 1 over the file; 0 is outside of any); the cause
// is for the log.
func refused(key string, line, entry int, format string, args ...any) error {
	where := fmt.Sprintf("bank: statement line %d", line)
	if entry > 0 {
		where += fmt.Sprintf(", entry %d", entry)
	}
	return &fault.Error{
		Kind: fault.Invalid, Key: key, Args: fault.Args{"Line": line, "Entry": entry},
		Err: fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...)),
	}
}

// frame is an element that is still open.
type frame struct {
	raw      xml.Name // as written, prefix and all, for the end tag
	node     *node    // nil inside a part of the file that nothing here reads
	name     string
	currency string
	line     int
	text     string
	seen     []string // names of the children so far
	parent   bool     // has children
}

// scanner reads the file token by token. encoding/xml alone would accept what
// a bank never sends and what makes two readers see two different statements:
// document types, comments inside an amount, a second closing balance, a
// foreign element, anything after the end.
type scanner struct {
	dec       *xml.Decoder
	prefixes  map[string]string // namespaces, all declared on the root element
	namespace string
	stack     []frame
	elements  int
	entry     int // entries begun so far
	inEntry   bool
	details   int
	statement statementReader
	result    []Statement
}

func (s *scanner) line() int {
	line, _ := s.dec.InputPos()
	return line
}

// refuse is refused at the place where the scanner stands.
func (s *scanner) refuse(key, format string, args ...any) error {
	entry := 0
	if s.inEntry {
		entry = s.entry
	}
	return refused(key, s.line(), entry, format, args...)
}

func (s *scanner) run() error {
	for first, done := true, false; ; first = false {
		token, err := s.dec.RawToken()
		if errors.Is(err, io.EOF) {
			if !done {
				return s.refuse("error.bank.xml", "the file ends early")
			}
			return nil
		}
		if err != nil {
			return s.refuse("error.bank.xml", "%w", err)
		}
		switch t := token.(type) {
		case xml.ProcInst:
			if !first || t.Target != "xml" {
				return s.refuse("error.bank.forbidden", "processing instruction %.20q", t.Target)
			}
		case xml.Directive:
			return s.refuse("error.bank.forbidden", "document type or other directive")
		case xml.Comment:
			return s.refuse("error.bank.forbidden", "comment")
		case xml.CharData:
			if len(bytes.Trim(t, " \t\r\n")) == 0 {
				break
			}
			if done {
				return s.refuse("error.bank.trailing", "text after the end of the document")
			}
			if err := s.characters(t); err != nil {
				return err
			}
		case xml.StartElement:
			if done {
				return s.refuse("error.bank.trailing", "<%.40s> after the end of the document", t.Name.Local)
			}
			if err := s.open(t); err != nil {
				return err
			}
		case xml.EndElement:
			if len(s.stack) == 0 || s.stack[len(s.stack)-1].raw != t.Name {
				return s.refuse("error.bank.xml", "</%.40s> closes nothing", t.Name.Local)
			}
			if err := s.close(); err != nil {
				return err
			}
			done = len(s.stack) == 0
		}
	}
}

// characters takes the text of an element. Two pieces mean that something
// stood between them (a CDATA border, as comments are refused already).
func (s *scanner) characters(t xml.CharData) error {
	if len(s.stack) == 0 {
		return s.refuse("error.bank.xml", "text before the document")
	}
	top := &s.stack[len(s.stack)-1]
	if top.parent {
		return s.refuse("error.bank.xml", "text between the elements of <%.40s>", top.name)
	}
	if top.text != "" {
		return s.refuse("error.bank.forbidden", "text of <%.40s> in several pieces", top.name)
	}
	top.text = strings.Trim(string(t), " \t\r\n")
	return nil
}

func (s *scanner) open(t xml.StartElement) error {
	depth := len(s.stack)
	if depth >= maxDepth {
		return s.refuse("error.bank.limits", "more than %d elements inside each other", maxDepth)
	}
	if s.elements++; s.elements > maxElements {
		return s.refuse("error.bank.limits", "more than %d elements", maxElements)
	}
	currency, err := s.attributes(t)
	if err != nil {
		return err
	}
	if space := s.prefixes[t.Name.Space]; space != s.namespace {
		return s.refuse("error.bank.namespace", "<%.40s> is of namespace %.80q", t.Name.Local, space)
	}
	name := t.Name.Local
	top := &frame{}
	if depth > 0 {
		top = &s.stack[depth-1]
	}
	if top.text != "" {
		return s.refuse("error.bank.xml", "an element after text in <%.40s>", top.name)
	}
	top.parent = true
	if !slices.Contains(top.seen, name) {
		if len(top.seen) == maxNames {
			return s.refuse("error.bank.limits", "too many different elements in <%.40s>", top.name)
		}
		top.seen = append(top.seen, name)
	} else if !repeatable(top.name, name) {
		return s.refuse("error.bank.repeated", "<%.40s> again in <%.40s>", name, top.name)
	}
	f := frame{raw: t.Name, name: name, currency: currency, line: s.line()}
	if err := s.place(depth, &f, top); err != nil {
		return err
	}
	s.stack = append(s.stack, f)
	return nil
}

// place decides whether an element is kept, and watches the frame of the
// document: Document/BkToCstmrStmt/Stmt/Ntry.
func (s *scanner) place(depth int, f, top *frame) error {
	switch {
	case depth == 0 && f.name != "Document", depth == 1 && f.name != "BkToCstmrStmt":
		return s.refuse("error.bank.namespace", "<%.40s> where a statement should begin", f.name)
	case depth == 2 && f.name == "Stmt":
		s.statement = statementReader{line: f.line, version: s.namespace}
	case depth == 3 && f.name == "Ntry":
		s.inEntry = true
		if s.entry++; s.entry > maxEntries {
			return s.refuse("error.bank.limits", "more than %d entries", maxEntries)
		}
	case f.name == "TxDtls":
		if s.details++; s.details > maxEntries {
			return s.refuse("error.bank.limits", "more than %d transactions", maxEntries)
		}
	}
	if (depth == 2 && f.name == "Stmt") || (top.node != nil && isRead[f.name]) {
		f.node = &node{name: f.name, currency: f.currency, line: f.line}
		// An entry is read and let go as soon as it is closed.
		if top.node != nil && (depth != 3 || f.name != "Ntry") {
			top.node.children = append(top.node.children, f.node)
		}
	}
	return nil
}

func (s *scanner) close() error {
	f := s.stack[len(s.stack)-1]
	s.stack = s.stack[:len(s.stack)-1]
	if f.currency != "" {
		if err := s.statement.checkAmount(f.text, f.currency, f.line, s.entryNumber()); err != nil {
			return err
		}
	}
	if f.node == nil {
		return nil
	}
	f.node.text = f.text
	switch depth := len(s.stack); {
	case depth == 3 && f.name == "Ntry":
		err := s.statement.addEntry(f.node, s.entry)
		s.inEntry = false
		return err
	case depth == 2 && f.name == "Stmt":
		statement, err := s.statement.finish(f.node)
		if err != nil {
			return err
		}
		s.result = append(s.result, statement)
	}
	return nil
}

func (s *scanner) entryNumber() int {
	if s.inEntry {
		return s.entry
	}
	return 0
}

// attributes checks the attributes of an element and returns Ccy. The schemas
// know no other; the root may declare namespaces and point to its schema.
func (s *scanner) attributes(t xml.StartElement) (currency string, err error) {
	if len(t.Attr) == 0 {
		return "", s.root()
	}
	if a := t.Attr[0]; s.namespace != "" && len(t.Attr) == 1 && a.Name == (xml.Name{Local: "Ccy"}) && len(a.Value) == 3 {
		return a.Value, nil
	}
	declared := map[string]string{}
	for _, a := range t.Attr {
		prefix := a.Name.Local
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			prefix = ""
		case a.Name.Space != "xmlns":
			continue
		}
		if _, twice := declared[prefix]; twice {
			return "", s.refuse("error.bank.repeated", "namespace prefix %.40q declared twice", prefix)
		}
		declared[prefix] = a.Value
	}
	if s.prefixes == nil {
		s.prefixes = declared
	} else {
		for prefix, space := range declared {
			if known, ok := s.prefixes[prefix]; !ok || known != space {
				return "", s.refuse("error.bank.namespace", "<%.40s> declares namespace %.80q", t.Name.Local, space)
			}
		}
	}
	if err := s.root(); err != nil {
		return "", err
	}
	type attribute struct{ space, name string }
	seen := map[attribute]bool{}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || (a.Name.Space == "" && a.Name.Local == "xmlns") {
			continue
		}
		key := attribute{"", a.Name.Local}
		if a.Name.Space != "" {
			if key.space = s.prefixes[a.Name.Space]; key.space == "" {
				return "", s.refuse("error.bank.namespace", "attribute prefix %.40q is not declared", a.Name.Space)
			}
		}
		if seen[key] {
			return "", s.refuse("error.bank.repeated", "attribute %.40q again", a.Name.Local)
		}
		seen[key] = true
		switch {
		case key == attribute{"", "Ccy"} && len(a.Value) == 3:
			currency = a.Value
		case key.space == schemaSpace:
		default:
			return "", s.refuse("error.bank.xml", "attribute %.40q of <%.40s>", a.Name.Local, t.Name.Local)
		}
	}
	return currency, nil
}

// root settles, on the first element, which of the two schemas the file is of.
func (s *scanner) root() error {
	if s.namespace != "" {
		return nil
	}
	for _, space := range s.prefixes {
		switch {
		case space != namespace02 && space != namespace08:
		case s.namespace != "" && s.namespace != space:
			return s.refuse("error.bank.namespace", "both versions in one document")
		default:
			s.namespace = space
		}
	}
	if s.namespace == "" {
		return s.refuse("error.bank.namespace", "the document is neither camt.053.001.02 nor camt.053.001.08")
	}
	return nil
}

// isRead holds the names of elements whose content means something here.
// Others are checked as XML and forgotten.
var isRead = setOf(`Id ElctrncSeqNb FrToDt FrDtTm ToDtTm Acct IBAN Ccy Bal Tp CdOrPrtry Cd Prtry Amt CdtDbtInd Dt DtTm
	Ntry NtryRef RvslInd Sts BookgDt ValDt AcctSvcrRef BkTxCd Domn Fmly SubFmlyCd Chrgs NtryDtls Btch NbOfTxs TxDtls
	Refs EndToEndId AmtDtls TxAmt RltdPties Dbtr Pty Agt Nm DbtrAcct UltmtDbtr RltdAgts DbtrAgt FinInstnId BIC BICFI
	RmtInf Ustrd Strd CdtrRefInf Ref RtrInf AddtlTxInf AddtlNtryInf`)

// mayRepeat holds "parent/child" for every element that either schema lets
// come more than once. All others are single, also those the schemas do not know.
var mayRepeat = setOf(`BkToCstmrStmt/Stmt BkToCstmrStmt/SplmtryData Stmt/Bal Stmt/Intrst Stmt/Ntry Ntry/NtryDtls
	Ntry/Avlbty Ntry/Chrgs Ntry/Intrst NtryDtls/TxDtls TxDtls/Avlbty TxDtls/Chrgs TxDtls/Intrst TxDtls/RltdQties
	TxDtls/RltdRmtInf TxDtls/CshDpst TxDtls/SplmtryData RmtInf/Ustrd RmtInf/Strd Strd/RfrdDocInf Strd/AddtlRmtInf
	RtrInf/AddtlInf Bal/Avlbty Bal/CdtLine TxsSummry/TtlNtriesPerBkTxCd TtlNtriesPerBkTxCd/Avlbty PstlAdr/AdrLine
	Adr/AdrLine OrgId/Othr PrvtId/Othr CtctDtls/Othr AmtDtls/PrtryAmt Refs/Prtry RltdPties/Prtry RltdAgts/Prtry
	RltdDts/Prtry RltdPric/Prtry Intrst/Rate Intrst/Rcrd Chrgs/Rcrd Tax/Rcrd TaxRmt/Rcrd TaxAmt/Dtls Amt/TaxAmt
	Amt/AdjstmntAmtAndRsn Amt/DscntApldAmt RfrdDocAmt/TaxAmt RfrdDocAmt/AdjstmntAmtAndRsn RfrdDocAmt/DscntApldAmt
	RfrdDocInf/LineDtls LineDtls/Id RltdRmtInf/RmtLctnDtls FinInstrmId/OthrId RptgSeq/FrToSeq RptgSeq/EQSeq
	RptgSeq/NEQSeq POI/Cmpnt Cmpnt/ApprvlNb Cpblties/CardRdngCpblties Cpblties/CrdhldrVrfctnCpblties
	Cpblties/DispCpblties PlainCardData/TrckData`)

func repeatable(parent, child string) bool { return mayRepeat[parent+"/"+child] }

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
