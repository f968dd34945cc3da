package web

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/views"
)

// stretch is a part of the timeline. Stretches touch, but for time that was
// taken: what comes next begins where it begins.
type stretch struct {
	kind        string // paid, given, taken, grace, next
	from, until time.Time
	months      int
	order       string
}

// stretches replays a history: each event that moves the date adds a stretch or
// cuts those that are there. Time that was taken and given again later is not
// shown as taken.
func stretches(history []app.HistoryEvent) []stretch {
	var (
		list  []stretch
		taken stretch
		end   time.Time
	)
	for _, e := range history {
		switch {
		case end.IsZero() || e.PaidUntil.After(end):
			s := stretch{kind: "given", from: end, until: e.PaidUntil, months: e.Months, order: e.OrderNumber}
			if e.Months > 0 {
				s.kind = "paid"
			}
			if end.IsZero() {
				s.from = e.At
			}
			list, taken = append(list, s), stretch{}
		case e.PaidUntil.Before(end):
			until := end
			if !taken.until.IsZero() {
				until = taken.until
			}
			taken = stretch{kind: "taken", from: e.PaidUntil, until: until}
			list = cut(list, e.PaidUntil)
		}
		end = e.PaidUntil
	}
	if !taken.from.IsZero() {
		list = append(list, taken)
	}
	return list
}

// cut drops what lies after an instant.
func cut(list []stretch, at time.Time) []stretch {
	list = slices.DeleteFunc(list, func(s stretch) bool { return !s.from.Before(at) })
	for i := range list {
		if list[i].until.After(at) {
			list[i].until = at
		}
	}
	return list
}

// timeline is the picture of "Why this date?".
type timeline struct {
	t           i18n.Translator
	zone        *time.Location
	item        app.SubscriptionItem
	now         time.Time
	list        []stretch
	from, until time.Time // what the picture shows
	end         time.Time // of the paid time
	after       time.Time // of the paid time and the grace: what comes next begins
}

