package web

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/bundle"
	"github.com/siptg/portal/internal/pricing"
)

// everyKind is a customer with a document of each kind: invoices of two months,
// a credit note, bank invoices that were paid and that wait, a receipt.
func everyKind(t *testing.T) (*site, *browser, account.PayerID) {
	t.Helper()
	s := newSite(t)
	b, payer := s.customer(601, "Ona Petrauskaitė")
	input := lithuanian("Ona Petrauskaitė")
	input.POReference = "PO-4711"
	_, err := s.app.SavePayer(s.ctx(), b.actor(), payer, input)
	s.must(err)
	o := s.order(b, payer, nil, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6})
	s.pay(o)
	paid, err := s.app.Order(s.ctx(), b.actor(), o.Number)
	s.must(err)
	offer, err := s.app.WithdrawalOffer(s.ctx(), b.actor(), paid.SubscriptionID)
	s.must(err)
	_, err = s.app.Withdraw(s.ctx(), b.actor(), paid.SubscriptionID, offer.Token)
	s.must(err)
	s.pay(s.order(b, payer, nil, softphone(2, true, 12)))
	s.topUp(b, payer, 50_00)
	s.order(b, payer, nil, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 2}, Period: 6})
	return s, b, payer
}

func rowsOf(a *answer) (rows []string) {
	for _, r := range a.doc().Find(`[data-testid="invoice"]`).EachIter() {
		rows = append(rows, r.AttrOr("data-type", "")+" "+r.AttrOr("data-number", "")+" "+r.Find(`[data-testid="state"]`).AttrOr("data-state", ""))
	}
	return rows
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	s, b, payer := everyKind(t)
	const (
		credited = "invoice SIP-2026-000001 credited"
		second   = "invoice SIP-2026-000002 paid"
		note     = "credit_note SIPC-2026-000001 "
		open     = "bank_invoice O-2026-000003 expected"
		receipt  = "receipt R-2026-000001 received"
		first    = "bank_invoice O-2026-000001 invoiced"
		other    = "bank_invoice O-2026-000002 invoiced"
	)
	all := []string{note, second, credited, receipt, open}
	for filter, want := range map[string][]string{
		"":                  all,
		"type=bank_invoice": {open, other, first}, "type=receipt": {receipt}, "type=credit_note": {note}, "type=invoice": {second, credited},
		"q=sip-2026-000001": {credited}, "q=O-2026-000002": {second}, "q=po-4711": {note, second, credited, open}, "q=petrauskait%C4%97": all,
		"q=" + s.actorName(b): {note, second, credited, open}, "q=130.68": {second}, "q=%E2%82%AC130%2C68": {second}, "q=108": {second}, "q=50%2C00+EUR": {receipt}, "q=nothing": nil,
		"from=2026-11-24": nil, "from=2026-11-23&to=2026-11-23": all, "payer=" + string(payer): all,
		"pick.SIP-2026-000002=on&pick.O-2026-000001=on": {second, first}, "pick.SIP-2026-000002=on&type=receipt": nil,
	} {
		a := b.get("/invoices?" + filter)
		if got := rowsOf(a); a.status != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%q: %d %q, want %q", filter, a.status, got, want)
		}
	}
	// Every document opens, and so does its file.
	a := b.get("/invoices?type=bank_invoice")
	for _, l := range a.doc().Find(`[data-testid="invoice"] a`).EachIter() {
		if a := b.get(l.AttrOr("href", "")); a.status != http.StatusOK {
			t.Errorf("%s: %d", l.AttrOr("href", ""), a.status)
		}
	}
	if a := b.get("/invoices/R-2026-000001"); a.location() != receiptURL("R-2026-000001") {
		t.Errorf("a receipt leads to %q (%d)", a.location(), a.status)
	}
	if a := b.get("/invoices/O-2026-000003.xml"); a.status != http.StatusNotFound {
		t.Errorf("a bank invoice is no e-invoice: %d", a.status)
	}
	// An accountant sees them all, and has the files; a stranger none.
	accountant, stranger := s.person(602, "Asta"), s.person(603, "Jonas")
	s.member(payer, accountant.actor().AccountID, account.RoleAccountant)
	if got := rowsOf(accountant.get("/invoices")); !slices.Equal(got, all) {
		t.Errorf("an accountant sees %q", got)
	}
	for _, path := range []string{"/invoices/O-2026-000003", "/invoices/O-2026-000003.pdf", receiptURL("R-2026-000001")} {
		if a, b := accountant.get(path), stranger.get(path); a.status != http.StatusOK || b.status != http.StatusNotFound {
			t.Errorf("%s: %d to an accountant, %d to a stranger", path, a.status, b.status)
		}
	}
	if got := rowsOf(stranger.get("/invoices?payer=" + string(payer))); got != nil {
		t.Errorf("a stranger sees %q", got)
	}
}

