package app_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/invoice"
)

// inside returns the invoice that a PDF has in it, nil without one.
func inside(t *testing.T, file []byte) []byte {
	t.Helper()
	m := regexp.MustCompile(`(?s)/Type /EmbeddedFile [^\n]*>>\nstream\n(.*?)\nendstream\nendobj`).FindSubmatch(file)
	if m == nil {
		return nil
	}
	r, err := zlib.NewReader(bytes.NewReader(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func (s *site) invoiceFiles(actor account.Actor, number string) (drawing, cii, ubl app.File) {
	s.t.Helper()
	var err error
	drawing, err = s.InvoiceFile(s.ctx(), actor, number)
	s.must(err)
	cii, err = s.InvoiceCII(s.ctx(), actor, number)
	s.must(err)
	ubl, err = s.InvoiceUBL(s.ctx(), actor, number)
	s.must(err)
	return drawing, cii, ubl
}

// One invoice, three files, all stored when it is issued: the PDF has inside what
// is served beside it. A bank invoice is no tax invoice and has nothing inside.
func TestFilesOfAnInvoice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_000_651, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	proforma, err := s.BankInvoiceFile(s.ctx(), ona, o.Number)
	s.must(err)
	if inside(t, proforma.Bytes) != nil || s.count(`SELECT count(*) FROM document_file`) != 1 {
		t.Error("a bank invoice is an e-invoice")
	}
	s.pay(o)
	s.must(s.RunDue(s.ctx()))
	if n := s.count(`SELECT count(DISTINCT format) FROM document_file f JOIN invoice i USING (content_sha256)`); n != 3 {
		t.Fatalf("%d files of the invoice were stored when it was issued", n)
	}
	paid, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	drawing, cii, ubl := s.invoiceFiles(ona, paid.InvoiceNumber)
	if got := inside(t, drawing.Bytes); got == nil || !bytes.Equal(got, cii.Bytes) {
		t.Errorf("inside the PDF is not what is beside it:\n%s", got)
	}
	if !strings.Contains(string(ubl.Bytes), ">"+paid.InvoiceNumber+"<") || drawing.Name != paid.InvoiceNumber+".pdf" ||
		cii.Name != paid.InvoiceNumber+".xml" || ubl.Name != paid.InvoiceNumber+".ubl.xml" || cii.ContentType != "application/xml" {
		t.Errorf("%s, %s, %s", drawing.Name, cii.Name, ubl.Name)
	}

	// From before e-invoices were stored: they are made of the frozen document, and
	// the PDF stays.
	_, err = s.db.Pool().Exec(s.ctx(), `ALTER TABLE document_file DISABLE TRIGGER USER; DELETE FROM document_file WHERE format <> 'pdf'; ALTER TABLE document_file ENABLE TRIGGER USER`)
	s.must(err)
	again, cii2, ubl2 := s.invoiceFiles(ona, paid.InvoiceNumber)
	if again.SHA256 != drawing.SHA256 || cii2.SHA256 != cii.SHA256 || ubl2.SHA256 != ubl.SHA256 || s.count(`SELECT count(*) FROM document_file`) != 4 {
		t.Error("other files than before")
	}

	// Whatever the program would write today, the stored bytes are served.
	old := []byte("<old/>")
	s.must(s.blobs.Put(s.ctx(), "cii/old.xml", old, "application/xml"))
	_, err = s.db.Pool().Exec(s.ctx(), `ALTER TABLE document_file DISABLE TRIGGER USER;
		UPDATE document_file SET blob_key = 'cii/old.xml', file_sha256 = sha256('<old/>'), size = 6 WHERE format = 'cii';
		DELETE FROM document_file WHERE format = 'pdf'; ALTER TABLE document_file ENABLE TRIGGER USER`)
	s.must(err)
	redrawn, cii3, _ := s.invoiceFiles(ona, paid.InvoiceNumber)
	if !bytes.Equal(cii3.Bytes, old) || !bytes.Equal(inside(t, redrawn.Bytes), old) {
		t.Error("an issued e-invoice was written anew")
	}

	// Lost files are put back if they are the same, altered ones are refused.
	_, err = s.db.Pool().Exec(s.ctx(), `ALTER TABLE document_file DISABLE TRIGGER USER; UPDATE document_file SET blob_key = 'ubl/lost.xml' WHERE format = 'ubl';
		UPDATE document_file SET blob_key = 'cii/lost.xml' WHERE format = 'cii'; ALTER TABLE document_file ENABLE TRIGGER USER`)
	s.must(err)
	if _, err := s.InvoiceCII(s.ctx(), ona, paid.InvoiceNumber); err == nil || !strings.Contains(err.Error(), "is made differently now") {
		t.Errorf("a lost file that cannot be made again: %v", err)
	}
	s.must(s.blobs.Put(s.ctx(), "cii/lost.xml", []byte("<other/>"), "application/xml"))
	if _, err := s.InvoiceCII(s.ctx(), ona, paid.InvoiceNumber); err == nil || !strings.Contains(err.Error(), "was altered") {
		t.Errorf("an altered file: %v", err)
	}
}

// A document that cannot be an e-invoice is drawn all the same, and says so in
// the log: nobody waits for an invoice because of a field.
func TestInvoiceThatIsNoEInvoice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_000_652, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	s.pay(o)
	s.must(s.RunDue(s.ctx()))
	paid, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	var content []byte
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT content FROM invoice`).Scan(&content))
	d, err := invoice.Unmarshal(content)
	s.must(err)
	d.Buyer.VATNumber = "LT100009999914" // a private person has none
	content, err = d.Marshal()
	s.must(err)
	_, err = s.db.Pool().Exec(s.ctx(), `ALTER TABLE invoice DISABLE TRIGGER USER`)
	s.must(err)
	_, err = s.db.Pool().Exec(s.ctx(), `UPDATE invoice SET content = $1, content_sha256 = sha256($1)`, content)
	s.must(err)
	drawing, err := s.InvoiceFile(s.ctx(), ona, paid.InvoiceNumber)
	s.must(err)
	if inside(t, drawing.Bytes) != nil {
		t.Error("an invoice that Check refuses is inside")
	}
	if _, err := s.InvoiceCII(s.ctx(), ona, paid.InvoiceNumber); err == nil {
		t.Error("written")
	}
}
