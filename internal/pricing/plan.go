package pricing

// Plan is one of the plans of product.md.
type Plan string

// The plans. Trial and Starter are retired: held by some, sold to nobody.
const (
	Free              Plan = "free"
	Softphone         Plan = "softphone"
	Gateway           Plan = "gateway"
	SoftphoneProvider Plan = "softphone_provider"
	Trial             Plan = "trial"
	Starter           Plan = "starter"
)

// Orderable reports whether the portal sells the plan by itself.
func (p Plan) Orderable() bool { return p == Softphone || p == Gateway }

// Retired reports whether the plan can be held but no longer bought.
func (p Plan) Retired() bool { return p == Trial || p == Starter }

// Period is a paid time in whole months.
type Period int

// Periods are the ones on sale, shortest first.
var Periods = [...]Period{6, 12, 36}

// Options are the priced quantities and switches of a plan. A plan uses its
// own and leaves the others zero: Softphone has Accounts and Recording, Gateway
// has Lines and ExtraAccounts, both have API.
type Options struct {
	Accounts      int  `json:"accounts,omitempty"`       // SIP accounts, Softphone
	Recording     bool `json:"recording,omitempty"`      // call recording for all accounts, Softphone
	Lines         int  `json:"lines,omitempty"`          // lines, Gateway
	ExtraAccounts int  `json:"extra_accounts,omitempty"` // Telegram accounts beyond the main one, Gateway
	API           bool `json:"api,omitempty"`            // API access
}

// Selection is a configured plan for a period.
type Selection struct {
	Plan Plan
	Options
	Period Period
}