func (s *site) actorName(b *browser) string { return strings.ToLower(b.actor().TelegramID.String()) }

// The totals are those of the documents that the filter finds, credit notes taken
// off; with no filter nothing is added up.
func TestVATTotals(t *testing.T) {
	t.Parallel()
	_, b, _ := everyKind(t)
	totals := func(filter string) string {
		a := b.get("/invoices?" + filter)
		text := ""
		for _, r := range a.doc().Find(`[data-testid="vat-total"]`).EachIter() {
			text += r.AttrOr("data-rate", "") + " " + r.AttrOr("data-currency", "")
			for _, id := range []string{"net", "vat", "total"} {
				text += " " + r.Find(`[data-testid="vat-total-`+id+`"]`).AttrOr("data-minor", "")
			}
		}
		return text
	}
	for filter, want := range map[string]string{
		"": "", "type=invoice": "",
		"from=2026-01-01&to=2026-12-31":              "21% EUR 10800 2268 13068", // the first invoice was credited whole
		"from=2026-01-01&type=invoice":               "21% EUR 28800 6048 34848",
		"from=2026-01-01&type=credit_note":           "21% EUR -18000 -3780 -21780",
		"pick.SIP-2026-000001=on":                    "21% EUR 18000 3780 21780",
		"pick.SIP-2026-000001=on&pick.R-2026-000001": "",
		"q=000002":                     "21% EUR 10800 2268 13068",
		"from=2026-01-01&type=receipt": "",
	} {
		if strings.HasSuffix(filter, "R-2026-000001") {
			filter, want = filter+"=on", "21% EUR 18000 3780 21780"
		}
		if got := totals(filter); got != want {
			t.Errorf("%q: %q, want %q", filter, got, want)
		}
	}
}

// files of a ZIP by name.
func unzip(t *testing.T, packed string) (names []string, files map[string][]byte) {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Name)
	}
	return names, files
}

