package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/views"
)

// helpPage is GET /help.
func (s *server) helpPage(c echo.Context) error {
	seller := s.app.Seller()
	return s.render(c, http.StatusOK, views.Help(views.HelpPage{
		Page: s.page(c), SupportURL: seller.SupportPublic, Email: seller.Party.Email, PartnerURL: seller.PartnerURL,
	}))
}

// sellerPage is GET /seller.
func (s *server) sellerPage(c echo.Context) error {
	seller, p := s.app.Seller(), s.page(c)
	page := views.SellerPage{Page: p, Seller: partyView(p.T, seller.Party), SupportURL: seller.SupportPublic}
	for _, a := range seller.Accounts {
		page.Accounts = append(page.Accounts, views.BankAccount{
			Currency: string(a.Currency), Beneficiary: a.Beneficiary, IBAN: ibanView(a.IBAN), BIC: a.BIC, Bank: a.Bank, BankAddress: a.BankAddress,
		})
	}
	return s.render(c, http.StatusOK, views.SellerDetails(page))
}

// privacyPage is GET /privacy.
func (s *server) privacyPage(c echo.Context) error {
	p := s.page(c)
	return s.render(c, http.StatusOK, views.Privacy(views.PrivacyPage{Page: p, Seller: partyView(p.T, s.app.Seller().Party)}))
}

// accessibilityPage is GET /accessibility.
func (s *server) accessibilityPage(c echo.Context) error {
	return s.render(c, http.StatusOK, views.Accessibility(views.AccessibilityPage{Page: s.page(c), Email: s.app.Seller().Party.Email}))
}
