package views

// NoticesPage is GET /notices.
type NoticesPage struct {
	Page
	Rows     []NoticeRow
	NextURL  string // older notices; empty at the end
	FirstURL string // the newest; empty on the first page
}

// NoticeRow is what people were told once.
type NoticeRow struct {
	Key       string
	Kind      string // notice.Kind
	At        Instant
	PayerName string // empty where the person manages one payer only
	Subject   string
	Body      string
	Links     []Link
	Delivery  []NoticeDelivery // empty: shown here only
}

// NoticeDelivery is how a notice went out by one channel.
type NoticeDelivery struct {
	Channel string // telegram, email
	State   string // sent, pending, failed, unreachable
}
