package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/vat"
	"github.com/siptg/portal/views"
)

// amounts reads the calculator's marks.
func amounts(a *answer) [5]string {
	a.t.Helper()
	var list [5]string
	for i, id := range []string{"monthly", "net", "discount", "vat", "total"} {
		m := a.mark(id)
		if currency := m.AttrOr("data-currency", ""); currency != "EUR" {
			a.t.Errorf("currency of %s is %q", id, currency)
		}
		list[i] = m.AttrOr("data-minor", "")
	}
	return list
}

func TestCalculatorPrices(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser()
	for path, want := range map[string][5]string{
		// monthly, net, discount, VAT, total; product.md "Checks", rates of LT and DE
		"/plans/softphone":                                                    {"300", "3240", "360", "680", "3920"},
		"/plans/softphone?accounts=1&period=6":                                {"300", "1800", "0", "378", "2178"},
		"/plans/softphone?accounts=5&recording=on&period=12":                  {"2500", "27000", "3000", "5670", "32670"},
		"/plans/softphone?accounts=12&recording=on&period=36":                 {"21000", "529200", "226800", "111132", "640332"},
		"/plans/softphone?accounts=12&recording=on&api=on&period=6":           {"21000", "126000", "0", "26460", "152460"},
		"/plans/softphone?accounts=5&recording=on&api=on&period=12":           {"17500", "189000", "21000", "39690", "228690"},
		"/plans/gateway?period=6":                                             {"3000", "18000", "0", "3780", "21780"},
		"/plans/gateway?lines=6&extra_accounts=1&api=on&period=36":            {"40500", "1020600", "437400", "214326", "1234926"},
		"/plans/gateway?lines=3&period=6&country=DE&currency=EUR":             {"6000", "36000", "0", "6840", "42840"},
		"/plans/gateway?lines=3&period=6&country=de":                          {"6000", "36000", "0", "6840", "42840"},
		"/plans/gateway?lines=3&period=6&country=CH":                          {"6000", "36000", "0", "0", "36000"},
		"/plans/gateway?lines=3&extra_accounts=0&recording=&period=6&x=other": {"6000", "36000", "0", "7560", "43560"},
	} {
		a := b.get(path)
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		if got := amounts(a); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// A consumer compares what is paid, with VAT; a company compares what remains.
func TestPeriodsWithVAT(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	person, _ := s.customer(320, "Ona")
	company := s.person(321, "Max")
	payers, err := s.app.Payers(s.ctx(), company.actor())
	s.must(err)
	input := lithuanian("Pavyzdys, UAB")
	input.Kind, input.CompanyCode = "company", "300000001"
	_, err = s.app.SavePayer(s.ctx(), company.actor(), payers[0].ID, input)
	s.must(err)
	const path = "/plans/softphone?accounts=5&recording=on&period=12"
	for name, tt := range map[string]struct {
		b    *browser
		path string
		want string
	}{
		"nobody yet": {s.browser(), path, "12 months €27.23 a month with VAT €326.70 in all with VAT €270.00 in all without VAT you save €36.30 (10%)"},
		"a person":   {person, path, "12 months €27.23 a month with VAT €326.70 in all with VAT €270.00 in all without VAT you save €36.30 (10%)"},
		"a company":  {company, path, "12 months €22.50 a month without VAT €270.00 in all without VAT €326.70 in all with VAT you save €30.00 (10%)"},
		"outside":    {s.browser(), path + "&country=CH", "12 months €22.50 a month without VAT €270.00 in all without VAT you save €30.00 (10%)"},
	} {
		card := tt.b.get(tt.path).mark("period").Filter(`[data-months="12"]`)
		var words []string
		card.Children().Each(func(_ int, part *goquery.Selection) {
			words = append(words, strings.Join(strings.Fields(part.Text()), " "))
		})
		if got := strings.Join(words, " "); got != tt.want {
			t.Errorf("%s sees %q, want %q", name, got, tt.want)
		}
	}
}

// Each reason for no VAT has its own words.
func TestReasonsForNoVAT(t *testing.T) {
	t.Parallel()
	en := i18n.New("en")
	known := &account.Payer{Country: "PL"}
	for _, tt := range []struct {
		treatment vat.Treatment
		payer     *account.Payer
		want      views.Tax
	}{
		{vat.Treatment{Row: "R1", Category: "S", Rate: 2100, Place: "LT"}, known, views.Tax{Case: "charged", Rate: "21%", Country: "Lithuania"}},
		{vat.Treatment{Row: "R3", Category: "E", Place: "LT"}, nil, views.Tax{Case: "exempt", Country: "Poland", Estimate: true}},
		{vat.Treatment{Row: "R4", Category: "AE", Place: "PL"}, known, views.Tax{Case: "reverse_charge", Country: "Poland"}},
		{vat.Treatment{Row: "R7c", Category: "E", Place: "PL"}, known, views.Tax{Case: "exempt_there", Country: "Poland"}},
		{vat.Treatment{Row: "R8b", Category: "E", Place: "LT"}, known, views.Tax{Case: "exempt", Country: "Poland"}},
		{vat.Treatment{Row: "R9", Category: "O"}, nil, views.Tax{Case: "outside", Country: "Poland"}},
		{vat.Treatment{Row: "R12", Category: "E", Place: "PL"}, known, views.Tax{Case: "exempt_body", Country: "Poland"}},
	} {
		got := taxView(en, app.Quote{Country: "PL", Treatment: tt.treatment, Payer: tt.payer})
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.treatment.Row, got, tt.want)
		}
		if key := "calc.tax." + got.Case; en.T(key, "Rate", "", "Country", "") == key {
			t.Errorf("no words for %s", got.Case)
		}
	}
}