func TestExportZIP(t *testing.T) {
	t.Parallel()
	_, b, _ := everyKind(t)
	const path = "/invoices/export?format=zip&from=2026-10-01&to=2026-12-31"
	a := b.get(path)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/zip" || !strings.Contains(a.header.Get("Content-Disposition"), "documents_2026-10-01_2026-12-31.zip") {
		t.Fatalf("%d %v %s", a.status, a.header, clip(a.body, 500))
	}
	if again := b.get(path); again.body != a.body {
		t.Error("the second export is another file")
	}
	names, files := unzip(t, a.body)
	want := []string{
		"2026-11-23_R-2026-000001_Ona-Petrauskaitė.pdf",
		"2026-11-23_SIP-2026-000001_Ona-Petrauskaitė.pdf", "2026-11-23_SIP-2026-000001_Ona-Petrauskaitė.xml",
		"2026-11-23_SIP-2026-000002_Ona-Petrauskaitė.pdf", "2026-11-23_SIP-2026-000002_Ona-Petrauskaitė.xml",
		"2026-11-23_SIPC-2026-000001_Ona-Petrauskaitė.pdf", "2026-11-23_SIPC-2026-000001_Ona-Petrauskaitė.xml",
		"index.csv", "index.xlsx", "statement_2026-10-01_2026-12-31_Ona-Petrauskaitė.csv", bundle.SumsName,
	}
	if !slices.Equal(names, want) {
		t.Errorf("files %q", names)
	}
	// Without both days there is no period to state, and the page promises none.
	if all, _ := unzip(t, b.get("/invoices/export?format=zip&from=2026-10-01").body); slices.ContainsFunc(all, func(name string) bool { return strings.HasPrefix(name, "statement") }) {
		t.Errorf("without an end: %q", all)
	}
	if about := b.get("/invoices").doc().Find("#export").Parent().Text(); !strings.Contains(about, "if both days are set, also the account statement") {
		t.Errorf("the page promises: %s", about)
	}
	// The sums are those of the files.
	sums := ""
	for _, name := range names[:len(names)-1] {
		sum := sha256.Sum256(files[name])
		sums += hex.EncodeToString(sum[:]) + "  " + name + "\n"
	}
	if string(files[bundle.SumsName]) != sums {
		t.Errorf("sums:\n%s", files[bundle.SumsName])
	}
	// What is in it is what the portal serves.
	for file, served := range map[string]string{want[1]: "/invoices/SIP-2026-000001.pdf", want[2]: "/invoices/SIP-2026-000001.xml", want[0]: receiptURL("R-2026-000001"), want[5]: "/invoices/SIPC-2026-000001.pdf"} {
		if b.get(served).body != string(files[file]) {
			t.Errorf("%s is not what %s serves", file, served)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(files["index.csv"])).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("%v %v", rows, err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	for i, want := range []string{"R-2026-000001|receipt||50.00", "SIP-2026-000001|invoice|180.00|217.80", "SIP-2026-000002|invoice|108.00|130.68", "SIPC-2026-000001|credit_note|-180.00|-217.80"} {
		r := rows[i+1]
		if got := strings.Join([]string{r[column("number")], r[column("type")], r[column("net")], r[column("total")]}, "|"); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
		if files[r[column("file")]] == nil {
			t.Errorf("the index names %q, which is not there", r[column("file")])
		}
	}
	statement, err := csv.NewReader(bytes.NewReader(files[names[9]])).ReadAll()
	if err != nil || len(statement) < 4 || statement[len(statement)-1][9] != statement[len(statement)-2][9] {
		t.Errorf("statement %q, %v", statement, err)
	}
	readByOthers(t, a.body)
}

// readByOthers has unzip, sha256sum and LibreOffice read a ZIP, where they are
// installed.
func readByOthers(t *testing.T, packed string) {
	t.Helper()
	if testing.Short() {
		return
	}
	for _, name := range []string{"unzip", "sha256sum"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Logf("NOT TESTED with %s", name)
			return
		}
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		if err != nil {
			t.Errorf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	if err := os.WriteFile(filepath.Join(dir, "documents.zip"), []byte(packed), 0o600); err != nil {
		t.Fatal(err)
	}
	run("unzip", "-tq", "documents.zip")
	run("unzip", "-q", "documents.zip", "-d", "out")
	dir = filepath.Join(dir, "out")
	run("sha256sum", "--check", "--quiet", "--strict", bundle.SumsName)
	if office, err := exec.LookPath("soffice"); err == nil {
		run(office, "-env:UserInstallation=file://"+dir+"/profile", "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", "read", "index.xlsx")
		read, err := os.ReadFile(filepath.Join(dir, "read", "index.csv"))
		if err != nil || !strings.Contains(string(read), "SIP-2026-000001") {
			t.Errorf("LibreOffice reads %q, %v", read, err)
		}
	}
}

func TestExportOthers(t *testing.T) {
	t.Parallel()
	_, b, _ := everyKind(t)
	a := b.get("/invoices/export?format=csv&type=bank_invoice")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][0] != "O-2026-000001" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
		t.Errorf("bank invoices: %q, %v", rows, err)
	}
	if a := b.get("/invoices/export?format=xlsx&pick.SIP-2026-000001=on"); a.status != http.StatusOK || !strings.HasPrefix(a.body, "PK") {
		t.Errorf("%d", a.status)
	}
	a = b.get("/invoices/export?format=pdf")
	if a.status != http.StatusOK || !strings.HasPrefix(a.body, "%PDF-1.7") || strings.Count(a.body, "/Dest [") != 4 || b.get("/invoices/export?format=pdf").body != a.body {
		t.Errorf("%d, %d documents", a.status, strings.Count(a.body, "/Dest ["))
	}
	for path, field := range map[string]string{
		"format=exe": "format", "": "format", "format=zip&from=x": "from", "format=zip&from=2026-02-02&to=2026-02-01": "to", "format=pdf&from=2027-01-01": "q", "format=csv&type=x": "type",
	} {
		a := b.get("/invoices/export?" + path)
		if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != field {
			t.Errorf("%s: %d, mistake in %q, want %q", path, a.status, a.mark("error").AttrOr("data-field", ""), field)
		}
	}
	many := "format=csv"
	for i := range 51 {
		many += fmt.Sprintf("&pick.SIP-2026-%06d=on", i)
	}
	if a := b.get("/invoices/export?" + many); a.status != http.StatusUnprocessableEntity {
		t.Errorf("51 ticks: %d", a.status)
	}
}

