package vat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// Scheme is the seller's standing with its own tax administration.
type Scheme string

// The schemes. SVS is the Lithuanian small-business scheme of a seller that has
// a VAT number (Directive 2006/112/EC art. 284).
const (
	SchemeNone Scheme = "none" // no VAT number
	SchemeSVS  Scheme = "svs"
	SchemeStd  Scheme = "std" // ordinary VAT payer
)

// Seller is the seller's standing on the day of the tax point.
type Seller struct {
	Country   string // member state of establishment, ISO 3166-1
	Scheme    Scheme
	OSS       bool       // registered in the Union scheme (art. 369a to 369k)
	DestSince civil.Date // first day of taxation at the consumer's place; zero: never
	ExStates  []string   // member states that grant the cross-border SME exemption (art. 284a), ISO 3166-1
	ExNumber  string     // number of that exemption, with its suffix EX
}

// Status is the answer of VIES about the buyer's number at the tax point.
type Status string

// The answers. Unknown is an outage: it is neither yes nor no.
const (
	StatusNone    Status = "none" // not asked
	StatusValid   Status = "valid"
	StatusInvalid Status = "invalid"
	StatusUnknown Status = "unknown"
)

// Buyer is what is known about the payer at the tax point.
type Buyer struct {
	Country        string // of the address
	Postcode       string
	VATNumber      string // with its prefix; empty for none
	VIES           Status
	Company        bool // a business in its own words: picks wording, never a rate
	ManualBusiness bool // the operator accepted a business that has applied for a number (Reg. 282/2011 art. 18(1)(b))
	Diplomatic     bool // the operator holds the certificate of art. 151
}

// Turnover is what the threshold of art. 59c is measured with: net sales to
// consumers in other member states, in EUR.
type Turnover struct {
	YearToDate   money.Amount // of the calendar year, before this sale
	PreviousYear money.Amount
	Sale         money.Amount // this sale
}

// Threshold is the turnover up to which consumers in other member states may be
// taxed where the seller is (art. 59c(1)): EUR 10 000, which itself is within.
const Threshold money.Amount = 10_000_00

// Categories of VAT (UNTDID 5305, the subset of EN 16931 that occurs here).
const (
	CategoryStandard = "S"
	CategoryReverse  = "AE"
	CategoryExempt   = "E"
	CategoryOutside  = "O"
)

// Reports that a sale belongs in.
const (
	ReportLT   = "lt"   // the seller's own VAT return
	ReportOSS  = "oss"  // the return of the Union scheme
	ReportECSL = "ecsl" // the recapitulative statement (art. 262)
	ReportNone = "none"
)

// Keys of what the operator should know about a sale. None changes the tax.
// territories.csv adds "vat.french_overseas", "vat.portugal_region" and
// "vat.territory_unsure".
const (
	AlertPending      = "vat.pending"              // VIES has not answered: taxed as a consumer until it does
	AlertDestination  = "vat.destination_from_now" // this sale passes Threshold
	AlertSVSWithOSS   = "vat.svs_with_oss"         // small-business scheme and OSS together: ask the accountant
	AlertForeignDuty  = "vat.foreign_duty"         // a consumer outside the EU: local VAT may be due there
	AlertNumberInside = "vat.number_inside_eu"     // a buyer outside the EU with an EU number
)

// Treatment is how one sale is taxed.
type Treatment struct {
	Row                string            // of the decision table: "R1" … "R12"
	Place              string            // member state whose VAT law applies, ISO 3166-1; empty outside the EU
	Category           string            // S, AE, E or O
	HasRate            bool              // false: a document shows no rate at all, not 0
	Rate               money.BasisPoints // of Place
	VATEX              string            // code of the reason for no VAT; empty where there is none
	ReasonEN, ReasonLT string            // legal text for the document; empty where none is due
	Legal              string            // source of the rule; "Dir." is Directive 2006/112/EC, "Reg. 282" Regulation (EU) 282/2011, "PVMĮ" the Lithuanian VAT law
	Report             string            // return that the sale belongs in
	Alerts             []string          // keys for the operator
	DestinationFromNow bool              // this sale passed Threshold: Seller.DestSince becomes its day
}

// Tax returns the VAT on a net sum: half up, and zero in every category but S.
// Sum the lines first: VAT per line rounds differently.
func (t Treatment) Tax(net money.Amount) (money.Amount, error) {
	if t.Category != CategoryStandard {
		return 0, nil
	}
	return net.Percent(t.Rate)
}

// Reason names the legal text of a sale without VAT, for translations, and the
// number that the text ends with; both are empty where none is due.
func (t Treatment) Reason() (name, number string) {
	switch t.Row {
	case "R3", "R8b":
		return "small", ""
	case "R4", "R6b":
		return "reverse", ""
	case "R7c":
		return "small_abroad", strings.TrimPrefix(strings.TrimPrefix(t.ReasonEN, rows["R7c"].ReasonEN), exNumberEN)
	case "R9", "R10":
		if t.ReasonEN == outsideBusinessEN {
			return "outside_business", ""
		}
		return "outside_consumer", ""
	case "R12":
		return "diplomatic", ""
	}
	return "", ""
}

