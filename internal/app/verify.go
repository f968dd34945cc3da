package app

import (
	"context"
	"net/url"
	"strings"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
)

// Verdict is all that anybody is told of a document whose number, date and total
// they have before them.
type Verdict string

// The verdicts. VerdictUnknown is also for a document with another date or total:
// nobody learns which numbers exist, or what stands on them.
const (
	VerdictGenuine   Verdict = "genuine"   // issued as it says, and in force
	VerdictCorrected Verdict = "corrected" // issued as it says, and corrected by a credit note since
	VerdictUnknown   Verdict = "unknown"
)

// VerifyInput is what stands on the paper, as it was typed.
type VerifyInput struct{ Number, Date, Total string }

// DocumentNumber is the number as it is printed, whatever spaces and letters
// were typed.
func (in VerifyInput) DocumentNumber() string {
	return strings.ToUpper(strings.Join(strings.Fields(in.Number), ""))
}

// maxDocumentNumber bounds what is looked up.
const maxDocumentNumber = 40

// Verify says whether an invoice or credit note with this number, date of issue
// and total was issued. One statement answers, whatever is wrong: the answer
// for a wrong date takes as long as for a number that does not exist.
//
// Failure is Invalid on the fields number, date and total.
func (a *App) Verify(ctx context.Context, in VerifyInput) (Verdict, error) {
	var fields fault.Fields
	number := in.DocumentNumber()
	switch {
	case number == "":
		fields.Add("number", "error.required", nil)
	case len(number) > maxDocumentNumber:
		fields.Add("number", "error.verify.number", nil)
	}
	date, err := civil.Parse(strings.TrimSpace(in.Date))
	if err != nil {
		fields.Add("date", "error.date", nil)
	}
	total, err := parseTotal(in.Total)
	if err != nil {
		fields.Add("total", "error.verify.total", nil)
	}
	if err := fields.Err(); err != nil {
		return "", err
	}
	verdict := VerdictUnknown
	err = a.db.View(ctx, func(tx *store.Tx) error {
		found, err := tx.VerifyDocument(ctx, number, date, total)
		verdict = Verdict(found)
		return err
	})
	return verdict, err
}

// parseTotal reads a total as it is printed or typed: "1 524,60", "€1,524.60",
// "-1524.60". The total of a credit note is meant without its sign.
func parseTotal(typed string) (money.Amount, error) {
	typed = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r == '.', r == ',':
			return r
		case r == ' ' || r == '\u00a0' || r == '\u202f' || r == '\'' || r == '-' || r == '\u2212':
			return -1
		case r == '€' || r == '$' || r == '£' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z':
			return -1 // the currency
		}
		return '?'
	}, strings.TrimSpace(typed))
	if i := strings.LastIndexAny(typed, ".,"); i >= 0 && len(typed)-i-1 <= 2 {
		typed = strings.NewReplacer(".", "", ",", "").Replace(typed[:i]) + "." + typed[i+1:]
	} else { // no decimals: what marks there are part thousands
		typed = strings.NewReplacer(".", "", ",", "").Replace(typed)
	}
	return money.ParseDecimal(strings.TrimSuffix(typed, "."))
}

// verifyURL is the address that stands on a document for checking it.
func (a *App) verifyURL(number string) string {
	if a.publicURL == "" {
		return ""
	}
	return a.publicURL + "/verify?" + url.Values{"number": {number}}.Encode()
}
