package views

// RequestsPage is GET /requests.
type RequestsPage struct {
	Page
	DecideDays  int // working days within which a request is decided
	Rows        []RequestRow
	Corrections []CorrectionRow
}

// RequestRow is something that was asked of people, in a list.
type RequestRow struct {
	ID              string
	State           string // requested, approved_once, done, rejected, withdrawn
	Plan            string
	CustomerName    string
	PayerName       string
	SubscriptionURL string
	AskedAt         Instant
	DecidedAt       Instant // absent while it is open
	Total           Money   // as it was shown when it was asked
	Credited        Money   // once done
	ToMethod        Money   // of that, to the cards; absent for nothing
	ToBalance       Money   // of that, to the balance; absent for nothing
	Transfers       []TransferRow
	RejectReason    string
	WithdrawURL     string // takes it back; empty once it is decided
}

// TransferRow is money that goes back by transfer to the account that it came from.
type TransferRow struct {
	State   string // requested: to be sent; succeeded; failed: it is on the balance
	Amount  Money
	Account string // its end, "…1234"; empty where it is not known
	On      Instant
}

// RefundChoicePage is GET /requests/new/refund without a subscription. The rows
// lead to the form.
type RefundChoicePage struct {
	Page
	Items []SubscriptionRow
}

// RefundFormPage is GET and POST /requests/new/refund, with the fields
// "subscription", "target" (method, balance) and "reason".
type RefundFormPage struct {
	Page
	Subscription    string // id
	SubscriptionURL string
	Selection       Selection
	PayerName       string
	Offer           *RefundOffer // nil where nothing can be asked
	Blocked         string       // why not, translated; then nothing can be asked
	DecideDays      int          // working days within which it is decided
	Target          string
	Reason          string
	Errors          Errors
}

// RefundOffer is what the unused part of a subscription is worth.
type RefundOffer struct {
	Days       int
	Lines      []RefundLine
	Net        Money
	VAT        Money
	Total      Money
	Forgiven   Money  // of Total, what had not been paid; absent for nothing
	ToMethod   Money  // what can go back to cards; absent for nothing
	ToTransfer Money  // what can go back by transfer; absent for nothing
	ToBalance  Money  // what came from the balance; absent for nothing
	Cards      string // their names, where they are known
	Accounts   string // the ends of the accounts that transfers came from, where they are known
	NeedsTwo   bool
}

// RefundLine is the part of an offer that one invoice bears.
type RefundLine struct {
	Number string // of the invoice; empty until it is issued
	URL    string // empty where the person may not see it
	Days   int    // unused
	Of     int    // days of the period
	Net    Money
	VAT    Money
	Total  Money
}

// StaffRefundsPage is GET /staff/refunds.
type StaffRefundsPage struct {
	Page
	Open    []StaffRefundRow
	Decided []StaffRefundRow
}

// StaffRefundRow is a request for a refund in a list.
type StaffRefundRow struct {
	ID           string
	URL          string
	State        string
	PayerName    string
	Plan         string
	CustomerName string
	AskedAt      Instant
	Total        Money
	FirstBy      string // who has approved; empty for nobody
	NeedsTwo     bool
}

// StaffRefundPage is GET /staff/refunds/{id}. Its forms are POST
// /staff/refunds/{id}/approve and /reject (field "reason").
type StaffRefundPage struct {
	Page
	StaffRefundRow
	AskedBy   string
	Reason    string
	Target    string // method, balance
	Days      int    // as asked
	Net       Money
	VAT       Money
	PayerKind string
	Country   string
	Email     string

	Selection Selection
	SubState  string // of the subscription
	PaidUntil Instant
	History   []HistoryRow

	Now   *RefundOffer // as it would be carried out now; nil once decided, or where it cannot be
	Block string       // why it cannot be carried out now, translated

	FirstAt    Instant
	SecondBy   string
	RejectedBy string
	DecidedAt  Instant
	Refusal    string // the reason that the payer is told
	Credited   Money
	ToMethod   Money
	ToBalance  Money
	Transfers  []TransferRow

	Limit     Money // above which two people decide
	MayDecide bool
	WhyNot    string // role, own, second: why the person may not decide; empty for who may, and for what is decided
	Typed     string // the reason as typed
	Errors    Errors
}
