package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestHome(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	welcome := s.browser().get("/")
	if welcome.status != http.StatusOK || !strings.Contains(welcome.body, "€3.00") || !strings.Contains(welcome.body, "€30.00") {
		t.Errorf("the welcome page: %d, with the least prices", welcome.status)
	}
	b, payer := s.customer(601, "Ona")
	for range 4 {
		s.pay(s.order(b, payer, nil, softphone(1, false, 6)))
	}
	open := s.order(b, payer, nil, softphone(1, false, 12))
	a := b.get("/")
	if got := a.mark("open-order").AttrOr("data-number", ""); got != open.Number {
		t.Errorf("the order that waits is %q", got)
	}
	if n := a.mark("subscription").Length(); n != 1 {
		t.Errorf("%d subscriptions", n)
	}
	if rows := a.mark("invoice"); rows.Length() != 3 || rows.First().AttrOr("data-number", "") != "SIP-2026-000004" {
		t.Errorf("%d invoices, the first %q", rows.Length(), rows.First().AttrOr("data-number", ""))
	}
}

// The answers lead to where people can act themselves.
func TestHelpLeadsToWhatPeopleCanDo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	help, b := s.browser().get("/help").doc(), s.person(603, "Ona")
	for question, want := range map[string]string{"#q3": "/requests/new/refund", "#q7": "/invoices"} {
		if help.Find(question+` a[href="`+want+`"]`).Length() != 1 || b.get(want).status != http.StatusOK {
			t.Errorf("%s does not lead to %s", question, want)
		}
	}
	if n := help.Find(`#q3 a[href^="https://"]`).Length(); n != 0 {
		t.Error("who wants money back is sent to support")
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	signedIn := s.person(602, "Nora")
	for path, wants := range map[string][]string{
		"/help":          {"https://t.me/example_public", "https://partner.example/", "billing@example.lt"},
		"/seller":        {"MB Pavyzdys", "119511515", "LT119511515", "01103 Vilnius", "Lithuania", "LT12 1000 0111 0100 1000", "HABALT22"},
		"/privacy":       {"MB Pavyzdys", "save a card", "automatic payments", "which country", "transfers", "payment service", "carries our mails", "Telegram", "VIES"},
		"/accessibility": {"billing@example.lt"},
	} {
		for _, b := range []*browser{s.browser(), signedIn} {
			a := b.get(path)
			if a.status != http.StatusOK {
				t.Fatalf("%s: %d", path, a.status)
			}
			for _, want := range wants {
				if !strings.Contains(a.body, want) {
					t.Errorf("%s does not say %q", path, want)
				}
			}
		}
	}
}
