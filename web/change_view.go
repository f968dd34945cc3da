package web

import (
	"slices"
	"strings"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/views"
)

// changeView is the page with its form as typed.
func changeView(p views.Page, item app.SubscriptionItem, f configuration, zone *time.Location) views.ChangePage {
	page := views.ChangePage{
		Page: p, ID: item.ID, Current: selectionView(item.Selection), Until: instantOf(p.T, item.PaidUntil, zone),
		Options: views.OptionFields{
			Plan: string(f.selection.Plan), Accounts: f.asTyped("accounts", f.selection.Accounts), Lines: f.asTyped("lines", f.selection.Lines),
			ExtraAccounts: f.asTyped("extra_accounts", f.selection.ExtraAccounts), Recording: f.selection.Recording, API: f.selection.API,
		},
	}
	quantities := usualAccounts
	if f.selection.Plan == pricing.Gateway {
		quantities = usualLines
	}
	for _, n := range quantities {
		sel, quantity := f.selection, &f.selection.Accounts
		sel.Accounts = n
		if sel.Plan == pricing.Gateway {
			sel.Accounts, sel.Lines, quantity = 0, n, &f.selection.Lines
		}
		values := selectionValues(sel)
		values.Del("period")
		page.Options.Presets = append(page.Options.Presets, views.Preset{
			Quantity: n, URL: subscriptionURL(item.ID) + "/change?" + values.Encode() + "#preview", Current: n == *quantity,
		})
	}
	return page
}

// changePreviewView shows what a change would do to a subscription, with its
// history as it would be.
func changePreviewView(t i18n.Translator, item app.SubscriptionItem, p app.ChangePreview, now time.Time, zone *time.Location) *views.ChangePreview {
	c, currency := p.Change, item.Currency
	out := &views.ChangePreview{
		To: selectionView(c.To), OldMonthly: moneyOf(t, c.OldMonthly, currency), NewMonthly: moneyOf(t, c.NewMonthly, currency),
		OldUntil: instantOf(t, c.OldUntil, zone), NewUntil: instantOf(t, c.NewUntil, zone), Days: c.Days,
		Value: moneyOf(t, c.Unused, currency), Credit: moneyOf(t, c.Credit, currency), Token: p.Token,
	}
	price := func(v subscription.Value, places int) string { return t.Price(v.Decimal(places), string(currency)) }
	days := func(plain string) string { return t.Decimal(strings.TrimSuffix(strings.TrimRight(plain, "0"), ".")) }
	for i, part := range c.Parts {
		out.Parts = append(out.Parts, views.ChangePart{
			Number: part.Number, OldDays: days(part.OldDays), NewDays: days(part.NewDays),
			OldPrice: price(part.OldPerDay, 6), NewPrice: price(part.NewPerDay, 6),
			Before: price(part.Value, 2), After: price(c.Periods[i].Worth, 2),
		})
	}
	for _, o := range p.Renewals {
		out.Renewals = append(out.Renewals, openOrderView(t, app.OpenOrder{Order: o}))
	}
	after := item
	after.Selection, after.PaidUntil, after.Next = c.To, c.NewUntil, nil
	after.History = append(slices.Clone(item.History), app.HistoryEvent{Event: subscription.Event{
		At: c.At, Kind: subscription.EventChanged, Days: c.Days, PaidUntil: c.NewUntil,
	}})
	out.Timeline = timelineView(t, after, now, zone)
	return out
}