// The periods and the usual quantities are plain links that keep the rest.
func TestCalculatorLinks(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser()
	a := b.get("/plans/softphone?accounts=5&recording=on&api=on&period=12&country=DE&currency=EUR")
	periods := a.mark("period")
	if periods.Length() != 3 {
		t.Fatalf("%d periods", periods.Length())
	}
	half := b.get(periods.First().AttrOr("href", ""))
	if got, want := amounts(half), [5]string{"17500", "105000", "0", "19950", "124950"}; got != want {
		t.Errorf("six months: %v, want %v", got, want)
	}
	current := periods.Filter("[aria-current]")
	if current.Length() != 1 || current.AttrOr("data-months", "") != "12" {
		t.Errorf("the chosen period is %q", current.AttrOr("data-months", ""))
	}
	eleven := b.get(a.doc().Find(`.chips a[href*="accounts=11"]`).AttrOr("href", ""))
	if got := amounts(eleven)[0]; got != "20500" { // 11 x 5 + 150; API access is free
		t.Errorf("eleven accounts: %s a month", got)
	}
	if country := eleven.doc().Find(`select[name=country] option[selected]`).AttrOr("value", ""); country != "DE" {
		t.Errorf("the country became %q", country)
	}
	if hints := eleven.mark("hints").Find("li").Length(); hints != 2 {
		t.Errorf("%d hints past the threshold, want the surcharge and the free API access", hints)
	}
	if a.doc().Find(`[data-testid=hints]`).Length() != 0 {
		t.Error("a hint far from the threshold")
	}
	ten := b.get("/plans/softphone?accounts=10")
	if hint := ten.mark("hints").Text(); !strings.Contains(hint, "€153.00") {
		t.Errorf("ten accounts: %q", hint)
	}
}

