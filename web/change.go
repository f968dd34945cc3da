package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/views"
)

// optionNames are the parameters that options are typed in.
var optionNames = []string{"accounts", "lines", "extra_accounts", "recording", "api"}

// changePage is GET /subscriptions/{id}/change: the options as they are and, with
// others asked for, what changing to them would do.
func (s *server) changePage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	item, err := s.app.ChangeableSubscription(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(optionNames, values.Has) {
		return s.render(c, http.StatusOK, views.Change(changeView(s.page(c), item, readChange(item.Selection, nil), s.zone(c))))
	}
	f := readChange(item.Selection, values)
	if f.mistakes.Err() == nil && f.selection.Options == item.Selection.Options { // no mistake: the link to the present number leads here, too
		page := changeView(s.page(c), item, f, s.zone(c))
		page.Options.Errors = errorList(page.T, fault.New(fault.Invalid, "error.change.same"), optionField(f.selection.Plan))
		return s.render(c, http.StatusOK, views.Change(page))
	}
	return s.showChange(c, item, f, nil)
}

// changeOptions is POST /subscriptions/{id}/change. A refusal shows the page
// again, with what holds now.
func (s *server) changeOptions(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	ctx, actor, id := c.Request().Context(), s.actor(c), c.Param("id")
	item, err := s.app.ChangeableSubscription(ctx, actor, id)
	if err != nil {
		return err
	}
	f := readChange(item.Selection, values)
	if err := f.mistakes.Err(); err != nil {
		return s.showChange(c, item, f, err)
	}
	err = s.app.ChangeSubscription(ctx, actor, id, f.selection.Options, values.Get("token"))
	switch {
	case err == nil:
		return s.redirect(c, subscriptionURL(id), views.FlashChanged)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		return s.showChange(c, item, f, err)
	}
	return err
}

// readChange reads the options of a change; a quantity that was not asked for is
// as it is now, and all of them without values.
func readChange(now pricing.Selection, values url.Values) configuration {
	typed, current := maps.Clone(values), selectionValues(now)
	if typed == nil {
		return readConfiguration(now.Plan, current)
	}
	for _, name := range []string{"accounts", "lines", "extra_accounts"} {
		if !typed.Has(name) && current.Has(name) {
			typed.Set(name, current.Get(name))
		}
	}
	typed.Del("period") // a change keeps it
	f := readConfiguration(now.Plan, typed)
	f.selection.Period = now.Period
	return f
}

// showChange shows what a change would do, or why it cannot be made. refused is
// why one was not made that had been shown; nil without one.
func (s *server) showChange(c echo.Context, item app.SubscriptionItem, f configuration, refused error) error {
	page := changeView(s.page(c), item, f, s.zone(c))
	field := optionField(f.selection.Plan)
	p, err := s.app.PreviewChange(c.Request().Context(), s.actor(c), item.ID, f.selection.Options)
	mistakes := f.mistakes.Err()
	switch {
	case err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict):
		return err
	case err != nil, mistakes != nil:
		page.Options.Errors = append(errorList(page.T, err, field), errorList(page.T, mistakes, field)...)
		if err == nil {
			err = mistakes
		}
		return s.render(c, statusOf(err), views.Change(page))
	}
	status := http.StatusOK
	if refused != nil {
		status, page.Refused = statusOf(refused), page.T.T("error.change.moved")
	}
	page.Preview = changePreviewView(page.T, item, p, s.now(), s.zone(c))
	return s.render(c, status, views.Change(page))
}

// optionField is the field that a refusal of the options as a whole stands at.
func optionField(plan pricing.Plan) string {
	if plan == pricing.Gateway {
		return "lines"
	}
	return "accounts"
}
