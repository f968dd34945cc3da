package bank

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// EPCData is what a banking app fills in after reading the QR code.
type EPCData struct {
	BIC       BIC    // of the seller's bank; may be empty for an account in the EEA
	Name      string // of the beneficiary, 1 to 70 characters, exactly as the bank holds it
	IBAN      IBAN
	Amount    money.Money // EUR, 0.01 to 999999999.99
	Purpose   string      // ISO 20022 purpose code, up to 4 characters; may be empty
	Reference Reference   // either this
	Text      string      // or this, up to 140 characters; or neither
	Note      string      // shown to the payer, not sent; up to 70 characters
}

// epcBytes is what QR version 13 holds at error level M.
const epcBytes = 331

// EPC returns the text of the QR code for a SEPA credit transfer (EPC069-12,
// version 002): UTF-8, lines parted by LF, nothing after the last filled one.
//
// Control characters and line breaks are taken out of every text first: a line
// break inside a name would shift the lines below it and could redirect the
// payment. Failure is fault.Invalid with key error.bank.epc: the caller then
// prints the payment details without the code.
func EPC(d EPCData) (string, error) {
	payload, err := epc(d)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "error.bank.epc", fmt.Errorf("bank: EPC QR: %w", err))
	}
	return payload, nil
}

func epc(d EPCData) (string, error) {
	name, purpose, text, note := oneLine(d.Name), oneLine(d.Purpose), oneLine(d.Text), oneLine(d.Note)
	iban, err := ParseIBAN(string(d.IBAN))
	if err != nil {
		return "", err
	}
	bic := BIC("")
	if d.BIC != "" {
		if bic, err = ParseBIC(string(d.BIC)); err != nil {
			return "", err
		}
	}
	reference := Reference("")
	if d.Reference != "" {
		if reference, err = ParseReference(string(d.Reference)); err != nil {
			return "", err
		}
	}
	switch {
	case !utf8.ValidString(d.Name + d.Purpose + d.Text + d.Note):
		return "", errors.New("a text is not UTF-8")
	case d.Amount.Currency != money.EUR:
		return "", fmt.Errorf("currency %.3q is not EUR", string(d.Amount.Currency))
	case d.Amount.Amount < 1 || d.Amount.Amount > 999_999_999_99:
		return "", fmt.Errorf("amount %s is not 0.01 to 999999999.99", d.Amount)
	case !iban.SEPA():
		return "", fmt.Errorf("country %s is outside SEPA", iban.Country())
	case bic == "" && !iban.eea():
		return "", fmt.Errorf("an account in %s needs a BIC", iban.Country())
	case name == "" || tooLong(name, 70):
		return "", errors.New("the name is not 1 to 70 characters")
	case tooLong(purpose, 4):
		return "", errors.New("the purpose is longer than 4 characters")
	case reference != "" && text != "":
		return "", errors.New("both a reference and a text")
	case tooLong(text, 140):
		return "", errors.New("the text is longer than 140 characters")
	case tooLong(note, 70):
		return "", errors.New("the note is longer than 70 characters")
	}
	payload := strings.TrimRight(strings.Join([]string{
		"BCD", "002", "1", "SCT", string(bic), name, string(iban),
		"EUR" + d.Amount.Amount.Decimal(), purpose, string(reference), text, note,
	}, "\n"), "\n")
	if len(payload) > epcBytes {
		return "", fmt.Errorf("%d bytes do not fit into %d", len(payload), epcBytes)
	}
	return payload, nil
}

func tooLong(s string, limit int) bool { return utf8.RuneCountInString(s) > limit }

// oneLine turns line breaks, tabs and control characters into single spaces
// and drops invisible characters that could make a text read otherwise than it
// is (bidirectional controls, zero-width ones).
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