func TestCalculatorMistakes(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser()
	for path, field := range map[string]string{
		"/plans/softphone?accounts=0":                                 "accounts",
		"/plans/softphone?accounts=-1":                                "accounts",
		"/plans/softphone?accounts=":                                  "accounts",
		"/plans/softphone?accounts=1.0":                               "accounts",
		"/plans/softphone?accounts=1e3":                               "accounts",
		"/plans/softphone?accounts=%2B5":                              "accounts",
		"/plans/softphone?accounts=0x10":                              "accounts",
		"/plans/softphone?accounts=%D9%A5":                            "accounts", // Arabic five
		"/plans/softphone?accounts=1001":                              "accounts",
		"/plans/softphone?accounts=99999999999999999999999999":        "accounts",
		"/plans/softphone?accounts=18446744073709551617":              "accounts", // 2^64 + 1
		"/plans/softphone?accounts=" + strings.Repeat("9", 4000):      "accounts",
		"/plans/softphone?accounts=%3Cscript%3Ealert(1)%3C/script%3E": "accounts",
		"/plans/softphone?period=1":                                   "period",
		"/plans/softphone?period=twelve":                              "period",
		"/plans/softphone?recording=yes":                              "recording",
		"/plans/gateway?lines=1001":                                   "lines",
		"/plans/gateway?lines=5&extra_accounts=101":                   "extra_accounts",
		"/plans/gateway?lines=5&api=1":                                "api",
		"/plans/gateway?lines=5&country=XX":                           "country",
		"/plans/gateway?lines=5&country=Germany":                      "country",
		"/plans/gateway?lines=5&currency=USD":                         "currency",
		"/plans/gateway?lines=5&currency=eur":                         "currency",
	} {
		a := b.get(path)
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d, want 422", path, a.status)
			continue
		}
		errors := a.mark("error")
		if got := errors.AttrOr("data-field", ""); errors.Length() != 1 || got != field {
			t.Errorf("%s: %d mistakes, the first in %q; want one in %q", path, errors.Length(), got, field)
		}
		if text := strings.TrimSpace(errors.Text()); text == "" || strings.Contains(text, "error.") {
			t.Errorf("%s: the message is %q", path, text)
		}
		if a.doc().Find(`[data-testid=total]`).Length() != 0 {
			t.Errorf("%s has a price", path)
		}
		if typed, err := url.ParseQuery(path[strings.Index(path, "?")+1:]); err != nil {
			t.Error(err)
		} else if input := a.doc().Find(`form[method=get] input[type=text][name="` + field + `"]`); input.Length() == 1 && input.AttrOr("value", "") != typed.Get(field) {
			t.Errorf("%s: the field holds %q", path, input.AttrOr("value", ""))
		}
	}
	// A wrong period does not come back with the next try: nobody sees the field.
	if next := b.get("/plans/softphone?period=7&accounts=2").filled("form[method=get]"); next.Get("period") != "12" || next.Get("accounts") != "2" {
		t.Errorf("the next try would be %v", next)
	}
	all := b.get("/plans/gateway?lines=x&extra_accounts=-1&period=7&country=XX&currency=XXX&api=off")
	if n := all.mark("error").Length(); n != 6 {
		t.Errorf("%d of six mistakes are shown: %s", n, all.mark("error").Text())
	}
	for path, status := range map[string]int{
		"/plans/free": 404, "/plans/starter": 404, "/plans/softphone_provider": 404, "/plans/nothing": 404, "/plans/SOFTPHONE": 404,
		"/plans/softphone?accounts=1&accounts=2": 422, "/plans/softphone?" + strings.Repeat("a&", 300): 422,
	} {
		if a := b.get(path); a.status != status {
			t.Errorf("%.40s: %d, want %d", path, a.status, status)
		}
	}
}

// Options of the other plan are refused, and say so on the page.
func TestCalculatorForeignOptions(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser()
	for path, field := range map[string]string{
		"/plans/softphone?lines=2": "lines", "/plans/softphone?extra_accounts=1": "extra_accounts",
		"/plans/gateway?accounts=2": "accounts", "/plans/gateway?recording=on": "recording",
	} {
		a := b.get(path)
		if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != field {
			t.Errorf("%s: %d, mistake in %q", path, a.status, a.mark("error").AttrOr("data-field", ""))
		}
	}
}

