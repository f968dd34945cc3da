package web

import (
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/views"
	"pgregory.net/rapid"
)

func on(day string) time.Time {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return at
}

// past makes a history of "at kind months until" lines.
func past(lines ...string) []app.HistoryEvent {
	months := map[string]int{"": 0, "6": 6, "12": 12}
	history := make([]app.HistoryEvent, 0, len(lines))
	for _, line := range lines {
		f := append(strings.Fields(line), "")
		history = append(history, app.HistoryEvent{Event: subscription.Event{
			At: on(f[0]), Kind: subscription.EventKind(f[1]), PaidUntil: on(f[2]), Months: months[f[3]],
		}})
	}
	return history
}

func TestStretches(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		history []app.HistoryEvent
		want    string
	}{
		"nothing": {nil, ""},
		"paid twice, switched and over": {
			past("2026-01-31 started 2026-07-31 6", "2026-02-01 auto_renew_off 2026-07-31", "2026-07-01 extended 2027-01-31 6", "2027-02-07 ended 2027-01-31"),
			"paid 2026-01-31/2026-07-31, paid 2026-07-31/2027-01-31",
		},
		"a cheaper plan gives": {
			past("2026-01-01 started 2026-07-01 6", "2026-02-01 changed 2026-09-01"),
			"paid 2026-01-01/2026-07-01, given 2026-07-01/2026-09-01",
		},
		"a dearer plan takes, over two periods": {
			past("2026-01-01 started 2026-07-01 6", "2026-02-01 extended 2027-01-01 6", "2026-03-01 changed 2026-06-01"),
			"paid 2026-01-01/2026-06-01, taken 2026-06-01/2027-01-01",
		},
		"taken twice": {
			past("2026-01-01 started 2027-01-01 12", "2026-02-01 changed 2026-10-01", "2026-03-01 refunded 2026-03-01"),
			"paid 2026-01-01/2026-03-01, taken 2026-03-01/2027-01-01",
		},
		"taken and given again": {
			past("2026-01-01 started 2027-01-01 12", "2026-02-01 changed 2026-10-01", "2026-03-01 changed 2027-01-01"),
			"paid 2026-01-01/2026-10-01, given 2026-10-01/2027-01-01",
		},
		"paid for after days were taken": {
			past("2026-01-01 started 2026-07-01 6", "2026-02-01 changed 2026-06-01", "2026-05-01 extended 2026-12-01 6"),
			"paid 2026-01-01/2026-06-01, paid 2026-06-01/2026-12-01",
		},
		"withdrawn at once": {past("2026-01-01 started 2026-07-01 6", "2026-01-01 withdrawn 2026-01-01"), "taken 2026-01-01/2026-07-01"},
	} {
		var got []string
		for _, s := range stretches(tt.history) {
			got = append(got, s.kind+" "+s.from.Format(time.DateOnly)+"/"+s.until.Format(time.DateOnly))
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%s: %s, want %s", name, text, tt.want)
		}
	}
}

func paidItem(history []app.HistoryEvent) app.SubscriptionItem {
	return app.SubscriptionItem{
		Subscription: subscription.Subscription{
			State: subscription.StateActive, AutoRenew: true, StartedAt: history[0].At, PaidUntil: history[len(history)-1].PaidUntil,
			Selection: pricing.Selection{Plan: pricing.Softphone, Options: pricing.Options{Accounts: 1}, Period: 6},
		},
		History: history,
	}
}

func kinds(bars []views.TimelineBar) string {
	list := make([]string, 0, len(bars))
	for _, b := range bars {
		list = append(list, b.Kind)
	}
	return strings.Join(list, " ")
}

