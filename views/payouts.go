package views

// StaffPayoutsPage is GET /staff/payouts: money that is to be sent by transfer.
type StaffPayoutsPage struct {
	Page
	Open  []StaffPayoutRow
	Ended []StaffPayoutRow
}

// StaffPayoutRow is a payout in a list.
type StaffPayoutRow struct {
	ID          string
	URL         string
	State       string // requested, succeeded, failed
	PayerName   string
	Beneficiary string // who sent the transfer, as the bank says
	Amount      Money
	AskedAt     Instant
	Days        int // since it was asked for
	EndedAt     Instant
}

// StaffPayoutPage is GET /staff/payouts/{id}. Its forms are POST
// /staff/payouts/{id}/sent and /failed (field "reason").
type StaffPayoutPage struct {
	Page
	StaffPayoutRow
	IBAN       Copied   // that the transfer came from; empty where the bank does not say
	Others     []string // accounts that the payer has sent money from, where that is so
	ThirdParty bool
	Undone     bool // the bank has taken the transfer back
	AmountRaw  string
	Reference  string // to write on the transfer
	Order      string
	EndedBy    string
	Failure    string
	MayEnd     bool
	WhyNot     string // role, own
	Typed      string // the reason as typed
	Errors     Errors
}