const (
	exNumberEN, exNumberLT = ", no. ", ", Nr. "

	reverseEN = "Reverse charge. Art. 44 and 196 Directive 2006/112/EC"
	reverseLT = "Atvirkštinis apmokestinimas. Direktyvos 2006/112/EB 44 ir 196 straipsniai"
	smallEN   = "VAT exempt: small enterprises scheme, Art. 284 Directive 2006/112/EC"
	smallLT   = "PVM neskaičiuojamas: smulkiojo verslo schema"
	outsideLT = "Ne PVM objektas Lietuvoje"

	outsideBusinessEN = "Outside the scope of EU VAT, Art. 44 Directive 2006/112/EC"
	outsideConsumerEN = "Outside the scope of EU VAT, Art. 58 Directive 2006/112/EC"
)

// rows is the decision table without place and rate. R5 and R7b are refusals;
// R6 and R11 send a buyer to other rows, by business and Territory.
var rows = map[string]Treatment{
	"R1":  {Category: CategoryStandard, Report: ReportLT, Legal: "Dir. 44, 193; PVMĮ 19(1)"},
	"R2":  {Category: CategoryStandard, Report: ReportLT, Legal: "Dir. 58; PVMĮ 19(1)"},
	"R3":  {Category: CategoryExempt, ReasonEN: smallEN, ReasonLT: smallLT, Report: ReportNone, Legal: "Dir. 284, 226(11)"},
	"R4":  {Category: CategoryReverse, VATEX: "VATEX-EU-AE", ReasonEN: reverseEN, ReasonLT: reverseLT, Report: ReportECSL, Legal: "Dir. 44, 196, 226(4), 226(11a)"},
	"R5":  {Legal: "PVMĮ 71"},
	"R6b": {Category: CategoryReverse, VATEX: "VATEX-EU-AE", ReasonEN: reverseEN, ReasonLT: reverseLT, Report: ReportECSL, Legal: "Dir. 44, 196; Reg. 282 18(1)(b)"},
	"R7":  {Category: CategoryStandard, Report: ReportOSS, Legal: "Dir. 58(1), 369a-369k"},
	"R7b": {Legal: "Dir. 58(1), 59c(2); Reg. 282 57d"},
	"R7c": {Category: CategoryExempt, Report: ReportNone, Legal: "Dir. 284(2), 284a",
		ReasonEN: "VAT exempt: SME scheme, Art. 284(2) Directive 2006/112/EC",
		ReasonLT: "PVM neskaičiuojamas: smulkiojo verslo schema, Direktyvos 2006/112/EB 284 straipsnio 2 dalis"},
	"R8a": {Category: CategoryStandard, Report: ReportLT, Legal: "Dir. 59c(1)"},
	"R8b": {Category: CategoryExempt, ReasonEN: smallEN, ReasonLT: smallLT, Report: ReportNone, Legal: "Dir. 59c(1), 284"},
	"R9":  {Category: CategoryOutside, VATEX: "VATEX-EU-O", ReasonEN: outsideConsumerEN, ReasonLT: outsideLT, Report: ReportNone, Legal: "Dir. 44, 58; Reg. 282 3"},
	"R10": {Category: CategoryOutside, VATEX: "VATEX-EU-O", ReasonEN: outsideConsumerEN, ReasonLT: outsideLT, Report: ReportNone, Legal: "Dir. 44, 58; Windsor Framework (goods only)"},
	"R12": {Category: CategoryExempt, VATEX: "VATEX-EU-151", Report: ReportLT, Legal: "Dir. 151",
		ReasonEN: "VAT exempt: Art. 151 Directive 2006/112/EC",
		ReasonLT: "Neapmokestinama PVM: Direktyvos 2006/112/EB 151 straipsnis"},
}

// Decide returns the treatment of a sale whose tax point is on. Everything it is
// told must be of that day. It refuses with a Conflict: "error.vat.review" where
// a person has to look at the territory, "error.vat.country_mismatch" where the
// VAT number is of another country than the address,
// "error.vat.seller_not_registered" (R5) and "error.vat.no_oss" (R7b); with an
// Invalid "error.vat.country" for a country that does not exist. Along with R5
// and R7b the Treatment carries only Row, Place, Legal and DestinationFromNow.
//
// Sources: Directive 2006/112/EC art. 44, 58, 59c, 151, 196, 284; Implementing
// Regulation (EU) 282/2011 art. 18.
func Decide(seller Seller, buyer Buyer, on civil.Date, turnover Turnover) (Treatment, error) {
	home := normalCountry(seller.Country)
	if !MemberState(home) || !slices.Contains([]Scheme{SchemeNone, SchemeSVS, SchemeStd}, seller.Scheme) {
		return Treatment{}, fault.Wrap(fault.Internal, "", fmt.Errorf("vat: no seller: country %q, scheme %q", seller.Country, seller.Scheme))
	}
	place := Territory(buyer.Country, buyer.Postcode)
	switch {
	case place.Country == "":
		return Treatment{}, fault.New(fault.Invalid, "error.vat.country")
	case place.Review:
		return Treatment{}, fault.New(fault.Conflict, "error.vat.review")
	case place.State == "":
		return outside(buyer, place), nil
	case buyer.Diplomatic && seller.Scheme == SchemeStd:
		return treat("R12", place.State, place, on)
	}
	business, pending, err := buyer.business(place)
	if err != nil {
		return Treatment{}, err
	}
	switch {
	case place.State == home && seller.Scheme != SchemeStd:
		return treat("R3", home, place, on)
	case place.State == home && (business || buyer.Company):
		return treat("R1", home, place, on)
	case place.State == home:
		return treat("R2", home, place, on)
	case business && seller.Scheme == SchemeNone:
		return refuse("R5", place.State, "error.vat.seller_not_registered")
	case business && buyer.ManualBusiness:
		return treat("R6b", place.State, place, on)
	case business:
		return treat("R4", place.State, place, on)
	}
	t, err := seller.toConsumer(home, place, on, turnover)
	if err == nil && pending {
		t.Alerts = append(t.Alerts, AlertPending)
	}
	return t, err
}