// A stranger's export holds nothing of others, whatever it asks for.
func TestExportIsOnesOwn(t *testing.T) {
	t.Parallel()
	s, _, payer := everyKind(t)
	stranger := s.person(604, "Jonas")
	for _, asked := range []string{"", "&payer=" + string(payer), "&pick.SIP-2026-000001=on", "&q=SIP", "&type=receipt", "&type=bank_invoice", "&from=2026-01-01&to=2026-12-31"} {
		rows, err := csv.NewReader(strings.NewReader(stranger.get("/invoices/export?format=csv" + asked).body)).ReadAll()
		if err != nil || len(rows) != 1 {
			t.Errorf("%s: %q, %v", asked, rows, err)
		}
		_, files := unzip(t, stranger.get("/invoices/export?format=zip"+asked).body)
		for name, content := range files {
			if strings.Contains(name, "Ona") || bytes.Contains(content, []byte("Petrauskait")) {
				t.Errorf("%s: %s", asked, name)
			}
		}
	}
}

// Files that are not drawn yet are drawn first; the answer is a page that asks
// again until they are.
func TestExportDrawsFirst(t *testing.T) {
	t.Parallel()
	s, b, _ := everyKind(t)
	a := b.get("/invoices/export?format=zip&type=bank_invoice")
	for range 20 {
		if a.status != http.StatusAccepted {
			break
		}
		if a.mark("progress").AttrOr("data-of", "") != "3" || !strings.Contains(a.header.Get("Refresh"), "type=bank_invoice") {
			t.Errorf("%s %s", a.header.Get("Refresh"), a.body)
		}
		a = b.get("/invoices/export?format=zip&type=bank_invoice")
	}
	names, _ := unzip(t, a.body)
	if len(names) != 6 { // three PDFs, two indexes, the sums
		t.Errorf("files %q", names)
	}
	if n := s.count(`SELECT count(*) FROM bank_invoice b JOIN document_file f ON f.content_sha256 = b.content_sha256`); n != 3 {
		t.Errorf("%d bank invoices have files", n)
	}
}

// One person has one export at a time, and a process a few.
func TestTurnstile(t *testing.T) {
	t.Parallel()
	gate := newTurnstile(1)
	leave, err := gate.enter(t.Context(), "ona")
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan error, 2)
	for _, who := range []account.ID{"ona", "jonas"} {
		go func() {
			leave, err := gate.enter(t.Context(), who)
			if err == nil {
				leave()
			}
			entered <- err
		}()
	}
	leave()
	for range 2 {
		if err := <-entered; err != nil {
			t.Error(err)
		}
	}
	if len(gate.inside) != 0 || len(gate.places) != 0 {
		t.Errorf("%d and %d are left inside", len(gate.inside), len(gate.places))
	}
}

// copies makes n more invoices like the payer's first one, all of one open order.
func (s *site) copies(n int) {
	s.t.Helper()
	for _, statement := range []string{
		`ALTER TABLE invoice DISABLE TRIGGER USER`, `ALTER TABLE invoice_vat DISABLE TRIGGER USER`, `DROP INDEX invoice_order_once`,
		fmt.Sprintf(`INSERT INTO invoice (kind, series_id, seq, number, payer_id, order_id, issue_date, tax_point, currency, net_minor, vat_minor, total_minor, content, content_sha256, issued_at)
		 SELECT kind, series_id, 100 + g, n, payer_id, (SELECT id FROM orders WHERE state = 'awaiting_payment' LIMIT 1), issue_date, tax_point, currency, net_minor, vat_minor, total_minor, c, sha256(c), issued_at
		 FROM invoice i, generate_series(1, %d) g, LATERAL (SELECT 'SIP-2026-' || lpad((100 + g)::text, 6, '0') AS n) x,
		      LATERAL (SELECT convert_to(replace(convert_from(content, 'UTF8'), number, n), 'UTF8') AS c) y
		 WHERE number = 'SIP-2026-000001'`, n),
		`INSERT INTO invoice_vat (invoice_id, line, category, rate_bps, vat_row, country, base_minor, vat_minor)
		 SELECT i.id, v.line, v.category, v.rate_bps, v.vat_row, v.country, v.base_minor, v.vat_minor
		 FROM invoice i, invoice_vat v WHERE i.seq > 100 AND v.invoice_id = (SELECT id FROM invoice WHERE number = 'SIP-2026-000001')`,
		`ALTER TABLE invoice ENABLE TRIGGER USER`, `ALTER TABLE invoice_vat ENABLE TRIGGER USER`,
	} {
		if _, err := s.db.Pool().Exec(s.ctx(), statement); err != nil {
			s.t.Fatal(err)
		}
	}
}

