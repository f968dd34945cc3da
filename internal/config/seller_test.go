package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/siptg/portal/docs"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/config"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/vat"
)

func example(t *testing.T) config.Seller {
	t.Helper()
	s, err := config.ParseSeller(docs.SellerExample)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestExample(t *testing.T) {
	t.Parallel()
	s := example(t)
	today := civil.MustParse("2026-11-23")
	if diff := cmp.Diff(invoice.Party{
		Name: "SIP.TG Demo, MB", CompanyCode: "119511515", VATNumber: "LT119511515", Street: "Gedimino pr. 1", City: "Vilnius", Postcode: "01103",
		Country: "LT", Email: "billing@sip-tg-demo.example", Phone: "+370 600 00000", Website: "https://sip-tg-demo.example",
	}, s.Party(today)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(vat.Seller{Country: "LT", Scheme: vat.SchemeStd, OSS: true, DestSince: civil.MustParse("2021-07-01")}, s.VAT(today)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]config.BankAccount{{
		Currency: "EUR", Beneficiary: "SIP.TG Demo, MB", IBAN: "LT121000011101001000", BIC: "DEMOLT21XXX", Bank: "Demo Bank", Address: "Gedimino pr. 6, LT-01103 Vilnius",
	}}, s.BankAccounts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(config.Contacts{
		Email: "billing@sip-tg-demo.example", Phone: "+370 600 00000", Website: "https://sip-tg-demo.example",
		SupportPublic: "https://t.me/sip_tg_demo_group", SupportDirect: "https://t.me/sip_tg_demo_support",
	}, s.Contacts); diff != "" {
		t.Error(diff)
	}
	if s.Zone.String() != "Europe/Vilnius" || s.ServiceClass != config.ServiceTelecom || s.PartnerURL != "https://partner.sip-tg-demo.example/" ||
		!slices.Equal(s.Languages, []string{"en"}) || s.Series != (config.Series{Invoice: "SIP", CreditNote: "SIPC", Order: "O", Receipt: "R"}) {
		t.Errorf("got %+v", s)
	}
}

// The example states the defaults, so a file without [terms] means the same.
func TestTermsDefaults(t *testing.T) {
	t.Parallel()
	before, after, _ := strings.Cut(docs.SellerExample, "[terms]")
	_, after, _ = strings.Cut(after, "[[bank_account]]")
	without, err := config.ParseSeller(before + "[[bank_account]]" + after)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Terms{BankInvoice: 14, BankInvoiceLead: 30, Notice: []int{14, 3}, FirstCharge: 3, Grace: 7, GraceCharge: []int{3, 7}, DirectSupport: 150_00, SecondEyes: 150_00, MaxCharges: 10, MaxCharged: 5000_00, RefundDecision: 3}
	if diff := cmp.Diff(want, without.Terms); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, example(t).Terms); diff != "" {
		t.Error(diff)
	}
}

// The published price list, 2025-04, and the checks that stand under it.
func TestPriceBooks(t *testing.T) {
	t.Parallel()
	s := example(t)
	for day, id := range map[string]string{"2023-07-01": "2023-07", "2025-03-31": "2023-07", "2025-04-01": "2025-04", "2026-11-23": "2025-04"} {
		book, err := s.Books.For("EUR", civil.MustParse(day))
		if err != nil || book.ID != id {
			t.Errorf("%s: got %q, %v", day, book.ID, err)
			continue
		}
		book.ID, book.ValidFrom = "", civil.Date{}
		if diff := cmp.Diff(pricing.Book{
			Currency:  "EUR",
			Softphone: pricing.SoftphonePrices{Account: 3_00, AccountRecording: 5_00, Threshold: 10, Surcharge: 150_00, API: 150_00},
			Gateway:   pricing.GatewayPrices{Line: 15_00, MainAccount: 15_00, ExtraAccount: 150_00, Threshold: 5, Surcharge: 150_00, API: 150_00},
			Discounts: map[pricing.Period]money.BasisPoints{12: 1000, 36: 3000},
		}, book); diff != "" {
			t.Errorf("%s: %s", day, diff)
		}
	}
	if _, err := s.Books.For("EUR", civil.MustParse("2023-06-30")); err == nil {
		t.Error("a price before the first book")
	}
}

func TestStandingOfTheDay(t *testing.T) {
	t.Parallel()
	s, err := config.ParseSeller(strings.Replace(docs.SellerExample, "[[vat]]", `[[vat]]
valid_from = 2020-01-01
scheme = "none"
note = "Not registered for VAT"
[[vat]]
valid_from = 2020-07-01
scheme = "svs"
number = "lt 119511515"
ex_states = ["LV", "EE"]
ex_number = "LT119511515-EX"
[[vat]]`, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		day          string
		scheme       vat.Scheme
		number, note string
	}{
		{"2019-12-31", vat.SchemeNone, "", "Not registered for VAT"},
		{"2020-06-30", vat.SchemeNone, "", "Not registered for VAT"},
		{"2020-07-01", vat.SchemeSVS, "LT119511515", ""},
		{"2021-06-30", vat.SchemeSVS, "LT119511515", ""},
		{"2021-07-01", vat.SchemeStd, "LT119511515", ""},
	} {
		on := civil.MustParse(tt.day)
		if party := s.Party(on); s.VAT(on).Scheme != tt.scheme || party.VATNumber != tt.number || party.VATNote != tt.note {
			t.Errorf("%s: got %+v, %+v", tt.day, s.VAT(on), party)
		}
	}
	if got := s.VAT(civil.MustParse("2020-12-31")); !slices.Equal(got.ExStates, []string{"LV", "EE"}) || got.ExNumber != "LT119511515-EX" {
		t.Errorf("got %+v", got)
	}
}

// Each mistake in the example gives one line that begins with the key.
func TestSellerMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ old, new, want string }{
		// syntax and keys
		{`[seller]`, `[seller`, "line "},
		{`city  `, "city = \"twice\"\ncity  ", "line "},
		{`[seller]`, "currency = \"EUR\"\n[seller]", "currency is no key"},
		{`company_code =`, `companycode =`, "seller.companycode is no key"},
		{`company_code =`, `Company_code =`, "seller.Company_code is no key"},
		{`[terms]`, `[term]`, "term is no key"},
		{`bic  `, `swift  `, "bank_account[1].swift is no key"},
		{`12 = "10"`, `24 = "10"`, "price_book[1].discount_percent.24 is no key"},
		{`12 = "10"`, `012 = "10"`, "price_book[1].discount_percent.012 is no key"},
		{`[series]`, "[[series]]", "series takes"},
		{`[[vat]]`, "[vat]", "vat takes"},
		// seller
		{`"SIP.TG Demo, MB"    # legal`, `""  # `, "seller.name takes"},
		{`"SIP.TG Demo, MB"    # legal`, `"two\nlines"  # `, "seller.name takes"},
		{`"SIP.TG Demo, MB"    # legal`, `"turned \u202e round"  # `, "seller.name takes"},
		{`"SIP.TG Demo, MB"    # legal`, `7 # `, "seller.name takes"},
		{`company_code = "119511515"`, ``, "seller.company_code takes"},
		{`country      = "LT"`, `country = "lt"`, "seller.country takes"},
		{`country      = "LT"`, `country = "EL"`, "seller.country takes"},
		{`country      = "LT"`, `country = "GB"`, "seller.country takes"},
		{`country      = "LT"`, `country = "LV"`, "vat[1].number takes"},
		{`"Europe/Vilnius"`, `"Local"`, "seller.time_zone takes"},
		{`"Europe/Vilnius"`, `""`, "seller.time_zone takes"},
		{`"Europe/Vilnius"`, `"Europe/Kernave"`, "seller.time_zone takes"},
		{`["en"]`, `[]`, "seller.languages takes"},
		{`["en"]`, `["en", "en"]`, "seller.languages takes"},
		{`["en"]`, `["tlh"]`, "seller.languages takes"},
		{`["en"]`, `"en"`, "seller.languages takes"},
		{`service_class = "telecom"`, `service_class = "voip"`, "seller.service_class takes"},
		// vat
		{`valid_from = 2021-07-01`, `valid_from = "2021-07-01"`, "vat[1].valid_from takes"},
		{`valid_from = 2021-07-01`, `valid_from = 2021-07-01T00:00:00Z`, "vat[1].valid_from takes"},
		{`valid_from = 2021-07-01`, ``, "vat[1].valid_from takes"},
		{`valid_from = 2021-07-01`, `valid_from = 2021-02-29`, "line "},
		{`scheme     = "std"`, `scheme = "oss"`, "vat[1].scheme takes"},
		{`scheme     = "std"`, `scheme = "none"`, "vat[1].note takes"},
		{`scheme     = "std"`, "scheme = \"none\"\nnote = \"x\"", "vat[1].number takes nothing"},
		{"scheme     = \"std\"                  # \"none\"", "scheme = \"none\"\nnote = \"x\"\n#", "vat[1].number takes nothing"},
		{`number     = "LT119511515"`, `number = "LT119511516"`, "vat[1].number takes"},
		{`number     = "LT119511515"`, `number = "DE136695976"`, "vat[1].number takes"},
		{`# note     =`, `note =`, "vat[1].note takes nothing"},
		{`oss        = true`, `oss = "true"`, "vat[1].oss takes"},
		{`# ex_states = ["LV", "EE"]`, `ex_states = ["LT"]`, "vat[1].ex_states takes"},
		{`# ex_states = ["LV", "EE"]`, `ex_states = ["LV"]`, "vat[1].ex_number takes"},
		{`# ex_number`, `ex_number`, "vat[1].ex_number takes nothing"},
		{`[contacts]`, "[[vat]]\nvalid_from = 2021-07-01\nscheme = \"svs\"\nnumber = \"LT119511515\"\n[contacts]", "vat[2].valid_from takes"},
		// contacts, partner, series
		{`"billing@sip-tg-demo.example"`, `"SIP <billing@sip-tg-demo.example>"`, "contacts.email takes"},
		{`"+370 600 00000"`, `"8 600 00000"`, "contacts.phone takes"},
		{`"https://sip-tg-demo.example"`, `"http://sip-tg-demo.example"`, "contacts.website takes"},
		{`"https://t.me/sip_tg_demo_group"`, `"javascript:alert(1)"`, "contacts.support_public takes"},
		{`"https://t.me/sip_tg_demo_support"`, `"@sip_tg_demo_support"`, "contacts.support_direct takes"},
		{`url = "https://partner`, `url = "http://partner`, "partner.url takes"},
		{`"SIPC"`, `"SIP-C"`, "series.credit_note takes"},
		{`"SIPC"`, `"1SIP"`, "series.credit_note takes"},
		{`"SIPC"`, `"SIP"`, "series takes"},
		// terms
		{`bank_invoice_days      = 14 `, `bank_invoice_days = 0 `, "terms.bank_invoice_days takes"},
		{`bank_invoice_days      = 14 `, `bank_invoice_days = 14.0 `, "terms.bank_invoice_days takes"},
		{`bank_invoice_days      = 14 `, `bank_invoice_days = "14" `, "terms.bank_invoice_days takes"},
		{`[14, 3]`, `[3, 14]`, "terms.notice_days takes"},
		{`[14, 3]`, `["14"]`, "terms.notice_days takes"},
		{`[3, 7]`, `[3, 8]`, "terms.grace_charge_days takes"},
		{`[3, 7]`, `[3, 3]`, "terms.grace_charge_days takes"},
		{`grace_days             = 7`, `grace_days = 5`, "terms.grace_charge_days takes"},
		{`grace_days             = 7`, `grace_days = 0`, "terms.grace_charge_days takes"},
		{`direct_support_above   = "150.00"`, `direct_support_above = 150.00`, "terms.direct_support_above takes"},
		{`max_charges_per_day    = 10`, `max_charges_per_day = 0`, "terms.max_charges_per_day takes"},
		{`max_charged_per_day    = "5000.00"`, `max_charged_per_day = 5000`, "terms.max_charged_per_day takes"},
		// bank accounts
		{`"LT12 1000 0111 0100 1000"`, `"LT13 1000 0111 0100 1000"`, "bank_account[1].iban takes"},
		{`"DEMOLT21XXX"`, `"DEMO"`, "bank_account[1].bic takes"},
		{`"SIP.TG Demo, MB"    # exactly`, `"` + strings.Repeat("x", 71) + `" #`, "bank_account[1].beneficiary takes"},
		{"[[bank_account]]\ncurrency     = \"EUR\"", "[[bank_account]]\ncurrency = \"USD\"", "bank_account takes an account for EUR"},
		{"[[price_book]]\nid         = \"2023-07\"", "[[bank_account]]\ncurrency = \"EUR\"\nbeneficiary = \"x\"\niban = \"LT121000011101001000\"\nbic = \"DEMOLT21\"\nbank = \"x\"\n[[price_book]]\nid = \"2023-07\"", "bank_account[2].currency takes"},
		// price books
		{`id         = "2025-04"`, `id = "2023-07"`, "price book 2023-07: "},
		{`valid_from = 2025-04-01`, `valid_from = 2023-07-01`, "price book 2025-04: "},
		{`id         = "2025-04"`, `id = "2025 04"`, "price_book[2].id takes"},
		{"currency   = \"EUR\"\nvalid_from = 2025", "currency = \"eur\"\nvalid_from = 2025", "price_book[2].currency takes"},
		{`account           = "3.00"          #`, `account = 3.00 #`, "price_book[1].softphone.account takes"},
		{`account           = "3.00"          #`, `account = "3,00" #`, "price_book[1].softphone.account takes"},
		{`account           = "3.00"          #`, `account = "-3.00" #`, "price_book[1].softphone.account takes"},
		{`account           = "3.00"          #`, `account = "0.00" #`, "price book 2023-07: softphone.account "},
		{`account_recording = "5.00"          #`, `account_recording = "2.00" #`, "price book 2023-07: softphone.account_recording "},
		{`threshold         = 10              #`, `# `, "price_book[1].softphone.threshold takes"},
		{`threshold     = 5                   #`, `threshold = 0 # `, "price_book[1].gateway.threshold takes"},
		{`[price_book.gateway]`, `[price_book.gatway]`, "price_book[1].gatway is no key"},
		{`12 = "10"`, `12 = 10`, "price_book[1].discount_percent.12 takes"},
		{`12 = "10"`, `12 = "100"`, "price_book[1].discount_percent.12 takes"},
		{`12 = "10"`, `12 = "-1"`, "price_book[1].discount_percent.12 takes"},
	} {
		t.Run(tt.want+" "+tt.new, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(docs.SellerExample, tt.old) {
				t.Fatalf("the example has no %q", tt.old)
			}
			_, err := config.ParseSeller(strings.Replace(docs.SellerExample, tt.old, tt.new, 1))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line that begins with %q", err, tt.want)
			}
		})
	}
}

func FuzzParseSeller(f *testing.F) {
	f.Add(docs.SellerExample)
	f.Add("")
	f.Add("vat = [1]\nprice_book = {}\nseller = 1979-05-27")
	f.Add("[[price_book]]\ndiscount_percent = [[1]]\nsoftphone = 1")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := config.ParseSeller(text)
		if err == nil && (s.Name == "" || len(s.Books) == 0 || len(s.BankAccounts) == 0 || s.Zone == nil) {
			t.Fatalf("accepted without an error: %+v", s)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Fatalf("more than one line: %q", err)
		}
	})
}
