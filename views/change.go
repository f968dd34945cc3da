package views

// ChangePage is GET /subscriptions/{id}/change and a refused POST: the options as
// typed and, once some were asked for, what changing to them would do.
type ChangePage struct {
	Page
	ID      string
	Current Selection
	Options OptionFields
	Until   Instant // of the paid time, as it is
	Refused string  // why the change that was asked for was not made; "" for none
	Preview *ChangePreview
}

// ChangePreview is what a change would do if it were made now.
type ChangePreview struct {
	To                     Selection
	OldMonthly, NewMonthly Money // list prices, net
	OldUntil, NewUntil     Instant
	Days                   int // calendar days given; taken when negative
	Parts                  []ChangePart
	Value                  Money // of the time that is not used yet, net
	Credit                 Money // to the balance
	Renewals               []OpenOrder
	Timeline               *Timeline // as it will be; nil where there is nothing to draw
	Token                  string
}

// ChangePart is the arithmetic for one paid period.
type ChangePart struct {
	Number             int // of the period
	OldDays, NewDays   string
	OldPrice, NewPrice string // of a day
	Before, After      string // the value
}