// A quarter of 300 invoices: one click on the list, one ZIP, whole to unzip,
// sha256sum and LibreOffice, and the same bytes again.
func TestAQuarterOf300(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("draws 300 invoices")
	}
	s := newSite(t)
	b, payer := s.customer(610, "Ona")
	s.pay(s.order(b, payer, nil, softphone(2, true, 12)))
	s.order(b, payer, nil, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6}) // what the copies are said to be for
	s.copies(299)
	click := ""
	for _, l := range b.get("/invoices").doc().Find(`[data-testid="quarter"][data-kind="this_quarter"]`).EachIter() {
		click = l.AttrOr("href", "")
	}
	a, looks := b.get(click), 1
	for ; a.status == http.StatusAccepted && looks < 200; looks++ {
		a = b.get(strings.TrimPrefix(a.header.Get("Refresh"), "1; url="))
	}
	names, files := unzip(t, a.body)
	pdfs := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".pdf") && bytes.HasPrefix(files[name], []byte("%PDF-")) {
			pdfs++
		}
	}
	if pdfs != 300 || len(names) != 604 {
		t.Errorf("%d PDFs in %d files after %d looks", pdfs, len(names), looks)
	}
	if again := b.get(click); again.body != a.body {
		t.Error("the second time it is another file")
	}
	readByOthers(t, a.body)
	t.Logf("%d files, %d bytes, after %d looks", len(names), len(a.body), looks)
}

// slowLine is a reader who takes so many bytes a second, on a clock of its own.
type slowLine struct {
	http.ResponseWriter
	rate     int
	now      time.Time
	deadline time.Time
}

func (l *slowLine) SetWriteDeadline(t time.Time) error { l.deadline = t; return nil }

func (l *slowLine) Write(b []byte) (int, error) {
	needs := time.Duration(len(b)) * time.Second / time.Duration(l.rate)
	if left := l.deadline.Sub(l.now); left < needs {
		l.now = l.deadline
		return int(left.Seconds() * float64(l.rate)), os.ErrDeadlineExceeded
	}
	l.now = l.now.Add(needs)
	return len(b), nil
}

// Who reads slowly has their file; who holds a place by a trickle loses it.
func TestExportToSlowReaders(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	read := func(l *slowLine, p *patient, bytes int) (time.Duration, error) {
		begun := l.now
		for range bytes / (16 << 10) {
			if _, err := p.Write(make([]byte, 16<<10)); err != nil {
				return l.now.Sub(begun), err
			}
			l.now = l.now.Add(time.Second / 2) // the next part is made
		}
		return l.now.Sub(begun), nil
	}
	for rate, ends := range map[int]bool{600: true, 8 << 10: true, 31 << 10: true, 33 << 10: false, 1 << 20: false} {
		l := &slowLine{rate: rate, now: start}
		took, err := read(l, &patient{w: l, control: http.NewResponseController(l), now: func() time.Time { return l.now }}, 16<<20)
		if ends != errors.Is(err, os.ErrDeadlineExceeded) || ends && rate <= 8<<10 && took > time.Minute {
			t.Errorf("%d bytes a second: %v after %s", rate, err, took)
		}
	}
	// Having been fast gives nobody minutes of silence.
	l := &slowLine{rate: 16 << 20, now: start}
	p := &patient{w: l, control: http.NewResponseController(l), now: func() time.Time { return l.now }}
	if _, err := read(l, p, 16<<20); err != nil {
		t.Fatal(err)
	}
	l.rate = 1
	if took, err := read(l, p, 16<<10); !errors.Is(err, os.ErrDeadlineExceeded) || took != exportStall {
		t.Errorf("who stopped: %v after %s", err, took)
	}
	if d := time.Since(systemTime()); d < 0 || d > time.Minute {
		t.Errorf("the machine's time is %s off", d)
	}
}