// timelineView draws the paid time of a subscription as it was paid for; nil
// where there is nothing to draw.
func timelineView(t i18n.Translator, item app.SubscriptionItem, now time.Time, zone *time.Location) *views.Timeline {
	x := timeline{t: t, zone: zone, item: item, now: now, list: stretches(item.History), end: item.PaidUntil}
	if len(x.list) == 0 || !x.end.After(x.list[0].from) {
		return nil
	}
	x.from, x.after = x.list[0].from, x.end
	if item.InGrace {
		x.after = item.GraceUntil
		x.list = append(x.list, stretch{kind: "grace", from: x.end, until: x.after})
	}
	last := x.after
	for _, s := range x.list {
		last = later(last, s.until)
	}
	room := max(last.Sub(x.from)/4, 45*24*time.Hour) // for what comes next, and for one tick at least
	// Today is not shown where a subscription ended long ago.
	if x.now.Before(last.Add(room)) {
		last = later(last, x.now)
	}
	x.until = last.Add(room)
	if x.renews() {
		x.list = append(x.list, stretch{kind: "next", from: x.end, until: x.until, months: int(item.Selection.Period)})
	}
	first, end := dayOf(t, x.day(x.from)).Text, dayOf(t, x.day(x.end)).Text
	return &views.Timeline{
		Title: t.T("timeline.title"), About: t.T("timeline.about", "From", first, "Until", end), Keys: x.keys(),
		Wide: x.wide(), Tall: x.tall(),
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// renews reports whether more time is expected to be paid for.
func (x timeline) renews() bool {
	return x.item.State == subscription.StateActive && !x.item.InGrace && x.item.AutoRenew && (x.item.Next == nil || x.item.Next.Kind != app.NextEnd)
}

func (x timeline) day(at time.Time) civil.Date { return civil.DateOf(at, x.zone) }

func (x timeline) short(at time.Time) string { return dayShort(x.t, x.day(at)).Text }

// at is where an instant lies on a line of so many units.
func (x timeline) at(when time.Time, units int) int {
	return int((when.Unix() - x.from.Unix()) * int64(units) / (x.until.Unix() - x.from.Unix()))
}

// bars are the stretches, split at today: what is used up and what is ahead.
func (x timeline) bars(units int) []views.TimelineBar {
	var bars []views.TimelineBar
	for _, s := range x.list {
		add := func(kind string, from, until time.Time) {
			if from.Before(until) {
				start := x.at(from, units)
				bars = append(bars, views.TimelineBar{Kind: kind, Name: x.name(s), At: start, Length: max(x.at(until, units)-start, 1)})
			}
		}
		kind := s.kind
		if kind == "paid" {
			kind = "ahead"
		}
		if kind != "ahead" && kind != "given" {
			add(kind, s.from, s.until)
			continue
		}
		if s.from.Before(x.now) {
			until := s.until
			if x.now.Before(until) {
				until = x.now
			}
			add("used", s.from, until)
		}
		add(kind, later(s.from, x.now), s.until)
	}
	return bars
}

// name tells a stretch in one line.
func (x timeline) name(s stretch) string {
	text := x.t.T("timeline.stretch."+s.kind, "Months", x.t.N("common.months", s.months), "From", x.short(s.from), "Until", x.short(s.until))
	if s.order != "" {
		text += x.t.T("common.list_separator") + s.order
	}
	return text
}

// keys are the kinds of bars and marks that the picture has, to explain.
func (x timeline) keys() []string {
	var keys []string
	for _, b := range x.bars(1000) {
		if !slices.Contains(keys, b.Kind) {
			keys = append(keys, b.Kind)
		}
	}
	for _, m := range x.marks(1000) {
		if !slices.Contains(keys, m.Kind) {
			keys = append(keys, m.Kind)
		}
	}
	return keys
}

// marks are what happened without moving the date, and the next bank invoice.
func (x timeline) marks(units int) []views.TimelineMark {
	var marks []views.TimelineMark
	for _, e := range x.item.History {
		if e.Kind == subscription.EventAutoRenewOff || e.Kind == subscription.EventAutoRenewOn {
			name := x.t.T("timeline.mark."+string(e.Kind), "Date", x.short(e.At))
			marks = append(marks, views.TimelineMark{Kind: string(e.Kind), Name: name, At: x.at(e.At, units)})
		}
	}
	if n := x.item.Next; n != nil && n.Kind == app.NextBankInvoice {
		on := later(n.On.In(x.zone), x.now)
		name := x.t.T("timeline.mark.invoice", "Date", x.short(on))
		marks = append(marks, views.TimelineMark{Kind: "invoice", Name: name, At: x.at(on, units)})
	}
	return marks
}

// ticks are the scale: months or years, at most so many.
func (x timeline) ticks(units, most int) []views.TimelineTick {
	first, last := monthNumber(x.day(x.from))+1, monthNumber(x.day(x.until))
	step := 1
	for _, step = range []int{1, 2, 3, 6, 12, 24, 60, 120, 600, 2400} {
		if (last-first)/step < most {
			break
		}
	}
	var ticks []views.TimelineTick
	for n := (first + step - 1) / step * step; n <= last; n += step {
		year, month := n/12, time.Month(n%12+1)
		at := x.at(civil.Date{Year: year, Month: month, Day: 1}.In(x.zone), units)
		tick := views.TimelineTick{At: at, Year: month == time.January}
		switch {
		case step%12 == 0:
			tick.Text = strconv.Itoa(year)
		case month == time.January || len(ticks) == 0:
			tick.Text = x.t.MonthYear(year, month)
		default:
			tick.Text = x.t.MonthShort(month)
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

// monthNumber counts months from the year 0.
func monthNumber(d civil.Date) int { return d.Year*12 + int(d.Month) - 1 }

// words are the lines beside or below a stretch.
func (x timeline) words(s stretch) (lines [2]string) {
	switch s.kind {
	case "paid":
		return [2]string{x.t.N("common.months", s.months), s.order}
	case "next":
		return [2]string{x.t.T("timeline.next", "Months", x.t.N("common.months", s.months)), x.t.T("timeline.next_if")}
	case "grace":
		return [2]string{x.t.T("timeline.grace"), x.t.T("timeline.until", "Date", x.short(s.until))}
	}
	return [2]string{x.t.T("timeline." + s.kind), x.t.N("common.days", max(x.day(s.until).Sub(x.day(s.from)), 1))}
}

// afterwards is the stretch without a bar: the Free plan.
func (x timeline) afterwards() (at, until time.Time, ok bool) {
	return x.after, x.until, !x.renews()
}

func (x timeline) endText() string {
	key := "timeline.paid_until"
	if x.item.State == subscription.StateEnded {
		key = "timeline.ended"
	}
	return x.t.T(key, "Date", x.short(x.end))
}

func (x timeline) todayText() string { return x.t.T("timeline.today", "Date", x.short(x.now)) }

func (x timeline) showsToday() bool { return x.now.Before(x.until) && !x.now.Before(x.from) }

// The wide drawing runs from left to right in thousandths of its width, which is
// 54 rem at least; its height is fixed.
const (
	wholeWidth   = 1000
	letterWidth  = 9 // of a thousand, at that least width
	rowToday     = 0
	rowEnd       = 1
	rowTerm      = 2
	rowOrder     = 3
	mostTicks    = 8
	edgeOfPlaces = 120 // nearer to an edge a text does not stand in the middle
)

func (x timeline) wide() views.TimelineDrawing {
	d := views.TimelineDrawing{Bars: x.bars(wholeWidth), Marks: x.marks(wholeWidth), Ticks: x.ticks(wholeWidth, mostTicks), End: x.at(x.end, wholeWidth), Today: -1}
	if x.showsToday() {
		d.Today = x.at(x.now, wholeWidth)
		d.Labels = append(d.Labels, views.TimelineLabel{Kind: "today", Text: x.todayText(), At: d.Today, Row: rowToday, Anchor: anchor(d.Today)})
	}
	end := views.TimelineLabel{Kind: "end", Text: x.endText(), At: d.End, Row: rowEnd, Anchor: anchor(d.End)}
	switch { // today's line passes this row
	case d.Today < 0 || max(d.End-d.Today, d.Today-d.End) > wholeWidth/8:
	case d.Today > d.End:
		end.Anchor = "end"
	default:
		end.Anchor = "start"
	}
	d.Labels = append(d.Labels, end)
	below := func(row int, text string, from, until time.Time) {
		start, stop := x.at(from, wholeWidth), x.at(until, wholeWidth)
		if text != "" && utf8.RuneCountInString(text)*letterWidth <= stop-start {
			kind := "term"
			if row == rowOrder {
				kind = "order"
			}
			d.Labels = append(d.Labels, views.TimelineLabel{Kind: kind, Text: text, At: (start + stop) / 2, Row: row, Anchor: "middle"})
		}
	}
	for _, s := range x.list {
		if s.kind == "taken" { // a thin bar, which the keys explain
			continue
		}
		lines := x.words(s)
		if s.kind == "paid" && utf8.RuneCountInString(lines[0])*letterWidth > x.at(s.until, wholeWidth)-x.at(s.from, wholeWidth) {
			lines[0] = x.t.N("common.months_short", s.months)
		}
		below(rowTerm, lines[0], s.from, s.until)
		below(rowOrder, lines[1], s.from, s.until)
	}
	if from, until, ok := x.afterwards(); ok {
		below(rowTerm, x.t.T("timeline.free"), from, until)
	}
	return d
}

func anchor(at int) string {
	switch {
	case at < edgeOfPlaces:
		return "start"
	case at > wholeWidth-edgeOfPlaces:
		return "end"
	}
	return "middle"
}

// The tall drawing runs downwards, in pixels.
const (
	tallLeast   = 300
	tallMost    = 1000
	tallStretch = 46 // so high that both lines beside a stretch have room
	tallTop     = 14
	tallTick    = 48 // least distance of ticks
	lineHeight  = 18
	labelGap    = 6
)

func (x timeline) tall() views.TimelineDrawing {
	least := wholeWidth
	for _, b := range x.list {
		if b.kind == "paid" {
			least = min(least, max(x.at(b.until, wholeWidth)-x.at(b.from, wholeWidth), 1))
		}
	}
	length := min(max(tallStretch*wholeWidth/least, tallLeast), tallMost)
	d := views.TimelineDrawing{Bars: x.bars(length), Marks: x.marks(length), Ticks: x.ticks(length, length/tallTick), End: x.at(x.end, length), Today: -1}
	add := func(kind string, at int, lines ...string) {
		l := views.TimelineLabel{Kind: kind, Text: lines[0], At: at}
		if len(lines) > 1 {
			l.Second = lines[1]
		}
		d.Labels = append(d.Labels, l)
	}
	if x.showsToday() {
		d.Today = x.at(x.now, length)
		add("today", d.Today, x.todayText())
	}
	add("end", d.End, x.endText())
	for _, s := range x.list {
		lines := x.words(s)
		from, until := x.at(s.from, length), x.at(s.until, length)
		switch { // beside the larger part, away from today
		case from >= d.Today || d.Today >= until:
		case d.Today-from > until-d.Today:
			until = d.Today
		default:
			from = d.Today
		}
		add("term", (from+until)/2, lines[0], lines[1])
	}
	if from, until, ok := x.afterwards(); ok {
		add("term", (x.at(from, length)+x.at(until, length))/2, x.t.T("timeline.free"))
	}
	d.Size = max(length, spread(d.Labels)) + 2*tallTop
	shift(&d, tallTop)
	return d
}

// spread moves labels down until none covers another, and returns where the
// last one ends.
func spread(labels []views.TimelineLabel) int {
	slices.SortStableFunc(labels, func(a, b views.TimelineLabel) int { return a.At - b.At })
	bottom := -tallTop
	for i := range labels {
		height := lineHeight
		if labels[i].Second != "" {
			height *= 2
		}
		labels[i].Place = max(labels[i].At-height/2, bottom+labelGap)
		bottom = labels[i].Place + height
	}
	return bottom
}

// shift makes room above a tall drawing.
func shift(d *views.TimelineDrawing, by int) {
	d.End += by
	if d.Today >= 0 {
		d.Today += by
	}
	for i := range d.Bars {
		d.Bars[i].At += by
	}
	for i := range d.Marks {
		d.Marks[i].At += by
	}
	for i := range d.Ticks {
		d.Ticks[i].At += by
	}
	for i := range d.Labels {
		d.Labels[i].At += by
		d.Labels[i].Place += by + 13 // the foot of the first line
	}
}