func texts(labels []views.TimelineLabel) string {
	list := make([]string, 0, len(labels))
	for _, l := range labels {
		list = append(list, strings.TrimSpace(l.Text+" "+l.Second))
	}
	return strings.Join(list, ", ")
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	en := i18n.New("en")
	history := past("2026-01-01 started 2026-07-01 6", "2026-06-01 extended 2027-01-01 6")
	for name, tt := range map[string]struct {
		now    string
		change func(*app.SubscriptionItem)
		bars   string
		labels string // of the standing drawing
	}{
		"in the second period": {
			"2026-08-01", func(*app.SubscriptionItem) {}, "used used ahead next",
			"6 months, Today, 1 Aug 2026, 6 months, Paid until 1 Jan 2027, 6 months more when paid",
		},
		"without renewal": {
			"2026-08-01", func(i *app.SubscriptionItem) { i.AutoRenew = false }, "used used ahead",
			"6 months, Today, 1 Aug 2026, 6 months, Paid until 1 Jan 2027, Free plan",
		},
		"a plan that is no longer sold": {
			"2026-08-01", func(i *app.SubscriptionItem) { i.Next = &app.Next{Kind: app.NextEnd} }, "used used ahead",
			"6 months, Today, 1 Aug 2026, 6 months, Paid until 1 Jan 2027, Free plan",
		},
		"in the grace": {
			"2027-01-03", func(i *app.SubscriptionItem) { i.InGrace, i.GraceUntil = true, on("2027-01-08") }, "used used grace",
			"6 months, 6 months, Paid until 1 Jan 2027, Today, 3 Jan 2027, Payment is due until 8 Jan 2027, Free plan",
		},
		"ended long ago": {
			"2029-01-01", func(i *app.SubscriptionItem) { i.State, i.AutoRenew = subscription.StateEnded, false }, "used used",
			"6 months, 6 months, Ended 1 Jan 2027, Free plan",
		},
	} {
		item := paidItem(history)
		tt.change(&item)
		x := timelineView(en, item, on(tt.now), time.UTC)
		if got := kinds(x.Wide.Bars); got != tt.bars {
			t.Errorf("%s: %s, want %s", name, got, tt.bars)
		}
		if got := texts(x.Tall.Labels); got != tt.labels {
			t.Errorf("%s: %s, want %s", name, got, tt.labels)
		}
	}
	if timelineView(en, app.SubscriptionItem{}, on("2026-01-01"), time.UTC) != nil {
		t.Error("a picture of nothing")
	}
}

// Whatever happened, the drawing stays within its box, its bars touch and never
// overlap, and no text covers another.
func TestTimelineHolds(t *testing.T) {
	t.Parallel()
	en := i18n.New("en")
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := on("2026-01-01").Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "start")) * time.Hour)
		until := at.Add(180 * 24 * time.Hour)
		history := []app.HistoryEvent{{Event: subscription.Event{At: at, Kind: subscription.EventStarted, Months: 6, PaidUntil: until, OrderNumber: "O-2026-000001"}}}
		for range rapid.IntRange(0, 12).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "later")) * 24 * time.Hour)
			e := app.HistoryEvent{Event: subscription.Event{At: at, Kind: subscription.EventChanged, PaidUntil: until}}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				e.Kind, e.Months, e.OrderNumber = subscription.EventExtended, 36, "O-2026-000002"
				e.PaidUntil = until.Add(1095 * 24 * time.Hour)
			case 1:
				e.Kind = subscription.EventAutoRenewOff
			default:
				e.PaidUntil = later(history[0].At, until.Add(time.Duration(rapid.IntRange(-4000, 4000).Draw(t, "days"))*time.Hour))
			}
			until = e.PaidUntil
			history = append(history, e)
		}
		now := history[0].At.Add(time.Duration(rapid.IntRange(0, 100_000).Draw(t, "now")) * time.Hour)
		item := paidItem(history)
		item.AutoRenew = rapid.Bool().Draw(t, "renews")
		if item.InGrace = !now.Before(until) && now.Before(until.Add(7*24*time.Hour)); item.InGrace {
			item.GraceUntil = until.Add(7 * 24 * time.Hour)
		}
		x := timelineView(en, item, now, zone)
		if x == nil {
			if until.After(history[0].At) {
				t.Fatal("no picture")
			}
			return
		}
		for name, d := range map[string]views.TimelineDrawing{"wide": x.Wide, "tall": x.Tall} {
			size, stop := max(d.Size, wholeWidth), 0
			if d.Size > 0 {
				size = d.Size
			}
			for _, b := range d.Bars {
				if b.Kind == "taken" {
					continue
				}
				if b.At < stop-1 || b.Length < 1 || b.At+b.Length > size+1 {
					t.Fatalf("%s: bar %+v after %d of %d", name, b, stop, size)
				}
				stop = b.At + b.Length
			}
			if len(d.Ticks) == 0 || len(d.Ticks) > 25 {
				t.Fatalf("%s: %d ticks", name, len(d.Ticks))
			}
			for _, tick := range d.Ticks {
				if tick.At < 0 || tick.At > size || tick.Text == "" {
					t.Fatalf("%s: tick %+v of %d", name, tick, size)
				}
			}
		}
		foot := 0
		for _, l := range x.Tall.Labels {
			if l.Place < foot+lineHeight || l.Place > x.Tall.Size {
				t.Fatalf("%q stands at %d after %d of %d", l.Text, l.Place, foot, x.Tall.Size)
			}
			if foot = l.Place; l.Second != "" {
				foot += lineHeight
			}
		}
	})
}