func TestCalculatorForPeople(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	anonymous := s.browser().get("/plans/softphone")
	if anonymous.doc().Find("form[action='/orders']").Length() != 0 || anonymous.doc().Find("a[href^='/login']").Length() == 0 {
		t.Error("a visitor is not asked to sign in")
	}

	fresh := s.person(101, "Nora").get("/plans/softphone?accounts=2&country=FI")
	if fresh.doc().Find("select[name=country] option[selected]").AttrOr("value", "") != "FI" {
		t.Error("a person without an address cannot ask by country")
	}
	link := fresh.mark("order-blocked").Parent().Find("a").AttrOr("href", "")
	u, err := url.Parse(link)
	s.must(err)
	if u.Path != "/billing" || u.Query().Get("payer") == "" || u.Query().Get(returnField) != "/plans/softphone?accounts=2&country=FI&period=12" {
		t.Errorf("billing details are asked for at %q", link)
	}

	b, payer := s.customer(102, "Ona")
	own := b.get("/plans/softphone?accounts=2")
	if got := own.doc().Find("select[name=payer] option[selected]").AttrOr("value", ""); got != string(payer) {
		t.Errorf("the chosen payer is %q", got)
	}
	if own.doc().Find("form[action='/orders'] input[name=quote]").AttrOr("value", "") == "" {
		t.Error("no quote to order at")
	}
	if strings.Contains(own.mark("vat-explanation").Text(), "country alone") {
		t.Error("the VAT of a known payer is called an estimate")
	}
	elsewhere := b.get("/plans/softphone?accounts=2&country=DE")
	if got := amounts(elsewhere)[3]; got != "1231" { // 19 % of 64.80
		t.Errorf("VAT for Germany is %s", got)
	}
	elsewhere.mark("order-blocked")

	for _, path := range []string{
		"/plans/softphone?payer=" + missingID, "/plans/softphone?payer=x", "/plans/softphone?customer=1", "/plans/softphone?customer=x",
	} {
		if a := b.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, a.status)
		}
	}
	if a := b.get("/plans/softphone?accounts=0"); a.status != 422 || a.doc().Find("select[name=payer]").Length() != 1 {
		t.Errorf("a mistake of a signed-in person: %d", a.status)
	}
}

// A payer whose VAT a person must look at first is told so, not shown a failure.
func TestCalculatorWhereNothingIsSold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(103, "Kurt")
	in := lithuanian("Kurt")
	in.Country, in.City, in.Postcode = "CY", "Nicosia", "99010"
	_, err := s.app.SavePayer(s.ctx(), b.actor(), payer, in)
	s.must(err)
	a := b.get("/plans/softphone")
	if a.status != http.StatusConflict || a.mark("error").AttrOr("data-field", "payer") != "payer" || strings.Contains(a.body, "error.vat") {
		t.Errorf("%d, mistakes %q", a.status, a.mark("error").Text())
	}
	if elsewhere := b.get("/plans/softphone?country=LT"); elsewhere.status != http.StatusOK {
		t.Errorf("the price for another country: %d", elsewhere.status)
	}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.browser().get("/plans")
	for selector, want := range map[string]string{
		"#softphone .price [data-minor]": "300", "#gateway .price [data-minor]": "3000", "#free .price [data-minor]": "0",
	} {
		if got := a.doc().Find(selector).AttrOr("data-minor", ""); got != want {
			t.Errorf("%s: %s, want %s", selector, got, want)
		}
	}
	for _, href := range []string{"/plans/softphone", "/plans/gateway", "https://partner.example/"} {
		if a.doc().Find(`a[href="`+href+`"]`).Length() == 0 {
			t.Errorf("no link to %s", href)
		}
	}
	if got := retiredPlan([]app.SubscriptionItem{}); got != "" {
		t.Errorf("nobody holds %q", got)
	}
}

const missingID = "00000000-0000-4000-8000-000000000000"
