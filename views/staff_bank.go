package views

// StaffSuspensePage is GET /staff/suspense: bank money that waits for a person.
type StaffSuspensePage struct {
	Page
	Rows []StaffSuspenseRow
}

// StaffSuspenseRow is a bank entry that waits.
type StaffSuspenseRow struct {
	ID          string
	URL         string
	Booked      Instant
	Days        int  // for which it waits
	Late        bool // longer than it should
	From        string
	Amount      Money
	Back        bool // the bank took it back
	Reason      string
	OrderNumber string // that it seems to be for; may be empty
	State       string // of the decision that stands: proposed, to_send, done; "" for none
	ThirdParty  bool
}

// StaffSuspenseEntryPage is GET /staff/suspense/{id}. Its forms are POST
// /staff/suspense/{id}/decide (fields "choice", "order", "reason"), /approve,
// /refuse (field "refusal") and /sent.
type StaffSuspenseEntryPage struct {
	Page
	StaffSuspenseRow
	IBAN       string
	Reference  string
	EndToEnd   string
	Remittance string
	Decisions  []StaffDecision // oldest first
	MayDecide  bool
	MayApprove bool
	WhyNot     string // role, own, second
	NeedsTwo   bool
	Limit      Money
	Choices    []Choice
	Choice     string // as chosen
	Order      string // as typed
	Reason2    string // as typed
	Refusal    string // as typed
	Errors     Errors
}

// StaffDecision is a decision about a bank entry.
type StaffDecision struct {
	Kind        string // order, balance, return, take_back, offset
	State       string
	OrderNumber string
	PayerName   string
	Reason      string
	By          string // empty for the program
	At          Instant
	SecondBy    string
	RefusedBy   string
	Refusal     string
	SentBy      string
	DecidedAt   Instant
}

// StaffStatementsPage is GET /staff/statements, with the form of a file "file".
type StaffStatementsPage struct {
	Page
	Rows      []StaffStatementRow
	MayUpload bool
	Errors    Errors
}

// StaffStatementRow is a statement that was uploaded.
type StaffStatementRow struct {
	ID         string
	URL        string
	Name       string
	Entries    int
	UploadedBy string
	UploadedAt Instant
	AskedBy    string // who had it imported; empty for nobody yet
	AskedAt    Instant
	State      string // uploaded, running, done, failed
	DoneAt     Instant
	Matched    int
	Suspense   int
	Ignored    int
	Known      int
	Failed     string // why it stopped, translated
}

// StaffStatementPage is GET /staff/statements/{id}. Its form is POST
// /staff/statements/{id}/import.
type StaffStatementPage struct {
	Page
	StaffStatementRow
	Preview []StaffPreviewRow
	More    int // entries that are not in Preview
	Booked  int // entries that are booked by now
	Gaps    []StatementGap
	Second  bool // more comes in by it than one person decides about
	MayBook bool
	WhyNot  string // why who decides about money may not start it; empty for no reason
}

// StatementGap is a statement that does not begin where the one before it ended.
type StatementGap struct {
	IBAN    string
	From    string
	Opening Money
	Before  string // last day of the one before
	Closing Money
}

// StaffPreviewRow is what would become of an entry.
type StaffPreviewRow struct {
	Booked      Instant
	From        string
	Amount      Money
	Credit      bool
	Outcome     string // matched, suspense, ignored
	Reason      string
	OrderNumber string
	Balance     string // name of the payer whose balance it goes to
	Known       bool
}