// business reports whether the buyer counts as a taxable person in place, and
// whether VIES has yet to say so. A number proves nothing by itself (Reg.
// 282/2011 art. 18(1)(a)); without one the buyer is a consumer (art. 18(2)).
func (b Buyer) business(place Place) (business, pending bool, err error) {
	if b.ManualBusiness {
		return true, false, nil
	}
	id, err := ParseID(b.VATNumber)
	if err != nil || b.VIES == StatusInvalid {
		return false, false, nil
	}
	if id.Country() != place.State {
		return false, false, fault.New(fault.Conflict, "error.vat.country_mismatch")
	}
	return b.VIES == StatusValid, b.VIES != StatusValid, nil
}

// toConsumer decides for a consumer in another member state.
func (s Seller) toConsumer(home string, place Place, on civil.Date, turnover Turnover) (Treatment, error) {
	if slices.Contains(s.ExStates, place.State) {
		t, err := treat("R7c", place.State, place, on)
		if s.ExNumber != "" {
			t.ReasonEN += exNumberEN + s.ExNumber
			t.ReasonLT += exNumberLT + s.ExNumber
		}
		return t, err
	}
	destination := !s.DestSince.IsZero() && !on.Before(s.DestSince)
	passed := false
	if !destination {
		year, err := money.Sum(turnover.YearToDate, turnover.Sale)
		if err != nil {
			return Treatment{}, fault.Wrap(fault.Internal, "", err)
		}
		passed = year > Threshold || turnover.PreviousYear > Threshold
	}
	var t Treatment
	var err error
	switch {
	case !destination && !passed && s.Scheme == SchemeStd:
		return treat("R8a", home, place, on)
	case !destination && !passed:
		return treat("R8b", home, place, on)
	case s.OSS && s.Scheme != SchemeNone: // no Union scheme without a VAT number
		t, err = treat("R7", place.State, place, on)
	default:
		t, err = refuse("R7b", place.State, "error.vat.no_oss")
	}
	t.DestinationFromNow = passed
	if err == nil && passed {
		t.Alerts = append(t.Alerts, AlertDestination)
	}
	if err == nil && s.Scheme == SchemeSVS {
		t.Alerts = append(t.Alerts, AlertSVSWithOSS)
	}
	return t, err
}

// outside decides for everybody outside the EU VAT territory, whatever number
// they have: a Canary company's "ES" number does not move it to Spain.
func outside(buyer Buyer, place Place) Treatment {
	row := "R9"
	if place.Country == "XI" {
		row = "R10"
	}
	t := rows[row]
	t.Row = row
	t.Alerts = place.alerts()
	if buyer.Company || buyer.ManualBusiness {
		t.ReasonEN = outsideBusinessEN
	} else {
		t.Alerts = append(t.Alerts, AlertForeignDuty)
	}
	// A company that is registered inside the EU may be established there too.
	if id, err := ParseID(buyer.VATNumber); err == nil && buyer.VIES != StatusInvalid &&
		MemberState(id.Country()) && id.Country() != normalCountry(buyer.Country) {
		t.Alerts = append(t.Alerts, AlertNumberInside)
	}
	return t
}

// treat fills a row of the table for the member state whose law applies.
func treat(row, state string, place Place, on civil.Date) (Treatment, error) {
	t := rows[row]
	t.Row, t.Place, t.HasRate, t.Alerts = row, state, true, place.alerts()
	if t.Category != CategoryStandard {
		return t, nil
	}
	if state == place.State && place.Rate != 0 {
		t.Rate = place.Rate
		return t, nil
	}
	var err error
	t.Rate, err = Rate(state, on)
	if err != nil {
		return Treatment{}, err
	}
	return t, nil
}

func refuse(row, state, key string) (Treatment, error) {
	return Treatment{Row: row, Place: state, Legal: rows[row].Legal}, fault.New(fault.Conflict, key)
}

func (p Place) alerts() []string {
	if p.Alert == "" {
		return nil
	}
	return []string{p.Alert}
}
