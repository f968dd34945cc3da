package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

const keysPath = "/billing/keys"

// keysPage is GET /billing/keys.
func (s *server) keysPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	return s.showKeys(c, account.PayerID(values.Get("payer")), http.StatusOK, nil)
}

// makeKey is POST /billing/keys. The answer shows the key, this once: there is
// nowhere else it could be shown, so no redirect follows. The same form sent again
// makes no second key.
func (s *server) makeKey(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	payer := account.PayerID(values.Get("payer"))
	key, err := s.app.MakeAPIKey(c.Request().Context(), s.actor(c), payer, values.Get("name"), values.Get("form"))
	if _, fields := fieldErrors(s.translator(c), err); fields || fault.Is(err, fault.Conflict) {
		return s.showKeys(c, payer, statusOf(err), func(page *views.KeysPage) {
			page.Name, page.Errors = values.Get("name"), errorList(page.T, err, "name")
		})
	} else if err != nil {
		return err
	}
	return s.showKeys(c, payer, http.StatusOK, func(page *views.KeysPage) { page.Fresh = key })
}

// revokeKey is POST /billing/keys/{id}/revoke. The field "payer" says which page
// to go back to.
func (s *server) revokeKey(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	if err := s.app.RevokeAPIKey(c.Request().Context(), s.actor(c), c.Param("id")); err != nil {
		return err
	}
	target := keysPath
	if payer := values.Get("payer"); payer != "" {
		target = ofPayer(target, account.PayerID(payer))
	}
	return s.redirect(c, target, views.FlashKeyRevoked)
}

func (s *server) showKeys(c echo.Context, payer account.PayerID, status int, more func(*views.KeysPage)) error {
	keys, err := s.app.APIKeys(c.Request().Context(), s.actor(c), payer)
	if err != nil {
		return err
	}
	page := keysView(s.page(c), keys, s.zone(c))
	page.Address = s.public.String() + apiInvoices
	page.DescriptionURL = apiDescriptor
	if more != nil {
		more(&page)
	}
	return s.render(c, status, views.Keys(page))
}

func keysView(p views.Page, keys app.APIKeys, zone *time.Location) views.KeysPage {
	page := views.KeysPage{
		Page: p, Payer: string(keys.Payer.ID), PayerName: keys.Payer.Name, Form: keys.Form, BillingURL: ofPayer("/billing", keys.Payer.ID),
	}
	for _, payer := range keys.Payers {
		page.Payers = append(page.Payers, views.Link{Text: payer.Name, URL: ofPayer(keysPath, payer.ID), Current: payer.ID == keys.Payer.ID})
	}
	for _, k := range keys.List {
		row := views.KeyRow{ID: k.ID, Name: k.Name, Ending: "…" + k.Ending, Made: dayOf(p.T, civil.DateOf(k.MadeAt, zone))}
		if k.LastUsedAt != nil {
			row.Used = instantOf(p.T, *k.LastUsedAt, zone)
		}
		if k.RevokedAt != nil {
			row.Revoked = instantOf(p.T, *k.RevokedAt, zone)
		}
		page.Keys = append(page.Keys, row)
	}
	return page
}
