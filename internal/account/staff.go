package account

// StaffRole is what an Account may do in the back office.
type StaffRole string

// The staff roles. The zero StaffRole is for everybody else.
const (
	StaffSupport StaffRole = "support" // reads, and prepares what finance decides
	StaffFinance StaffRole = "finance" // decides about money
	StaffAdmin   StaffRole = "admin"   // everything
)

// MayDecideMoney reports whether the role may approve or reject refunds.
func (r StaffRole) MayDecideMoney() bool { return r == StaffFinance || r == StaffAdmin }

// Valid reports whether there is such a role.
func (r StaffRole) Valid() bool { return r == StaffSupport || r == StaffFinance || r == StaffAdmin }
